"""Select the inhabited census cells whose centre lies in the city; with `census.cells: all` its other squares too.

Reads   data/census_data/census_<vintage>[_1km].parquet, results/<city>/boundary.parquet
Writes  results/<city>/cells.parquet (squares of EPSG:3035, income, imputation)
Run     python code/03_select_cells.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    census = paths.census(settings.census.vintage, settings.census.cell_size_m)
    return Step(
        "03_select_cells",
        2,
        paths.cells,
        "city",
        settings.pick("census"),
        {census: "01_download_census", paths.boundary: "02_import_urban_atlas"},
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.sources.census import incomes, selection
    from urbancam.tables import geoframes

    boundary = geoframes.read(paths.boundary)
    outline = boundary.geometry.iloc[0]
    year, cell_size_m = settings.census.vintage, settings.census.cell_size_m
    table = incomes.read_strip(paths.census(year, cell_size_m), outline.bounds, cell_size_m)
    cells = selection.select_cells(table, outline, args.city)
    if cells.empty:
        raise InputError(
            f"no inhabited cell lies in {args.city}: outline {outline.bounds} (EPSG:3035, m)",
            shown(paths.boundary),
            "INSEE covers metropolitan France only; check that the outline is of the right city",
        )
    refuse_shared_cells(cells["idINSPIRE"], paths)
    if settings.census.cells == "all":
        cells = selection.add_cells_without_income(cells, outline, cell_size_m)
    summary = selection.describe(cells)
    geoframes.write(cells, paths.cells)
    return summary


def refuse_shared_cells(ids, paths) -> None:
    """A cell belongs to one city: two outlines that overlap are refused."""
    from urbancam.tables import frames

    for other in sorted(paths.results.glob("*/cells.parquet")):
        if other == paths.cells:
            continue
        shared = ids[ids.isin(frames.read(other, ["idINSPIRE"])["idINSPIRE"])]
        if len(shared):
            raise InputError(
                f"{len(shared):,} of {len(ids):,} cells also lie in {other.parent.name}: {shared.iloc[0]}",
                f"{shown(paths.boundary)} and {shown(other.parent / 'boundary.parquet')}",
                "take both outlines from one edition of Urban Atlas, or use another --results for one",
            )


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
