// How the layer's numbers are distributed; a stretch drawn over the bars, or a bar, selects cells.

const MARGIN = { left: 34, right: 8, top: 8, bottom: 34 };

function drawDistribution(svgNode, layer, select) {
  const svg = d3.select(svgNode);
  svg.selectAll("*").remove();
  const { width, height } = svgNode.getBoundingClientRect();
  const bars = countBars(layer);
  const x = d3.scaleLinear([layer.edges[0], layer.edges.at(-1)], [MARGIN.left, width - MARGIN.right]);
  const most = d3.max(bars, (bar) => bar.count) || 1;
  const y = d3.scaleLinear([0, most], [height - MARGIN.bottom, MARGIN.top]).nice();
  drawAxes(svg, layer, x, y, width, height);
  const chosen = (bar) => select(bar.from, bar.to);
  svg.append("g").selectAll("g").data(bars).join("g").call(drawBars, layer, x, y, chosen);
  svg.append("g").attr("class", "brush").call(makeBrush(layer, bars, x, width, height, select));
}

// For each bar how many cells of each group it has.
function countBars(layer) {
  const bars = d3.pairs(layer.edges).map(([from, to]) => ({ from, to, count: 0, groups: layer.groups.map(() => 0) }));
  const bisect = d3.bisectRight;
  layer.values.forEach((value, cell) => {
    if (Number.isNaN(value)) return;
    const bar = bars[Math.min(bisect(layer.edges, value) - 1, bars.length - 1)];
    bar.count += 1;
    bar.groups[layer.group[cell]] += 1;
  });
  return bars;
}

function drawBars(bars, layer, x, y, chosen) {
  bars.each(function (bar) {
    let below = 0;
    bar.groups.forEach((count, number) => {
      if (!count) return;
      d3.select(this).append("rect")
        .attr("x", x(bar.from) + 0.5).attr("width", Math.max(1, x(bar.to) - x(bar.from) - 1))
        .attr("y", y(below + count)).attr("height", y(below) - y(below + count))
        .attr("fill", layer.groups[number].colour);
      below += count;
    });
  });
  bars.attr("class", "bar").attr("tabindex", 0).attr("role", "button")
    .attr("aria-label", (bar) => `${bar.count} cells, ${rangeWords(layer, bar.from, bar.to)}: select`)
    .on("keydown", (event, bar) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      chosen(bar);
    });
}

function drawAxes(svg, layer, x, y, width, height) {
  const below = layer.categories
    ? d3.axisBottom(x).tickValues(layer.groups.map((_, number) => number)).tickFormat((number) => layer.groups[number].label.split(",")[0])
    : d3.axisBottom(x).ticks(4);
  svg.append("g").attr("transform", `translate(0,${height - MARGIN.bottom})`).call(below.tickSizeOuter(0));
  svg.append("g").attr("transform", `translate(${MARGIN.left},0)`).call(d3.axisLeft(y).ticks(3).tickSizeOuter(0));
  svg.append("text").attr("x", width - MARGIN.right).attr("y", height - 2).attr("text-anchor", "end").text(layer.axis);
}

function makeBrush(layer, bars, x, width, height, select) {
  const extent = [[MARGIN.left, MARGIN.top], [width - MARGIN.right, height - MARGIN.bottom]];
  return d3.brushX().extent(extent).on("end", (event) => {
    if (!event.sourceEvent) return;
    if (event.selection) return select(...event.selection.map(x.invert));
    // A click without a stretch takes the bar that it hits.
    const [at] = d3.pointer(event.sourceEvent, event.target ? undefined : null);
    const svgLeft = document.getElementById("distribution").getBoundingClientRect().left;
    const value = x.invert((event.sourceEvent.clientX ?? at) - svgLeft);
    const bar = bars.find(({ from, to }) => from <= value && value < to);
    if (bar) select(bar.from, bar.to);
  });
}

function rangeWords(layer, from, to) {
  if (layer.categories) {
    const inside = layer.groups.filter((_, number) => from <= number && number <= to);
    return inside.map((group) => group.label).join(", ");
  }
  const words = d3.format(",.3~r");
  return `${words(from)} to ${words(to)} (${layer.axis})`;
}

// Which cells lie in a stretch, its end included.
function cellsBetween(layer, from, to) {
  return Uint8Array.from(layer.values, (value) => Number(from <= value && value <= to));
}
