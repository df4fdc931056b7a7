// One socket a page: rounds go into their tables, other news fetches the page's own parts anew.
import { localTimes } from "./times.js";
import { PathTable } from "./path.js";
import { dropArrived, takeDraft } from "./draft.js";
import { takeSections } from "./sections.js";

const ENDED = new Set(["ok", "failed", "refused_policy", "refused_user", "expired", "cancelled", "killed_limit", "unknown_after_crash", "lost"]);
const tables = new Map();
let socket = null;
let watched = "";
let delay = 500;
let refreshing = 0;

export function startLive() {
  connect();
  document.addEventListener("visibilitychange", () => { if (!document.hidden && !socket) connect(); });
}

function topics() {
  const named = (document.body.dataset.topics ?? "").split(",").filter(Boolean);
  const running = [...document.querySelectorAll("[data-watch]")].map((one) => one.dataset.watch);
  return [...new Set([...named, ...running])].join(",");
}

function connect() {
  watched = topics();
  if (!watched) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const opened = new WebSocket(`${scheme}//${location.host}/api/v1/live?topics=${encodeURIComponent(watched)}`);
  socket = opened;
  opened.onopen = () => { delay = 500; };
  opened.onmessage = (event) => take(JSON.parse(event.data));
  opened.onclose = (event) => {
    if (socket !== opened) return;
    socket = null;
    if (event.code === 4401) return location.reload();
    if (document.hidden) return;
    setTimeout(() => { if (!socket) connect(); }, delay);
    delay = Math.min(delay * 2, 15000);
  };
}

function take(message) {
  if (message.kind === "rounds") return takeRounds(message);
  if (message.kind === "draft") return takeDraft(message);
  if (message.kind === "sections") return takeSections(message);
  if (message.kind === "session") takeState(message);
  // Several events of one moment ask for one refresh.
  clearTimeout(refreshing);
  refreshing = setTimeout(refresh, message.kind === "session" && !ENDED.has(message.state) ? 50 : 250);
}

function takeRounds(message) {
  const place = document.querySelector(`[data-live-path="${CSS.escape(message.session_id)}"]`);
  if (!place) return;
  let table = tables.get(message.session_id);
  if (!table || table.place !== place) tables.set(message.session_id, table = new PathTable(place));
  table.take(message);
  // The news that it runs may have come before this page did.
  showState(place.closest("[data-watch]")?.querySelector("[data-session-state] .state"), "running");
}

function takeState(message) {
  const place = document.querySelector(`[data-watch="${CSS.escape("session:" + message.session_id)}"] [data-session-state] .state`)
    ?? document.querySelector("h1 ~ .facts-line [data-session-state] .state");
  showState(place, message.state);
  if (ENDED.has(message.state) && location.pathname.startsWith("/sessions/")) location.reload();
}

function showState(place, state) {
  if (!place || place.classList.contains(`is-${state}`)) return;
  place.textContent = state.replaceAll("_", " ");
  place.className = `state is-${state}`;
}

// The page's parts as the collector renders them now; open evidence stays open, running tables stay as they are.
async function refresh() {
  const parts = [...document.querySelectorAll("[data-refresh]")];
  if (!parts.length) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const next = fresh.getElementById(part.id);
    if (next) swap(part, next);
  }
  localTimes(document);
  dropArrived();
  if (topics() !== watched) {
    socket?.close();
    socket = null;
    connect();
  }
}

const named = (details) => details.id || details.querySelector("summary").textContent;

function swap(part, next) {
  for (const kept of next.querySelectorAll("[data-keep]")) {
    const old = part.querySelector(`#${CSS.escape(kept.id)}`);
    if (old) kept.replaceWith(old);
  }
  const open = new Set([...part.querySelectorAll("details[open]")].map(named));
  for (const one of next.querySelectorAll("details")) one.open ||= open.has(named(one));
  part.replaceWith(next);
}
