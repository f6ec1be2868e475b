"""Bring INSEE's gridded incomes of one vintage into one table of one schema.

A file already in place is used; else the archive is fetched from INSEE, resumable.

Reads   data/census_data/ (INSEE's csv, gpkg or shp, in a zip, a 7z or bare), or insee.fr
Writes  data/census_data/census_<vintage>.parquet, for the grid of 1 km census_<vintage>_1km.parquet
Run     python code/01_download_census.py --set census.vintage=2015
"""

import argparse
import logging
import shutil

from urbancam.sources.census import vintages
from urbancam.workflow import arguments, runner
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import shown
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__).parse_args(argv)


def declare(settings, paths, args) -> Step:
    year, cell_size_m = settings.census.vintage, settings.census.cell_size_m
    source = vintages.find_source(paths.census_data, year, cell_size_m)
    inputs = {source: "01_download_census"} if source else {}
    step = Step(
        "01_download_census",
        1,
        paths.census(year, cell_size_m),
        "data",
        settings.pick("census.vintage", "census.cell_size_m"),
        inputs,
        label=f"{year}, {cell_size_m} m",
    )
    if not source:  # an archive may be deleted once it has been read
        step.current["inputs"] = step.record.get("inputs", {})
    return step


def work(step, settings, paths, args) -> dict:
    from urbancam.sources.census import incomes

    year, cell_size_m = settings.census.vintage, settings.census.cell_size_m
    source = vintages.find_source(paths.census_data, year, cell_size_m) or fetch(
        year, cell_size_m, paths.census_data
    )
    scratch = paths.census_data / f".unpacked_{year}_{cell_size_m}m"
    try:
        table = incomes.clean(
            incomes.read_source(source, year, scratch, cell_size_m), shown(source), cell_size_m
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    with atomic(step.result) as temporary:
        incomes.write_table(table, temporary)
    step.inputs = {source: step.name}
    vars(step).pop("current", None)  # the record holds what was fetched
    return {"cells": len(table), "imputed share": float(table["imputed"].mean())}


def fetch(year, cell_size_m, folder):
    """Fetch the first archive that INSEE has."""
    from urbancam.sources.download import archives, fetching

    addresses = vintages.VINTAGES[year, cell_size_m].addresses(year)
    by_hand = (
        f"look for the {cell_size_m} m grid of {year} on insee.fr and put the file, as it is, into "
        f"{shown(folder)}"
    )
    for address in addresses:
        try:
            return fetching.fetch(
                address, folder / address.rpartition("/")[2], check=archives.list_members
            )
        except fetching.AbsentError as error:
            log.info("%s", error)
        except InputError as error:
            raise InputError(error.what, error.where, f"{error.do}; or {by_hand}") from None
    raise InputError(f"INSEE has none of {', '.join(addresses)}", shown(folder), by_hand)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
