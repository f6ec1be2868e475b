"""The class table of Urban Atlas, for tests."""

import pandas as pd

from urbancam.sources.landcover import class_tables, classification
from urbancam.tables import cover_classes
from urbancam.workflow.paths import CLASS_TABLES

TABLE = class_tables.read(CLASS_TABLES / "urban_atlas.yaml")
CODES = class_tables.as_frame(TABLE)  # the rows of a city's classes.csv


def class_table() -> pd.DataFrame:
    """A row a class, as figures and page read it."""
    return cover_classes.of_classes(CODES)


def class_numbers() -> dict[str, int]:
    return cover_classes.numbers(CODES)


def class_names() -> dict[str, str]:
    return cover_classes.names(CODES)


def classify(values: pd.Series) -> pd.Series:
    """The class of each code."""
    return classification.classify(values, TABLE, "sample")["class"]
