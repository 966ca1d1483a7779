// Snapshots of a guest: taken, held, compared, cloned, rolled back, deleted; and a plan that takes them.
import { accessible, api, check, eventually, goTo, logIn, newPage, picture } from "./kit.mjs";

const dialog = (page, name) => page.getByRole("dialog", { name });
/// Presses the dialog's button and waits until it is gone.
async function answer(page, title, verb) {
  await dialog(page, title).getByRole("button", { name: verb, exact: true }).click();
  return eventually(async () => !(await dialog(page, title).isVisible()), 30);
}
const snapshots = async (page, vm) => (await api(page, "GET", `/vms/${vm}/snapshots`)).body.snapshots;
const row = (page, name) => page.getByRole("grid", { name: "Snapshots" }).getByRole("row").filter({ hasText: name });
async function choose(page, name, action) {
  await row(page, name).getByRole("button", { name: "Kebab toggle" }).click();
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

async function take(page) {
  await goTo(page, "/guests/web1/snapshots");
  check("a guest without snapshots says what one is", await eventually(() => page.getByText("No snapshot yet").isVisible(), 15));
  await page.getByRole("button", { name: "Take a snapshot" }).click();
  const form = dialog(page, "Take a snapshot of web1?");
  check("of a running guest it is said what it is worth", await form.getByText("crash-consistent").isVisible());
  await form.getByLabel("Name", { exact: true }).fill("a b");
  await form.getByRole("button", { name: "Take", exact: true }).click();
  check("a bad name is told at its field", await eventually(() => form.getByText(/letters, digits/).first().isVisible(), 10));
  await form.getByLabel("Name", { exact: true }).fill("before");
  await form.getByLabel("Note").fill("before the upgrade");
  check("it is taken", await answer(page, "Take a snapshot of web1?", "Take"));
  check("and listed by itself", await eventually(() => row(page, "before").isVisible(), 20));
  await page.getByRole("button", { name: "Take a snapshot" }).click();
  check("another, named by the time", await answer(page, "Take a snapshot of web1?", "Take"));
  check("is there", await eventually(async () => (await snapshots(page, "web1")).length === 2, 20));
  await accessible(page, "snapshots");
}

async function hold(page) {
  await choose(page, "before", "Hold");
  check("one is held", await answer(page, "Hold before?", "Hold"));
  check("and says so", await eventually(() => row(page, "before").getByText("held").isVisible(), 20));
  await choose(page, "before", "Delete");
  const form = dialog(page, "Delete snapshot before of web1?");
  check("it cannot be deleted, and it is said why", await eventually(() => form.getByText("is held").isVisible(), 15));
  await form.getByLabel("Type web1 to confirm").count();
  check("the button is off", await form.getByRole("button", { name: "Delete", exact: true }).isDisabled());
  await form.getByRole("button", { name: "Leave it" }).click();
  await choose(page, "before", "Release");
  await answer(page, "Release before?", "Release");
  await choose(page, "before", "Compare");
  const compared = dialog(page, "web1 at before and now");
  check("the definition of then is shown", await eventually(() => compared.getByText("vm.toml as it was").isVisible(), 15));
  await accessible(page, "a comparison");
  await compared.getByRole("button", { name: "Close" }).click();
}

async function browse(page) {
  await choose(page, "before", "Browse");
  const shown = dialog(page, "What web1 had on its disks at before");
  check("a snapshot's disk is looked into", await eventually(() => shown.getByRole("grid", { name: "Files" }).isVisible(), 30));
  const files = (await api(page, "GET", "/vms/web1/snapshots/before/files")).body;
  const folder = files.entries.find((one) => one.kind === "directory");
  check("there is a folder", folder, files.entries);
  await accessible(page, "browsing");
  await picture(page, "browse");
  await shown.getByRole("button", { name: `${folder.name}/`, exact: true }).click();
  const crumb = shown.getByRole("navigation", { name: "Directory" });
  check("a folder is opened, and its way stands above", await eventually(() => crumb.getByText(folder.name, { exact: true }).isVisible(), 15));
  await crumb.getByRole("button", { name: files.disk }).click();
  check("the way leads back", await eventually(() => shown.getByRole("button", { name: `${folder.name}/`, exact: true }).isVisible(), 15));
  let path = "/";
  let file;
  while (!file) {
    const entries = (await api(page, "GET", `/vms/web1/snapshots/before/files?path=${encodeURIComponent(path)}`)).body.entries;
    file = entries.find((one) => one.kind === "file" && one.size > 0);
    if (file) break;
    const next = entries.find((one) => one.kind === "directory");
    await shown.getByRole("button", { name: `${next.name}/`, exact: true }).click();
    path = `${path === "/" ? "" : path}/${next.name}`;
  }
  const link = shown.getByRole("link", { name: `Download ${file.name}` });
  await eventually(() => link.isVisible(), 15);
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  check("a file is downloaded under its name", download.suggestedFilename() === file.name, download.suggestedFilename());
  const { statSync } = await import("node:fs");
  check("as a whole", statSync(await download.path()).size === file.size, file);
  await shown.getByRole("button", { name: "Close" }).click();
}

async function clone(page) {
  await choose(page, "before", "Clone");
  const title = "Clone web1 as it was at before?";
  await dialog(page, title).getByLabel("Name of the new VM").fill("web1copy");
  await dialog(page, title).getByLabel("Start it").uncheck();
  check("it is cloned", await answer(page, title, "Clone"));
  check("the clone is there", await eventually(async () => (await api(page, "GET", "/vms/web1copy")).status === 200, 30));
  check("its origin says so", await eventually(() => row(page, "before").getByRole("link", { name: "web1copy" }).isVisible(), 20));
  await picture(page, "snapshots");
  const state = (await api(page, "GET", "/vms/web1copy")).body;
  check("it shares the snapshot's blocks", state.disks[0].origin.endsWith("web1/disk0@before"), state.disks);
  await api(page, "DELETE", "/vms/web1copy?wait=60");
  check("and goes", await eventually(async () => (await api(page, "GET", "/vms/web1copy")).status === 404, 30));
}

async function rollBack(page) {
  await choose(page, "before", "Roll back");
  const form = dialog(page, "Roll web1 back to before?");
  check("a running guest is in the way", await eventually(() => form.getByText("is running").isVisible(), 15));
  check("what is lost is listed", await form.getByText("what was written to disk0").isVisible());
  await form.getByRole("button", { name: "Leave it" }).click();
  await api(page, "POST", "/vms/web1/kill?wait=60");
  await eventually(async () => (await api(page, "GET", "/vms/web1")).body.state === "stopped", 30);
  await choose(page, "before", "Roll back");
  await form.getByLabel("Bring the definition of then back").check();
  check("the definition is compared", await eventually(() => form.getByText("The definition is the same").isVisible(), 15));
  await picture(page, "roll-back");
  await accessible(page, "rolling back");
  await form.getByLabel("Type web1 to confirm").fill("web1");
  check("it is rolled back", await answer(page, "Roll web1 back to before?", "Roll back"));
  check("newer ones are gone", await eventually(async () => (await snapshots(page, "web1")).length === 1, 30));
  await choose(page, "before", "Delete");
  await dialog(page, "Delete snapshot before of web1?").getByLabel("Type web1 to confirm").fill("web1");
  check("the last one is deleted", await answer(page, "Delete snapshot before of web1?", "Delete"));
  check("and none is left", await eventually(async () => (await snapshots(page, "web1")).length === 0, 30));
  await api(page, "POST", "/vms/web1/start?wait=60");
}

async function plans(page) {
  await goTo(page, "/protection");
  check("without a plan it says what one is", await eventually(() => page.getByText("No plan yet").isVisible(), 15));
  await page.getByRole("button", { name: "Make a plan" }).click();
  const form = dialog(page, "Make a plan");
  await form.locator("#plan-name").fill("nightly");
  await form.locator("#plan-schedule").fill("61 * * * *");
  await form.getByLabel("web1", { exact: true }).check();
  check("a bad schedule is told at its field", await eventually(() => form.getByText(/is not from 0 to 59/).first().isVisible(), 10));
  await form.locator("#plan-schedule").fill("30 3 * * *");
  check("a good one is said in words", await eventually(() => form.getByText("At 03:30").isVisible(), 10));
  check("with its next times", await eventually(() => form.getByText("Next:").isVisible(), 10));
  await picture(page, "plan");
  await accessible(page, "making a plan");
  check("it is made", await answer(page, "Make a plan", "Make"));
  const line = page.getByRole("grid", { name: "Plans" }).getByRole("row").filter({ hasText: "nightly" });
  check("and listed", await eventually(() => line.isVisible(), 15));
  await picture(page, "protection");
  await accessible(page, "protection");
  await line.getByRole("button", { name: "Kebab toggle" }).click();
  await page.getByRole("menuitem", { name: "Run now" }).click();
  check("it is run", await answer(page, "Run plan nightly now?", "Run"));
  check("and has made a snapshot", await eventually(async () => (await snapshots(page, "web1")).some((one) => one.made_by === "plan nightly"), 30));
  await line.getByRole("button", { name: "Kebab toggle" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  check("it is deleted", await answer(page, "Delete plan nightly?", "Delete"));
  check("its snapshot stays", (await snapshots(page, "web1")).length === 1);
}

export default async function () {
  const page = await newPage();
  await logIn(page, "dev1");
  await take(page);
  await hold(page);
  await browse(page);
  await clone(page);
  await rollBack(page);
  await plans(page);
  await page.context().close();
}
