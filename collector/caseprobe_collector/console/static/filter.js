// Hides the rows of a list that do not hold every word of its filter.
export function startFilter() {
  for (const input of document.querySelectorAll("[data-filter-for]")) {
    input.addEventListener("input", () => apply(input));
  }
}

function apply(input) {
  const list = document.querySelector(input.dataset.filterFor);
  if (!list) return;
  const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of list.querySelectorAll("[data-row]")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  const none = document.querySelector("[data-none]");
  if (none) none.hidden = shown > 0;
}
