// Pools and disks: one is made with what is lost said first, degrades, is mended, exported and imported.
import { accessible, api, check, eventually, goTo, logIn, newPage, picture } from "./kit.mjs";

const dialog = (page, name) => page.getByRole("dialog", { name });
const gone = (page, title) => eventually(async () => !(await dialog(page, title).isVisible()), 30);
const pool = async (page, name) => (await api(page, "GET", `/pools/${name}`)).body;
const tree = (page, name) => page.getByRole("grid", { name: `Devices of pool ${name}` });
const device = (page, name, part) => tree(page, name).getByRole("row").filter({ hasText: part });
async function act(page, where, action) {
  await where.getByRole("button", { name: "Kebab toggle" }).first().click();
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

async function make(page) {
  await goTo(page, "/storage");
  check("the pool of the VMs is shown", await eventually(() => page.getByRole("heading", { name: "tank" }).isVisible(), 20));
  check("nothing is wrong", !(await page.getByRole("button", { name: /alert/ }).isVisible()));
  await page.getByRole("button", { name: "Make a pool" }).click();
  const form = dialog(page, "Make a pool");
  await eventually(() => form.getByLabel(/^nda2/).isVisible(), 20);
  check("a disk in use is not offered", (await form.getByLabel(/^nda0/).count()) === 0);
  await form.locator("#pool-name").fill("tank");
  for (const disk of ["nda2", "nda3", "nda4"]) await form.getByLabel(new RegExp(`^${disk}`)).check();
  check("layouts are proposed with what they hold", await eventually(() => form.getByText(/any one disk may fail|any 2 disks may fail/).first().isVisible(), 20));
  check("a name that is taken is told at its field", await eventually(() => form.getByText("there is a pool tank").isVisible(), 20));
  await form.locator("#pool-name").fill("work");
  await form.getByLabel("What nda4 is for").selectOption("spare");
  check("the very command is shown", await eventually(() => form.getByText(/zpool create .* work mirror nda2 nda3 spare nda4/).isVisible(), 20));
  check("and each disk that is lost", (await form.getByText(/^\/dev\/nda/).count()) === 3);
  check("the button is off until the name is typed", await form.getByRole("button", { name: "Make it" }).isDisabled());
  await picture(page, "make-pool");
  await accessible(page, "making a pool");
  await form.getByLabel("Type work to confirm").fill("work");
  await form.getByRole("button", { name: "Make it" }).click();
  check("it is made", await gone(page, "Make a pool"));
  check("and shown by itself", await eventually(() => tree(page, "work").isVisible(), 30));
}

async function degrade(page) {
  await act(page, device(page, "work", "nda3"), "Take offline");
  await dialog(page, "Offline nda3?").getByRole("button", { name: "Offline" }).click();
  await gone(page, "Offline nda3?");
  check("it is degraded, in words", await eventually(() => page.getByText("Pool work is degraded").first().isVisible(), 30));
  const button = page.getByRole("button", { name: /alerts?$/ });
  check("every page says that something is wrong", await eventually(() => button.isVisible(), 60));
  await picture(page, "storage");
  await accessible(page, "a degraded pool");
  await button.click();
  check("and what to do", await eventually(() => page.getByRole("dialog", { name: "What is wrong" }).getByText("bhype pool online work nda3").isVisible(), 10));
  await page.keyboard.press("Escape");
  await act(page, device(page, "work", "nda3"), "Replace");
  const form = dialog(page, "Replace nda3 in pool work");
  await form.getByLabel("Disk", { exact: true }).selectOption("nda5");
  check("the replacement's command is shown", await eventually(() => form.getByText("zpool replace work nda3 nda5").isVisible(), 20));
  await form.getByLabel("Type work to confirm").fill("work");
  await form.getByRole("button", { name: "Replace", exact: true }).click();
  check("it is replaced", await gone(page, "Replace nda3 in pool work"));
  check("and healthy", await eventually(async () => (await pool(page, "work")).health === "ONLINE", 60));
  check("the alert ends", await eventually(async () => !(await button.isVisible()), 60));
}

async function care(page) {
  const card = page.locator(".pf-v6-c-card").filter({ has: page.getByRole("heading", { name: "work" }) });
  await card.getByRole("button", { name: "Kebab toggle" }).first().click();
  await page.getByRole("menuitem", { name: "Scrub", exact: true }).click();
  await dialog(page, "Start the scrub of pool work?").getByRole("button", { name: "Start" }).click();
  check("a scrub is begun", await gone(page, "Start the scrub of pool work?"));
  check("and finishes", await eventually(() => card.getByText("scrub finished").isVisible(), 60));
  await card.getByRole("button", { name: "Kebab toggle" }).first().click();
  await page.getByRole("menuitem", { name: "Scrub at set times" }).click();
  const times = dialog(page, "When is work scrubbed?");
  await times.locator("#scrub-schedule").fill("99 * * * *");
  await times.getByRole("button", { name: "Keep" }).click();
  check("a bad schedule is told at its field", await eventually(() => times.getByText(/is not from 0 to 59/).first().isVisible(), 10));
  await times.locator("#scrub-schedule").fill("0 3 1 * *");
  await times.getByRole("button", { name: "Keep" }).click();
  check("a good one is kept", await gone(page, "When is work scrubbed?"));
  check("and said in words", await eventually(() => card.getByText(/At 03:00/).isVisible(), 15));
}

async function space(page) {
  await goTo(page, "/storage/space");
  const table = page.getByRole("grid", { name: "Who uses the space" });
  check("who uses what is shown", await eventually(() => table.getByRole("link", { name: "web1" }).isVisible(), 20));
  await picture(page, "space");
  await accessible(page, "space");
  await table.getByRole("button", { name: "Limit web1" }).click();
  const form = dialog(page, "Limit the space of web1");
  await form.locator("#quota").fill("1K");
  await form.getByRole("button", { name: "Change", exact: true }).click();
  check("a quota that is too small is told at its field", await eventually(() => form.getByText(/is less than the/).first().isVisible(), 15));
  await form.locator("#quota").fill("50G");
  await form.getByRole("button", { name: "Change", exact: true }).click();
  check("a quota is set", await gone(page, "Limit the space of web1"));
  check("and shown", await eventually(() => table.getByRole("row").filter({ hasText: "web1" }).getByText("50G").isVisible(), 20));
  await goTo(page, "/guests/spare");
  await page.getByRole("button", { name: "Grow disk0" }).click();
  const grow = dialog(page, "Grow disk0 of spare");
  await grow.locator("#grow-size").fill("1M");
  check("a size that is too small is told at its field", await eventually(() => grow.getByText(/must be more than/).first().isVisible(), 15));
  await grow.locator("#grow-size").fill("3G");
  check("what to do in the guest is told", await eventually(() => grow.getByText(/growpart/).isVisible(), 15));
  await accessible(page, "growing a disk");
  await grow.getByRole("button", { name: "Grow", exact: true }).click();
  check("it grows", await gone(page, "Grow disk0 of spare"));
  check("and says so", await eventually(() => page.getByText("3G,").first().isVisible(), 20));
}

async function move(page) {
  const card = page.locator(".pf-v6-c-card").filter({ has: page.getByRole("heading", { name: "work" }) });
  await card.getByRole("button", { name: "Kebab toggle" }).first().click();
  await page.getByRole("menuitem", { name: "Export" }).click();
  await dialog(page, "Export pool work?").getByRole("button", { name: "Export" }).click();
  check("it is exported", await eventually(async () => (await api(page, "GET", "/pools/work")).status === 404, 30));
  await goTo(page, "/storage/disks");
  check("its disks say so", await eventually(() => page.getByText("exported pool work").first().isVisible(), 30));
  const health = page.getByRole("button", { name: "Health of nda2: well" });
  check("each disk says how it is", await eventually(() => health.isVisible(), 60));
  await health.click();
  const report = page.getByRole("dialog", { name: "Health of nda2" });
  check("what it tells is shown on demand", await eventually(() => report.getByText("says that it is well").isVisible(), 20));
  check("with its figures", await report.getByText("Media errors").isVisible());
  await report.getByRole("button", { name: "Ask it now" }).click();
  check("it can be asked anew", await eventually(() => report.getByText(/Asked just now/).isVisible(), 40));
  await picture(page, "disk-health");
  await accessible(page, "the health of a disk");
  await page.keyboard.press("Escape");
  await picture(page, "disks");
  await accessible(page, "disks");
  await goTo(page, "/storage");
  await page.getByRole("button", { name: "Import a pool" }).click();
  const form = dialog(page, "Import a pool");
  await eventually(() => form.getByLabel(/^work, ONLINE/).isVisible(), 30);
  await form.locator("#import-name").fill("moved");
  await accessible(page, "importing a pool");
  await form.getByRole("button", { name: "Import", exact: true }).click();
  check("it is imported", await gone(page, "Import a pool"));
  check("under its new name", await eventually(() => tree(page, "moved").isVisible(), 30));
  await api(page, "POST", "/pools/moved/export?wait=60");
}

async function encrypted(page) {
  await goTo(page, "/storage");
  await page.getByRole("button", { name: "Make a pool" }).click();
  const form = dialog(page, "Make a pool");
  await eventually(() => form.getByLabel(/^nda5/).isVisible(), 20);
  await form.locator("#pool-name").fill("vault");
  await form.getByLabel(/^nda5/).check();
  await form.locator("#pool-key").selectOption("passphrase");
  check("the command says that it is encrypted", await eventually(() => form.getByText(/encryption=on .*keyformat=passphrase/).isVisible(), 20));
  await form.locator("#pool-passphrase").fill("correct horse");
  await form.locator("#pool-passphrase-again").fill("correct house");
  await form.getByLabel("Type vault to confirm").fill("vault");
  check("two passphrases that differ are told", await form.getByText("It differs").isVisible());
  check("and nothing can be made of them", await form.getByRole("button", { name: "Make it" }).isDisabled());
  await form.locator("#pool-passphrase-again").fill("correct horse");
  await picture(page, "encrypted-pool");
  await accessible(page, "making an encrypted pool");
  await form.getByRole("button", { name: "Make it" }).click();
  check("it is made", await gone(page, "Make a pool"));
  const making = async () => (await api(page, "GET", "/tasks")).body.find((task) => task.object === "pool/vault");
  check("and its task is done", await eventually(async () => (await making())?.state === "done", 30), await making());
  const card = page.locator(".pf-v6-c-card").filter({ has: page.getByRole("heading", { name: "vault" }) });
  check("it is shown as encrypted", await eventually(() => card.getByText("encrypted", { exact: true }).isVisible(), 30));
  await act(page, card, "Lock");
  await dialog(page, "Lock pool vault?").getByRole("button", { name: "Lock" }).click();
  check("it is locked", await eventually(() => card.getByText("locked", { exact: true }).isVisible(), 30));
  check("and how it is opened is said", await eventually(() => card.getByText("bhype pool unlock vault asks for its passphrase").isVisible(), 30));
  await card.getByRole("button", { name: "Unlock" }).click();
  const unlock = dialog(page, "Unlock pool vault");
  await unlock.locator("#pool-unlock").fill("battery staple");
  await accessible(page, "unlocking a pool");
  await unlock.getByRole("button", { name: "Unlock" }).click();
  check("the wrong passphrase is told", await eventually(() => page.getByText(/Incorrect key provided/).first().isVisible(), 30));
  check("it stays locked", (await pool(page, "vault")).locked);
  await card.getByRole("button", { name: "Unlock" }).click();
  await unlock.locator("#pool-unlock").fill("correct horse");
  await unlock.getByRole("button", { name: "Unlock" }).click();
  check("the right one opens it", await eventually(async () => !(await pool(page, "vault")).locked, 30));
  check("no passphrase is kept in the page", !(await page.content()).includes("correct horse"));
  const over = async (path) => api(page, "GET", `/tasks/${(await api(page, "POST", path, {})).body.id}?wait=30`);
  await over("/pools/vault/export");
  await over("/disks/nda5/wipe");
}

export default async function () {
  const page = await newPage();
  await logIn(page, "boss");
  await encrypted(page);
  await make(page);
  await degrade(page);
  await care(page);
  await space(page);
  await goTo(page, "/storage");
  await move(page);
  const other = await newPage();
  await logIn(other, "dev1");
  await goTo(other, "/storage");
  check("who does not administer sees the pools", await eventually(() => other.getByRole("heading", { name: "tank" }).isVisible(), 20));
  check("and changes nothing", (await other.getByRole("button", { name: "Make a pool" }).count()) === 0);
  await other.context().close();
  await page.context().close();
}
