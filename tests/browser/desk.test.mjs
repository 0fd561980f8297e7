// The desk in a real browser, against a running server and a supervisor's token:
// SWITCHBOARD_URL=http://127.0.0.1:8080 SWITCHBOARD_TOKEN=...
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import test, { after, before } from "node:test";
import { chromium } from "playwright-core";

const { SWITCHBOARD_URL: url, SWITCHBOARD_TOKEN: token } = process.env;
if (!url || !token) throw new Error("set SWITCHBOARD_URL and SWITCHBOARD_TOKEN");
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
});

after(async () => browser?.close());

/** A fresh tab with the desk in it.
 * @param {import("playwright-core").BrowserContextOptions} options
 * @param {(page: import("playwright-core").Page) => Promise<void>} check */
async function atTheDesk(options, check) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.addInitScript(axe);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  try {
    await page.goto(`${url}/desk`);
    await check(page);
  } finally {
    await context.close();
  }
}

/** @param {import("playwright-core").Page} page @param {string} [shown] */
async function open(page, shown = token) {
  await page.getByLabel("Your token").fill(shown ?? "");
  await page.getByRole("button", { name: "Open the desk" }).click();
}

/** @param {import("playwright-core").Page} page */
async function accessible(page) {
  const violations = await page.evaluate(async () => {
    // @ts-ignore: axe is there by the init script.
    const result = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return result.violations.map((/** @type {any} */ violation) =>
      `${violation.id}: ${violation.nodes.map((/** @type {any} */ node) => node.html).join(" | ")}`);
  });
  assert.deepEqual(violations, []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} px wider than the screen`);
}

test("nobody is seen without a token, and a wrong one is refused in words", async () => {
  await atTheDesk({}, async (page) => {
    assert.ok(await page.locator("#desk").isHidden());
    await accessible(page);
    await open(page, "guessed");
    await page.getByRole("alert").waitFor();
    assert.ok(await page.locator("#desk").isHidden());
    assert.equal(await page.locator("#agents tr").count(), 0);
  });
});

test("a supervisor sends somebody to lunch, by keyboard, and the wallboard says so", async () => {
  await atTheDesk({}, async (page) => {
    await open(page);
    const amy = page.locator("#agents tr[data-agent=amy]");
    await amy.waitFor();
    await page.locator("#who:focus").waitFor();
    await page.getByLabel("Adviser", { exact: true }).selectOption("amy");
    // Whoever is signed out signs in first.
    const choose = async (/** @type {string} */ value) => {
      await page.locator(`#what option[value="${value}"]`).waitFor({ state: "attached" });
      await page.getByLabel("State", { exact: true }).selectOption(value);
      await page.getByRole("button", { name: "Change" }).focus();
      await page.keyboard.press("Enter");
    };
    if (await page.locator("#what option[value=signed_in]").count() > 0) await choose("signed_in");
    await choose("not_ready lunch");
    // After the call that she may be on.
    await amy.locator("td", { hasText: "Not ready: Lunch" }).waitFor({ timeout: 120_000 });
    assert.match(await page.locator("#done").innerText(), /Not ready: Lunch/);
    const wall = await page.context().newPage();
    await wall.goto(`${url}/`);
    await wall.locator("#away", { hasText: /Lunch 1/ }).waitFor();
    await wall.close();
    await choose("signed_out");
    await amy.locator("td", { hasText: "Signed out" }).waitFor();
    await choose("signed_in");
    await amy.locator("td span", { hasText: /^Not ready$/ }).waitFor();
    await choose("ready");
    await amy.locator("td span", { hasText: /^Not ready/ }).waitFor({ state: "detached" });
  });
});

for (const [name, width, height] of /** @type {const} */ ([["laptop", 1280, 800], ["phone", 375, 812]])) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    test(`WCAG 2.2 AA holds for the desk, ${colorScheme}, ${name}`, async () => {
      await atTheDesk({ colorScheme, viewport: { width, height } }, async (page) => {
        await open(page);
        await page.locator("#agents tr").first().waitFor();
        await accessible(page);
        const shot = process.env.SCREENSHOTS;
        if (shot) await page.screenshot({ path: `${shot}/desk-${name}-${colorScheme}.png`, fullPage: true });
      });
    });
  }
}
