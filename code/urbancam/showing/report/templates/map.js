// The map: one pixel a cell on a hidden picture, which the canvas shows larger, moved and zoomed.

const DIMMED = 45; // opacity of cells that are not selected, of 255
const LINES_FROM_PX = 9; // side of a cell on the screen from which lines part the cells

function makeMap(canvas, cells, events) {
  const context = canvas.getContext("2d");
  const picture = document.createElement("canvas");
  picture.width = cells.width;
  picture.height = cells.height;
  const map = { canvas, context, picture, cells, view: d3.zoomIdentity, picked: -1, hovered: -1 };
  map.zoom = d3.zoom().scaleExtent([1, Math.max(8, cells.width / 4)]).filter(isMeantForMap).on("zoom", ({ transform }) => {
    map.view = transform;
    drawMap(map);
  });
  d3.select(canvas).call(map.zoom).on("dblclick.zoom", null);
  canvas.addEventListener("pointermove", (event) => events.hover(cellUnder(map, event), event));
  canvas.addEventListener("pointerleave", (event) => events.hover(-1, event));
  canvas.addEventListener("click", (event) => events.pick(cellUnder(map, event)));
  canvas.addEventListener("keydown", (event) => pressKey(map, event, events));
  new ResizeObserver(() => fitMap(map)).observe(canvas);
  fitMap(map);
  return map;
}

// One finger and the wheel scroll the page; two fingers, and the wheel once the map is clicked, zoom.
function isMeantForMap(event) {
  if (event.touches) return event.touches.length > 1;
  if (event.type === "wheel") return event.ctrlKey || document.activeElement === event.target;
  return !event.ctrlKey && !event.button;
}

// The whole city fills the canvas; the canvas has a pixel for each of the screen's.
function fitMap(map) {
  const { canvas, cells } = map;
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  map.side = Math.min(width / (cells.width + 1), height / (cells.height + 1));
  map.left = (width - map.side * cells.width) / 2;
  map.top = (height - map.side * cells.height) / 2;
  map.zoom.extent([[0, 0], [width, height]]).translateExtent([[-width / 4, -height / 4], [width * 1.25, height * 1.25]]);
  drawMap(map);
}

// Colour the hidden picture: each cell as its group, paler where it is not selected.
function colourMap(map, layer, selected, unusedColour) {
  const { cells } = map;
  const context = map.picture.getContext("2d");
  const image = context.createImageData(cells.width, cells.height);
  const colours = layer.groups.map((group) => d3.rgb(group.colour));
  const unused = d3.rgb(unusedColour);
  for (let cell = 0; cell < cells.count; cell++) {
    const { r, g, b } = colours[layer.group[cell]] ?? unused;
    const row = cells.height - 1 - cells.columns.north[cell]; // row 0 is the north
    const place = 4 * (row * cells.width + cells.columns.east[cell]);
    image.data.set([r, g, b, !selected || selected[cell] ? 255 : DIMMED], place);
  }
  context.putImageData(image, 0, 0);
  drawMap(map);
}

function drawMap(map) {
  const { context, canvas, cells, picture } = map;
  const side = map.side * map.view.k;
  const [left, top] = map.view.apply([map.left, map.top]);
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, left, top, side * cells.width, side * cells.height);
  if (side >= LINES_FROM_PX) drawLines(map, left, top, side);
  outlineCell(map, map.hovered, 1.5);
  outlineCell(map, map.picked, 3);
  showScale(map, side);
}

function drawLines(map, left, top, side) {
  const { context, cells } = map;
  context.beginPath();
  for (let east = 0; east <= cells.width; east++) {
    context.moveTo(left + east * side, top);
    context.lineTo(left + east * side, top + side * cells.height);
  }
  for (let row = 0; row <= cells.height; row++) {
    context.moveTo(left, top + row * side);
    context.lineTo(left + side * cells.width, top + row * side);
  }
  context.strokeStyle = getComputedStyle(map.canvas.parentElement).backgroundColor;
  context.lineWidth = 1;
  context.stroke();
}

function outlineCell(map, cell, width) {
  if (cell < 0) return;
  const { x, y, side } = squareOf(map, cell);
  map.context.strokeStyle = getComputedStyle(document.body).color;
  map.context.lineWidth = width;
  map.context.strokeRect(x, y, side, side);
}

// Where a cell lies on the canvas.
function squareOf(map, cell) {
  const { cells } = map;
  const row = cells.height - 1 - cells.columns.north[cell];
  const [x, y] = map.view.apply([map.left + cells.columns.east[cell] * map.side, map.top + row * map.side]);
  return { x, y, side: map.side * map.view.k };
}

function cellUnder(map, event) {
  const [x, y] = map.view.invert(d3.pointer(event, map.canvas));
  const east = Math.floor((x - map.left) / map.side);
  const row = Math.floor((y - map.top) / map.side);
  return cellAt(map.cells, east, map.cells.height - 1 - row);
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function pressKey(map, event, events) {
  if (event.key in STEPS) events.pick(nextCell(map, STEPS[event.key]));
  else if (event.key === "+") zoomBy(map, 1.6);
  else if (event.key === "-") zoomBy(map, 1 / 1.6);
  else if (event.key === "Escape") events.pick(-1);
  else return;
  event.preventDefault();
}

// The next cell in a direction, over gaps; the first one where none is picked yet.
function nextCell(map, [stepEast, stepNorth]) {
  const { cells, picked } = map;
  if (picked < 0) return 0;
  let east = cells.columns.east[picked];
  let north = cells.columns.north[picked];
  for (;;) {
    east += stepEast;
    north += stepNorth;
    if (east < 0 || north < 0 || east >= cells.width || north >= cells.height) return picked;
    const cell = cellAt(cells, east, north);
    if (cell >= 0) return cell;
  }
}

function zoomBy(map, factor) {
  d3.select(map.canvas).call(map.zoom.scaleBy, factor);
}

function zoomAll(map) {
  d3.select(map.canvas).call(map.zoom.transform, d3.zoomIdentity);
}

// A bar of a round length in the corner.
function showScale(map, side) {
  const metresPerPx = map.cells.side_m / side;
  const most = 120 * metresPerPx;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].find((times) => times * power <= most) * power;
  const scale = document.getElementById("scale");
  scale.style.width = `${metres / metresPerPx}px`;
  scale.textContent = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
}
