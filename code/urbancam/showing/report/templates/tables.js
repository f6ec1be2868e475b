"use strict";
// Tables whose heads sort them: by number where every cell begins with one, else by word.

function sortKey(cell) {
  const text = cell.textContent.trim();
  const number = parseFloat(text.replaceAll(",", ""));
  return { text, number };
}

function compareKeys(numeric) {
  return numeric
    ? (a, b) => a.key.number - b.key.number
    : (a, b) => a.key.text.localeCompare(b.key.text);
}

function sortTable(table, column, descending) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, key: sortKey(row.cells[column]) }));
  // Rows without a value stay at the end, whichever way the others go.
  const filled = rows.filter(({ key }) => key.text !== "");
  const empty = rows.filter(({ key }) => key.text === "");
  filled.sort(compareKeys(filled.every(({ key }) => !Number.isNaN(key.number))));
  if (descending) filled.reverse();
  body.append(...[...filled, ...empty].map(({ row }) => row));
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells].filter((head) => !head.matches(".action"));
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      sortTable(table, column, descending);
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    });
  });
  for (const cell of table.querySelectorAll("tbody td")) {
    cell.classList.toggle("long", cell.textContent.length > 60);
  }
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
