// Point 4: screen and serial line in the browser, tickets, two viewers. web1 runs when this begins, spare does not, and
// somebody holds a raw connection open to the VNC port of web1's bhyve.
import { accessible, api, check, eventually, goTo, logIn, newPage, picture, same, untilState } from "./kit.mjs";

const screenOf = (page) => page.locator("[data-console=screen]");
const serialOf = (page) => page.locator("[data-console=serial]");
const isOpen = (view, seconds = 20) => eventually(async () => (await view.getAttribute("data-line").catch(() => "")) === "open", seconds);

/// Puts a look at the screen into the page: the number of its colours, and of the pixels that differ from those at
/// the last `keep`.
const watchPixels = (page) =>
  page.evaluate(() => {
    let kept = new Uint32Array();
    window.lookAtScreen = (keep) => {
      const canvas = document.querySelector("[data-console=screen] canvas");
      if (!canvas || !canvas.width) return { colours: 0, differing: 0 };
      const { data } = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, canvas.width, canvas.height);
      const words = new Uint32Array(data.buffer);
      let differing = 0;
      for (let index = 0; index < words.length; index++) if (words[index] !== kept[index]) differing++;
      if (keep) kept = words;
      return { colours: new Set(words).size, differing };
    };
  });
const look = (page, keep = false) => page.evaluate((keep) => window.lookAtScreen(keep), keep);
const isBlank = async (page) => (await look(page)).colours < 2;

/// Everything that the serial line's terminal holds, as its Copy button gives it.
async function serialText(page) {
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  return page.evaluate(() => navigator.clipboard.readText());
}

/// Brings a ticket: what came within `seconds`, as text. `type` is sent line by line, as somebody at the keys would.
const redeem = (page, ticket, { seconds = 3, type = [] } = {}) =>
  page.evaluate(
    ([{ path, protocol }, milliseconds, lines]) =>
      new Promise((resolve) => {
        let text = "";
        const decoder = new TextDecoder();
        const socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")), ["binary", protocol]);
        socket.binaryType = "arraybuffer";
        socket.onmessage = (event) => (text += decoder.decode(event.data, { stream: true }));
        socket.onopen = () => lines.forEach((line, number) => setTimeout(() => socket.send(new TextEncoder().encode(`${line}\r`)), number * 1000));
        const end = () => {
          socket.close();
          resolve(text);
        };
        socket.onclose = end;
        setTimeout(end, milliseconds);
      }),
    [ticket, seconds * 1000, type],
  );

async function screen(page) {
  await goTo(page, "/guests/web1/console/screen");
  await watchPixels(page);
  check("the screen is not blank within 10 s", await eventually(async () => !(await isBlank(page)), 10));
  await isOpen(screenOf(page));
  let quiet = Infinity;
  await eventually(async () => {
    await look(page, true);
    await page.waitForTimeout(1500);
    quiet = (await look(page)).differing;
    return quiet < 1000; // a cursor
  }, 30);
  await page.keyboard.type("hello there");
  const changed = await eventually(async () => (await look(page)).differing > quiet + 200, 15);
  check("typing changes the screen", changed, `${quiet} pixels by themselves`);

  await look(page, true);
  await page.getByRole("button", { name: "Paste" }).click();
  await page.locator("#paste-text").fill("pasted, and long enough to outweigh the cursor");
  await page.getByRole("button", { name: "Type", exact: true }).click();
  check("a paste is typed", await eventually(async () => (await look(page)).differing > quiet + 100, 15));
  await page.keyboard.press("Enter");
  await picture(page, "screen");

  await page.getByRole("button", { name: "Keys" }).click();
  check("the keys that a browser keeps for itself are in a menu",
    (await page.getByRole("menuitem", { name: "Ctrl-Alt-Del" }).isVisible()) && (await page.getByRole("menuitem", { name: "Ctrl-Alt-F12" }).count()) === 1);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Full screen" }).click();
  check("the screen fills the display", await eventually(() => page.evaluate(() => document.fullscreenElement?.classList.contains("console") ?? false), 5));
  await page.evaluate(() => document.exitFullscreen());
}

