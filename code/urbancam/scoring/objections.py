"""What a run's own controls and nulls say against its claims.

Each objection is a sentence of a few words. Only tables that are there are asked; which of them a
kind of claim would need and a run lacks is said beside it (`untried`). Of what incomes go with,
without the network, and of classes beside each other no control asks anything.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from urbancam.scoring.added_value import ALL_GIVEN, all_given_words
from urbancam.scoring.subgroups import CITY, WITHIN
from urbancam.scoring.vocabulary import DIFFERENCE, MODEL, interval_columns
from urbancam.workflow.settings.feature_sets import plain_name

Tables = Mapping[str, pd.DataFrame]
LOW_OF_DIFFERENCE, _ = interval_columns(DIFFERENCE)
# What a kind of claim is held against -> the table that says it, and a column's value that must be
# in it (None: any row).
EVIDENCE = {
    "score": {
        "other departments or campaigns": ("subgroups", ("subset", WITHIN)),
        "a campaign left out": ("leakage", ("split", "campaign")),
        "land cover, density and place together": ("added_value", ("given", ALL_GIVEN)),
        "shuffled labels": ("shuffled_metrics", None),
    },
    "map": {
        "shuffled labels": ("shuffled_local_effect", None),
        "the adjusted effect": ("adjusted_effect", None),
        "planted rules": ("recovery_summary", ("attribution", "local_effect")),
    },
    "effect": {"planted rules": ("recovery_summary", None)},
    "order": {"surrogate incomes": ("ordering_agreement", None)},
}
NO_CONTROL = "no control asks this"


def against(claims: pd.DataFrame, tables: Tables, rate: float) -> list[list[str]]:
    """What speaks against each claim, an empty list where nothing does.

    Args:
        claims: As `claims.weigh` gathers them: `kind, source, above` and the columns of their own
            table.
        tables: As in `claims.weigh`.
        rate: Share of false positives that a null or a planted rule may have.
    """
    of_kind = {
        "score": lambda claim: _against_score(claim, tables),
        "map": lambda claim: _against_map(claim, tables, rate),
        "effect": lambda claim: _wrong_of_plants(f"adjusted_{claim['outcome']}", tables, rate),
        "order": lambda claim: _against_order(claim, rate),
    }
    return [
        of_kind[claim["kind"]](claim) if claim["kind"] in of_kind else []
        for _, claim in claims.iterrows()
    ]


def untried(kind: str, tables: Tables) -> str:
    """What a claim of a kind would be held against, had the run tried it; "" where it tried all."""
    return "; ".join(_missing(kind, tables)) if kind in EVIDENCE else NO_CONTROL


def is_tried(kind: str, tables: Tables) -> bool:
    """Whether a claim of a kind was held against any control."""
    return len(_missing(kind, tables)) < len(EVIDENCE.get(kind, {}))


def _missing(kind: str, tables: Tables) -> list[str]:
    return [
        name
        for name, (table, asked) in EVIDENCE.get(kind, {}).items()
        if not _has_row(tables.get(table), asked)
    ]


def _has_row(table: pd.DataFrame | None, asked: tuple[str, str] | None) -> bool:
    if table is None or not len(table):
        return False
    return asked is None or bool(table[asked[0]].astype(str).eq(asked[1]).any())


def _against_score(claim: pd.Series, tables: Tables) -> list[str]:
    """Against a ranking by the image, or its being better than a baseline: other cells, other
    weights, baselines that do as well."""
    if not claim["above"]:
        return []
    if claim["source"] == "added_value":
        return _found_in_shuffled_labels(tables)
    found = _not_elsewhere(claim["predictor"], tables)
    if claim["predictor"] == MODEL:
        found += _done_without_image(tables) + _found_in_shuffled_labels(tables)
    return found


def _not_elsewhere(predictor: str, tables: Tables) -> list[str]:
    """The parts of the cells in which the model's score, or its difference to a baseline's, is
    not above 0, or not for sure."""
    column = "ci_low" if predictor == MODEL else LOW_OF_DIFFERENCE
    metrics, subgroups, leakage = (tables.get(name) for name in ("metrics", "subgroups", "leakage"))
    places = {"without imputed cells": _rows(metrics, subset="not_imputed", fold="all")}
    if subgroups is not None:
        by_cells = {"weighting": "cells", "subset": WITHIN}
        places |= {
            "within departments": _rows(subgroups, grouping="department", **by_cells),
            "within campaigns": _rows(subgroups, grouping="campaign", **by_cells),
            "weighted by people": _rows(subgroups, grouping=CITY, weighting="people"),
        }
    places["with campaigns left out"] = _rows(leakage, split="campaign")
    lows = {
        place: _low(rows, column, predictor=predictor, metric="spearman")
        for place, rows in places.items()
        if len(_rows(rows, predictor=predictor, metric="spearman"))
    }
    # Without an interval nothing is known there, which is no support.
    return [f"not {place}" for place, low in lows.items() if low <= 0] + [
        f"too few blocks to say {place}" for place, low in lows.items() if pd.isna(low)
    ]


def _done_without_image(tables: Tables) -> list[str]:
    """What ranks the cells as well without a network."""
    metrics = _rows(tables["metrics"], subset="all", fold="all", metric="spearman")
    as_good = ~(metrics[LOW_OF_DIFFERENCE] > 0) & metrics[DIFFERENCE].notna()
    found = [
        f"the baseline of {plain_name(name)} does as well"
        for name in metrics.loc[as_good, "predictor"]
    ]
    added = tables.get("added_value")
    if _low(added, given=ALL_GIVEN) <= 0:
        found.append(f"not beyond {all_given_words(added['given'])}")
    return found


def _found_in_shuffled_labels(tables: Tables) -> list[str]:
    shuffled = _rows(tables.get("shuffled_metrics"), subset="all", fold="all")
    low = _low(shuffled, predictor=MODEL, metric="spearman")
    return ["a network of shuffled labels ranks the cells too"] if low > 0 else []


def _against_map(claim: pd.Series, tables: Tables, rate: float) -> list[str]:
    """Against what the network reads a class as: a network that knows nothing of incomes, the
    adjusted effect, planted rules."""
    found = ["the same with shuffled labels"] if _of_shuffled_labels(claim, tables) else []
    if _contradicted(claim, tables.get("adjusted_effect")):
        found.append("its adjusted effect on the logit is of the other sign")
    return found + _wrong_of_plants("local_effect", tables, rate)


def _against_order(claim: pd.Series, rate: float) -> list[str]:
    """Against an order of the classes: incomes that are as smooth and know nothing of them."""
    if claim.get("p_value_surrogate", 0) > rate:
        return ["incomes as smooth that know nothing of land cover give it too"]
    return []


def _wrong_of_plants(attribution: str, tables: Tables, rate: float) -> list[str]:
    """Where rules were planted: whether an attribution calls inert classes significant more often
    than the rate, by a binomial test at that rate."""
    found = []
    for _, row in _rows(tables.get("recovery_summary"), attribution=attribution).iterrows():
        n, share = int(row["n_inert"]), row["false_positives"]
        if n and binomtest(round(share * n), n, rate, alternative="greater").pvalue <= rate:
            found.append(f"of {row['kind']} planted rules it finds {share:.0%} of inert classes")
    return found


def _of_shuffled_labels(claim: pd.Series, tables: Tables) -> bool:
    """Whether a network of shuffled labels reads a class to the same side, for sure."""
    rows = _rows(tables.get("shuffled_local_effect"), **{"class": str(claim["class"])})
    if rows.empty:
        return False
    low, high = rows[["ci_low", "ci_high"]].iloc[0]
    return bool(low > 0 if claim["above"] else high < 0)


def _contradicted(claim: pd.Series, effects: pd.DataFrame | None) -> bool:
    """Whether the adjusted effect of a class on the logit is of the other sign, for sure."""
    rows = _rows(effects, outcome="logit", **{"class": str(claim["class"])})
    significant = rows[rows["significant"]] if len(rows) else rows
    return bool(len(significant)) and bool((significant["value"].iloc[0] > 0) != claim["above"])


def _rows(table: pd.DataFrame | None, **values: str) -> pd.DataFrame:
    """The rows of a table that hold these values; none of a table that is not there."""
    if table is None:
        return pd.DataFrame(columns=[*values, "predictor", "metric", "ci_low", LOW_OF_DIFFERENCE])
    chosen = np.ones(len(table), dtype=bool)
    for column, value in values.items():
        chosen &= table[column].astype(str).eq(value).to_numpy()
    return table[chosen]


def _low(table: pd.DataFrame | None, column: str = "ci_low", **values: str) -> float:
    """Lower end of an interval, of the one row with these values; NaN where there is none."""
    rows = _rows(table, **values)
    return float(rows[column].iloc[0]) if len(rows) else np.nan
