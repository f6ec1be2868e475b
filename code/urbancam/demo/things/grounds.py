"""What lies flat: water, streets, rails, fields, yards, pitches and parks."""

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.curves import left_of, tangents
from urbancam.demo.layout.plan import Plan
from urbancam.demo.rendering.drawing import Layer, Sketch
from urbancam.demo.rendering.materials import DIRECTIONS, material_numbers
from urbancam.demo.things.frontage import scatter

CROPS = tuple(
    f"{crop}_{turn}" for crop in ("wheat", "maize", "ploughed") for turn in range(DIRECTIONS)
)
BASES = {
    landuse.URBAN_DENSE: ("courtyard", "courtyard", "gravel"),
    landuse.URBAN_HIGH: ("lawn", "lawn_dry"),
    landuse.URBAN_MEDIUM: ("lawn", "lawn_dry"),
    landuse.URBAN_LOW: ("lawn", "lawn", "lawn_dry"),
    landuse.INDUSTRY: ("concrete", "asphalt", "asphalt_dark"),
    landuse.GREEN: ("lawn_mown", "lawn"),
    landuse.SPORT: ("lawn_mown", "lawn_dry", "gravel"),
    landuse.FOREST: ("understory",),
    landuse.PASTURE: ("meadow", "lawn_dry"),
    landuse.ARABLE: CROPS,
}  # materials of the ground of each class, drawn by lot
ROUNDABOUT = {
    "asphalt_dark": 19,
    "pavement": 11.5,
    "lawn_mown": 10.5,
    "flowers": 4.5,
}  # radius of each ring, m, the outermost first
PAVEMENT_M = 1.8
TRACK_SPACING_M = 4.6
RAILS_M = (-0.72, 0.72)  # half the standard gauge of 1.435 m to either side
NEAR_M = 60  # beyond the plan, to which lines are drawn


def draw_grounds(
    sketch: Sketch,
    plan: Plan,
    rng: np.random.Generator,
) -> None:
    """Everything that throws no shadow, farthest below first."""
    _draw_water(sketch, plan)
    _draw_rails(sketch, plan)
    _draw_blocks(sketch, plan, rng)
    _draw_streets(sketch, plan)
    _draw_motorway(sketch, plan)
    _draw_parks(sketch, plan.of(landuse.GREEN), rng)


def _draw_water(sketch: Sketch, plan: Plan) -> None:
    water = shapely.get_parts(shapely.union_all(plan.of(landuse.WATER)))
    sketch.shapes(water, "water_edge", Layer.GROUND)
    sketch.shapes(shapely.buffer(water, -2.5), "water", Layer.GROUND)


def _draw_blocks(
    sketch: Sketch,
    plan: Plan,
    rng: np.random.Generator,
) -> None:
    """The ground of each block, a pavement around those in town, a verge around the others."""
    drawable = np.isin(plan.codes, list(BASES))
    blocks = plan.faces[drawable]
    codes = plan.codes[drawable]

    town = plan.outline.buffer(20)
    in_town = shapely.contains_properly(town, shapely.point_on_surface(blocks))
    wider = shapely.buffer(blocks, PAVEMENT_M, join_style="mitre")
    sketch.shapes(wider[in_town], "pavement", Layer.GROUND)
    sketch.shapes(wider[~in_town], "verge", Layer.GROUND)

    names = []
    for code in codes:
        bases = BASES[code]
        names.append(bases[rng.integers(len(bases))])
    grounds = material_numbers(names)
    sketch.shapes(blocks, grounds, Layer.SURFACE)

    # Yards have a green edge.
    yards = codes == landuse.INDUSTRY
    sketch.shapes(blocks[yards], "verge", Layer.SURFACE)
    inner = shapely.buffer(blocks[yards], -2.5, join_style="mitre")
    sketch.shapes(inner, grounds[yards], Layer.SURFACE)


def strip(
    line: np.ndarray,
    offset_m: float,
    half_width_m: float,
) -> np.ndarray:
    """Quads (M - 1, 4, 2) along a line (M, 2), at some distance to its left."""
    side = left_of(tangents(line))
    left = line + side * (offset_m + half_width_m)
    right = line + side * (offset_m - half_width_m)
    corners = [left[:-1], left[1:], right[1:], right[:-1]]
    return np.stack(corners, axis=1)


def resample(line: np.ndarray | shapely.LineString, step_m: float) -> np.ndarray:
    """Points (M, 2) at equal steps along a line."""
    line = line if isinstance(line, shapely.Geometry) else shapely.LineString(line)
    distances = np.arange(0, line.length, step_m)
    return shapely.get_coordinates(shapely.line_interpolate_point(line, distances))


def near_plan(plan: Plan, line: np.ndarray) -> np.ndarray:
    """The part of a long line (M, 2) near the plan."""
    west, south, east, north = shapely.total_bounds(plan.faces)
    x, y = line.T
    in_columns = (x > west - NEAR_M) & (x < east + NEAR_M)
    in_rows = (y > south - NEAR_M) & (y < north + NEAR_M)
    return line[in_columns & in_rows]


