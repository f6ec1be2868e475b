"""The land cover and the outline of one city, out of whatever has been dropped in."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from urbancam.sources.urban_atlas import layouts, names
from urbancam.sources.urban_atlas.layouts import Layer
from urbancam.tables import grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

PRODUCTS = {
    2012: "FR001L1_PARIS.zip (Urban Atlas 2012, shapefile) or FR001L1_PARIS_UA2012_revised_v021.zip",
    2018: "FR001L1_PARIS_UA2018_v013.zip or CLMS_UA_LCU_S2018_V025ha_FR001L1_PARIS_03035_V01_R0x_<date>.fgb",
    2021: "CLMS_UA_LCU_S2021_V025ha_FR001L1_PARIS_03035_V01_R0x_<date>.fgb",
}
LEAST_COVERED_SHARE = 0.5  # of the city's area; less is another city's land cover
COVERED_SHARE = 0.99  # less is said


def read_city(
    folder: Path, city: str, edition: int, scratch: Path
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Land cover and boundary of a city.

    Args:
        folder: where Urban Atlas has been dropped in.
        city: name or code, any spelling.
        edition: 2012, 2018 or 2021.
        scratch: folder to unpack into; the caller removes it.

    Returns:
        `polygon_id, code, class` with polygons, and one row `city, source` with the outline; both
        in EPSG:3035.

    Raises:
        InputError: nothing fits, or what fits is damaged or does not cover the city.
    """
    layers = layouts.find_layers(folder, city, edition, scratch)
    of_city = [layer for layer in layers if _holds(layer, city)]
    land_layers = sorted((layer for layer in of_city if layer.code_column), key=_preference)
    if not land_layers:
        raise _nothing_fits(folder, city, edition, layers)
    chosen = land_layers[0]
    for other in land_layers[1:]:
        log.info("also found, not used: %s, layer %s", other.where, other.name)
    land = layouts.read_land_cover(chosen, city)
    outlines = sorted(
        (layer for layer in of_city if layer.is_boundary and layer.fits(edition)),
        key=lambda layer: (layer.source != chosen.source, layer.where),
    )
    outline = _read_outline(outlines[0], city) if outlines else _outline_of(land)
    source = outlines[0].where if outlines else chosen.where
    land = _near(land, outline)
    _check_covered(land, outline, city, chosen.where)
    boundary = gpd.GeoDataFrame(
        {"city": [city], "source": [source]}, geometry=[outline], crs=grid.CRS
    )
    return land, boundary


def _holds(layer: Layer, city: str) -> bool:
    """Whether a layer is of the city: by its path, or by the names within."""
    if not (layer.code_column or layer.is_boundary):
        return False
    return bool(layer.says_city) or any(
        names.same_city(city, *labels) for labels in layouts.read_labels(layer)
    )


def _preference(layer: Layer) -> tuple[int, str, str]:
    """ASSUME: where one edition lies there in several layouts, the newest layout is the corrected one."""
    return [".fgb", ".gpkg", ".shp"].index(layer.path.suffix.lower()), layer.where, layer.name


def _read_outline(layer: Layer, city: str) -> shapely.Geometry:
    """Union of all parts of a city's outline."""
    frame = layouts.read_layer(layer, list(layer.city_columns))
    rows = layouts.rows_of_city(frame, layer, city)
    parts = layouts.repair(layouts.to_grid(frame[rows], layer.where), layer.where)
    log.info("loads %s: outline of %s, %d parts", layer.where, city, rows.sum())
    return shapely.union_all(parts)


def _outline_of(land: gpd.GeoDataFrame) -> shapely.Geometry:
    """ASSUME: where a product ships no outline, the city is what its land cover covers."""
    log.info("no outline found: the city is the union of its %s polygons", f"{len(land):,}")
    polygons = land.geometry.to_numpy()
    quick, area_m2 = shapely.coverage_union_all(polygons), shapely.area(polygons).sum()
    right = shapely.is_valid(quick) and abs(shapely.area(quick) - area_m2) <= 1e-6 * area_m2
    return (
        quick if right else shapely.union_all(polygons)
    )  # polygons that overlap or do not share vertices


def _near(
    land: gpd.GeoDataFrame, outline: shapely.Geometry, margin_m: float = 300.0
) -> gpd.GeoDataFrame:
    """Polygons that cells of the city can touch: they overhang the outline by half a diagonal at most."""
    wide = shapely.buffer(outline, margin_m)
    shapely.prepare(wide)
    near = shapely.intersects(wide, land.geometry.to_numpy())
    if not near.all():
        log.info("drops %s of %s polygons outside the city", f"{(~near).sum():,}", f"{len(land):,}")
    return land[near].reset_index(drop=True).assign(polygon_id=np.arange(near.sum()))


def _check_covered(
    land: gpd.GeoDataFrame, outline: shapely.Geometry, city: str, where: str
) -> None:
    """Refuse land cover that is not of the city, say where some is missing."""
    polygons = land.geometry.to_numpy()
    shapely.prepare(outline)
    whole = shapely.contains(outline, polygons)
    covered_m2 = shapely.area(polygons[whole]).sum()
    covered_m2 += shapely.area(shapely.intersection(outline, polygons[~whole])).sum()
    share = covered_m2 / shapely.area(outline)
    if share < LEAST_COVERED_SHARE:
        raise InputError(
            f"the land cover covers {100 * share:.1f} % of {city}: outline {_box(outline.bounds)}, "
            f"land cover {_box(tuple(land.total_bounds)) if len(land) else 'nowhere near'}",
            where,
            "check that outline and land cover are of one city and one edition",
        )
    if share < COVERED_SHARE:
        log.warning("the land cover covers %.1f %% of %s", 100 * share, city)


def _nothing_fits(folder: Path, city: str, edition: int, layers: list[Layer]) -> InputError:
    """What is there, and what to fetch."""
    in_paths = {
        pair
        for path in folder.rglob("*")
        for pair in names.cities_in_path(path.relative_to(folder))
    }
    in_layers = {
        labels
        for layer in layers
        if layer.editions or layer.is_boundary
        for labels in layouts.read_labels(layer)
    }
    editions = sorted(
        {year for layer in layers if layer.says_city is not False for year in layer.editions}
        - {edition}
    )
    what = f"no Urban Atlas {edition} of {city} is here (cities found: {names.listed(in_paths | in_layers)})"
    if editions:
        years = ", ".join(map(str, editions))
        what += f"; there is edition {years}: --set urban_atlas.edition={editions[0]} takes it"
    return InputError(
        what,
        shown(folder),
        "fetch the product of the city from land.copernicus.eu (free account); for Paris it is "
        f"{PRODUCTS[edition]}; put it, as it comes, into {shown(folder)}",
    )


def _box(bounds: tuple[float, ...]) -> str:
    west, south, east, north = bounds
    return f"x {west:,.0f} to {east:,.0f}, y {south:,.0f} to {north:,.0f}"
