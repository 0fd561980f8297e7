// The live wallboard: reads the stream of figures and shows them. Figures are never worked out
// here but for sums of what is shown beside them; waits count up each second between events.
// @ts-check

import {
  STATES, awayWords, brief, clock, count, level, levelWords, longest, owedWords, number, percent,
  sharedStandard, target, timeOfDay, waiting, words,
} from "/ui/figures.js";

/** @typedef {import("/ui/figures.js").Live} Live */
/** @typedef {import("/ui/figures.js").Queue} Queue */
/** @typedef {import("/ui/figures.js").Level} Level */

/** Figures that have not moved on for this long are marked as stale. */
const STALE_AFTER_MS = 5_000;
/** How long after a refused connection the next is tried; the browser itself repeats lost ones. */
const RETRY_AFTER_MS = 5_000;
/** At most one announcement to screen readers in this time. */
const ANNOUNCE_EVERY_MS = 30_000;
/** From so many queues on the page is set smaller, so that a wall shows all without scrolling. */
const SIZES = /** @type {const} */ ([[10, "most-many"], [7, "very-many"], [6, "many"], [0, "few"]]);

/** @param {string} id */
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** Writes only what differs, so that nothing flickers and no selection is lost.
 * @param {Element} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {HTMLElement} element @param {string} value */
function setLevel(element, value) {
  if (element.dataset.level !== value) element.dataset.level = value;
}

/** An icon and words: what a level says without its colour.
 * @param {HTMLElement} element @param {string} icon @param {string} text */
function sign(element, icon, text) {
  let use = element.querySelector("use");
  let span = element.querySelector("span");
  if (!use || !span) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    span = document.createElement("span");
    svg.append(use);
    element.replaceChildren(svg, span);
  }
  const href = `#icon-${icon}`;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
  write(span, text);
}

// What is known.

/** @type {Live | null} */
let shown = null;
/** The instant on the page's own clock at which the shown figures were true. */
let shownAt = 0;
/** @type {Live | null} */
let newest = null;
let newestAt = 0;
/** When the server's clock last moved on. */
let movedAt = performance.now();
let lastServerClock = 0;
let paused = false;
let stale = false;
/** @type {string | null} */
let refusal = null;
const targetPercent = target(location.search);

// The stream.

/** @type {EventSource | null} */
let source = null;

function connect() {
  source?.close();
  source = new EventSource("/api/v1/live");
  source.addEventListener("figures", (event) => {
    newest = JSON.parse(event.data);
    arrived(/** @type {Live} */ (newest).at);
  });
  source.addEventListener("beat", (event) => {
    const beat = JSON.parse(event.data);
    if (newest) {
      // Nothing changed: the same figures are true at a later instant.
      newest = { ...newest, ...beat };
      arrived(beat.at);
    }
  });
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) void askWhy();
  });
}

/** @param {number} at */
function arrived(at) {
  newestAt = performance.now();
  refusal = null;
  if (at !== lastServerClock) {
    lastServerClock = at;
    movedAt = newestAt;
  }
  if (!paused) show();
  tick();
}

/** The browser does not tell why a stream was refused; the plain document's status does. */
async function askWhy() {
  try {
    const answer = await fetch("/api/v1/live", { headers: { accept: "application/json" } });
    refusal = answer.status === 401
      ? "This screen may not see the figures: the server shows them to its own machine only, or " +
        "through a proxy that adds a token."
      : answer.ok ? null : `The server refuses the figures (status ${answer.status}).`;
  } catch {
    refusal = null;
  }
  tick();
  setTimeout(connect, RETRY_AFTER_MS);
}

// What is shown.

function show() {
  shown = newest;
  shownAt = newestAt;
  if (!shown) return;
  write(byId("organisation"), shown.organisation);
  document.title = `${shown.organisation}: live calls`;
  write(byId("date"), shown.local_date);
  write(byId("zone"), `, ${shown.time_zone} time`);
  showCentre(shown);
  showAdvisers(shown);
  showQueues(shown);
  showWaits(shown, 0);
}

