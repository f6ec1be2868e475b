"""The land cover and the outline of one city, out of whatever has been dropped in."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from urbancam.sources.landcover import polygons
from urbancam.sources.landcover.class_tables import ClassTable
from urbancam.sources.landcover.place import EUROPE, Place
from urbancam.sources.urban_atlas import layouts, names
from urbancam.sources.urban_atlas.layouts import Layer
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import listing
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

PRODUCTS = {
    2012: "FR001L1_PARIS.zip (Urban Atlas 2012, shapefile) or "
    "FR001L1_PARIS_UA2012_revised_v021.zip",
    2018: "FR001L1_PARIS_UA2018_v013.zip or "
    "CLMS_UA_LCU_S2018_V025ha_FR001L1_PARIS_03035_V01_R0x_<date>.fgb",
    2021: "CLMS_UA_LCU_S2021_V025ha_FR001L1_PARIS_03035_V01_R0x_<date>.fgb",
}
LEAST_COVERED_SHARE = 0.5  # of the city's area; less is another city's land cover
COVERED_SHARE = 0.99  # less is reported
SUFFIXES = (".fgb", ".gpkg", ".shp")  # the newest layout first


def read_city(
    folder: Path,
    city: str,
    edition: int,
    table: ClassTable,
    scratch: Path,
    place: Place = EUROPE,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Land cover and boundary of a city.

    Args:
        folder: Where Urban Atlas has been dropped in.
        city: Name or code, any spelling.
        edition: 2012, 2018 or 2021.
        table: Class table.
        scratch: Folder to unpack into; the caller removes it.
        place: Where the cells lie; their coordinate system counts.

    Returns:
        `polygon_id, code, class` with polygons, and one row `city, source` with the outline; both
        in the cells' coordinate system.

    Raises:
        InputError: nothing fits, or what fits is damaged or does not cover the city.
    """
    layers = layouts.find_layers(folder, city, edition, scratch)
    of_city = [layer for layer in layers if _holds(layer, city)]
    land_layers = sorted((layer for layer in of_city if layer.code_column), key=_preference)
    if not land_layers:
        raise _nothing_fits(folder, city, edition, layers)
    land_layer, *others = land_layers
    for other in others:
        log.info("also found, not used: %s, layer %s", other.where, other.name)
    land = _read_land_cover(land_layer, city, table, place.crs)

    outline_layer = _outline_layer(of_city, edition, land_layer)
    if outline_layer is None:
        source = land_layer.where
        outline = polygons.outline_of(land)
    else:
        source = outline_layer.where
        outline = _read_outline(outline_layer, city, place.crs)

    land = _near(land, outline)
    _check_covered(land, outline, city, land_layer.where)
    boundary = {"city": [city], "source": [source]}
    return land, gpd.GeoDataFrame(boundary, geometry=[outline], crs=place.crs)


def _holds(layer: Layer, city: str) -> bool:
    """Whether a layer is of the city: by its path, or by the names within."""
    if not (layer.code_column or layer.is_boundary):
        return False
    if layer.says_city:
        return True
    return any(names.same_city(city, *labels) for labels in layouts.read_labels(layer))


def _preference(layer: Layer) -> tuple[int, str, str]:
    """The order in which layers are taken.

    ASSUME: where one edition lies there in several layouts, the newest layout is the corrected one.
    """
    suffix = layer.path.suffix.lower()
    return SUFFIXES.index(suffix), layer.where, layer.name


def _read_land_cover(layer: Layer, city: str, table: ClassTable, system: str) -> gpd.GeoDataFrame:
    """Polygons of a city, as of `polygons.put_right`."""
    frame = layouts.read_layer(layer, [layer.code_column, *layer.city_columns])
    frame = frame[layouts.rows_of_city(frame, layer, city)]
    log.debug("loads %s, layer %s: %s polygons", layer.where, layer.name, f"{len(frame):,}")
    return polygons.put_right(frame, layer.code_column, table, layer.where, system)


