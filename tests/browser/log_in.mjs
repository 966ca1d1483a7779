import { accessible, api, check, eventually, goTo, logIn, newPage, passwordOf, same, tabTo } from "./kit.mjs";

const pathOf = (page) => new URL(page.url()).pathname;

export default async function () {
  const page = await newPage();
  await goTo(page, "/guests");
  await page.waitForURL("**/login?to=%2Fguests");
  check("a page without a session leads to the log-in", true);

  const refused = (await api(page, "GET", "/vms")).body;
  await goTo(page, refused.type);
  const entry = page.getByRole("region", { name: refused.code });
  await entry.waitFor();
  check("the type of a problem leads to what explains its code, without a log-in",
    (await entry.textContent()).includes(refused.title) && (await entry.textContent()).includes(refused.advice), await entry.textContent());
  check("right there", await eventually(() => entry.evaluate((element) => element === document.activeElement), 5));
  await accessible(page, "the codes of errors");
  await goTo(page, "/guests");
  await page.waitForURL("**/login?to=%2Fguests");

  await page.getByLabel("User name").fill("dev1");
  await page.getByLabel("Password").fill("not it");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("User name or password is wrong").waitFor();
  same("a wrong password is cleared and can be typed again at once", await page.evaluate(() => [document.activeElement?.id, document.activeElement?.value]), ["login-password", ""]);

  await page.getByLabel("Password").fill(passwordOf("dev1"));
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL("**/guests");
  check("a right one leads to the page that was asked for", true);
  same("the page knows who it is", (await api(page, "GET", "/whoami")).body.user, "dev1");
  same("its script cannot read the session's cookie", await page.evaluate(() => document.cookie), "");

  await page.getByRole("button", { name: "dev1" }).click();
  await page.getByRole("menuitem", { name: /^Log out/ }).click();
  await page.waitForURL("**/login");
  same("log-out ends the session", (await api(page, "GET", "/vms")).status, 401);
  await page.goBack();
  check("going back shows nothing without a log-in", await eventually(() => pathOf(page) === "/login", 5), page.url());

  await goTo(page, "/login?to=https://example.com/");
  await logIn(page, "dev1", "//example.com/");
  same("the log-in leads to no other site", pathOf(page), "/");
  await page.context().close();

  const keys = await newPage();
  await goTo(keys, "/login");
  await keys.getByLabel("User name").waitFor();
  await keys.keyboard.type("dev1");
  await keys.keyboard.press("Tab");
  await keys.keyboard.type(passwordOf("dev1"));
  await keys.keyboard.press("Enter");
  await keys.waitForURL((address) => address.pathname === "/");
  check("the keyboard alone logs in", true);
  await keys.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  if (check("the keyboard reaches the list", await tabTo(keys, "Guests"))) {
    await keys.keyboard.press("Enter");
    await keys.waitForURL("**/guests");
  }
  await keys.keyboard.press("Control+k");
  await keys.getByRole("combobox", { name: "Name of a guest or page" }).fill("templ");
  await keys.keyboard.press("Enter");
  await keys.waitForURL("**/templates");
  check("Ctrl-K goes to a page by some letters", true);
  await keys.context().close();
}
