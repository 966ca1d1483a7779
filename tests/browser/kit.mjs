// A browser with pages of the lab's bHype, and the small tools that the tests need. The lab, its accounts and its
// address come from run.py.
import { AxeBuilder } from "@axe-core/playwright";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
const top = new URL("../..", import.meta.url).pathname;

export const url = process.env.BHYPE_URL;
export const release = process.env.BHYPE_RELEASE ?? "14.3";
const passwords = JSON.parse(process.env.BHYPE_ACCOUNTS);
const pictures = process.env.BHYPE_SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "bhype-screenshots-"));
mkdirSync(pictures, { recursive: true });

let passed = 0;
let failed = 0;

/// One line a check: "ok NAME" or "FAILED NAME: got ..., wanted ...".
export function check(name, good, got = "", wanted = undefined) {
  if (good) {
    passed++;
    console.log(`ok ${release}.4 ${name}`);
  } else {
    failed++;
    const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
    console.log(`FAILED ${release}.4 ${name}: got ${text(got)}${wanted === undefined ? "" : `, wanted ${text(wanted)}`}`);
  }
  return Boolean(good);
}
export const same = (name, got, wanted) => check(name, JSON.stringify(got) === JSON.stringify(wanted), got, wanted);
export const counts = () => ({ passed, failed });

/// Calls `probe` until it gives something true or the time is over; returns what it gave last.
export async function eventually(probe, seconds = 30, pause = 200) {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const value = await probe();
    if (value || Date.now() > until) return value;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/// A command inside the lab; its standard output, whatever its status.
export async function inLab(...command) {
  try {
    return (await run(`${top}dev`, ["lab", "exec", "--dir", process.env.BHYPE_LAB, "--", ...command])).stdout;
  } catch (error) {
    return error.stdout ?? "";
  }
}
/// The `number`th next call of one of FreeBSD's commands fails with that status and text.
export const failInLab = (command, number, status, text) =>
  run(`${top}dev`, ["lab", "fail", command, String(number), "--exit", String(status), "--stderr", text, "--dir", process.env.BHYPE_LAB]);

// Playwright makes a new empty folder for the browser at every start.
let browser;
export async function openBrowser() {
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
}
export async function closeBrowser() {
  await browser?.close();
  if (!process.env.BHYPE_SCREENSHOTS) rmSync(pictures, { recursive: true, force: true });
}

/// Whatever a page complains about that nobody asked it to; told at the end.
export const complaints = [];

/// A page of its own, with its own cookies and storage.
export async function newPage({ width = 1280, height = 800, scheme = "light", clipboard = true } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: "reduce",
    ignoreHTTPSErrors: true, // the lab signs its own certificate
    locale: "en-GB",
    timezoneId: "UTC",
    permissions: clipboard ? ["clipboard-read", "clipboard-write"] : [],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refused request is the page's matter, and it shows it; the browser writes it down as well.
    if (message.type() === "error" && !/Failed to load resource|net::ERR|WebSocket connection/.test(message.text())) complaints.push(message.text());
  });
  return page;
}

export const goTo = (page, path) => page.goto(url + path);

export async function logIn(page, user, path = "/") {
  await goTo(page, path === "/" ? "/login" : `/login?to=${encodeURIComponent(path)}`);
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(passwords[user]);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL((address) => !address.pathname.startsWith("/login"));
}

export const passwordOf = (user) => passwords[user];

/// The API as the page's own script would call it: with its cookie and its Origin.
export const api = (page, method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const response = await fetch(`/api/v1${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
      });
      const text = await response.text();
      return { status: response.status, body: text ? JSON.parse(text) : undefined };
    },
    [method, path, body],
  );

export const vmState = async (page, name) => (await api(page, "GET", `/vms/${name}`)).body?.state;
export const untilState = (page, name, state, seconds = 60) => eventually(async () => (await vmState(page, name)) === state, seconds);

/// A row of the list of guests.
export const row = (page, name) => page.getByRole("grid", { name: "Guests" }).getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });

export async function choose(page, name, verb) {
  await row(page, name).getByRole("button", { name: `Actions for ${name}` }).click();
  await page.getByRole("menuitem", { name: verb, exact: true }).click();
}

/// Presses Tab until the focus is on what `wanted` accepts (role and name as they are read out). False: not reachable.
export async function tabTo(page, wanted, most = 60) {
  for (let pressed = 0; pressed <= most; pressed++) {
    const name = await page.evaluate(() => {
      const focused = document.activeElement;
      return focused ? (focused.getAttribute("aria-label") ?? focused.textContent ?? "").trim() : "";
    });
    if (name === wanted) return true;
    await page.keyboard.press("Tab");
  }
  return false;
}

/// Everything on its way has come: no skeleton, no request that a picture would miss.
export async function settled(page) {
  await page.waitForLoadState("load");
  await page.locator(".waiting").first().waitFor({ state: "detached" });
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(300);
}

export async function picture(page, name) {
  await settled(page);
  await page.screenshot({ path: join(pictures, `${name}.png`), animations: "disabled" });
}

/// axe's rules, all of them or those that are named.
export async function accessible(page, name, rules = []) {
  await settled(page);
  const axe = new AxeBuilder({ page });
  const { violations } = await (rules.length ? axe.withRules(rules) : axe).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 3).join(", ")}`);
  return same(`axe finds nothing: ${name}`, found, []);
}
