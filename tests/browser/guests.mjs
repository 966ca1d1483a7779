// The life of a guest in one window, while another window looks on without a reload.
import { accessible, api, check, choose, eventually, failInLab, goTo, inLab, logIn, newPage, picture, row, same, tabTo, untilState, vmState } from "./kit.mjs";

const stateIn = (page, name, state, seconds = 60) =>
  eventually(() => row(page, name).locator(`.state[data-state=${state}]`).first().isVisible(), seconds);

async function create(page, watcher) {
  await goTo(page, "/guests/new");
  check("a VM may be called new", await eventually(() => page.getByRole("heading", { level: 1, name: "new", exact: true }).isVisible(), 15));
  await goTo(page, "/guests/+new");
  await page.locator("#template-tiny-linux").check();
  await page.locator("#name").fill("-rf");
  await page.locator("#name-help").waitFor();
  same("a bad name is told at its field", await page.locator("#name").getAttribute("aria-invalid"), "true");
  await page.locator("#name").fill("web2");
  await page.locator("#memory").fill("1");
  await page.locator("#memory-help .pf-m-error").waitFor();
  check("so is too little memory", true, await page.locator("#memory-help").textContent());
  await page.locator("#memory").fill("256M");
  await page.getByText("Space at most").waitFor();
  check("what it costs is told before it is made", await page.getByText("Memory left on the host").isVisible());
  await picture(page, "create");
  await accessible(page, "create with its plan");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL("**/guests/web2");
  check("the new one appears in another window by itself", await eventually(() => row(watcher, "web2").isVisible(), 30));
  check("and is seen to run", await stateIn(watcher, "web2", "running", 90));
  same("that window was never loaded anew", await watcher.evaluate(() => window.neverReloaded), true);
  check("its address comes by itself", await eventually(async () => /10\.\d+\.\d+\.\d+/.test(await row(watcher, "web2").textContent()), 180));
}

async function edit(page, watcher) {
  await goTo(page, "/guests/web2/settings");
  await page.locator("#memory").fill("320M");
  await page.locator("#note").fill("changed in the browser");
  await page.getByRole("button", { name: "Save" }).click();
  check("a change that needs a restart says so", await eventually(() => page.locator(".pending", { hasText: "memory" }).isVisible(), 15));
  check("and the list, too", await stateIn(watcher, "web2", "restart", 20));
  const shown = (await api(page, "GET", "/vms/web2")).body;
  same("what is wanted is kept", [shown.memory, shown.note, shown.pending_restart], [320 * 1024 * 1024, "changed in the browser", ["memory"]]);
  await picture(page, "settings");
  await accessible(page, "settings with a pending change");

  await api(page, "PATCH", "/vms/web2", { note: "seen" });
  check("what somebody else changes shows by itself", await eventually(async () => (await page.locator("#note").inputValue()) === "seen", 15));
  await page.locator("#note").fill("mine");
  await api(page, "PATCH", "/vms/web2", { note: "by somebody else" });
  await page.getByText("The settings were changed in the meantime").waitFor();
  check("but is not typed over", (await page.locator("#note").inputValue()) === "mine" && (await page.getByRole("button", { name: "Save" }).isDisabled()));
  same("nor overwritten", (await api(page, "GET", "/vms/web2")).body.note, "by somebody else");
  await page.getByRole("button", { name: "Show the present settings" }).click();
  same("and shows what it is now", await page.locator("#note").inputValue(), "by somebody else");
}

