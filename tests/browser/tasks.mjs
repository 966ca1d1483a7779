// The drawer of tasks: steps, commands as they were run, and that it survives a reload.
import { accessible, api, check, eventually, goTo, inLab, logIn, newPage, picture, same } from "./kit.mjs";

export default async function () {
  const page = await newPage();
  await logIn(page, "dev1", "/guests");
  const made = (await api(page, "GET", "/tasks?object=vm%2Fweb1")).body.find((task) => task.kind === "vm.create");
  await page.getByRole("button", { name: /^Tasks/ }).click();
  const drawer = page.getByRole("complementary", { name: "Tasks" });
  await drawer.getByRole("button", { name: made.title }).click();
  await drawer.getByRole("heading", { name: "Steps" }).waitFor();
  const closed = drawer.locator("details:not([open]) > summary");
  while ((await closed.count()) > 0) await closed.first().click();
  const shown = (await drawer.getByLabel("Command as run").allTextContents()).map((text) => text.replace(/^# /, ""));
  const steps = (await api(page, "GET", `/tasks/${made.id}/steps`)).body;
  same("the drawer shows every command as it was run", shown, steps.flatMap((step) => step.commands.map(({ command }) => command)));
  check("among them the clone of the template", shown.some((command) => /zfs clone/.test(command)), shown);
  const log = await inLab("bhype", "task", "log", made.id);
  check("the command line tells the same", shown.length > 0 && shown.every((command) => log.includes(command)), log);
  await picture(page, "task-drawer");
  await accessible(page, "the drawer of tasks");

  await page.reload();
  check("it is open after a reload", await eventually(() => drawer.getByRole("heading", { name: "Steps" }).isVisible(), 15));
  await drawer.getByRole("heading", { level: 2 }).focus();
  await page.keyboard.press("Escape");
  check("Escape closes it", await eventually(async () => !(await drawer.isVisible()), 5));

  await goTo(page, `/activity/${made.id}`);
  await page.getByRole("heading", { level: 1, name: made.title }).waitFor();
  check("a task has a page of its own", true);

  const boss = await newPage();
  await logIn(boss, "boss");
  await api(boss, "PATCH", "/vms/web1", { note: "changed by an administrator" });
  await boss.context().close();
  await goTo(page, "/guests/web1/activity");
  const by = (title, who) => page.locator(".task-item", { hasText: title }).filter({ hasText: `by ${who}` }).first();
  check("an owner sees what somebody else did with the VM, and who", await eventually(() => by("Change VM web1", "boss").isVisible(), 20));
  check("beside what they did themselves", await by(made.title, "you").isVisible());
  await page.getByRole("button", { name: /^Tasks/ }).click();
  check("so does the drawer", await eventually(async () => /Change VM web1.*by boss/s.test(await drawer.textContent()), 15), await drawer.textContent());
  await page.context().close();
}
