"""Tables as people read them: a value with its interval in one column, heads in words."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from urbancam.scoring.vocabulary import DIFFERENCE, MODEL, VALUE
from urbancam.showing import exhibits
from urbancam.showing.report import column_words
from urbancam.showing.wording import brackets, interval_of, resampling

MOST_ROWS = 200  # on the page; the file has all
OF_SIDES = "block_size"  # each of its rows is of another side of the blocks


@dataclass(frozen=True)
class PageTable:
    """A table of a page.

    Attributes:
        name: Name as in `exhibits.TABLES`; the file is `tables/<name>.csv`.
        heading: What it shows.
        note: What its intervals are; "" where it has none.
        heads: Heads of the columns.
        rows: Cells of the rows, as text.
        left_out: Number of rows that only the file has.
        keys: Land cover of each row, where a row is about a class that the map can show; else [].
    """

    name: str
    heading: str
    note: str
    heads: list[str]
    rows: list[list[str]]
    left_out: int = 0
    keys: list[str] = field(default_factory=list)


def tabulate(name: str, table: pd.DataFrame, confidence: float, block_size: pd.DataFrame) -> Any:
    """A table of the run as the page shows it; None where it has no rows to show.

    Args:
        name: Name as in `exhibits.TABLES`.
        table: The frame.
        confidence: Level of the intervals, 0..1.
        block_size: `block_size.csv`.
    """
    note = ""
    if "ci_low" in table and name != OF_SIDES and len(block_size):
        words = resampling(confidence, block_size, exhibits.blocks_of(name))
        note = f"In brackets: intervals, {words}."
    if name in TABULATIONS:
        table = TABULATIONS[name](table)
    if table.empty:
        return None
    return make_table(name, exhibits.TABLES[name], table, note)


def make_table(
    name: str,
    heading: str,
    table: pd.DataFrame,
    note: str = "",
    most_rows: int | None = MOST_ROWS,
) -> PageTable:
    """A frame as a page's table, intervals beside their values; at most so many rows of it."""
    keys = table["class"].astype("str").tolist() if {"class", "name"} <= set(table) else []
    shown = join_intervals(table).drop(columns="class" if keys else [])
    top = shown.iloc[:most_rows]
    rows = [[_text(value) for value in row] for row in top.to_numpy(dtype=object)]
    heads = [column_words.head(column) for column in shown]
    return PageTable(name, heading, note, heads, rows, len(shown) - len(top), keys[:most_rows])


def join_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """The frame with "0.71 [0.62, 0.78]" in place of a value and the two ends of its interval.

    An interval's columns are named after its quantity (`difference_ci_low`), those of the first
    quantity `ci_low`, `ci_high`. A band without a value stays a column: "[0.62, 0.78]".
    """
    table = table.copy()
    for low in [column for column in table if str(column).endswith("_low")]:
        stem = low.removesuffix("_low")
        high = f"{stem}_high"
        ends = [brackets(*row, _text) for row in table[[low, high]].to_numpy(dtype=float)]
        value = column_words.value_of(stem, list(table))
        if value:
            pairs = zip(map(_text, table[value]), ends, strict=True)
            table[value] = [" ".join(pair).strip() for pair in pairs]
            table = table.drop(columns=[low, high])
        else:
            table[low] = ends
            table = table.drop(columns=high).rename(columns={low: column_words.band_name(stem)})
    return table


def _text(value: Any) -> str:
    """A value as the page shows it: three digits, thousands parted, nothing for undefined."""
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return "yes" if value else "no"
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, str):
        return column_words.VALUE_WORDS.get(value, value)
    if float(value).is_integer():
        return f"{int(value):,}"
    size = abs(float(value))
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:z.3g}" if size >= 0.001 else f"{value:.1e}"


def tabulate_scores(metrics: pd.DataFrame) -> pd.DataFrame:
    """`metrics.csv` over all folds with a column a metric: "0.71 [0.62, 0.78]"."""
    # Folds are read as numbers where no row says "all".
    rows = metrics[metrics["fold"].astype(str) == "all"]
    return _spread_metrics(rows, ["subset", "predictor"])