async function stop(page, watcher) {
  await goTo(page, "/guests");
  await choose(page, "web2", "Stop");
  const dialog = page.getByRole("dialog");
  check("stopping says what the guest sees", /power button/.test(await dialog.textContent()));
  await dialog.getByLabel("Time for the guest").fill("3601");
  check("and how long it can wait at most",
    (await dialog.getByText("1 to 3600").isVisible()) && (await dialog.getByRole("button", { name: "Stop", exact: true }).isDisabled()));
  await page.keyboard.press("Escape");
  check("the focus is back at the menu", await eventually(() => page.evaluate(() => document.activeElement.getAttribute("aria-label") === "Actions for web2"), 5));
  await choose(page, "web2", "Stop");
  await picture(page, "stop");
  await accessible(page, "the question before a stop");
  await dialog.getByRole("button", { name: "Stop", exact: true }).click();
  check("it stops", await untilState(page, "web2", "stopped", 90));
  check("and is seen to", await stateIn(watcher, "web2", "stopped", 20));
}

async function startByKeyboard(page) {
  await goTo(page, "/guests");
  await row(page, "web2").waitFor();
  if (!check("the keyboard reaches a guest's actions", await tabTo(page, "Actions for web2"))) return;
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Start" }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  for (let down = 0; down < 10 && (await focused()) !== "Start"; down++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  check("the keyboard alone starts it", await untilState(page, "web2", "running", 60), await vmState(page, "web2"));
  same("with what waited for the restart", (await api(page, "GET", "/vms/web2")).body.pending_restart, []);
}

async function remove(page, watcher) {
  await api(page, "POST", "/vms/web2/kill");
  await untilState(page, "web2", "stopped", 30);
  const lines = (await inLab("bhype", "vm", "delete", "web2", "--plan", "--json")).trim();
  const plan = JSON.parse(lines);
  await goTo(page, "/guests/web2");
  await page.getByRole("button", { name: "Actions for web2" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Goes for good").waitFor();
  same("deleting lists exactly what goes and what stays", await dialog.locator(".plan-list li").allTextContents(), [...plan.destroys, ...plan.keeps]);
  const button = dialog.getByRole("button", { name: "Delete", exact: true });
  check("it waits for the name", await button.isDisabled());
  await dialog.getByRole("textbox").fill("web");
  check("the whole name", await button.isDisabled());
  await dialog.getByRole("textbox").fill("web2");
  await picture(page, "delete");
  await accessible(page, "the question before a deletion");
  await button.click();
  await page.waitForURL("**/guests");
  check("it is gone from the list of both windows",
    (await eventually(async () => (await row(page, "web2").count()) === 0, 30)) && (await eventually(async () => (await row(watcher, "web2").count()) === 0, 30)));
}

async function failure(page) {
  const text = "vm_open: could not be opened by the test";
  await failInLab("bhyve", 1, 4, text);
  await goTo(page, "/guests");
  await choose(page, "spare", "Start");
  const notice = page.locator(".pf-v6-c-alert-group").getByText(/Start VM spare: failed/);
  check("a failure is told where one is", await eventually(() => notice.isVisible(), 60));
  await page.getByRole("button", { name: "Show steps" }).click();
  const drawer = page.getByRole("complementary", { name: "Tasks" });
  check("with bhyve's own words", await eventually(async () => (await drawer.textContent()).includes(text), 15), await drawer.textContent());
  check("a code and what to do next", /Code vm\./.test(await drawer.textContent()), await drawer.textContent());
  await picture(page, "failure");
  await accessible(page, "a failed task in the drawer");
}

async function refusal(page) {
  await goTo(page, "/guests/none-such");
  await page.getByText("api.not_found").waitFor();
  check("an unknown guest is explained", await page.getByText("Check the name").isVisible());
  await accessible(page, "an unknown guest");
}

export default async function () {
  const page = await newPage();
  await logIn(page, "dev1");
  const watcher = await newPage();
  await logIn(watcher, "dev1", "/guests");
  await row(watcher, "web1").waitFor();
  await watcher.evaluate(() => (window.neverReloaded = true));
  await create(page, watcher);
  await edit(page, watcher);
  await stop(page, watcher);
  await startByKeyboard(page);
  await remove(page, watcher);
  await failure(page);
  await refusal(page);
  same("the other window was never loaded anew", await watcher.evaluate(() => window.neverReloaded), true);
  await page.context().close();
  await watcher.context().close();
}
