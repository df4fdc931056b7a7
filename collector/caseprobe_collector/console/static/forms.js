// Forms speak the HTTP API: one way to change anything, the same for people and programs.
export const csrf = () => document.querySelector("meta[name=csrf]")?.content ?? "";

export function startForms() {
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
}

function onSubmit(event) {
  const form = event.target;
  if (!form.dataset.api && !form.dataset.upload) return;
  event.preventDefault();
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
  send(form);
}

async function send(form) {
  const button = form.querySelector("button:not([type=button])");
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  try {
    const answer = await call(form);
    const body = answer.status === 204 || answer.status === 202 ? {} : await answer.json();
    if (!answer.ok) return complain(form, body.message ?? `The collector answered ${answer.status}.`);
    succeed(form, body);
  } catch {
    complain(form, "The collector cannot be reached. Nothing was changed.");
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

function call(form) {
  const headers = { "x-csrf-token": csrf() };
  if (form.dataset.upload) {
    headers["content-type"] = "application/zip";
    return fetch(form.dataset.upload, { method: "POST", headers, body: form.elements.file.files[0] });
  }
  const [method, path] = form.dataset.api.split(" ");
  headers["content-type"] = "application/json";
  const body = method === "DELETE" ? undefined : JSON.stringify(values(form));
  return fetch(path, { method, headers, body });
}

// A field named a.b goes into an object a; numbers by their type or data-number, ticks as true and false; disabled
// fields are left out.
export function values(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.name === "kind") continue;
    if (field.type === "radio" && !field.checked) continue;
    const path = field.name.split(".");
    let place = found;
    for (const part of path.slice(0, -1)) place = place[part] ??= {};
    place[path.at(-1)] = valueOf(field);
  }
  return found;
}

function valueOf(field) {
  if (field.multiple) {
    const chosen = [...field.selectedOptions].map((option) => option.value);
    return chosen.length ? chosen : null;
  }
  if (field.type === "checkbox") return field.checked;
  return field.type === "number" || "number" in field.dataset ? Number(field.value) : field.value;
}

function complain(form, message) {
  const place = form.querySelector(".problem");
  if (!place) return toast(message);
  place.textContent = message.charAt(0).toUpperCase() + message.slice(1);
  place.hidden = false;
}

export function toast(message) {
  const place = document.querySelector("#notice");
  if (!place) return;
  place.textContent = message;
  place.hidden = false;
  setTimeout(() => { place.hidden = true; }, 6000);
}

function succeed(form, body) {
  const problem = form.querySelector(".problem");
  if (problem) problem.hidden = true;
  if ("show" in form.dataset) return show(form, body);
  if (form.dataset.go) return location.assign(form.dataset.go.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(body[name])));
  if ("reload" in form.dataset) return location.reload();
}

// What is told once: a join code, a token.
function show(form, body) {
  for (const place of form.querySelectorAll("[data-result]")) {
    const value = String(body[place.dataset.result] ?? "");
    place.textContent = place.localName === "time" ? `${new Date(value).toISOString().slice(0, 16).replace("T", " ")} UTC` : value;
  }
  for (const button of form.querySelectorAll("[data-copy-result]")) {
    button.dataset.copy = button.dataset.copyResult.replace(/\{(\w+)\}/g, (_, name) => body[name]);
  }
  form.querySelector("[data-before]").hidden = true;
  form.querySelector("[data-after]").hidden = false;
}

function onClick(event) {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.open) open(document.querySelector(button.dataset.open));
  if ("close" in button.dataset) {
    button.closest("dialog").close();
    if ("reloadPage" in button.dataset) location.reload();
  }
  if (button.dataset.copy) copy(button);
}

function open(dialog) {
  const form = dialog.querySelector("form");
  form?.reset();
  for (const one of dialog.querySelectorAll("[data-before]")) one.hidden = false;
  for (const one of dialog.querySelectorAll("[data-after], .problem")) one.hidden = true;
  for (const one of dialog.querySelectorAll("[data-shows]:checked")) chooseFields(one);
  for (const one of dialog.querySelectorAll("select")) showNote(one);
  dialog.showModal();
}

// What the chosen option has to say, for example a machine's policy.
function showNote(field) {
  const place = field.form?.querySelector(`[data-note-of="${field.name}"]`);
  if (place) place.textContent = field.selectedOptions[0]?.dataset.note ?? "";
}

async function copy(button) {
  const text = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it by hand";
  }
  setTimeout(() => { button.textContent = text; }, 1500);
}

function onChange(event) {
  showNote(event.target);
  if (event.target.dataset?.shows) chooseFields(event.target);
  if (event.target.dataset?.instead) putInstead(event.target);
}

// A tick that takes another field's place.
function putInstead(tick) {
  tick.form.elements[tick.dataset.instead].disabled = tick.checked || tick.disabled;
}

// Of several groups of fields only the chosen one counts.
function chooseFields(chosen) {
  for (const radio of chosen.form.querySelectorAll("[data-shows]")) {
    const group = document.querySelector(radio.dataset.shows);
    group.hidden = !radio.checked;
    for (const field of group.querySelectorAll("input, select")) field.disabled = !radio.checked;
    for (const tick of group.querySelectorAll("[data-instead]")) putInstead(tick);
  }
}
