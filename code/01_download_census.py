"""Bring INSEE's gridded incomes of one vintage into one table of one schema.

A file already in place is used; else the archive is fetched from INSEE, resumable.

Reads   data/census_data/ (INSEE's csv, gpkg or shp, in a zip, a 7z or bare), or insee.fr
Writes  data/census_data/census_<vintage>.parquet
Run     python code/01_download_census.py --set census.vintage=2015
"""

import argparse
import logging
import shutil

from urbancam import command, vintages
from urbancam.errors import InputError
from urbancam.paths import shown
from urbancam.records import Step, atomic

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__).parse_args(argv)


def declare(settings, paths, args) -> Step:
    year = settings.census.vintage
    source = vintages.find_source(paths.census_data, year)
    inputs = {source: "01_download_census"} if source else {}
    step = Step(
        "01_download_census", 1, paths.census(year), "data", settings.pick("census"), inputs, label=str(year)
    )
    if not source:  # an archive may be deleted once it has been read
        step.current["inputs"] = step.record.get("inputs", {})
    return step


def work(step, settings, paths, args) -> dict:
    from urbancam import census

    year = settings.census.vintage
    source = vintages.find_source(paths.census_data, year) or fetch(year, paths.census_data)
    scratch = paths.census_data / f".unpacked_{year}"
    try:
        table = census.clean(census.read_source(source, year, scratch), shown(source))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    with atomic(step.result) as temporary:
        census.write_table(table, temporary)
    step.inputs = {source: step.name}
    vars(step).pop("current", None)  # the record holds what was fetched
    return {"cells": len(table), "imputed share": float(table["imputed"].mean())}


def fetch(year, folder):
    """Fetch the first archive that INSEE has."""
    from urbancam import download

    addresses = vintages.VINTAGES[year].addresses(year)
    by_hand = f"look for the 200 m grid of {year} on insee.fr and put the file, as it is, into {shown(folder)}"
    for address in addresses:
        try:
            return download.fetch(address, folder / address.rpartition("/")[2], check=download.list_members)
        except download.AbsentError as error:
            log.info("%s", error)
        except InputError as error:
            raise InputError(error.what, error.where, f"{error.do}; or {by_hand}") from None
    raise InputError(f"INSEE has none of {', '.join(addresses)}", shown(folder), by_hand)


def main(argv: list[str] | None = None) -> int:
    return command.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
