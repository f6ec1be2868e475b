"""The claims of a run, all of them: what it tested, with a sentence each, weighed together.

A run tests hundreds of things. Whether one of them is worth a sentence depends on how many were
tried, so p-values are adjusted over the whole list (Benjamini & Hochberg 1995), and on what the
run's own controls say of it (`objections`). What no control was asked of is not said to survive.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from urbancam.scoring import objections
from urbancam.scoring.added_value import ALL_GIVEN, all_given_words
from urbancam.scoring.metrics import differences
from urbancam.scoring.significance import q_value
from urbancam.scoring.vocabulary import MODEL
from urbancam.workflow.settings.feature_sets import plain_name

Tables = Mapping[str, pd.DataFrame]
COLUMNS = "claim kind class value ci_low ci_high p_value".split()
# Columns whose values have names for people
NAMED = ("class", "object", "neighbour", "reference", "given")
BEYOND = "The image ranks the cells beyond {given}"
MISLEADS = "Given {given}, the image ranks the cells the wrong way round"
TOO_FEW = "too few blocks to say"
# ASSUME: a class that as many of the cells hold is no condition: beside it another says of the
# incomes what it says alone, and what that is stands in the list already.
NEARLY_ALL = 0.95


@dataclass(frozen=True)
class Trial:
    """A table whose every row was a test.

    Attributes:
        kind: Kind of claim.
        value: Column of the statistic.
        null: What it is if nothing is there: a number, or the column that holds it.
        above: The claim where the statistic is above its null, with columns in braces.
        below: The claim where it is below.
    """

    kind: str
    value: str
    null: float | str
    above: str
    below: str


TRIALS = {
    "added_value": Trial(
        "score",
        "value",
        0,
        BEYOND,
        MISLEADS,
    ),
    "local_effect": Trial(
        "map",
        "value",
        0,
        "Within cells, {class} contributes more to the logit than {reference}",
        "Within cells, {class} contributes less to the logit than {reference}",
    ),
    "adjusted_effect": Trial(
        "effect",
        "value",
        0,
        "More {class} goes with a higher {outcome}, the other land cover held",
        "More {class} goes with a lower {outcome}, the other land cover held",
    ),
    "observed_association": Trial(
        "incomes",
        "probability",
        "base_rate",
        "Cells that hold {class} are {side} more often than cells at large",
        "Cells that hold {class} are {side} less often than cells at large",
    ),
    "ordering_agreement": Trial(
        "order",
        "spearman",
        0,
        "The {measure} orders the classes as the {observed} does",
        "The {measure} orders the classes the other way round than the {observed}",
    ),
    "coactivation": Trial(
        "pair",
        "value",
        1,
        "In cells read as {side} the map lies on {object} more where {neighbour} is too",
        "In cells read as {side} the map lies on {object} less where {neighbour} is too",
    ),
    "observed_coassociation": Trial(
        "pair",
        "value",
        1,
        "Cells that hold {object} are {side} more often where {neighbour} is too",
        "Cells that hold {object} are {side} less often where {neighbour} is too",
    ),
}


def weigh(tables: Tables, rate: float, confidence: float) -> pd.DataFrame:
    """The rows of `claims.csv`.

    Args:
        tables: Name of a table of the run -> frame, those that there are; "metrics" among them, and
            as "shuffled_metrics", "shuffled_local_effect" those of shuffled labels.
        rate: False discovery rate over the whole list.
        confidence: Coverage of the intervals.

    Returns:
        `COLUMNS` and `q_value, survives, against_it, untried`; those that survive first, then by
        q_value.
    """
    parts = [_claims_of_scores(tables["metrics"], confidence)]
    names, everywhere = _class_names(tables), _held_by_nearly_all(tables)
    parts += [
        _claims_of(name, _without_pairs_of(everywhere, tables[name]), trial, names)
        for name, trial in TRIALS.items()
        if name in tables
    ]
    claims = pd.concat([part for part in parts if len(part)], ignore_index=True)
    q_values = q_value(claims["p_value"].to_numpy(dtype=float))
    against = objections.against(claims, tables, rate)
    against = [
        [TOO_FEW, *found] if np.isnan(q) else found
        for q, found in zip(q_values, against, strict=True)
    ]
    tried = np.array([objections.is_tried(kind, tables) for kind in claims["kind"]])
    claims = claims.assign(
        q_value=q_values,
        survives=(q_values <= rate) & tried & [not found for found in against],
        against_it=["; ".join(found) for found in against],
        untried=[objections.untried(kind, tables) for kind in claims["kind"]],
    )
    claims = claims.sort_values(["survives", "q_value"], ascending=[False, True], kind="stable")
    kept = [*COLUMNS, "q_value", "survives", "against_it", "untried"]
    return claims[kept].reset_index(drop=True)


def _claims_of_scores(metrics: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """What is claimed of the ranking (Spearman's r): that there is one, and beyond each baseline.

    `metrics.csv` has intervals and no p-values: the intervals, which are at Student's t of the
    blocks, are turned round by the same.
    """
    pooled = (metrics["subset"] == "all") & (metrics["fold"].astype(str) == "all")
    rows = metrics[pooled & (metrics["metric"] == "spearman")]
    of_model = rows["predictor"].eq(MODEL)
    rows = pd.concat([rows[of_model], differences(rows[~of_model])])
    rows = rows[rows["value"].notna()].reset_index(drop=True)
    sentences = [
        ranking_words(predictor, value)
        for predictor, value in zip(rows["predictor"], rows["value"], strict=True)
    ]
    freedom = (rows["n_blocks"] - 1).clip(lower=1)
    deviations = student.ppf((1 + confidence) / 2, freedom)
    error = (rows["ci_high"] - rows["ci_low"]) / (2 * deviations)
    p_values = 2 * student.sf((rows["value"] / error).abs(), freedom)
    columns = {
        "claim": sentences,
        "kind": "score",
        "class": "",
        "source": "metrics",
        "above": rows["value"] > 0,
        "p_value": np.where(error > 0, p_values, np.nan),
    }
    return rows.assign(**columns)


def trial_words(trial: Trial, row: Mapping[str, Any], is_above: bool) -> str:
    """The claim that a row of a trial's table makes; classes stand in it by their names."""
    return (trial.above if is_above else trial.below).format(**row).replace("_", " ")


def added_words(value: float, given: Iterable[str]) -> str:
    """The claim that a partial correlation makes, given all of the column `given` together."""
    together = f"{all_given_words(given)} together"
    return (BEYOND if value > 0 else MISLEADS).format(given=together)


def ranking_words(predictor: str, value: float) -> str:
    """The claim that a value of Spearman's r makes, of the model or of its lead over a baseline."""
    if predictor == MODEL:
        way = "as they are" if value > 0 else "the wrong way round"
        return f"The image ranks the cells {way}"
    word = "better" if value > 0 else "worse"
    return f"The network ranks the cells {word} than the baseline of {plain_name(predictor)}"


def _class_names(tables: Tables) -> dict[str, str]:
    """Land cover, and what is given -> its name for people, of the tables that tell it."""
    telling = [table for table in tables.values() if {"class", "name"} <= set(table)]
    pairs = [pair for table in telling for pair in table[["class", "name"]].to_numpy()]
    given = tables["added_value"]["given"] if "added_value" in tables else []
    plain = {name: plain_name(name) for name in given}
    together = {"coordinates": "place", ALL_GIVEN: f"{all_given_words(given)} together"}
    return plain | together | dict(map(tuple, pairs))


def _held_by_nearly_all(tables: Tables) -> set[str]:
    """The classes that nearly every cell holds."""
    if "observed_association" not in tables:
        return set()
    held = tables["observed_association"]
    return set(
        held.loc[held["n_cells"] >= NEARLY_ALL * tables["metrics"]["n_cells"].max(), "class"]
    )


def _without_pairs_of(classes: set[str], table: pd.DataFrame) -> pd.DataFrame:
    """A table without the pairs whose object is one of these classes."""
    return table[~table["object"].isin(classes)] if "object" in table else table


def _claims_of(name: str, table: pd.DataFrame, trial: Trial, names: dict[str, str]) -> pd.DataFrame:
    """The claims of a table, a row each; without a value, or of the class that effects are told
    against, a row was no test."""
    tested = table[trial.value].notna()
    if "reference" in table:
        tested &= table["name"] != table["reference"]
    rows = table[tested].reset_index(drop=True)
    null = rows[trial.null] if isinstance(trial.null, str) else trial.null
    above = rows[trial.value] > null
    words = rows.assign(
        **{column: rows[column].replace(names) for column in NAMED if column in rows}
    )
    sentences = [
        trial_words(trial, row, is_above)
        for (_, row), is_above in zip(words.iterrows(), above, strict=True)
    ]
    columns = {
        "claim": sentences,
        "kind": trial.kind,
        "class": rows["class"] if "class" in rows else "",
        "source": name,
        "value": rows[trial.value],
        "above": above,
    }
    return rows.assign(**columns)