def tabulate_block_size(block_size: pd.DataFrame) -> pd.DataFrame:
    """`block_size.csv` with a column a metric."""
    return _spread_metrics(block_size, ["side_m", "n_blocks", "reach_m", "chosen"])


def tabulate_subgroups(subgroups: pd.DataFrame) -> pd.DataFrame:
    """`subgroups.csv` of the model alone, with a column a metric."""
    rows = subgroups[subgroups["predictor"] == MODEL].drop(columns=DIFFERENCE)
    return _spread_metrics(rows, ["grouping", "subset", "weighting", "n_cells", "n_blocks"])


def tabulate_distance(distance: pd.DataFrame) -> pd.DataFrame:
    """`distance.csv` of the model alone, with a column a metric."""
    rows = distance[distance["predictor"] == MODEL].drop(columns=DIFFERENCE)
    return _spread_metrics(rows, ["from_m", "to_m", "n_cells", "n_blocks"])


def tabulate_leakage(leakage: pd.DataFrame) -> pd.DataFrame:
    """`leakage.csv` with a column a metric, and what each split leaks."""
    columns = ["leaks_cell", "leaks_group", "leaks_block", "trained_neighbours"]
    leaks = leakage[columns]
    # A city left out leaks nothing countable; a pivot would drop its rows.
    leaks = leaks.astype(object).where(leaks.notna(), "")
    return _spread_metrics(leakage.assign(**leaks), ["split", "predictor", "folds", *columns])


def tabulate_calibration(calibration: pd.DataFrame) -> pd.DataFrame:
    """`calibration.csv` with a column a metric."""
    keys = [key for key in ("subset", "predictor") if key in calibration]
    return _spread_metrics(calibration, keys)


def tabulate_seeds(seeds: pd.DataFrame) -> pd.DataFrame:
    """`seeds.csv` where there are several: one seed has no spread."""
    return seeds[seeds["n_seeds"] > 1]


def tabulate_variance(variance: pd.DataFrame) -> pd.DataFrame:
    """`variance.csv` where seeds or draws of the folds were tried."""
    return variance if (variance["n_scores"] > 1).any() else variance.iloc[:0]


def tabulate_shift(shifts: pd.DataFrame) -> pd.DataFrame:
    """`map_shift.csv` as the map is laid, and where it agrees best."""
    is_laid = (shifts["east_m"] == 0) & (shifts["north_m"] == 0)
    return shifts[is_laid | shifts["best"].astype(bool)]


def _spread_metrics(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """A column a metric, with the values in words; then one with the model's rank correlation less
    the row's.

    Args:
        rows: `metric, value, ci_low, ci_high` beside the keys; `difference` and its interval, or
            not.
        keys: Columns that stay columns.
    """
    table = _pivot(rows, keys, VALUE)
    compared = rows[rows["metric"] == "spearman"]
    if DIFFERENCE in rows and compared[DIFFERENCE].notna().any():
        differences = _pivot(compared[compared[DIFFERENCE].notna()], keys, DIFFERENCE)
        table = table.join(differences.rename(columns={"spearman": DIFFERENCE}))
    return table.rename_axis(None, axis=1).reset_index()


def _pivot(rows: pd.DataFrame, keys: list[str], column: str) -> pd.DataFrame:
    """A quantity in words, a column a metric, by the keys."""
    words = [interval_of(row, column) for _, row in rows.iterrows()]
    return rows.assign(words=words).pivot_table(
        index=keys, columns="metric", values="words", aggfunc="first", sort=False
    )


TABULATIONS = {  # name as in `exhibits.TABLES` -> the table as people read it
    "metrics": tabulate_scores,
    "block_size": tabulate_block_size,
    "subgroups": tabulate_subgroups,
    "distance": tabulate_distance,
    "leakage": tabulate_leakage,
    "calibration": tabulate_calibration,
    "seeds": tabulate_seeds,
    "variance": tabulate_variance,
    "map_shift": tabulate_shift,
}
