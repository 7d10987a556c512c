"use strict";
(() => {
  const views = new Map();
  const boxes = [...document.querySelectorAll('.filter input[name="choice"]')];
  const shown = () => boxes.filter((box) => box.checked).map((box) => box.value);

  // Vega works out its expressions itself (ast), so that the page needs no leave to make code from text.
  const draw = async () => {
    const data = document.getElementById("charts");
    if (!data) return;
    const specs = JSON.parse(data.textContent);
    for (const place of document.querySelectorAll("[data-chart]")) {
      const options = { actions: false, ast: true, defaultStyle: false, renderer: "svg", logLevel: 1 };
      const result = await window.vegaEmbed(place, specs[place.dataset.chart], options);
      views.set(place.dataset.chart, result.view);
    }
    document.documentElement.dataset.drawn = String(views.size);
  };

  const filter = () => {
    const keys = shown();
    for (const each of document.querySelectorAll("[data-choice]")) {
      each.hidden = !keys.includes(each.dataset.choice);
    }
    for (const view of views.values()) {
      try { view.signal("shown", keys).runAsync(); } catch { /* a chart that is not filtered */ }
    }
  };
  for (const box of boxes) box.addEventListener("change", filter);

  // Numbers are sorted by their value and not by their text; what is unknown comes last either way.
  const key = (row, column) => row.cells[column].dataset.value;
  const compare = (a, b, sign) => {
    const x = Number(a), y = Number(b);
    if (a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y)) return sign * (x - y);
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
    return sign * a.localeCompare(b);
  };
  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const head = button.parentElement, body = head.closest("table").tBodies[0];
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const rows = [...body.rows].sort((a, b) => compare(key(a, head.cellIndex), key(b, head.cellIndex), sign));
      body.append(...rows);
    });
  }

  const opened = [];
  window.addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details:not([open])")) { each.open = true; opened.push(each); }
  });
  window.addEventListener("afterprint", () => { for (const each of opened.splice(0)) each.open = false; });

  draw().catch((error) => console.error(error));
})();