/** @param {Live} live */
function showCentre(live) {
  const now = waiting(live.queues);
  const ready = live.agents.ready ?? 0;
  write(byId("waiting"), number(now.callers));
  const alone = now.callers > 0 && ready === 0;
  const note = byId("waiting-note");
  setLevel(byId("tile-waiting"), alone ? "near" : "none");
  write(byId("waiting-where"), now.callers === 0
    ? "Nobody is waiting"
    : `In ${count(now.queues, "queue", "queues")}`);
  if (alone) sign(note, "near", "No adviser ready");
  else write(note, ready === 0 ? "No adviser ready" : `${count(ready, "adviser", "advisers")} ready`);
  write(byId("active"), `· ${count(live.calls_active, "call", "calls")} in progress`);

  const { today } = live;
  const standard = sharedStandard(live.queues);
  write(byId("standard-title"), standard === null
    ? "Answered within each queue’s standard"
    : `Answered within ${words(standard)}`);
  const share = percent(today.answered_within_of_offered);
  const tile = byId("tile-standard");
  const reached = byId("standard-note");
  write(byId("standard"), share ?? "No calls yet");
  byId("standard").classList.toggle("text", share === null);
  byId("standard-bar").style.width = `${100 * (today.answered_within_of_offered ?? 0)}%`;
  tile.classList.toggle("empty", share === null);
  if (today.answered_within_of_offered === null) {
    setLevel(tile, "none");
    reached.replaceChildren("The share appears with the day’s first call");
  } else {
    const sum = `${number(today.answered_within_standard)} of ${count(today.offered, "call", "calls")} offered today`;
    if (targetPercent === null) {
      setLevel(tile, "none");
      reached.replaceChildren(sum);
    } else {
      const met = today.answered_within_of_offered * 100 >= targetPercent - 1e-9;
      setLevel(tile, met ? "ok" : "over");
      sign(reached, met ? "ok" : "over", `${met ? "Meets" : "Below"} the target of ${targetPercent}% · ${sum}`);
    }
  }

  write(byId("offered"), number(today.offered));
  write(byId("answered"), number(today.answered));
  write(byId("abandoned"), number(today.abandoned));
  write(byId("asa"), today.asa_s === null ? "–" : clock(today.asa_s));
}

/** @param {Live} live */
function showAdvisers(live) {
  const list = byId("advisers");
  if (list.children.length === 0) {
    for (const [state, name] of STATES) {
      const group = document.createElement("div");
      group.dataset.state = state;
      const term = document.createElement("dt");
      term.textContent = name;
      group.append(term, document.createElement("dd"));
      list.append(group);
    }
  }
  STATES.forEach(([state], i) => {
    const group = list.children[i];
    const n = live.agents[state] ?? 0;
    write(/** @type {Element} */ (group.lastElementChild), number(n));
    group.classList.toggle("nobody", n === 0);
  });
  const away = byId("away");
  const { level, text } = awayWords(live.not_ready);
  away.hidden = level === "none";
  setLevel(away, level);
  if (level === "over") sign(away, "over", `Not ready: ${text}`);
  else write(away, `Not ready: ${text}`);
}

/** Heads of the table's columns, repeated in each cell where a narrow screen stacks them. */
const heads = [...document.querySelectorAll("thead th")];

/** @param {Queue} queue */
function newRow(queue) {
  const row = document.createElement("tr");
  row.setAttribute("role", "row");
  row.dataset.queue = queue.queue;
  heads.forEach((_head, i) => {
    const cell = document.createElement(i === 0 ? "th" : "td");
    if (i === 0) cell.setAttribute("scope", "row");
    cell.setAttribute("role", i === 0 ? "rowheader" : "cell");
    row.append(cell);
  });
  const wait = document.createElement("span");
  wait.className = "wait";
  const says = document.createElement("span");
  says.className = "says";
  row.children[2].append(wait, says);
  const messages = document.createElement("span");
  messages.className = "messages says";
  row.children[0].append(document.createElement("span"), messages);
  return row;
}

/** @param {Live} live */
function showQueues(live) {
  const body = byId("queues");
  /** @type {Map<string, HTMLElement>} */
  const rows = new Map();
  for (const row of body.children) {
    if (row instanceof HTMLElement) rows.set(row.dataset.queue ?? "", row);
  }
  const standard = sharedStandard(live.queues);
  write(byId("within"), standard === null ? "Within standard" : `Within ${words(standard)}`);
  const wanted = live.queues.map((queue) => {
    const row = rows.get(queue.queue) ?? newRow(queue);
    const { today } = queue;
    const none = "No calls yet";
    const [title, messages] = row.children[0].children;
    write(title, queue.title);
    showMessages(/** @type {HTMLElement} */ (messages), queue);
    write(row.children[1], number(queue.waiting));
    row.children[1].classList.toggle("some", queue.waiting > 0);
    write(row.children[3], percent(today.answered_within_of_offered) ?? none);
    row.children[3].classList.toggle("none", today.answered_within_of_offered === null);
    write(row.children[4], number(today.offered));
    write(row.children[5], number(today.answered));
    write(row.children[6], number(today.abandoned));
    write(row.children[7], today.asa_s === null ? "–" : clock(today.asa_s));
    row.children[7].classList.toggle("none", today.asa_s === null);
    heads.forEach((head, i) => row.children[i].setAttribute("data-head", head.textContent ?? ""));
    return row;
  });
  if (wanted.length !== body.children.length || wanted.some((row, i) => row !== body.children[i])) {
    body.replaceChildren(...wanted);
  }
  byId("no-queues").hidden = live.queues.length > 0;
  document.body.dataset.queues = SIZES.find(([from]) => live.queues.length >= from)?.[1];
}

/** What callers left for a queue, and were promised, stands below its name.
 * @param {HTMLElement} element @param {Queue} queue */
