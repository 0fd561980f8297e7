// The wallboard's words and numbers, without a browser.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

// A data URL, because the package is served without one and the file's ending is not .mjs.
const text = await readFile(new URL("../../src/web/ui/figures.js", import.meta.url), "utf8");
const figures = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);

test("waits read as a clock, begun seconds not counted", () => {
  assert.equal(figures.clock(0), "0:00");
  assert.equal(figures.clock(59.999), "0:59");
  assert.equal(figures.clock(605), "10:05");
  assert.equal(figures.clock(3600), "1:00:00");
  assert.equal(figures.clock(-3), "0:00");
});

test("a share is rounded down: 100% means all, and no calls mean no share", () => {
  assert.equal(figures.percent(null), null);
  assert.equal(figures.percent(0), "0%");
  assert.equal(figures.percent(0.001), "<1%");
  assert.equal(figures.percent(0.29), "29%");
  assert.equal(figures.percent(0.9999), "99%");
  assert.equal(figures.percent(1), "100%");
});

test("exactly the standard is within it, a moment more is over", () => {
  assert.equal(figures.level(null, 60), "none");
  assert.equal(figures.level(30, 60), "ok");
  assert.equal(figures.level(30.1, 60), "near");
  assert.equal(figures.level(60, 60), "near");
  assert.equal(figures.level(60.001, 60), "over");
  assert.equal(figures.levelWords("over", figures.words(60)), "Over 60\u00a0seconds");
  assert.equal(figures.words(120), "2\u00a0minutes");
  assert.equal(figures.brief(90), "90\u00a0s");
});

test("the centre's longest wait is its queues' longest", () => {
  const queue = (title, longest_wait_s, waiting, standard_s = 60) =>
    ({ title, longest_wait_s, waiting, standard_s });
  const queues = [queue("a", null, 0), queue("b", 0, 1), queue("c", 12, 3)];
  assert.equal(figures.longest(queues).title, "c");
  assert.equal(figures.longest(queues.slice(0, 2)).title, "b");
  assert.equal(figures.longest(queues.slice(0, 1)), null);
  assert.deepEqual(figures.waiting(queues), { callers: 4, queues: 2 });
  assert.equal(figures.sharedStandard(queues), 60);
  assert.equal(figures.sharedStandard([...queues, queue("d", null, 0, 20)]), null);
  assert.equal(figures.sharedStandard([]), null);
});

test("messages are counted in words, and overdue ones stand out", () => {
  const none = { open: 0, oldest_s: null };
  const of = (open, overdue, callbacks = none) =>
    figures.owedWords({ open, overdue, oldest_s: open ? 9 : null }, callbacks);
  assert.deepEqual(of(0, 0), { level: "none", text: "" });
  assert.deepEqual(of(1, 0), { level: "ok", text: "1 message" });
  assert.deepEqual(of(1_204, 3), { level: "over", text: "1,204 messages, 3 overdue" });
  assert.deepEqual(of(2, 2), { level: "over", text: "2 messages overdue" });
  const back = (open) => ({ open, oldest_s: 60 });
  assert.deepEqual(of(0, 0, back(1)), { level: "ok", text: "1 call back" });
  assert.deepEqual(of(1, 1, back(2)), { level: "over", text: "1 message overdue, 2 calls back" });
});

test("times are the organisation's, whatever the screen's own zone", () => {
  const july = 1_782_907_200_000_000;
  assert.equal(figures.timeOfDay(july, "Europe/London"), "13:00:00");
  assert.equal(figures.timeOfDay(july, "UTC"), "12:00:00");
});

test("a target is a share above none, or not given", () => {
  assert.equal(figures.target("?target=80"), 80);
  for (const bad of ["", "?target=", "?target=0", "?target=101", "?target=x"]) {
    assert.equal(figures.target(bad), null, bad);
  }
});

test("for what advisers are not ready is said with how many are for too long", () => {
  const reason = (name, title, agents, over_limit, limit_s = 3600) =>
    ({ reason: name, title, agents, over_limit, limit_s, chosen: true });
  assert.deepEqual(figures.awayWords([reason("lunch", "Lunch", 0, 0)]), { level: "none", text: "" });
  const two = [reason("lunch", "Lunch", 2, 1), reason("no-answer", "Did not answer", 1, 0, null)];
  assert.deepEqual(figures.awayWords(two),
    { level: "over", text: "Lunch 2, 1 over 60\u00a0minutes · Did not answer 1" });
  assert.equal(figures.awayWords(two.slice(1)).level, "ok");
  assert.equal(figures.spentWords(two, { lunch: 3_660, "no-answer": 59 }), "Lunch 61\u00a0min");
  assert.equal(figures.spentWords(two, {}), "–");
});
