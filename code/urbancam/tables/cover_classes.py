"""The classes of a city's land cover: `classes.csv`, from which all steps after 02 take names,
order, super-classes and colours.

It has a row a code: `code` is that of the polygons, `label` its name; all other columns are of the
class that the code belongs to.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

OF_CODES = ["code", "source_code", "label"]
TEXTS = ["source_code", "label", "class", "name", "super_class", "colour", "super_class_colour"]


def read(path: Path) -> pd.DataFrame:
    """The rows of a city's `classes.csv`.

    Raises:
        InputError: Missing or damaged.
    """
    return frames.read(path, dtype=dict.fromkeys(TEXTS, "str"))


def read_all(paths: Iterable[Path]) -> pd.DataFrame:
    """The rows of several cities' `classes.csv` as of one; none where there is no city.

    Raises:
        InputError: A code, or a class, is not called the same in two cities.
    """
    joined = pd.DataFrame(columns=["code", "label", "class", "name"])
    for path in paths:
        rows = read(path)[joined.columns]
        joined = pd.concat([joined, rows], ignore_index=True) if len(joined) else rows
        joined = joined.drop_duplicates(ignore_index=True)
        labels = joined.drop_duplicates("code")
        classes = joined.drop_duplicates(["class", "name"])
        if len(labels) < len(joined) or classes["class"].duplicated().any():
            raise InputError(
                "its classes are not those of the other cities",
                display_path(path),
                "import the land cover of all cities by one class table: landcover.classes",
            )
    return joined


def of_classes(table: pd.DataFrame) -> pd.DataFrame:
    """A row a class, in order: `class, number, name, super_class, colour, super_class_colour,
    in_polar_figure, chord_sector, is_chord_object`."""
    return table.drop(columns=OF_CODES).drop_duplicates("class").reset_index(drop=True)


def names(table: pd.DataFrame, key: str = "class") -> dict:
    """Names for people, in order.

    Args:
        table: Rows of `classes.csv`.
        key: "class" for the classes, "code" for the raw codes.

    Returns:
        `{class: name}`, or `{code: label}`.
    """
    if key == "code":
        return dict(zip(table["code"], table["label"], strict=True))
    return dict(zip(table["class"], table["name"], strict=True))


def numbers(table: pd.DataFrame, key: str = "class") -> dict:
    """The number of each class, from 1, the same in every figure; a raw code has its own.

    Args:
        table: Rows of `classes.csv`.
        key: As for `names`.
    """
    return {name: number for number, name in enumerate(names(table, key), 1)}
