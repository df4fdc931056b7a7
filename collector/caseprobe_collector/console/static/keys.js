// The keyboard: rows, filter, main action, places. Never while someone types, nor over a dialog.
const PLACES = { c: "/cases", m: "/machines", k: "/customers", a: "/audit", s: "/users" };
let here = -1;
let going = false;

export function startKeys() {
  document.addEventListener("keydown", onKey);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target;
  if (target.matches("input, textarea, select")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (going) {
    going = false;
    if (PLACES[event.key]) location.assign(PLACES[event.key]);
    return;
  }
  const action = ACTIONS[event.key];
  if (!action) return;
  if (event.key === "Enter" && target.closest("a, button, summary")) return;
  action(event);
}

const ACTIONS = {
  j: () => move(1),
  k: () => move(-1),
  Enter: (event) => openRow(event),
  e: () => toggleAll(),
  g: () => { going = true; },
  n: (event) => { event.preventDefault(); document.querySelector("[data-main]")?.click(); },
  "/": (event) => { event.preventDefault(); document.querySelector("[data-filter-for]")?.focus(); },
  "?": () => document.querySelector("#keys")?.showModal(),
};

function rows() {
  return [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null && !row.hidden);
}

function move(step) {
  const all = rows();
  if (!all.length) return;
  document.querySelector("[data-row].here")?.classList.remove("here");
  here = Math.max(0, Math.min(all.length - 1, here + step));
  const row = all[here];
  row.classList.add("here");
  row.scrollIntoView({ block: "nearest" });
  (row.querySelector(".row-link, summary") ?? row).focus({ preventScroll: true });
}

function openRow(event) {
  const row = document.querySelector("[data-row].here");
  if (!row) return;
  event.preventDefault();
  (row.querySelector(".row-link") ?? row.querySelector("summary"))?.click();
}

function toggleAll() {
  const all = [...document.querySelectorAll("details[data-row]")];
  const open = all.some((one) => !one.open);
  for (const one of all) one.open = open;
}
