"""Tables of a city of Paris's size, measured once each: as many cells as its 200 m grid has."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.measuring import Target, Ways, benchmark
from urban_atlas_classes import CODES, class_names
from urbancam.explaining.landcover import observed, ordering, pairs, surrogates
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.run import statistics_of_run
from urbancam.sources.landcover.fragments import cut_by_cells
from urbancam.tables import grid
from urbancam.workflow.settings import settings

CELL_M = 200
WEST, SOUTH = 3_760_000, 2_888_000  # m, EPSG:3035
COLUMNS, ROWS = 285, 240  # 68,400 cells
POLYGONS_A_CELL = 317_475 / 68_400
FRAGMENTS_A_CELL = 12
BLOCK_M = 2000


def draw_cells(columns: int, rows: int) -> np.ndarray:
    """(cells, 2) west and south of each cell, m."""
    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    return np.stack([WEST + CELL_M * column.ravel(), SOUTH + CELL_M * row.ravel()], axis=1)


def ids_of(corners: np.ndarray) -> list[str]:
    return [grid.cell_id(west, south, CELL_M) for west, south in corners.tolist()]


@benchmark("fragments of 68,400 cells", Target(cap=60, memory_mb=2000), unit="s", repeats=1)
def fragments(tiny: bool) -> Ways:
    """Polygons cut by cells: 317,475 polygons that share their edges, a vertex every ten metres."""
    land_cover, cells = draw_land_cover(*((6, 5) if tiny else (COLUMNS, ROWS)))
    return Ways(lambda: cut_by_cells(land_cover, cells))


@benchmark("fragments of a cell, 600 cells", Target(speedup=20), unit="ms a cell", repeats=3)
def fragments_of_a_cell(tiny: bool) -> Ways:
    """The same of a small city. Published way (section 4.3): for each cell the polygons whose
    bounds meet its own, those that share an area with it, and their overlay with it."""
    land_cover, cells = draw_land_cover(*((6, 5) if tiny else (30, 20)))
    return Ways(
        ours=lambda: cut_by_cells(land_cover, cells),
        published=lambda: _overlaid(land_cover, cells),
        check=_check_fragments,
        items=len(cells),
    )


def _overlaid(land_cover: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    parts = []
    for number in range(len(cells)):
        cell = cells.iloc[[number]]
        near = land_cover.iloc[land_cover.sindex.query(cell.geometry.iloc[0])]
        touching = near[near.intersection(cell.geometry.iloc[0]).area > 0]
        parts.append(gpd.overlay(touching, cell, how="intersection"))
    return pd.concat(parts, ignore_index=True)


def _check_fragments(ours: gpd.GeoDataFrame, published: gpd.GeoDataFrame) -> None:
    """Both ways find the same areas of polygons in cells, but for slivers that ours leaves out."""
    keys = ["idINSPIRE", "polygon_id"]
    area_m2 = published.assign(published_m2=published.area).groupby(keys)["published_m2"].sum()
    both = area_m2.to_frame().join(ours.groupby(keys)["area_m2"].sum()).fillna(0)
    assert len(both) and np.allclose(both["area_m2"], both["published_m2"], atol=1)


def draw_land_cover(columns: int, rows: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Polygons that share their edges, as many a cell as in Paris, and the cells."""
    random = np.random.default_rng(0)
    corners = draw_cells(columns, rows)
    west, south = corners.min(0)
    east, north = corners.max(0) + CELL_M
    squares = shapely.box(*corners.T, *(corners.T + CELL_M))
    cells = gpd.GeoDataFrame({"idINSPIRE": ids_of(corners)}, geometry=squares, crs=grid.CRS)

    count = round(POLYGONS_A_CELL * len(corners))
    points = shapely.multipoints(random.uniform((west, south), (east, north), (count, 2)))
    extent = shapely.box(west, south, east, north)
    pieces = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=extent))
    polygons = shapely.segmentize(shapely.clip_by_rect(pieces, west, south, east, north), 10)
    attributes = {"polygon_id": np.arange(count), "code": 14100, "class": "green ua"}
    return gpd.GeoDataFrame(attributes, geometry=polygons, crs=grid.CRS), cells


@benchmark(
    "land-cover statistics of 68,400 cells, 1000 draws",
    Target(cap=30, memory_mb=1500),
    unit="s",
    repeats=1,
)
def land_cover_statistics(tiny: bool) -> Ways:
    """The tables of step 14 but for the effects of classes, of 820,800 fragments."""
    random = np.random.default_rng(0)
    asked = settings.load("default", ["statistics.draws=1000"])
    corners = draw_cells(*((6, 5) if tiny else (COLUMNS, ROWS)))
    ids = np.array(ids_of(corners))
    predictions = draw_predictions(ids, random)
    blocks = grid.blocks(pd.Series(ids), BLOCK_M).set_axis(ids)
    activation = draw_activation(ids, random)
    return Ways(lambda: tables(statistics_of_run(activation, predictions, blocks, CODES, asked)))


def draw_predictions(ids: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    """Incomes, and predicted classes that are right for half of the cells."""
    value = random.lognormal(10, 0.3, len(ids))
    income_class = np.digitize(value, np.quantile(value, [0.2, 0.4, 0.6, 0.8]))
    guess = random.integers(0, 5, len(ids))
    return pd.DataFrame(
        {
            "idINSPIRE": ids,
            "predicted_class": np.where(random.random(len(ids)) < 0.5, income_class, guess),
            "income_class": income_class,
            "value": value,
            "fold": random.integers(0, 5, len(ids)),
        }
    )


def draw_activation(ids: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    """Fragments of any class, with areas and shares that add up in each cell."""
    classes = list(class_names())
    shape = (len(ids), FRAGMENTS_A_CELL)
    area, poor, rich = random.dirichlet(np.ones(FRAGMENTS_A_CELL), (3, len(ids)))
    return pd.DataFrame(
        {
            "idINSPIRE": np.repeat(ids, FRAGMENTS_A_CELL),
            "class": random.choice(classes, shape).ravel(),
            "code": 0,
            "area_m2": CELL_M**2 * area.ravel(),
            "poor_share": poor.ravel(),
            "rich_share": rich.ravel(),
            "contribution": random.normal(size=shape).ravel(),
        }
    )


def tables(city: LandCover) -> list[pd.DataFrame]:
    """As step 14 has them."""
    centres = grid.centres(city.predictions.index.to_series())
    incomes = city.predictions["value"].to_numpy()
    by_chance = surrogates.draw_surrogates(centres, incomes, city.seed)
    return [
        city.contrast(),
        city.contribution_by_class(),
        pairs.coactivation(city),
        observed.observed_association(city),
        pairs.observed_coassociation(city),
        observed.class_income(city),
        ordering.ordering_agreement(city, by_chance),
        city.activation_ratio(),
    ]
