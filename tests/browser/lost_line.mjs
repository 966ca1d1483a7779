// bhyped ends and comes back: the page says so, mends itself, and the guest never noticed.
import { accessible, api, check, eventually, goTo, inLab, logIn, newPage, picture, row } from "./kit.mjs";

export default async function () {
  const list = await newPage();
  await logIn(list, "dev1", "/guests");
  await row(list, "web1").waitFor();
  const console_ = await newPage();
  await logIn(console_, "dev1", "/guests/web1/console/serial");
  const line = console_.locator("[data-console=serial]");
  const isOpen = async () => (await line.getAttribute("data-line").catch(() => "")) === "open";
  check("the console is open before", await eventually(isOpen, 20));
  const before = (await api(list, "GET", "/vms/web1")).body;

  await inLab("service", "bhyped", "stop");
  const banner = list.getByText("The connection to bHype is lost");
  check("a lost connection is said", await eventually(() => banner.isVisible(), 15));
  check("what was there stays to be seen", await row(list, "web1").isVisible());
  check("the console says that it tries again", await eventually(async () => !(await isOpen()), 10));
  await picture(list, "lost-connection");
  const fresh = await newPage();
  await goTo(fresh, "/guests");
  check("a page that is opened meanwhile says so", await eventually(() => fresh.getByText("bHype does not answer").isVisible(), 30));
  await accessible(fresh, "a page without bhyped");
  await inLab("service", "bhyped", "start");
  check("the page mends itself", await eventually(async () => !(await banner.isVisible()), 40));
  check("so does the one that was opened meanwhile", await eventually(() => new URL(fresh.url()).pathname === "/login", 30), fresh.url());
  check("the session is still good", await eventually(async () => (await api(list, "GET", "/vms/web1")).status === 200, 20));
  check("the console is open again", await eventually(isOpen, 40));
  const after = (await api(list, "GET", "/vms/web1")).body;
  check("the guest never noticed", after.state === "running" && after.started === before.started, [after.state, after.started, before.started]);
  await goTo(list, "/guests");
  await fresh.context().close();
  await list.context().close();
  await console_.context().close();
}
