"""Small censuses read as the steps read them, for tests."""

from pathlib import Path

import pandas as pd
import pytest

from samples import census_frame, write_census
from urbancam.sources.census import incomes, layouts
from urbancam.workflow.errors import InputError


def read(path: Path, year: int, folder: Path) -> pd.DataFrame:
    """A vintage, read and cleaned."""
    table = layouts.read_source(path, year, folder / "scratch")
    return incomes.clean(table, "sample")


def refuse(folder: Path, match: str, year: int = 2015, **change) -> None:
    """A vintage with changed columns is refused with this message."""
    frame = census_frame(year).assign(**change)
    path = write_census(folder, year, "csv", frame=frame)
    with pytest.raises(InputError, match=match):
        read(path, year, folder)
