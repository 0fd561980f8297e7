// The desk: advisers' states as the token's holder may see them, and changes to them.
// @ts-check

import { STATES, brief, clock, reasonTitle, spentWords } from "/ui/figures.js";

/** @typedef {import("/ui/figures.js").Reason} Reason */
/**
 * @typedef {{agent: string, name: string, state: string, for_s: number | null,
 *   reason: string | null, over_limit: boolean, not_ready_today_s: Record<string, number>,
 *   phones: number, desk: string | null}} Agent
 */

/** How often states are asked for. */
const EVERY_MS = 2_000;
/** Where this tab keeps its token. */
const KEPT = "switchboard-token";

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no #${id}`);
  return element;
}

const door = byId("door", HTMLFormElement);
const change = byId("change", HTMLFormElement);
const who = byId("who", HTMLSelectElement);
const what = byId("what", HTMLSelectElement);
const moreTime = byId("more-time", HTMLButtonElement);
const close = byId("close", HTMLButtonElement);
const refused = byId("refused", HTMLElement);

/** @type {Agent[]} */
let agents = [];
/** @type {Reason[]} */
let reasons = [];

/** @param {Element} element @param {string} text */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} path @param {object} [body] */
async function ask(path, body) {
  const answer = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: {
      Authorization: `Bearer ${sessionStorage.getItem(KEPT) ?? ""}`,
      ...(body ? { "Content-Type": "application/json" } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) shut();
  throw new Error(problem.detail ?? `The server says ${answer.status}.`);
}

/** @param {string} text nothing, if nothing was refused */
function refuse(text) {
  write(refused, text);
  refused.hidden = text === "";
}

function shut() {
  sessionStorage.removeItem(KEPT);
  show(false);
}

/** @param {boolean} open */
function show(open) {
  door.hidden = open;
  change.hidden = byId("desk", HTMLElement).hidden = close.hidden = !open;
  document.body.dataset.state = open ? "open" : "closed";
}

/** Options that stay chosen while the page is kept up to date.
 * @param {HTMLSelectElement} select @param {[string, string][]} options */
function offer(select, options) {
  const written = JSON.stringify(options);
  if (select.dataset.options === written) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  select.dataset.options = written;
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

/** @param {Agent} agent */
function stateWords(agent) {
  const state = STATES.find(([name]) => name === agent.state)?.[1] ?? agent.state;
  return agent.reason && agent.reason !== "unsaid"
    ? `${state}: ${reasonTitle(reasons, agent.reason)}`
    : state;
}

/** @param {Agent} agent */
function newRow(agent) {
  const row = document.createElement("tr");
  row.setAttribute("role", "row");
  row.dataset.agent = agent.agent;
  document.querySelectorAll("thead th").forEach((head, i) => {
    const cell = document.createElement(i === 0 ? "th" : "td");
    if (i === 0) cell.setAttribute("scope", "row");
    cell.setAttribute("role", i === 0 ? "rowheader" : "cell");
    cell.setAttribute("data-head", head.textContent ?? "");
    row.append(cell);
  });
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", "#icon-over");
  icon.append(use);
  const says = document.createElement("span");
  says.className = "says";
  says.append(icon, document.createElement("span"));
  row.children[1].append(document.createElement("span"), says);
  return row;
}

function showAgents() {
  const body = byId("agents", HTMLElement);
  const rows = new Map([...body.querySelectorAll("tr")].map((row) => [row.dataset.agent ?? "", row]));
  // What needs a look stands first.
  const order = (/** @type {Agent} */ agent) => `${agent.over_limit ? 0 : 1}${agent.name}`;
  const sorted = [...agents].sort((a, b) => order(a).localeCompare(order(b)));
  const wanted = sorted.map((agent) => {
    const row = rows.get(agent.agent) ?? newRow(agent);
    const [state, says] = row.children[1].children;
    const limit = reasons.find((one) => one.reason === agent.reason)?.limit_s ?? null;
    write(row.children[0], agent.name);
    write(state, stateWords(agent));
    if (says instanceof HTMLElement) says.hidden = !agent.over_limit;
    write(/** @type {Element} */ (says.lastElementChild), limit === null ? "Too long" : `Over ${brief(limit)}`);
    write(row.children[2], agent.for_s === null ? "–" : clock(agent.for_s));
    write(row.children[3], agent.desk === null ? String(agent.phones) : `${agent.desk} + ${agent.phones}`);
    write(row.children[4], spentWords(reasons, agent.not_ready_today_s));
    return row;
  });
  if (wanted.length !== body.children.length || wanted.some((row, i) => row !== body.children[i])) {
    body.replaceChildren(...wanted);
  }
}

function showChoices() {
  offer(who, agents.map((agent) => [agent.agent, agent.name]));
  const chosen = agents.find((agent) => agent.agent === who.value);
  const away = reasons.filter((one) => one.chosen);
  /** @type {[string, string][]} */
  const states = chosen?.state === "signed_out"
    ? [["signed_in", "Sign in, not ready yet"]]
    : [
      ["ready", "Ready"],
      ["not_ready", "Not ready"],
      ...away.map(({ reason, title, limit_s }) => /** @type {[string, string]} */ ([
        `not_ready ${reason}`,
        `Not ready: ${title}${limit_s === null ? "" : ` (${brief(limit_s)})`}`,
      ])),
      ["signed_out", "Sign out"],
    ];
  offer(what, states);
  moreTime.disabled = chosen?.state !== "wrap_up";
}

async function refresh() {
  if (!sessionStorage.getItem(KEPT)) return;
  try {
    const told = await ask("/api/v1/agents");
    agents = told.agents;
    reasons = told.not_ready;
    showAgents();
    showChoices();
    if (document.body.dataset.state === "stale") refuse("");
    show(true);
  } catch (error) {
    if (document.body.dataset.state === "open") document.body.dataset.state = "stale";
    refuse(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} path @param {object} body @param {string} done */
async function carryOut(path, body, done) {
  try {
    await ask(path, body);
    refuse("");
    write(byId("done", HTMLElement), done);
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error));
  }
  await refresh();
}

door.addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = byId("token", HTMLInputElement);
  sessionStorage.setItem(KEPT, token.value.trim());
  token.value = "";
  refuse("");
  await refresh();
  if (!change.hidden) who.focus();
});

change.addEventListener("submit", (event) => {
  event.preventDefault();
  const [state, reason] = what.value.split(" ");
  const name = who.selectedOptions[0]?.textContent ?? "";
  const path = `/api/v1/agents/${encodeURIComponent(who.value)}/state`;
  carryOut(path, reason ? { state, reason } : { state }, `${name}: ${what.selectedOptions[0]?.textContent ?? ""}.`);
});

moreTime.addEventListener("click", () => {
  carryOut(`/api/v1/agents/${encodeURIComponent(who.value)}/wrap-up/extend`, {}, "There is more time.");
});

who.addEventListener("change", showChoices);
close.addEventListener("click", () => { shut(); refuse(""); byId("token", HTMLInputElement).focus(); });

refresh();
setInterval(refresh, EVERY_MS);
