// Networks: the picture, switches, NICs that move, forwards, and a change of the uplink that goes back or is kept.
import { accessible, api, check, eventually, goTo, inLab, logIn, newPage, picture, same } from "./kit.mjs";

const dialog = (page, name) => page.getByRole("dialog", { name });
/// Presses the dialog's button and waits until it is gone.
async function answer(page, title, verb) {
  await dialog(page, title).getByRole("button", { name: verb, exact: true }).click();
  return eventually(async () => !(await dialog(page, title).isVisible()), 30);
}
const reached = () => inLab("ping", "-c", "1", "-t", "2", "192.0.2.1").then((out) => /1 packets? received/.test(out) || out.includes(" 0% packet loss"));

async function switches(page) {
  await goTo(page, "/networks/switches");
  await page.getByRole("button", { name: "Create a switch" }).click();
  const form = dialog(page, "Create a switch");
  await form.getByLabel("Name", { exact: true }).fill("BAD name");
  await form.getByRole("button", { name: "Create", exact: true }).click();
  check("a bad name is told at its field", await eventually(() => form.getByText(/lower-case letters/).first().isVisible(), 10));
  await form.getByLabel("Name", { exact: true }).fill("lab");
  check("a switch is created", await answer(page, "Create a switch", "Create"));
  check("it is up", await eventually(async () => (await api(page, "GET", "/switches/lab")).body?.state === "up", 30));
  check("and listed", await eventually(() => page.getByRole("grid", { name: "Switches" }).getByText("lab", { exact: true }).isVisible(), 15));
}

async function nics(page) {
  await goTo(page, "/guests/web1");
  await page.getByRole("button", { name: "Change (net0)" }).click();
  await dialog(page, "Change net0 of web1?").getByLabel("Switch").selectOption("lab");
  check("a running guest's NIC moves", await answer(page, "Change net0 of web1?", "Change"));
  check("and is shown on the other switch", await eventually(() => page.getByRole("grid", { name: "NICs" }).getByText("lab", { exact: true }).isVisible(), 20));
  const nic = (await api(page, "GET", "/vms/web1")).body.nics[0];
  const bridge = async () => (await api(page, "GET", "/switches/lab")).body;
  check("its tap is in that bridge", await eventually(async () => (await bridge()).members.includes(nic.tap), 15), await bridge());
  await page.getByRole("button", { name: "Check (net0)" }).click();
  const why = dialog(page, "The network of web1's net0");
  await why.getByText("The tap is in its bridge").waitFor();
  check("the way of its packets is told", await why.getByText("a member of bh-lab").isVisible());
  await picture(page, "diagnosis");
  await accessible(page, "why a guest has no network");
  await why.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Change (net0)" }).click();
  await dialog(page, "Change net0 of web1?").getByLabel("Switch").selectOption("nat");
  check("it moves back", await answer(page, "Change net0 of web1?", "Change"));
}

async function forwards(page) {
  await goTo(page, "/networks/forwards");
  await page.getByRole("button", { name: "Forward a port" }).click();
  const form = dialog(page, "Forward a port to a guest");
  await form.locator("#forward-vm").selectOption("web1");
  await form.getByLabel("Port of the host").fill("99999");
  await form.getByRole("button", { name: "Forward", exact: true }).click();
  check("a port that cannot be is told at its field", await eventually(() => form.getByText(/1 to 65535/).first().isVisible(), 10));
  await form.getByLabel("Port of the host").fill("8080");
  await form.getByLabel("Port of the guest").fill("80");
  check("a port is forwarded", await answer(page, "Forward a port to a guest", "Forward"));
  check("and listed", await eventually(() => page.getByText("8080").first().isVisible(), 15));
}

async function uplink(page) {
  await goTo(page, "/networks/uplinks");
  const row = page.getByRole("row").filter({ hasText: "em0" });
  await row.getByRole("button", { name: "Bridge" }).click();
  const form = dialog(page, "Bridge the NIC to a switch?");
  await form.getByText("ifconfig bh-public addm em0").waitFor();
  check("the commands are shown first", await form.getByText("ifconfig bh-public deletem em0").isVisible());
  await picture(page, "uplink-plan");
  await accessible(page, "the plan of a change of the uplink");
  await form.getByLabel(/Goes back/).fill("5");
  check("too short a time is told at its field", await eventually(() => form.getByText(/10 to 3600/).first().isVisible(), 10));
  await form.getByLabel(/Goes back/).fill("120");
  check("the change is ordered", (await eventually(() => form.getByRole("button", { name: "Change it" }).isEnabled(), 10)) && (await answer(page, "Bridge the NIC to a switch?", "Change it")));
  const keep = page.getByRole("button", { name: "Keep it, and save it in rc.conf" });
  check("it waits to be kept", await eventually(() => keep.isVisible(), 30));
  await picture(page, "uplink-waits");
  await accessible(page, "a change that waits");
  check("the host is reachable meanwhile", await reached());
  await page.getByRole("button", { name: "Take it back now" }).click();
  const state = async () => (await api(page, "GET", "/uplinks")).body.guard.state;
  check("it can be taken back", await eventually(async () => (await state()) === "reverted", 30));
  await row.getByRole("button", { name: "Bridge" }).click();
  await form.getByText("ifconfig bh-public addm em0").waitFor();
  await answer(page, "Bridge the NIC to a switch?", "Change it");
  await keep.click({ timeout: 30_000 });
  check("or kept", await eventually(async () => (await state()) === "kept", 30));
  same("then rc.conf has it", (await inLab("sysrc", "-n", "ifconfig_em0")).trim(), "up");
}

export default async function () {
  const page = await newPage();
  await logIn(page, "boss");
  await switches(page);
  await nics(page);
  await forwards(page);
  await uplink(page);
  await goTo(page, "/networks");
  check("the picture shows the guest on its switch", await eventually(() => page.getByRole("list", { name: /from outside/ }).getByRole("link", { name: "web1" }).isVisible(), 15));
  await page.context().close();

  const dev1 = await newPage();
  await logIn(dev1, "dev1", "/networks");
  check("others see no uplinks", await eventually(() => dev1.getByRole("link", { name: "Addresses" }).isVisible(), 15) && !(await dev1.getByRole("link", { name: "Uplinks" }).isVisible()));
  await dev1.context().close();
}
