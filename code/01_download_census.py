"""Bring INSEE's gridded incomes of one vintage into one table of one schema.

A file already in place is used; else the archive is fetched from INSEE, resumable.

Reads   data/census_data/ (INSEE's csv, gpkg or shp, in a zip, a 7z or bare), or insee.fr
Writes  data/census_data/census_<vintage>.parquet, for the grid of 1 km census_<vintage>_1km.parquet
Run     python code/01_download_census.py --set census.vintage=2015
"""

import argparse
import logging
from pathlib import Path

from urbancam.sources.census import vintages
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic, scratch_folder
from urbancam.workflow.paths import display_path
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    census, paths = request.settings.census, request.paths
    year, cell_size_m = census.vintage, census.cell_size_m
    source = vintages.find_source(paths.census_data, year, cell_size_m)
    return request.step(
        1,
        paths.census(year, cell_size_m),
        ["census.vintage", "census.cell_size_m"],
        by_hand=[source] if source else [],
        label=f"{year}, {cell_size_m} m",
        inputs_may_go=True,  # an archive may be deleted once it has been read
    )


def work(job: Job) -> Done:
    from urbancam.sources.census import incomes, layouts

    year, cell_size_m = job.settings.census.vintage, job.settings.census.cell_size_m
    folder = job.paths.census_data
    source = vintages.find_source(folder, year, cell_size_m) or fetch(year, cell_size_m, folder)
    with scratch_folder(folder) as scratch:
        table = layouts.read_source(source, year, scratch, cell_size_m)
        table = incomes.clean(table, display_path(source), cell_size_m)
    with atomic(job.result) as temporary:
        incomes.write_table(table, temporary)
    counts = {"cells": len(table), "imputed share": float(table["imputed"].mean())}
    return Done(counts, inputs={source: job.step.name})


def fetch(year: int, cell_size_m: int, folder: Path) -> Path:
    """Fetch the first archive that INSEE has."""
    from urbancam.sources.download import answers, archives, fetching

    addresses = vintages.VINTAGES[year, cell_size_m].addresses(year)
    by_hand = (
        f"look for the {cell_size_m} m grid of {year} on insee.fr and put the file, as it is, into "
        f"{display_path(folder)}"
    )
    for address in addresses:
        archive = folder / address.rpartition("/")[2]
        try:
            return fetching.fetch(address, archive, check=archives.list_members)
        except answers.AbsentError as error:
            log.info("%s", error)
        except InputError as error:
            raise InputError(error.what, error.where, f"{error.do}; or {by_hand}") from None
    raise InputError(f"INSEE has none of {', '.join(addresses)}", display_path(folder), by_hand)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
