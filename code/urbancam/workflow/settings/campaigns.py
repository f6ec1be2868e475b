"""The campaigns that a city's images come from, and the folds of a split that leaves them out.

Standard library only: the plan asks whether a city has campaigns to leave out before it calls a
script.
"""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

FOLDS = 2  # of a split by campaign
# ASSUME: fewer cells than a tenth of the city teach a network nothing that could be told from the
# season of their flight, and leave too few blocks to be scored.
MIN_SHARE = 0.1


def sides(cells: Mapping[str, int]) -> dict[str, int]:
    """The fold of each campaign: whole campaigns are shared out to two sides of like size.

    The largest goes first, each to the side that holds fewer cells so far; of two campaigns each is
    a fold of its own.

    Args:
        cells: Campaign -> number of cells.

    Returns:
        Campaign -> 0 or 1; empty where there is one campaign, or the smaller side would hold less
        than `MIN_SHARE` of the cells.
    """
    totals = [0] * FOLDS
    fold_of = {}
    for campaign, count in sorted(cells.items(), key=lambda item: (-item[1], item[0])):
        fold_of[campaign] = totals.index(min(totals))
        totals[fold_of[campaign]] += count
    return fold_of if min(totals) and min(totals) >= MIN_SHARE * sum(totals) else {}


def count_cells(images_table: Path) -> Counter:
    """Number of cells with an image of each known campaign year, of `images.csv`."""
    with images_table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"]]
    return Counter(name(row["campaign_year"]) for row in rows if row["campaign_year"])


def name(year: str | float) -> str:
    """A campaign year as it is called: "2014", also where a table holds 2014.0."""
    return str(int(float(year)))
