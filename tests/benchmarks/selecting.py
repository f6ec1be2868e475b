"""A census of the size of France's: its first import, and the cells of a large city out of it."""

import atexit
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import shapely

from benchmarks.measuring import Target, Ways, benchmark
from urbancam.sources.census import incomes, layouts, selection
from urbancam.sources.census.vintages import VINTAGES
from urbancam.tables import geoframes

VINTAGE = 2015
CELL_M = 200
SIDE_CELLS = 1517  # of a square census of 2.3 million cells
CITY_CELLS = 68_400  # as Paris has
SOUTH, WEST = 2_200_000, 3_300_000  # m, EPSG:3035


@benchmark("selecting a city of 68,400 cells out of 2.3 million", Target(cap=5), "s a city")
def selecting_a_city(tiny: bool) -> Ways:
    """Read the strip of the census around the city, choose its cells, write them, tell of gaps."""
    folder = Path(tempfile.mkdtemp(prefix="urbancam-census-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    side_cells, city_cells = (60, 500) if tiny else (SIDE_CELLS, CITY_CELLS)
    table = folder / "census.parquet"
    incomes.write_table(_census(side_cells), table)

    middle_m = side_cells * CELL_M / 2
    radius_m = CELL_M * np.sqrt(city_cells / np.pi)
    outline = shapely.Point(WEST + middle_m, SOUTH + middle_m).buffer(radius_m)
    return Ways(ours=lambda: _select(table, outline, folder / "cells.parquet"))


@benchmark("first import of a census of 2.3 million cells", Target(), unit="s", repeats=1)
def importing_a_census(tiny: bool) -> Ways:
    """INSEE's table as text, bare: read, cleaned and kept."""
    folder = Path(tempfile.mkdtemp(prefix="urbancam-census-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    source = folder / "census.csv"
    census = _census(60 if tiny else SIDE_CELLS)
    fields = VINTAGES[VINTAGE, CELL_M].columns
    shipped = census.assign(imputed=census["imputed"].astype(int)).rename(columns=fields)
    pyarrow.csv.write_csv(pa.Table.from_pandas(shipped, preserve_index=False), source)
    return Ways(ours=lambda: _import(source, folder))


def _import(source: Path, folder: Path) -> None:
    """As step 01 does it."""
    table = layouts.read_source(source, VINTAGE, folder / "scratch", CELL_M)
    incomes.write_table(incomes.clean(table, source.name, CELL_M), folder / "imported.parquet")


def _census(side_cells: int) -> pd.DataFrame:
    """A square of inhabited cells, as `incomes.clean` leaves a vintage."""
    rng = np.random.default_rng(0)
    steps_m = CELL_M * np.arange(side_cells)
    ids = [f"CRS3035RES200mN{SOUTH + y}E{WEST + x}" for y in steps_m for x in steps_m]
    people = rng.integers(1, 200, len(ids)).astype(float)
    return pd.DataFrame(
        {
            "idINSPIRE": ids,
            "depcom": "75056",
            "ind": people,
            "men": people / 2,
            "men_pauv": people / 10,
            "ind_snv": people * rng.lognormal(10, 0.3, len(ids)),
            "imputed": rng.random(len(ids)) < 0.3,
            "group": None,
        }
    )


def _select(table: Path, outline: shapely.Geometry, path: Path) -> dict[str, float]:
    """As step 03 does it."""
    people = incomes.read_strip(table, selection.reach(outline.bounds), CELL_M)
    cells = selection.select_cells(people, outline, "City")
    gaps = selection.describe_gaps(people, outline, "City", CELL_M)
    geoframes.write(cells, path)
    return selection.describe(cells) | gaps
