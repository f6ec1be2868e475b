// The cells of the city, read back from the columns that the page carries.

const NONE = 255; // of a column of categories: the cell has none
const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

function unpack(column) {
  const signs = atob(column.data);
  const bytes = new Uint8Array(signs.length);
  for (let place = 0; place < signs.length; place++) bytes[place] = signs.charCodeAt(place);
  return new ARRAYS[column.kind](bytes.buffer);
}

function unpackAll(columns) {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, unpack(column)]));
}

function readCells(data) {
  const { cells, cover } = data;
  const columns = unpackAll(cells.columns);
  const width = d3.max(columns.east) + 1;
  const height = d3.max(columns.north) + 1;
  // Which cell lies at a place of the grid; -1: none.
  const places = new Int32Array(width * height).fill(-1);
  for (let cell = 0; cell < cells.count; cell++) {
    places[columns.north[cell] * width + columns.east[cell]] = cell;
  }
  const { classes, share_unit, ...rows } = cover;
  return { ...cells, columns, width, height, places, classes, shareUnit: share_unit, cover: unpackAll(rows) };
}

// The INSPIRE id of a cell, which is its place on the grid.
function idOf(cells, cell) {
  const south = cells.south + cells.columns.north[cell] * cells.side_m;
  const west = cells.west + cells.columns.east[cell] * cells.side_m;
  return `CRS${cells.epsg}RES${cells.side_m}mN${south}E${west}`;
}

// The cell at a place of the grid, counted from the south-west; -1 where there is none.
function cellAt(cells, east, north) {
  const inside = east >= 0 && north >= 0 && east < cells.width && north < cells.height;
  return inside ? cells.places[north * cells.width + east] : -1;
}

// What a cell holds: class, share of the cell and contribution, the largest share first.
function coverOf(cells, cell) {
  const rows = d3.range(cells.cover.start[cell], cells.cover.start[cell + 1]);
  return rows.map((row) => ({
    ...cells.classes[cells.cover.class[row]],
    share: cells.cover.share[row] / cells.shareUnit,
    contribution: cells.cover.contribution[row],
  }));
}

// The cells that hold most of a class; those with pictures first.
function examplesOf(cells, key, count) {
  const number = cells.classes.findIndex((landCover) => landCover.class === key);
  const holders = [];
  for (let cell = 0; cell < cells.count; cell++) {
    for (let row = cells.cover.start[cell]; row < cells.cover.start[cell + 1]; row++) {
      if (cells.cover.class[row] === number) holders.push({ cell, share: cells.cover.share[row] });
    }
  }
  const hasPicture = ({ cell }) => cells.columns.picture[cell];
  holders.sort((a, b) => hasPicture(b) - hasPicture(a) || b.share - a.share);
  return holders.slice(0, count).map(({ cell }) => cell);
}
