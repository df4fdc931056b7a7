// A bundle that is being made: one panel a machine, a line for each section as it comes. Machines' words are text only.
const KEPT_MS = 120000;
const panels = new Map();

export function takeDraft(message) {
  const place = document.querySelector("#drafts");
  if (!place || isHere(message.snapshot_id)) return;
  let panel = panels.get(message.agent_id);
  if (panel?.snapshot !== message.snapshot_id) {
    panel?.article.remove();
    panels.set(message.agent_id, panel = newPanel(place.querySelector("template"), message.snapshot_id));
    place.append(panel.article);
  }
  panel.status.textContent = sentence(message);
  panel.progress.max = Math.max(1, message.items_total);
  panel.progress.value = message.items_done;
  for (const section of message.sections) showSection(panel, section);
  clearTimeout(panel.timer);
  panel.timer = setTimeout(() => drop(message.agent_id), KEPT_MS);
  place.hidden = false;
}

// Once the bundle itself stands on the page, it takes the place of what was seen of it.
export function dropArrived() {
  for (const [agent, panel] of panels) if (isHere(panel.snapshot)) drop(agent);
}

function isHere(snapshot) {
  return [...document.querySelectorAll("a[href^='/snapshots/']")].some((one) => one.getAttribute("href") === `/snapshots/${snapshot}`);
}

function drop(agent) {
  panels.get(agent).article.remove();
  panels.delete(agent);
  document.querySelector("#drafts").hidden = panels.size === 0;
}

function newPanel(template, snapshot) {
  const article = template.content.firstElementChild.cloneNode(true);
  const part = (name) => article.querySelector(name);
  return { article, snapshot, status: part("[role=status]"), progress: part("progress"), list: part("ol"), rows: new Map() };
}

function sentence(message) {
  const items = `${message.items_done} of ${message.items_total} items`;
  const faults = [count(message.criticals_total, "critical finding"), count(message.warnings_total, "warning")].filter(Boolean).join(" and ");
  if (message.state === "cut") return `The connection to ${message.label} was cut after ${items}; its bundle may still come`;
  if (message.state === "measured") return `The bundle of ${message.label} is measured: ${faults || "no warnings"}; its file follows`;
  return `The bundle of ${message.label} is being made: ${items}, ${faults || "no warnings"} so far`;
}

const count = (number, word) => (number ? `${number} ${word}${number === 1 ? "" : "s"}` : "");

// The newest first: whoever watches need not scroll.
function showSection(panel, section) {
  panel.rows.get(section.probe)?.remove();
  const line = document.createElement("li");
  add(line, "b", section.label);
  if (section.outcome !== "ok") add(line, "span", section.outcome.replaceAll("_", " ")).className = `state is-${section.outcome}`;
  add(line, "span", section.gist).className = "quiet";
  panel.list.prepend(line);
  panel.rows.set(section.probe, line);
}

function add(line, name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  line.append(made);
  return made;
}