def track_offsets(width: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Offset of each track, m, and where along the line there is room for it: (M,) bool."""
    offsets = np.arange(-6, 7) * TRACK_SPACING_M + TRACK_SPACING_M / 2
    return [(offset, np.abs(offset) < width / 2 - 3.2) for offset in offsets]


def _draw_rails(sketch: Sketch, plan: Plan) -> None:
    sketch.shapes(plan.of(landuse.RAILWAY), "ballast", Layer.SURFACE)
    line, width = plan.ribbons[landuse.RAILWAY]
    near = np.isin(line, near_plan(plan, line)).all(axis=1)
    for offset, room in track_offsets(width):
        track = line[room & near]
        if len(track) > 2:
            sketch.quads(strip(track, offset, 1.25), "sleeper", Layer.SURFACE)
            for rail_m in RAILS_M:
                rail = strip(track, offset + rail_m, 0.12)
                sketch.quads(rail, "vent", Layer.SURFACE)


def bridges(plan: Plan) -> np.ndarray:
    """Where main streets cross water or rails: (N,) polygons."""
    water = shapely.union_all(plan.of(landuse.WATER))
    river = shapely.buffer(water, 14)
    gaps = shapely.union_all([river, *plan.of(landuse.RAILWAY)])
    streets = shapely.buffer(shapely.get_parts(plan.arterials), 9.0)
    decks = shapely.intersection(streets, gaps)
    return shapely.get_parts(decks[~shapely.is_empty(decks)])


def _draw_streets(sketch: Sketch, plan: Plan) -> None:
    """Carriageways of the main streets, their dashes, roundabouts and bridges."""
    decks = bridges(plan)
    east, north = 4.0 * sketch.sun.heading
    shadows = shapely.affinity.translate(shapely.multipolygons(decks), east, north)
    sketch.shapes(shadows, "shadow", Layer.SHADOW)
    sketch.shapes(decks, "pavement", Layer.RAISED)

    # Streets run across the decks of their bridges.
    for line in shapely.get_parts(plan.arterials):
        points = resample(line, 3.0)
        dashes = strip(points, 0.0, 0.12)[::3]
        sketch.quads(strip(points, 0.0, 7.0), "asphalt_dark", Layer.SURFACE)
        sketch.quads(dashes, "paint", Layer.MARKING)
        on_decks = shapely.intersection(line.buffer(6.2), decks)
        sketch.shapes(on_decks, "asphalt_dark", Layer.RAISED)
    for material, radius_m in ROUNDABOUT.items():
        sketch.shapes(shapely.buffer(plan.squares, radius_m), material, Layer.MARKING)


def _draw_motorway(sketch: Sketch, plan: Plan) -> None:
    """Two carriageways on a green dam, above everything else."""
    centre_line, _ = plan.ribbons[landuse.MOTORWAY]
    line = resample(near_plan(plan, centre_line), 4.0)
    sketch.quads(strip(line, 0, 18), "verge", Layer.RAISED)
    for side in (-1, 1):
        carriageway = strip(line, 7.4 * side, 5.6)
        dashes = strip(line, 7.4 * side, 0.12)[::3]
        sketch.quads(carriageway, "asphalt_dark", Layer.RAISED)
        sketch.quads(dashes, "paint", Layer.RAISED)
        for edge in (3.0, 11.9):
            sketch.quads(strip(line, edge * side, 0.12), "paint", Layer.RAISED)
    sketch.quads(strip(line, 0, 0.5), "concrete", Layer.RAISED)


def _draw_parks(
    sketch: Sketch,
    parks: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """A path around, paths across, and here and there a pond."""
    walk = shapely.buffer(shapely.buffer(parks, -17.0), 10.0)
    sketch.shapes(walk, "path", Layer.SURFACE)
    sketch.shapes(shapely.buffer(walk, -2.4), "lawn", Layer.SURFACE)
    for park in parks:
        gates = rng.random(rng.integers(3, 6))
        ends = shapely.line_interpolate_point(park.exterior, gates, normalized=True)
        to_middle = shapely.shortest_line(ends, shapely.centroid(park))
        paths = shapely.buffer(to_middle, 1.3)
        sketch.shapes(shapely.intersection(paths, park), "path", Layer.SURFACE)
    _draw_ponds(sketch, parks, rng)


def _draw_ponds(
    sketch: Sketch,
    parks: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """A pond in three parks of ten, where there is room."""
    with_pond = parks[rng.random(len(parks)) < 0.3]
    points, owner = scatter(shapely.buffer(with_pond, -18), 0.002, rng)
    _, first = np.unique(owner, return_index=True)
    radius_m = rng.uniform(6, 12, len(first))
    ponds = shapely.buffer(shapely.points(points[first]), radius_m)
    sketch.shapes(ponds, "water_edge", Layer.SURFACE)
    sketch.shapes(shapely.buffer(ponds, -1.2), "water", Layer.SURFACE)
