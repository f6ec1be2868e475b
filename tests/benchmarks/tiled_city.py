"""A city of any size, made of the demo city side by side: its tables and its images, at coarse
pixels."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from urbancam.tables import geoframes, grid
from urbancam.workflow.paths import ROOT

CELL_M = 200
DEMO_CELLS = 304
SIDE_M = 4_000  # of one demo city with its margin; whole blocks of 400 and of 2000 m
PIXEL_M = 3.125  # 64 pixels a cell
SPREAD = 0.05  # of log income from one demo city to the next: no two cells have the same
MAKERS = (
    "00_make_demo_city",
    "01_download_census",
    "02_import_urban_atlas",
    "03_select_cells",
    "04_download_aerial",
    "05_cut_images",
)


def call(script: str, words: list[str]) -> None:
    """Run a numbered script to its end."""
    command = [sys.executable, str(ROOT / "code" / f"{script}.py"), *words]
    subprocess.run(command, check=True, capture_output=True)


def make_demo(folder: Path, run: str = "demo") -> Path:
    """The demo city at coarse pixels, up to its images.

    Args:
        folder: Gets its data and results.
        run: Run that tells how large the city is.

    Returns:
        Its folder of results.
    """
    data, results = folder / "demo-data", folder / "demo-results"
    words = ["--run", run, "--set", f"imagery.pixel_size_m={PIXEL_M}"]
    words += ["--data", str(data), "--results", str(results), "--workers", "2"]
    for script in MAKERS:
        of_city = [] if script[:2] in ("00", "01") else ["--city", "Demo"]
        call(script, of_city + words)
    return results / "Demo"


def tile(demo: Path, copies: int, city: Path) -> int:
    """Lay copies of the demo city side by side, row by row of a square.

    Args:
        demo: The demo's folder of results.
        copies: How many.
        city: Folder of results of the new city; gets what steps 02 to 05 would have left.

    Returns:
        Number of cells.
    """
    columns = int(np.ceil(np.sqrt(copies)))
    moves = [(SIDE_M * (i % columns), SIDE_M * (i // columns)) for i in range(copies)]
    cells = gpd.read_parquet(demo / "cells.parquet")
    images = pd.read_csv(demo / "images.csv")
    land_cover = gpd.read_parquet(demo / "land_cover.parquet")
    boundary = gpd.read_parquet(demo / "boundary.parquet")
    (city / "images").mkdir(parents=True)

    random = np.random.default_rng(0)
    geoframes.write(
        _join([_move_cells(cells, *move, random) for move in moves]), city / "cells.parquet"
    )
    moved_images = [_link_images(images, *move, demo, city) for move in moves]
    pd.concat(moved_images, ignore_index=True).to_csv(city / "images.csv", index=False)
    polygons = _join([_move(land_cover, *move) for move in moves])
    geoframes.write(
        polygons.assign(polygon_id=np.arange(len(polygons))), city / "land_cover.parquet"
    )
    shutil.copy(demo / "classes.csv", city)
    outline = shapely.union_all([_move(boundary, *move).geometry.iloc[0] for move in moves])
    geoframes.write(boundary.set_geometry([outline], crs=grid.CRS), city / "boundary.parquet")
    return len(cells) * copies


def _join(tables: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=grid.CRS)


def _move(table: gpd.GeoDataFrame, east_m: int, north_m: int) -> gpd.GeoDataFrame:
    return table.set_geometry(table.geometry.translate(east_m, north_m), crs=grid.CRS)


def _moved_ids(ids: pd.Series, east_m: int, north_m: int) -> list[str]:
    corners = grid.corners(ids) + (east_m, north_m)
    return [grid.cell_id(west, south, CELL_M) for west, south in corners.tolist()]


def _move_cells(
    cells: gpd.GeoDataFrame, east_m: int, north_m: int, random: np.random.Generator
) -> gpd.GeoDataFrame:
    """The cells elsewhere, each with an income of its own."""
    moved = _move(cells, east_m, north_m)
    return moved.assign(
        idINSPIRE=_moved_ids(cells["idINSPIRE"], east_m, north_m),
        value=cells["value"] * np.exp(random.normal(0, SPREAD, len(cells))),
        group=[f"{name}_{east_m}_{north_m}" if pd.notna(name) else None for name in cells["group"]],
    )


def _link_images(
    images: pd.DataFrame, east_m: int, north_m: int, demo: Path, city: Path
) -> pd.DataFrame:
    """The table of images elsewhere; the files are links to the demo's."""
    ids = _moved_ids(images["idINSPIRE"], east_m, north_m)
    paths = [f"images/{cell}.png" for cell in ids]
    for old, new in zip(images["path"], paths, strict=True):
        os.link(demo / old, city / new)
    return images.assign(idINSPIRE=ids, path=paths)
