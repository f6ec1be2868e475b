// What is told of one cell: pictures, numbers, land cover; and example cells of a class.

const PICTURES = "report_cells/"; // as step 92 names them

function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

// A cell's value, in three digits or in whole units, as figures say it.
function valueWords(value) {
  return Math.abs(value) < 100 ? Number(value.toPrecision(3)).toLocaleString("en") : number(value, 0);
}

function number(value, digits, unit = "") {
  return Number.isNaN(value) ? "unknown" : `${value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}${unit}`;
}

function showCell(place, data, cells, cell) {
  if (cell < 0) {
    place.replaceChildren(element("p", { className: "absent", textContent: "Click a cell for its image, map, land cover and numbers." }));
    return;
  }
  const id = idOf(cells, cell);
  const numbers = element("div", { className: "numbers" }, numbersTable(data, cells, cell), coverTable(cells, cell));
  place.replaceChildren(element("h3", { textContent: `Cell ${id}` }), panels(cells, cell, id), numbers);
}

function panels(cells, cell, id) {
  if (!cells.columns.picture[cell]) return wholeImage(cells, id);
  const image = `${PICTURES}${id}.jpg`;
  const ground = () => picture(image, "", "faded");
  return element("div", { className: "panels" },
    panel("Image", picture(image, `Aerial image of cell ${id}`)),
    panel("Signed map, scaled to this cell: red where the network reads rich, blue where poor", ground(),
      picture(`${PICTURES}${id}_map.png`, "The cell's activation map over its image")),
    panel("Land cover, in the colours of the list", ground(),
      picture(`${PICTURES}${id}_cover.png`, "The cell's land cover", "pixels")));
}

// Of a cell without small pictures the image itself, where the page lies beside the results.
function wholeImage(cells, id) {
  const said = element("p", { className: "absent", textContent: "No small pictures of this cell lie beside the page (setting page.cell_pictures)." });
  if (!cells.image) return said;
  const image = picture(`../${cells.image.replace("{id}", id)}`, `Aerial image of cell ${id}`);
  return element("div", {}, element("div", { className: "panels" }, panel("Image, in the city's folder", image)), said);
}

function picture(source, alt, className = "") {
  const image = element("img", { src: source, alt, className });
  image.addEventListener("error", () => image.replaceWith(element("span", { className: "absent", textContent: "not there" })));
  return image;
}

function panel(words, ...images) {
  return element("figure", {}, element("div", { className: "stack" }, ...images), element("figcaption", { textContent: words }));
}

function numbersTable(data, cells, cell) {
  const { columns, names } = cells;
  const classWords = (k) => (k === NONE ? "none" : `${k}, ${data.class_labels[k]}`);
  const nameOf = (column) => names[column][columns[column][cell]] ?? "none";
  const chances = d3.range(5).map((k) => columns[`prob_${k}`][cell]);
  const rows = [
    [`Observed ${data.target}`, `${valueWords(columns.target[cell])} ${data.target_unit}`],
    ["Observed class", classWords(columns.observed[cell])],
    ["Predicted class", classWords(columns.predicted[cell])],
    ["Probability of each class", chances.map((chance) => number(100 * chance, 0, " %")).join(", ")],
    ["Score p (0 poorest, 1 richest)", number(columns.p[cell], 3)],
    ["Logit", number(columns.logit[cell], 2)],
    ["Fold", nameOf("fold")],
    ["People", number(columns.ind[cell], 0)],
    ["Imputed", ["no", "yes"][columns.imputed[cell]] ?? "unknown"],
    ["Campaign of the image", nameOf("campaign_year")],
    ["Void share of the image", number(100 * columns.void_fraction[cell], 1, " %")],
  ];
  if (columns.reason[cell] !== NONE) rows.push(["Not used", nameOf("reason")]);
  return listTable("Numbers of the cell", ["", ""], rows);
}

function coverTable(cells, cell) {
  const words = d3.format("+.3f");
  const rows = coverOf(cells, cell).map(({ name, colour, share, contribution }) => {
    const swatch = element("i");
    swatch.style.background = colour;
    const label = element("span", { className: "swatch" }, swatch, name);
    return [label, number(100 * share, 1, " %"), words(contribution)];
  });
  if (!rows.length) return element("p", { className: "absent", textContent: "No land cover is told of this cell." });
  return listTable("Land cover of the cell, and what it adds to the logit (above 0: towards rich)", ["Land cover", "Share", "Logit units"], rows);
}

function listTable(words, heads, rows) {
  const lines = rows.map(([first, ...rest]) => {
    const head = element("th", { scope: "row" }, first);
    return element("tr", {}, head, ...rest.map((text) => element("td", { textContent: text })));
  });
  const top = heads.map((text) => element("th", { scope: "col", textContent: text }));
  const table = element("table", {}, element("caption", { textContent: words }));
  if (heads.some(Boolean)) table.append(element("thead", {}, element("tr", {}, ...top)));
  table.append(element("tbody", {}, ...lines));
  return table;
}

function showExamples(place, data, cells, key, pick) {
  const found = examplesOf(cells, key, 8);
  const name = cells.classes.find((landCover) => landCover.class === key)?.name ?? key;
  const buttons = found.map((cell) => {
    const id = idOf(cells, cell);
    const own = coverOf(cells, cell).find((landCover) => landCover.class === key);
    const read = data.class_labels[cells.columns.predicted[cell]] ?? "not predicted";
    const button = element("button", { type: "button" },
      ...(cells.columns.picture[cell] ? [picture(`${PICTURES}${id}.jpg`, "")] : []),
      `${number(100 * own.share, 0, " %")}, read as ${read}`);
    button.addEventListener("click", () => pick(cell));
    return button;
  });
  const words = found.length ? `Cells that hold most ${name}` : `No cell of the map holds ${name}`;
  place.replaceChildren(element("h3", { textContent: words }), ...buttons);
  place.hidden = false;
  return found;
}
