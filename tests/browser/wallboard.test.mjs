// The wallboard in a real browser, against a running server: SWITCHBOARD_URL=http://127.0.0.1:8080
// Nothing is waited for by the clock: each check polls until it holds or the test's time is up.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import test, { after, before } from "node:test";
import { chromium } from "playwright-core";

const url = process.env.SWITCHBOARD_URL;
if (!url) throw new Error("set SWITCHBOARD_URL to a running server: http://127.0.0.1:8080");
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const SIZES = [
  { name: "wall", width: 1920, height: 1080 },
  { name: "laptop", width: 1280, height: 800 },
  { name: "phone", width: 375, height: 812 },
];

/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
});

after(async () => browser?.close());

/** A fresh page with the figures on it; its console must stay clean.
 * @param {import("playwright-core").BrowserContextOptions} options
 * @param {(page: import("playwright-core").Page) => Promise<void>} check */
async function onPage(options, check) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options,
  });
  // The page's policy forbids foreign scripts; axe comes in beside it, as a tester's own tool.
  await context.addInitScript(axe);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  /** @type {string[]} */
  const said = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.push(message.text());
  });
  page.on("pageerror", (error) => said.push(String(error)));
  try {
    await page.goto(`${url}/`);
    await page.locator("body[data-state=live]").waitFor();
    await check(page);
    assert.deepEqual(said, [], "the browser's console is clean");
  } finally {
    await context.close();
  }
}

/** @param {import("playwright-core").Page} page */
const live = (page) => page.evaluate(() => fetch("/api/v1/live").then((answer) => answer.json()));

/** Holds the page as it is now to WCAG 2.2 AA.
 * @param {import("playwright-core").Page} page */
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
}

test("the page shows what the API tells", async () => {
  await onPage({}, async (page) => {
    // Calls go on between two readings: compare until both happen to show the same moment.
    await page.waitForFunction(async () => {
      const figures = await fetch("/api/v1/live").then((answer) => answer.json());
      const text = (/** @type {string} */ selector) => document.querySelector(selector)?.textContent;
      const n = (/** @type {number} */ value) => value.toLocaleString("en-GB");
      const rows = [...document.querySelectorAll("#queues tr")];
      return text("#organisation") === figures.organisation
        && text("#offered") === n(figures.today.offered)
        && text("#answered") === n(figures.today.answered)
        && text("#abandoned") === n(figures.today.abandoned)
        && text("[data-state=signed_out] dd") === n(figures.agents.signed_out)
        && rows.length === figures.queues.length
        && rows.every((row, i) => row.children[0].textContent === figures.queues[i].title
          && row.children[1].textContent === n(figures.queues[i].waiting)
          && row.children[4].textContent === n(figures.queues[i].today.offered));
    }, undefined, { polling: 100 });
    const figures = await live(page);
    const share = await page.locator("#standard").textContent();
    if (figures.today.answered_within_of_offered === null) assert.equal(share, "No calls yet");
    else assert.match(share ?? "", /^(<?\d+)%$/);
    assert.ok((await page.title()).includes(figures.organisation));
    const personal = await page.evaluate(() => document.body.innerText);
    assert.ok(!/\+44|sip:/.test(personal), "nothing personal is on the wall");
  });
});

test("figures arrive by themselves, pausing holds them, resuming catches up", async () => {
  await onPage({}, async (page) => {
    const clock = page.locator("#clock");
    const changes = async (/** @type {string | null} */ from) => page.waitForFunction(
      (old) => document.querySelector("#clock")?.textContent !== old, from);
    await changes(await clock.textContent());
    await page.getByRole("button", { name: "Pause updates" }).click();
    await page.locator("body[data-state=paused]").waitFor();
    assert.match(await page.locator("#connection").innerText(), /Paused at \d\d:\d\d:\d\d/);
    const held = await page.locator("main").innerText();
    // The stream goes on underneath: two more of its events must change nothing on the page.
    await page.evaluate(() => new Promise((resolve) => {
      let seen = 0;
      const stream = new EventSource("/api/v1/live");
      const count = () => { if (++seen === 2) { stream.close(); resolve(null); } };
      stream.addEventListener("figures", count);
      stream.addEventListener("beat", count);
    }));
    assert.equal(await page.locator("main").innerText(), held);
    await accessible(page);
    const pausedAt = await clock.textContent();
    await page.getByRole("button", { name: "Resume updates" }).click();
    await page.locator("body[data-state=live]").waitFor();
    await changes(pausedAt);
  });
});

test("a lost connection is plainly marked, and found again by itself", async () => {
  await onPage({}, async (page) => {
    // What the network does to a page cannot be done to a stream that is open: the page's own
    // clock is moved past the five seconds instead, while no event comes in.
    await page.clock.install();
    await page.reload();
    await page.locator("body[data-state=live]").waitFor();
    await page.clock.fastForward(6_000);
    await page.locator("body[data-state=stale]").waitFor();
    assert.match(await page.locator("#connection").innerText(), /Not updating/);
    assert.match(await page.locator("#notice").innerText(), /These figures are from \d\d:\d\d:\d\d/);
    assert.match(await page.locator("#announcements").innerText(), /no longer updating/);
    await page.locator("body[data-state=live]").waitFor();
    assert.ok(await page.locator("#notice").isHidden());
  });
});

test("everything that can be done is done by keyboard, with the focus in sight", async () => {
  await onPage({}, async (page) => {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => document.activeElement?.id);
    assert.equal(focused, "pause");
    const outline = await page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.activeElement)).outlineStyle);
    assert.notEqual(outline, "none");
    await page.keyboard.press("Enter");
    await page.locator("body[data-state=paused]").waitFor();
    await page.keyboard.press("Space");
    await page.locator("body[data-state=live]").waitFor();
  });
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  for (const { name, width, height } of SIZES) {
    test(`WCAG 2.2 AA holds, ${colorScheme}, ${name}`, async () => {
      await onPage({ colorScheme, viewport: { width, height } }, async (page) => {
        await accessible(page);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `the page is ${wide} px wider than the screen`);
      });
    });
  }
}

test("at 320 px nothing is cut off, and without scripts the page says where the figures are", async () => {
  await onPage({ viewport: { width: 320, height: 640 } }, async (page) => {
    const cut = await page.evaluate(() => [...document.querySelectorAll("main *, header *")]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
      .filter((element) => !element.closest("thead, .visually-hidden, svg"))
      .map((element) => element.outerHTML.slice(0, 80)));
    assert.deepEqual(cut, []);
  });
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${url}/`);
  assert.match(await page.locator("noscript").innerText(), /api\/v1\/live/);
  await context.close();
});
