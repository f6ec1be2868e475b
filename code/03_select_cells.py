"""Select the inhabited census cells whose centre lies in the city; with `census.cells: all` its
other squares too.

Reads   data/census_data/census_<vintage>[_1km].parquet, results/<city>/boundary.parquet
Writes  results/<city>/cells.parquet (squares of EPSG:3035, income, imputation)
Run     python code/03_select_cells.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow import arguments, runner
from urbancam.workflow.errors import InputError
from urbancam.workflow.job import Job, Request
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.records import Done, Step

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    census, paths = request.settings.census, request.paths
    table = paths.census(census.vintage, census.cell_size_m)
    return request.step(2, paths.cells, ["census"], [table, paths.boundary])


def work(job: Job) -> Done:
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
    refuse_shared_cells(cells["idINSPIRE"], paths)
    if census.cells == "all":
        cells = selection.add_cells_without_income(cells, outline, census.cell_size_m)
    summary = selection.describe(cells)
    gaps = selection.describe_gaps(people, outline, job.city, census.cell_size_m)
    geoframes.write(cells, paths.cells)
    return Done(summary | gaps)


def refuse_shared_cells(ids: "pd.Series", paths: Paths) -> None:
    """A cell belongs to one city: two outlines that overlap are refused."""
    from urbancam.tables import frames

    for other in sorted(paths.results.glob("*/cells.parquet")):
        if other == paths.cells:
            continue
        shared = ids[ids.isin(frames.read(other, ["idINSPIRE"])["idINSPIRE"])]
        if len(shared):
            counts = f"{len(shared):,} of {len(ids):,} cells"
            raise InputError(
                f"{counts} also lie in {other.parent.name}: {shared.iloc[0]}",
                f"{display_path(paths.boundary)} and "
                f"{display_path(other.with_name('boundary.parquet'))}",
                "take both outlines from one edition of Urban Atlas, "
                "or use another --results for one",
            )


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
