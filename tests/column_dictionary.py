"""results/README.md as data: the columns it tells of each table, to be held against a run's.

An entry begins with a table's name in bold. Its columns are the first code after a colon, or the
first column of its table; digits at the end of a name stand for any number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pyogrio

from urban_atlas_classes import class_table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "results" / "README.md"
NAME = re.compile(r"\*\*`([^`]+)`\*\*")
HEADING = re.compile(r"^#+ .*$|^\*\*[A-Z].*$", re.MULTILINE)
LAYERS = "<city>_<run>.gpkg"
FEATURES = "features"  # folder whose tables may be called as those of other folders
ENDINGS = (".csv", ".parquet", f"{LAYERS}: cells", f"{LAYERS}: fragments")
CLASSES = "|".join(class_table()["class"])
COLUMNS_OF_CITIES = "then a column per city"
OF_VARIANTS = "only of variants"  # how the heading tells of a table that other runs do not have
ONLY_WITH = "only with"  # how the row of a column begins that other runs do not write


@dataclass(frozen=True)
class Entry:
    """What the page says of one table."""

    columns: frozenset[str]
    optional: frozenset[str]
    has_columns_of_cities: bool
    is_of_variants: bool

    def faults(self, written: list[str]) -> list[str]:
        """What of the written columns the page does not tell, and the other way round."""
        columns = {_any_number(column) for column in written} - {"geometry"}
        untold = set() if self.has_columns_of_cities else columns - self.columns - self.optional
        return [f"{column} is not told" for column in sorted(untold)] + [
            f"{column} is not written" for column in sorted(self.columns - columns)
        ]


def _any_number(column: str) -> str:
    return re.sub(r"\d+$", "#", column)


def _names(text: str) -> set[str]:
    """Columns that lines of code name."""
    codes = re.findall(r"`([^`]+)`", text)
    words = [
        word for code in codes for word in re.split(r"[,\s]+", code.replace("<class>", "class"))
    ]
    return {_any_number(word) for word in words if re.fullmatch(r"\w+", word)}


def _entry(text: str) -> Entry:
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    optional = [cells for cells in rows if cells[-2].strip().startswith(ONLY_WITH)]
    if rows:
        told = set().union(*(_names(cells[1]) for cells in rows))
    else:
        listed = re.match(r"[^`]*?:\s+(`[^`]+`)", text)
        told = _names(listed[1]) if listed else set()
    left_out = set().union(*(_names(cells[1]) for cells in optional))
    return Entry(
        frozenset(told - left_out),
        frozenset(left_out),
        COLUMNS_OF_CITIES in " ".join(text.split()),
        OF_VARIANTS in text.partition("):")[0],
    )


def entries(experiment: str) -> dict[str, Entry]:
    """Entries by name of the file: those of the "income" or the "cities" experiment."""
    income, _, cities = PAGE.read_text().partition("\n## The cities experiment")
    text = income if experiment == "income" else cities
    parts = NAME.split(HEADING.sub("**`end`**", text))
    named = zip(parts[1::2], parts[2::2], strict=True)
    return {_key(Path(name)): _entry(body) for name, body in named if name.endswith(ENDINGS)}


def _key(path: Path) -> str:
    """What a table is known by: its name, of features with their folder."""
    return f"{FEATURES}/{path.name}" if path.parent.name == FEATURES else path.name


def tables(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Tables below a folder with their columns; caches and hidden files are none."""
    for path in sorted(folder.rglob("*")):
        if "cache" in path.parts or path.name.startswith("."):
            continue
        if path.suffix == ".csv":
            yield path, list(pd.read_csv(path, nrows=0).columns)
        elif path.suffix == ".parquet":
            names = pyarrow.parquet.read_schema(path).names
            if path.parent.name == FEATURES:
                names = [re.sub(rf"^({CLASSES})$", "class", name) for name in names]
            yield path, names
        elif path.suffix == ".gpkg":
            for layer in ("cells", "fragments"):
                names = pyogrio.read_info(path, layer)["fields"]
                of_classes = rf"^contribution_({CLASSES})$"
                names = [re.sub(of_classes, "contribution_class", name) for name in names]
                yield path.with_name(f"{LAYERS}: {layer}"), names


def faults(experiment: str, *folders: Path) -> list[str]:
    """What results/README.md says wrongly, or not at all, of the tables below some folders."""
    told, seen, wrong = entries(experiment), set(), set()
    for path, columns in (table for folder in folders for table in tables(folder)):
        name = re.sub(r"^census_\d+", "census_<vintage>", _key(path))
        seen.add(name)
        if name in told:
            wrong |= {f"{name}: {fault}" for fault in told[name].faults(columns)}
        else:
            wrong.add(f"{name} is not told")
    expected = {name for name, entry in told.items() if not entry.is_of_variants}
    return sorted(wrong) + [f"{name} is not written" for name in sorted(expected - seen)]