function showMessages(element, queue) {
  const { level, text } = owedWords(queue.messages, queue.callbacks);
  element.hidden = level === "none";
  setLevel(element, level);
  if (level === "over") sign(element, "over", text);
  else write(element, text);
}

/** Waits go on by themselves between two events.
 * @param {Live} live @param {number} since seconds since the figures were true */
function showWaits(live, since) {
  const rows = byId("queues").children;
  live.queues.forEach((queue, i) => {
    const cell = rows[i]?.children[2];
    if (!(cell instanceof HTMLElement)) return;
    const [wait, says] = cell.children;
    const waited = queue.longest_wait_s === null ? null : queue.longest_wait_s + since;
    const stands = level(waited, queue.standard_s);
    write(wait, waited === null ? "–" : clock(waited));
    cell.classList.toggle("none", waited === null);
    setLevel(cell, stands);
    if (says instanceof HTMLElement) {
      // A wait that is well within says nothing: what needs a look must stand out.
      says.hidden = stands === "none" || stands === "ok";
      if (!says.hidden) sign(says, stands, levelWords(stands, brief(queue.standard_s)));
    }
  });

  const worst = longest(live.queues);
  const waited = worst?.longest_wait_s == null ? null : worst.longest_wait_s + since;
  const stands = worst === null ? "none" : level(waited, worst.standard_s);
  const big = byId("longest");
  write(big, waited === null ? "None" : clock(waited));
  big.classList.toggle("text", waited === null);
  big.classList.toggle("long", waited !== null && waited >= 3600);
  setLevel(byId("tile-longest"), stands);
  write(byId("longest-where"), worst?.title ?? "");
  const note = byId("longest-note");
  if (worst === null) write(note, "Nobody is waiting");
  else sign(note, stands, levelWords(stands, words(worst.standard_s)));
}

// Each second, and after each event.

function tick() {
  const now = performance.now();
  stale = now - movedAt > STALE_AFTER_MS;
  const since = shown && !paused ? Math.min(now - shownAt, STALE_AFTER_MS) / 1000 : 0;
  if (shown && !paused && !stale) {
    showWaits(shown, since);
    write(byId("clock"), timeOfDay(shown.at + since * 1e6, shown.time_zone));
  }
  const state = paused ? "paused" : stale ? "stale" : shown ? "live" : "connecting";
  if (document.body.dataset.state !== state) document.body.dataset.state = state;
  showConnection(state);
  announce(state, since);
}

/** @param {string} state */
function showConnection(state) {
  const pill = byId("connection");
  const notice = byId("notice");
  const from = shown ? timeOfDay(shown.at, shown.time_zone) : null;
  let text = "";
  if (state === "live") {
    setLevel(pill, "ok");
    sign(pill, "live", "Live");
  } else if (state === "paused") {
    setLevel(pill, "near");
    sign(pill, "pause", `Paused at ${from ?? "the start"}`);
  } else if (state === "stale") {
    setLevel(pill, "over");
    sign(pill, "lost", "Not updating");
    const why = source?.readyState === EventSource.OPEN
      ? "The server sends nothing newer."
      : "Trying to reconnect.";
    text = refusal ?? (from
      ? `These figures are from ${from} and no longer current. ${why}`
      : "The server does not answer. Trying to connect.");
  } else {
    setLevel(pill, "near");
    sign(pill, "near", "Connecting");
    text = refusal ?? "";
  }
  notice.hidden = text === "";
  if (text) sign(notice, "over", text);
}

// Screen readers hear what matters, and not too often.

let announcedAt = -Infinity;
let announcedState = "connecting";
/** @type {Set<string>} */
let over = new Set();

/** @param {string} state @param {number} since */
function announce(state, since) {
  /** @type {string[]} */
  const news = [];
  if (state !== announcedState) {
    if (state === "stale") news.push("The figures are no longer updating.");
    if (state === "live" && announcedState === "stale") news.push("The figures are live again.");
    announcedState = state;
  }
  const now = performance.now();
  if (shown && state === "live" && now - announcedAt > ANNOUNCE_EVERY_MS) {
    const overNow = shown.queues.filter((queue) =>
      queue.longest_wait_s !== null && queue.longest_wait_s + since > queue.standard_s);
    const fresh = overNow.filter((queue) => !over.has(queue.queue)).map((queue) => queue.title);
    over = new Set(overNow.map((queue) => queue.queue));
    if (fresh.length > 0) news.push(`Waiting longer than the standard: ${fresh.join(", ")}.`);
  }
  if (news.length > 0) {
    announcedAt = now;
    write(byId("announcements"), news.join(" "));
  }
}

byId("pause").addEventListener("click", () => {
  paused = !paused;
  sign(byId("pause"), paused ? "play" : "pause", paused ? "Resume updates" : "Pause updates");
  if (!paused) show();
  tick();
});

connect();
setInterval(tick, 1_000);