def _outline_layer(
    layers: list[Layer],
    edition: int,
    land_layer: Layer,
) -> Layer | None:
    """The layer of outlines of an edition, of the same source as the land cover if there is one."""
    outlines = [layer for layer in layers if layer.is_boundary and layer.fits(edition)]
    return min(
        outlines,
        key=lambda layer: (layer.source != land_layer.source, layer.where),
        default=None,
    )


def _read_outline(layer: Layer, city: str, system: str) -> shapely.Geometry:
    """Union of all parts of a city's outline."""
    frame = layouts.read_layer(layer, list(layer.city_columns))
    rows = layouts.rows_of_city(frame, layer, city)
    parts = polygons.to_grid(frame[rows], layer.where, system)
    parts = polygons.repair(parts, layer.where)
    log.debug("loads %s: outline of %s, %d parts", layer.where, city, rows.sum())
    return shapely.union_all(parts)


def _near(
    land: gpd.GeoDataFrame, outline: shapely.Geometry, margin_m: float = 300.0
) -> gpd.GeoDataFrame:
    """Polygons that cells of the city can touch.

    Cells overhang the outline by half a diagonal at most.
    """
    wide = shapely.buffer(outline, margin_m)
    shapely.prepare(wide)
    near = shapely.intersects(wide, land.geometry.to_numpy())
    if not near.all():
        outside = (~near).sum()
        log.info("drops %s of %s polygons outside the city", f"{outside:,}", f"{len(land):,}")
    polygon_id = np.arange(near.sum())
    return land[near].reset_index(drop=True).assign(polygon_id=polygon_id)


def _check_covered(
    land: gpd.GeoDataFrame, outline: shapely.Geometry, city: str, where: str
) -> None:
    """Refuse land cover that is not of the city, report where some is missing.

    Raises:
        InputError: most of the city is not covered.
    """
    # Most polygons lie whole within the outline and need no cut.
    parts = land.geometry.to_numpy()
    shapely.prepare(outline)
    whole = shapely.contains(outline, parts)
    cut = shapely.intersection(outline, parts[~whole])
    covered_m2 = shapely.area(parts[whole]).sum()
    covered_m2 += shapely.area(cut).sum()
    share = covered_m2 / shapely.area(outline)
    if share < LEAST_COVERED_SHARE:
        land_extent = _box(tuple(land.total_bounds)) if len(land) else "nowhere near"
        raise InputError(
            f"the land cover covers {100 * share:.1f} % of {city}: outline {_box(outline.bounds)}, "
            f"land cover {land_extent}",
            where,
            "check that outline and land cover are of one city and one edition",
        )
    if share < COVERED_SHARE:
        log.warning("the land cover covers %.1f %% of %s", 100 * share, city)


def _nothing_fits(
    folder: Path,
    city: str,
    edition: int,
    layers: list[Layer],
) -> InputError:
    """The error that says which cities and editions are here, and what to fetch."""
    # Cities by the names of the files, and by what stands in them.
    cities: set[tuple[str, ...]] = set()
    for name, *_ in listing(folder):
        cities |= names.cities_in_path(Path(name))
    for layer in layers:
        if layer.editions or layer.is_boundary:
            cities |= layouts.read_labels(layer)

    editions: set[int] = set()
    for layer in layers:
        if layer.says_city is not False:
            editions |= set(layer.editions)
    others = sorted(editions - {edition})

    what = f"no Urban Atlas {edition} of {city} is here (cities found: {names.city_list(cities)})"
    if others:
        years = ", ".join(map(str, others))
        what += f"; there is edition {years}: --set urban_atlas.edition={others[0]} takes it"
    return InputError(
        what,
        display_path(folder),
        "fetch the product of the city from land.copernicus.eu (free account); for Paris it is "
        f"{PRODUCTS[edition]}; put it, as it comes, into {display_path(folder)}",
    )


def _box(bounds: tuple[float, ...]) -> str:
    """An extent for a message, m."""
    west, south, east, north = bounds
    return f"x {west:,.0f} to {east:,.0f}, y {south:,.0f} to {north:,.0f}"
