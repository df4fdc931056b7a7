// A running watch or log: the newest values, a section each; lines one under the other. Machines' words are text only.
const LINES_SHOWN = 500;

export function takeSections(message) {
  const place = document.querySelector(`[data-live-sections="${CSS.escape(message.session_id)}"]`);
  if (!place || message.number <= Number(place.dataset.round)) return;
  place.dataset.round = message.number;
  place.querySelector("[role=status]").textContent = `Round ${message.number}`;
  const values = place.querySelector("[data-values]");
  for (const section of message.sections) {
    showValues(values, section);
    addLines(place.querySelector("ol"), section.lines);
  }
}

function showValues(values, section) {
  const old = values.querySelector(`[data-probe="${CSS.escape(section.probe)}"]`);
  const made = document.createElement("section");
  made.dataset.probe = section.probe;
  add(made, "h4", section.outcome === "ok" ? section.label : `${section.label}: ${section.outcome.replaceAll("_", " ")}`);
  if (section.note) add(made, "p", section.note).className = "problem";
  if (section.facts.length) showFacts(made, section.facts);
  for (const table of section.tables) showTable(made, table);
  if (old) old.replaceWith(made);
  else values.append(made);
}

function showFacts(place, facts) {
  const list = add(place, "dl", "");
  list.className = "facts";
  for (const fact of facts) {
    const pair = add(list, "div", "");
    add(pair, "dt", fact.label);
    add(pair, "dd", fact.text);
  }
}

function showTable(place, table) {
  const frame = add(place, "div", "");
  frame.className = "scroll";
  const made = add(frame, "table", "");
  made.className = "grid facts-table";
  add(made, "caption", table.label);
  const head = add(add(made, "thead", ""), "tr", "");
  table.columns.forEach((name, index) => {
    const cell = add(head, "th", name);
    cell.scope = "col";
    if (table.numeric[index]) cell.className = "num";
  });
  const body = add(made, "tbody", "");
  for (const row of table.rows) {
    const line = add(body, "tr", "");
    row.forEach((cell, index) => { add(line, "td", cell.text).className = table.numeric[index] ? "num" : "text"; });
  }
}

// Who reads further up stays there; who is at the end goes along.
function addLines(list, lines) {
  if (!lines.length) return;
  const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
  for (const line of lines) add(list, "li", line.text).value = line.line;
  while (list.children.length > LINES_SHOWN) list.firstElementChild.remove();
  list.hidden = false;
  if (atEnd) list.scrollTop = list.scrollHeight;
}

function add(place, name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  place.append(made);
  return made;
}
