// Every page in light and dark, and on a phone: axe has nothing to say, nothing scrolls sideways; the pictures are
// the documentation's.
import { accessible, api, goTo, logIn, newPage, picture, same, settled } from "./kit.mjs";

const pages = {
  overview: "/",
  guests: "/guests",
  "create-empty": "/guests/+new",
  guest: "/guests/web1",
  "guest-settings": "/guests/web1/settings",
  "guest-activity": "/guests/web1/activity",
  screen: "/guests/web1/console/screen",
  serial: "/guests/web1/console/serial",
  "console-stopped": "/guests/spare/console",
  templates: "/templates",
  networks: "/networks",
  switches: "/networks/switches",
  uplinks: "/networks/uplinks",
  leases: "/networks/leases",
  forwards: "/networks/forwards",
  firewall: "/networks/firewall",
  "storage-pools": "/storage",
  "storage-space": "/storage/space",
  "storage-disks": "/storage/disks",
  host: "/host",
  "set-up": "/setup",
  activity: "/activity",
  audit: "/activity/audit",
};
// The pictures of these are taken where something is to be seen on them.
const pictured = new Set(["screen", "serial", "create-empty", "guest-settings"]);

/// What sticks out of its card, where no scrollbar shows it.
const cutOff = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll(".pf-v6-c-card :is(table, td, dl, pre, form)")]
      .filter((each) => each.getBoundingClientRect().right > each.closest(".pf-v6-c-card").getBoundingClientRect().right + 1)
      .map((each) => each.getAttribute("aria-label") ?? each.tagName),
  );

async function sideways(page, name) {
  await settled(page);
  same(`nothing is cut off: ${name}`, await cutOff(page), []);
  same(`nothing scrolls sideways: ${name}`, Math.max(0, await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)), 0);
}

export default async function () {
  for (const scheme of ["light", "dark"]) {
    // The dark pages differ from the light ones in nothing but colours.
    const rules = scheme === "dark" ? ["color-contrast"] : [];
    const page = await newPage({ scheme });
    await goTo(page, "/login");
    await page.getByLabel("User name").waitFor();
    await picture(page, scheme === "light" ? "log-in" : "log-in-dark");
    await accessible(page, `log-in, ${scheme}`, rules);
    await logIn(page, "boss");
    const task = (await api(page, "GET", "/tasks?object=vm%2Fweb1")).body.at(-1);
    for (const [name, path] of Object.entries({ ...pages, task: `/activity/${task.id}` })) {
      await goTo(page, path);
      await accessible(page, `${name}, ${scheme}`, rules);
      if (scheme === "light") await sideways(page, name);
      if (scheme === "dark") {
        if (["overview", "guests", "guest"].includes(name)) await picture(page, `${name}-dark`);
      } else if (!pictured.has(name)) {
        await picture(page, name);
      }
    }
    await page.context().close();
  }

  const phone = await newPage({ width: 390, height: 844 });
  await logIn(phone, "boss");
  for (const [name, path] of Object.entries(pages)) {
    await goTo(phone, path);
    await sideways(phone, `${name} on a phone`);
    if (name === "screen") {
      await phone.locator("[data-console=screen][data-line=open]").waitFor();
      await phone.waitForTimeout(2000); // its first picture
    }
    if (["guests", "guest", "screen"].includes(name)) await picture(phone, `${name}-phone`);
    if (["guests", "guest", "serial"].includes(name)) await accessible(phone, `${name} on a phone`);
  }
  await phone.context().close();
}
