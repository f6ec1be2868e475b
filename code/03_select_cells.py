"""Select the inhabited census cells whose centre lies in the city; with `census.cells: all` its
other squares too. Or take all cells of a file, with `cells.source: file`.

Reads   data/census_data/census_<vintage>[_1km].parquet, results/<city>/boundary.parquet; or the
        file that the city's own city.yaml names
Writes  results/<city>/cells.parquet (squares with an income or another value, imputation)
Run     python code/03_select_cells.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT, Paths, display_path
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import geopandas as gpd
    import pandas as pd


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


# Of section `cells`: what is read of a file. The file itself counts wherever it lies, and what the
# value is called is for those who tell it.
FILE_SETTINGS = ("crs", "side_m", "x_column", "y_column", "id_column", "value_column")
FILE_SETTINGS += ("people_column", "group_column", "imputed_column", "department_column")


def declare(request: Request) -> Step:
    settings, paths = request.settings, request.paths
    if settings.cells.source == "file":
        keys = ["imagery.pixel_size_m", "cells.source", *(f"cells.{key}" for key in FILE_SETTINGS)]
        return request.step(3, paths.cells, keys, by_hand=[ROOT / settings.cells.file])
    table = paths.census(settings.census.vintage, settings.census.cell_size_m)
    return request.step(3, paths.cells, ["cells.source", "census"], [table, paths.boundary])


def work(job: Job) -> Done:
    from urbancam.sources.census import selection
    from urbancam.tables import geoframes, grid

    paths, settings = job.paths, job.settings
    from_file = settings.cells.source == "file"
    cells, gaps = read_file(job) if from_file else select_of_census(job)
    geoframes.write(cells, paths.cells)
    facts = {"side_m": grid.side_m(cells["idINSPIRE"]), "crs": grid.crs_of(cells["idINSPIRE"])}
    return Done(selection.describe(cells) | gaps, facts)


def read_file(job: Job) -> "tuple[gpd.GeoDataFrame, dict[str, float]]":
    """The cells of the user's own file: they are the city."""
    from urbancam.sources.census import own_cells
    from urbancam.tables import grid

    cells = own_cells.read_cells(job.inputs[0], job.settings.cells, job.city)
    job.settings.image_px(grid.side_m(cells["idINSPIRE"]))  # refused now, not after all is fetched
    own_files = "take them out of the file of one, or use another --results for one"
    refuse_shared_cells(cells["idINSPIRE"], job.paths, display_path(job.inputs[0]), own_files)
    return cells, {}


def select_of_census(job: Job) -> "tuple[gpd.GeoDataFrame, dict[str, float]]":
    """The census cells of the city, and how much of its outline has none."""
    from urbancam.sources.census import incomes, selection
    from urbancam.tables import geoframes

    paths, census = job.paths, job.settings.census
    outline = geoframes.read(paths.boundary).geometry.iloc[0]
    table = paths.census(census.vintage, census.cell_size_m)
    around = selection.reach(outline.bounds)
    people = incomes.read_strip(table, around, census.cell_size_m)
    cells = selection.select_cells(people, outline, job.city)
    if cells.empty:
        raise InputError(
            f"no inhabited cell lies in {job.city}: outline {outline.bounds} (EPSG:3035, m)",
            display_path(paths.boundary),
            "INSEE covers metropolitan France only; check that the outline is of the right city",
        )
    one_edition = (
        "take both outlines from one edition of Urban Atlas, or use another --results for one"
    )
    refuse_shared_cells(cells["idINSPIRE"], paths, display_path(paths.boundary), one_edition)
    if census.cells == "all":
        cells = selection.add_cells_without_income(cells, outline, census.cell_size_m)
    return cells, selection.describe_gaps(people, outline, job.city, census.cell_size_m)


def refuse_shared_cells(ids: "pd.Series", paths: Paths, where: str, remedy: str) -> None:
    """A cell belongs to one city: two that overlap are refused."""
    from urbancam.tables import frames

    for other in sorted(paths.results.glob("*/cells.parquet")):
        if other == paths.cells:
            continue
        shared = ids[ids.isin(frames.read(other, ["idINSPIRE"])["idINSPIRE"])]
        if len(shared):
            counts = f"{len(shared):,} of {len(ids):,} cells"
            raise InputError(
                f"{counts} also lie in {other.parent.name}: {shared.iloc[0]}",
                f"{where} and {display_path(other)}",
                remedy,
            )


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