async function serial(page) {
  await page.getByRole("navigation", { name: "Consoles" }).getByRole("link", { name: "Serial" }).click();
  check("the serial line opens", await isOpen(serialOf(page)));
  const boot = await eventually(async () => /Linux version|login:|log in as root/.test(await serialText(page)), 10);
  check("it shows what came before it was opened", boot, (await serialText(page)).slice(-300));

  await serialOf(page).click();
  for (let tries = 0; tries < 5; tries++) {
    await page.keyboard.press("Enter");
    const now = await eventually(async () => /(login: ?|# ?)$/.exec((await serialText(page)).trimEnd() + " "), 8);
    await serialOf(page).click();
    if (now?.[0].startsWith("#")) break;
    await page.keyboard.type("root");
  }
  await page.keyboard.type("echo $((6*7))");
  await page.keyboard.press("Enter");
  const answered = await eventually(async () => /\n42\s*\n/.test((await serialText(page)).replaceAll("\r", "")), 15);
  check("echo $((6*7)) answers 42", answered, (await serialText(page)).slice(-300));
  await picture(page, "serial");
}

/// A browser that keeps the clipboard to itself.
async function pasteByHand() {
  const page = await newPage({ clipboard: false });
  await logIn(page, "dev1", "/guests/web1/console/serial");
  check("the serial line opens once more", await isOpen(serialOf(page)));
  await page.getByRole("button", { name: "Paste" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("does not let this page read the clipboard").waitFor();
  await accessible(page, "a clipboard that was refused");
  await dialog.getByLabel("Text").fill("echo $((8*9))\n");
  await dialog.getByRole("button", { name: "Send" }).click();
  const lines = page.locator(".xterm-accessibility-tree");
  check("what was pasted by hand reaches the guest", await eventually(async () => /\)\)72/.test(await lines.textContent()), 15), await lines.textContent());
  check("and the focus is in the terminal", await page.evaluate(() => document.activeElement.classList.contains("xterm-helper-textarea")));
  await page.context().close();
}

async function tickets(owner, other) {
  const ask = (page, name = "web1", kind = "serial", mode = "take-over") => api(page, "POST", `/vms/${name}/console`, { kind, mode });
  const late = (await ask(owner)).body;
  const asked = Date.now();
  await api(owner, "POST", "/vms/spare/start");

  const first = (await ask(owner)).body;
  check("a ticket gives bytes once", (await redeem(owner, first)) !== "");
  same("a ticket used twice gives none", await redeem(owner, first), "");

  const stolen = (await ask(owner)).body;
  same("one of another user's gives none", await redeem(other, stolen), "");
  same("and is used up by the attempt", await redeem(owner, stolen), "");
  const refused = await ask(other);
  same("another user gets no ticket", [refused.status, refused.body.code, refused.body.protocol], [404, "api.not_found", undefined]);
  same("an invented one gives none", await redeem(owner, { ...stolen, protocol: `bhype.console.${"0".repeat(64)}` }), "");

  // Two guests run, and each has said on its line which it is.
  const sign = (name) => `this is ${name}`;
  for (const name of ["web1", "spare"]) {
    const signed = await eventually(async () =>
      (await redeem(owner, (await ask(owner, name)).body, { seconds: 4, type: ["", "root", `echo this is $(echo ${name})`] })).includes(sign(name)), 120);
    check(`(${name} says on its line which it is)`, signed);
  }
  const tickets = { web1: (await ask(owner, "web1")).body, spare: (await ask(owner, "spare")).body };
  same("all tickets are brought to one address", tickets.web1.path, tickets.spare.path);
  const lines = { spare: await redeem(owner, tickets.spare), web1: await redeem(owner, tickets.web1) };
  for (const [name, another] of [["web1", "spare"], ["spare", "web1"]])
    check(`a ticket for ${name} gives the line of ${name} and not that of ${another}`,
      lines[name].includes(sign(name)) && !lines[name].includes(sign(another)), lines[name].slice(-300));
  const named = (await ask(owner)).body;
  const elsewhere = await redeem(owner, { ...named, path: `${named.path}?name=spare` });
  check("whatever VM is named beside it", !elsewhere.includes(sign("spare")), elsewhere.slice(-300));
  await api(owner, "POST", "/vms/spare/kill");
  check("(the second guest has ended)", await untilState(owner, "spare", "stopped", 30));

  await owner.waitForTimeout(Math.max(0, asked + 31_000 - Date.now()));
  same("one that is older than 30 s gives none", await redeem(owner, late), "");
}

async function twoViewers(first) {
  await goTo(first, "/guests/web1/console/screen");
  check("the first viewer has the screen", await isOpen(screenOf(first)));
  const second = await newPage();
  await logIn(second, "boss", "/guests/web1/console/screen");
  await second.getByText("Somebody else uses this console").waitFor();
  await watchPixels(second);
  check("a second one is offered to watch or to take over",
    (await second.getByRole("button", { name: "Watch" }).isVisible()) && (await second.getByRole("button", { name: "Take over" }).isVisible()));
  await picture(second, "screen-in-use");
  await accessible(second, "a console in use");
  await second.getByRole("button", { name: "Watch" }).click();
  check("who watches sees the screen", (await isOpen(screenOf(second))) && (await eventually(async () => !(await isBlank(second)), 10)));
  check("and cannot type", await second.getByRole("button", { name: "Paste" }).isDisabled());
  check("the first still has it", (await screenOf(first).getAttribute("data-line")) === "open");
  await second.getByRole("button", { name: "Take over" }).click();
  check("who takes over has it", await eventually(() => second.getByRole("button", { name: "Paste" }).isEnabled(), 15));
  check("and the first is told", await eventually(() => first.getByText("Somebody else uses this console").isVisible(), 20));
  await second.context().close();
  await first.getByRole("button", { name: "Take over" }).click();
  check("the first takes it back", await isOpen(screenOf(first)));
}

export default async function () {
  const owner = await newPage();
  await logIn(owner, "dev1");
  await screen(owner);
  await serial(owner);
  await goTo(owner, "/guests");
  await pasteByHand();
  const other = await newPage();
  await logIn(other, "dev2");
  await tickets(owner, other);
  await other.context().close();
  await twoViewers(owner);
  await owner.context().close();
}
