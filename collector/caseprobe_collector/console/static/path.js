// A running path: a row a hop, numbers from the collector, the last rounds drawn as a curve with its losses.
const SVG = "http://www.w3.org/2000/svg";
const SHOWN = 60;
// Loss, sent, last, best, avg, p95, worst, jitter; a narrow screen leaves out what is marked opt.
const COLUMNS = ["num loss", "num opt", "num opt", "num opt", "num", "num opt", "num opt", "num opt"];

export class PathTable {
  constructor(place) {
    this.place = place;
    this.body = place.querySelector("tbody");
    this.verdict = place.querySelector(".verdict");
    this.rows = new Map();
    this.history = new Map();
    this.last = -1;
    this.body.replaceChildren();
  }

  take(message) {
    for (const round of message.rounds) this.addRound(round);
    if (!message.path) return;
    const [first, last] = message.path.verdict.segment ?? [0, 0];
    for (const hop of message.path.hops) this.showHop(hop, hop.ttl > first && hop.ttl <= last);
    this.dropBeyond(message.path.hops);
    if (message.path.said.length) this.verdict.textContent = message.path.said.join(". ");
  }

  addRound(round) {
    if (round.number <= this.last) return;
    this.last = round.number;
    for (const hop of round.hops) {
      const times = this.history.get(hop.ttl) ?? [];
      times.push(hop.rtt_seconds);
      if (times.length > SHOWN) times.shift();
      this.history.set(hop.ttl, times);
    }
  }

  // A path that got shorter has fewer hops.
  dropBeyond(hops) {
    const kept = new Set(hops.map((hop) => hop.ttl));
    for (const [ttl, row] of this.rows) {
      if (kept.has(ttl)) continue;
      row.line.remove();
      this.rows.delete(ttl);
    }
  }

  showHop(hop, suspect) {
    const row = this.rows.get(hop.ttl) ?? this.addRow(hop.ttl);
    const times = this.history.get(hop.ttl) ?? [];
    row.line.classList.toggle("lossy", hop.loss_ratio > 0.02 && hop.received > 0);
    row.line.classList.toggle("silent", hop.received === 0);
    row.line.classList.toggle("suspect", suspect);
    showAddress(row.address, hop);
    const last = times.at(-1);
    const numbers = [
      (hop.loss_ratio * 100).toFixed(1), String(hop.sent), times.length && last === null && hop.received ? "lost" : milliseconds(last),
      milliseconds(hop.best_seconds), milliseconds(hop.avg_seconds), milliseconds(hop.p95_seconds),
      milliseconds(hop.worst_seconds), milliseconds(hop.jitter_seconds),
    ];
    numbers.forEach((text, index) => { row.cells[index].textContent = text; });
    draw(row, times);
  }

  addRow(ttl) {
    const line = document.createElement("tr");
    const number = cell(line, "num");
    number.textContent = String(ttl);
    const address = cell(line, "addr");
    const cells = COLUMNS.map((name) => cell(line, name));
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", `0 0 ${SHOWN} 24`);
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("role", "img");
    const curve = shape(picture, "curve");
    const lost = shape(picture, "lost");
    cell(line, "spark").append(picture);
    const row = { line, address, cells, picture, curve, lost };
    const after = [...this.rows.keys()].filter((one) => one > ttl).sort((a, b) => a - b)[0];
    this.body.insertBefore(line, after === undefined ? null : this.rows.get(after).line);
    this.rows.set(ttl, row);
    return row;
  }
}

function cell(line, name) {
  const made = document.createElement("td");
  made.className = name;
  line.append(made);
  return made;
}

function shape(picture, name) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("class", name);
  picture.append(made);
  return made;
}

const milliseconds = (seconds) => (seconds === null || seconds === undefined ? "" : (seconds * 1000).toFixed(1));

function showAddress(place, hop) {
  const text = [...hop.addresses, hop.classification, hop.name, hop.network].join("|");
  if (place.dataset.shown === text) return;
  place.dataset.shown = text;
  place.replaceChildren();
  for (const address of hop.addresses) {
    const code = document.createElement("code");
    code.textContent = address;
    place.append(code);
  }
  if (!hop.addresses.length) note(place, "no reply", "quiet");
  if (hop.classification && hop.classification !== "ok") note(place, hop.classification.replaceAll("_", " "), "hop-note");
  const whose = [hop.name, hop.network].filter(Boolean).join(", ");
  if (whose) note(place, whose, "whose");
}

function note(place, text, name) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  place.append(made);
}

// Newest at the right, short of the edge; a lost round is a mark at the foot and a gap in the curve.
function draw(row, times) {
  const known = times.filter((time) => time !== null);
  const top = Math.max(...known, 0.001) * 1.1;
  const from = SHOWN - 1 - times.length;
  let curve = "";
  let lost = "";
  let broken = true;
  times.forEach((time, index) => {
    const x = from + index;
    if (time === null) {
      lost += `M${x} 24V16`;
      broken = true;
      return;
    }
    const y = (22 - (time / top) * 20).toFixed(1);
    curve += broken ? `M${x} ${y}h.4` : `L${x} ${y}`;
    broken = false;
  });
  row.curve.setAttribute("d", curve);
  row.lost.setAttribute("d", lost);
  const gone = times.length - known.length;
  row.picture.setAttribute("aria-label", `${times.length} rounds, ${gone} lost`);
}
