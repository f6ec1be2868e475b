// What the map can show: for each cell a group, which has a colour, and a number to be counted by.

const BINS = 24; // of a distribution of numbers
const ERROR_COLOURS = d3.interpolatePRGn; // as in the figures: purple is read as poorer, green as richer

function classLayer(data, cells, name, label, values, axis) {
  const groups = data.class_labels.map((words, k) => ({ label: words, colour: data.class_colours[k] }));
  const bins = d3.bin().thresholds(BINS)(values.filter((value) => !Number.isNaN(value)));
  const edges = bins.map((bin) => bin.x0).concat(bins.length ? bins.at(-1).x1 : []);
  return { name, label, groups, group: cells.columns[name], values, edges, axis };
}

// A layer of categories: each is a group, and a bar of its own.
function categoryLayer(name, label, groups, group) {
  const values = Float32Array.from(group, (number) => (number === NONE ? NaN : number));
  const edges = d3.range(groups.length + 1).map((number) => number - 0.5);
  return { name, label, groups, group, values, edges, axis: label, categories: true };
}

function differenceLayer(data, cells) {
  const { observed, predicted } = cells.columns;
  const steps = d3.range(-4, 5);
  const groups = steps.map((step) => ({ label: `${step > 0 ? "+" : ""}${step}`, colour: ERROR_COLOURS((step + 4) / 8) }));
  groups[4] = { label: "0, right", colour: "#c9cdd2" };
  const group = Uint8Array.from(observed, (own, cell) =>
    own === NONE || predicted[cell] === NONE ? NONE : predicted[cell] - own + 4);
  return categoryLayer("difference", "predicted less observed class", groups, group);
}

function colouredCategories(name, label, names, group, prefix = "") {
  const groups = names.map((word, k) => ({ label: `${prefix}${word}`, colour: d3.schemeTableau10[k % 10] }));
  return categoryLayer(name, label, groups, group);
}

function makeLayers(data, cells) {
  const { columns, names } = cells;
  const imputed = [{ label: "not imputed", colour: "#9fc5bb" }, { label: "imputed", colour: "#8c4f9f" }];
  const layers = [
    classLayer(data, cells, "observed", `observed ${data.target}`, columns.target, data.target_unit),
    classLayer(data, cells, "predicted", `predicted ${data.target}`, columns.p, "score p: 0 poorest, 1 richest"),
    differenceLayer(data, cells),
    categoryLayer("imputed", "imputed value", imputed, columns.imputed),
    colouredCategories("fold", "fold", names.fold, columns.fold, "fold "),
    colouredCategories("campaign", "campaign of the image", names.campaign_year, columns.campaign_year),
    colouredCategories("unused", "why a cell is not used", names.reason, columns.reason),
  ];
  return layers.filter((layer) => layer.groups.length > 0);
}
