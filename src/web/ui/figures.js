// From the live document to what people read. Pure functions: no page, no clock.
// @ts-check

/**
 * @typedef {{offered: number, answered: number, answered_within_standard: number,
 *   abandoned: number, still_waiting: number, asa_s: number | null,
 *   answered_within_of_offered: number | null}} Today
 * @typedef {{queue: string, title: string, standard_s: number, waiting: number,
 *   longest_wait_s: number | null, today: Today, books_difference: number,
 *   messages: {open: number, overdue: number, oldest_s: number | null},
 *   callbacks: {open: number, oldest_s: number | null}}} Queue
 * @typedef {{at: number, local_time: string, local_date: string, time_zone: string,
 *   organisation: string, seq: number, calls_active: number, queues: Queue[], today: Today,
 *   agents: Record<string, number>, not_ready: Reason[]}} Live
 * @typedef {{reason: string, title: string, limit_s: number | null, chosen: boolean,
 *   agents: number, over_limit: number}} Reason
 * @typedef {"none" | "ok" | "near" | "over"} Level
 */

/** The share of the standard from which a wait is called near to it. */
const NEAR = 0.5;

/** Agents' states as people call them, in the order of their interest.
 * @type {[string, string][]} */
export const STATES = [
  ["ready", "Ready"],
  ["talking", "Talking"],
  ["hold", "On hold"],
  ["consulting", "Consulting"],
  ["ringing", "Ringing"],
  ["reserved", "Reserved"],
  ["wrap_up", "Wrap-up"],
  ["not_ready", "Not ready"],
  ["unreachable", "No phone"],
  ["signed_out", "Signed out"],
];

/** Seconds as a clock shows them, begun seconds not counted: 0:59, 12:05, 1:00:00.
 * @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = two(whole % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Seconds in words: "60 seconds", "2 minutes".
 * @param {number} seconds */
export function words(seconds) {
  const minutes = seconds / 60;
  if (seconds > 60 && Number.isInteger(minutes)) return `${minutes}\u00a0minutes`;
  return seconds === 1 ? "1\u00a0second" : `${seconds}\u00a0seconds`;
}

/** Seconds in few letters, for a table's cell: "60 s", "2 min".
 * @param {number} seconds */
export function brief(seconds) {
  const minutes = seconds / 60;
  return seconds > 60 && Number.isInteger(minutes) ? `${minutes}\u00a0min` : `${seconds}\u00a0s`;
}

/** What a reason to be not ready is called.
 * @param {Reason[]} reasons @param {string} reason */
export function reasonTitle(reasons, reason) {
  return reasons.find((one) => one.reason === reason)?.title ?? reason;
}

/** For what advisers are not ready now, and whether somebody is for too long.
 * @param {Reason[]} reasons @returns {{level: Level, text: string}} */
export function awayWords(reasons) {
  const away = reasons.filter((one) => one.agents > 0);
  const parts = away.map(({ title, agents, over_limit, limit_s }) => {
    const limit = limit_s === null ? "the time for it" : words(limit_s);
    return `${title} ${number(agents)}${over_limit === 0 ? "" : `, ${number(over_limit)} over ${limit}`}`;
  });
  const over = away.some((one) => one.over_limit > 0);
  return { level: over ? "over" : parts.length === 0 ? "none" : "ok", text: parts.join(" · ") };
}

/** How long somebody was not ready, by what for: "Lunch 45 min, Training 5 min".
 * @param {Reason[]} reasons @param {Record<string, number>} spent in seconds */
export function spentWords(reasons, spent) {
  const parts = Object.entries(spent).filter(([, seconds]) => seconds >= 60);
  const minutes = (/** @type {number} */ seconds) => number(Math.floor(seconds / 60));
  const text = parts.map(([reason, s]) => `${reasonTitle(reasons, reason)} ${minutes(s)}\u00a0min`);
  return text.join(", ") || "–";
}

/** A ratio in whole per cent, rounded down so that 100% means all; null if there is none.
 * @param {number | null} ratio */
export function percent(ratio) {
  if (ratio === null) return null;
  // A ratio such as 0.29 is a little less than 29 hundredths in binary.
  const whole = Math.floor(ratio * 100 + 1e-9);
  return whole === 0 && ratio > 0 ? "<1%" : `${whole}%`;
}

/** A count with its noun: "1 caller", "1,204 callers".
 * @param {number} n @param {string} one @param {string} many */
export function count(n, one, many) {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** @param {number} n */
export function number(n) {
  return n.toLocaleString("en-GB");
}

/** How a wait stands against the standard. Exactly the standard is still within it.
 * @param {number | null} waited @param {number} standard @returns {Level} */
export function level(waited, standard) {
  if (waited === null) return "none";
  if (waited > standard) return "over";
  return waited > standard * NEAR ? "near" : "ok";
}

/** What a level says, for those who do not see its colour.
 * @param {Level} level @param {string} standard in words */
export function levelWords(level, standard) {
  switch (level) {
    case "over": return `Over ${standard}`;
    case "near": return `Nearing ${standard}`;
    case "ok": return `Within ${standard}`;
    case "none": return "";
  }
}

/** The queue whose caller has waited longest.
 * @param {Queue[]} queues */
export function longest(queues) {
  /** @type {Queue | null} */
  let found = null;
  for (const queue of queues) {
    if (queue.longest_wait_s === null) continue;
    if (found === null || queue.longest_wait_s > (found.longest_wait_s ?? 0)) found = queue;
  }
  return found;
}

/** What is said of the messages that callers left for a queue and of the calls back that they were
 * promised, and how pressing it is.
 * @param {Queue["messages"]} messages @param {Queue["callbacks"]} callbacks
 * @returns {{level: Level, text: string}} */
export function owedWords(messages, callbacks) {
  const { level, text } = messageWords(messages);
  if (callbacks.open === 0) return { level, text };
  const back = count(callbacks.open, "call back", "calls back");
  return text === "" ? { level: "ok", text: back } : { level, text: `${text}, ${back}` };
}

/** @param {Queue["messages"]} messages @returns {{level: Level, text: string}} */
function messageWords(messages) {
  const open = count(messages.open, "message", "messages");
  if (messages.open === 0) return { level: "none", text: "" };
  if (messages.overdue === 0) return { level: "ok", text: open };
  const all = messages.overdue === messages.open;
  return { level: "over", text: all ? `${open} overdue` : `${open}, ${number(messages.overdue)} overdue` };
}

/** The waiting callers of all queues, and in how many queues they wait.
 * @param {Queue[]} queues */
export function waiting(queues) {
  const busy = queues.filter((queue) => queue.waiting > 0);
  return { callers: busy.reduce((sum, queue) => sum + queue.waiting, 0), queues: busy.length };
}

/** The standard that all queues share; null if they differ or there are none.
 * @param {Queue[]} queues */
export function sharedStandard(queues) {
  const first = queues[0]?.standard_s ?? null;
  return queues.every((queue) => queue.standard_s === first) ? first : null;
}

/** The time of day at an instant, in a time zone.
 * @param {number} micros @param {string} zone */
export function timeOfDay(micros, zone) {
  return new Date(micros / 1000).toLocaleTimeString("en-GB", { timeZone: zone, hour12: false });
}

/** The target in per cent that the page's address asks for (`/?target=80`); null if none.
 * @param {string} search */
export function target(search) {
  const asked = Number(new URLSearchParams(search).get("target") ?? NaN);
  return asked > 0 && asked <= 100 ? asked : null;
}
