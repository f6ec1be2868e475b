// The page: layers, map, distribution and cell hang together here.

function startPage() {
  const at = (id) => document.getElementById(id);
  const data = JSON.parse(at("map-data").textContent);
  const cells = readCells(data);
  const layers = makeLayers(data, cells);
  const state = { layer: layers[0], selected: null };

  const map = makeMap(at("map"), cells, {
    hover: (cell, event) => hover(map, data, state, cell, event),
    pick: (cell) => pick(cell),
  });
  const recolour = () => colourMap(map, state.layer, state.selected, data.unused_colour);

  function pick(cell) {
    map.picked = cell;
    drawMap(map);
    showCell(at("cell"), data, cells, cell);
  }

  function select(selected, words) {
    state.selected = selected;
    at("clear").hidden = !selected;
    at("selection").textContent = selected ? `${d3.sum(selected).toLocaleString("en")} cells: ${words}` : "";
    recolour();
  }

  function show(layer) {
    state.layer = layer;
    showLegend(at("legend"), layer, data.unused_colour);
    at("distribution-caption").textContent = `How many cells, by ${layer.label}. A stretch drawn over the bars selects cells on the map.`;
    drawDistribution(at("distribution"), layer, (from, to) =>
      select(cellsBetween(layer, from, to), rangeWords(layer, from, to)));
    recolour();
  }

  at("layers").append(...layers.map((layer) => layerChoice(layer, layer === state.layer, show)));
  at("clear").addEventListener("click", () => {
    select(null);
    show(state.layer);
  });
  at("zoom-in").addEventListener("click", () => zoomBy(map, 1.6));
  at("zoom-out").addEventListener("click", () => zoomBy(map, 1 / 1.6));
  at("zoom-all").addEventListener("click", () => zoomAll(map));
  for (const button of document.querySelectorAll("[data-examples]")) {
    button.addEventListener("click", () => {
      const found = showExamples(at("examples"), data, cells, button.dataset.examples, pick);
      select(Uint8Array.from({ length: cells.count }, (_, cell) => Number(found.includes(cell))), "examples of the class");
      at("where").scrollIntoView();
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawMap(map));
  show(state.layer);
  at("map-app").dataset.ready = "yes";
}

function layerChoice(layer, checked, show) {
  const input = element("input", { type: "radio", name: "layer", value: layer.name, checked });
  input.addEventListener("change", () => show(layer));
  return element("label", {}, input, ` ${layer.label}`);
}

function showLegend(place, layer, unusedColour) {
  const counts = layer.groups.map(() => 0);
  let without = 0;
  for (const group of layer.group) group === NONE ? (without += 1) : (counts[group] += 1);
  const entries = layer.groups.map((group, number) => [group.colour, group.label, counts[number]]);
  if (without) entries.push([unusedColour, "none", without]);
  place.replaceChildren(...entries.map(([colour, words, count]) => {
    const swatch = element("i");
    swatch.style.background = colour;
    return element("li", {}, swatch, `${words} (${count.toLocaleString("en")})`);
  }));
}

function hover(map, data, state, cell, event) {
  if (map.hovered === cell && cell < 0) return;
  map.hovered = cell;
  drawMap(map);
  const hint = document.getElementById("hint");
  hint.hidden = cell < 0;
  if (cell < 0) return;
  const group = state.layer.groups[state.layer.group[cell]];
  const income = valueWords(map.cells.columns.target[cell]);
  hint.textContent = `${state.layer.label}: ${group ? group.label : "none"}; ${income} ${data.target_unit}`;
  const [x, y] = d3.pointer(event, map.canvas);
  const left = Math.min(x + 14, map.canvas.clientWidth - hint.offsetWidth - 4);
  hint.style.left = `${Math.max(0, left)}px`;
  hint.style.top = `${y + 14}px`;
}

startPage();
