"""The answer in one sentence: what of the run's first question its own list of claims leaves."""

import pandas as pd

from urbancam.scoring.claims import ranking_words
from urbancam.scoring.vocabulary import DIFFERENCE, MODEL
from urbancam.showing.wording import interval_of

PLACE = "coordinates"
TARGETS = {"income": "by income", "density": "by how many people live in them"}


def answer(
    metrics: pd.DataFrame, claims: pd.DataFrame, target: str = "income", intervals: str = ""
) -> str:
    """Whether images alone order the cells, and beyond what the place tells.

    Args:
        metrics: `metrics.csv`.
        claims: `claims.csv`; empty where none were weighed: nothing is then claimed.
        target: What the classes are quintiles of.
        intervals: What the intervals are: "95 %, blocks of 4 km, 23 effective".
    """
    rows = metrics[(metrics["subset"] == "all") & (metrics["fold"].astype(str) == "all")]
    rows = rows[rows["metric"] == "spearman"].set_index("predictor")
    ranking = rows.loc[MODEL]
    brackets = f"in brackets the interval: {intervals}"
    if pd.isna(ranking["ci_low"]):
        brackets = "too few blocks for an interval"
    score = (
        f"a rank correlation of {interval_of(ranking)} over {int(ranking['n_cells']):,} cells "
        f"(1: the same order, 0: none; {brackets})"
    )
    words = TARGETS[target]
    if claims.empty:
        return (
            f"From its image alone, cells are ordered {words} with {score}; whether that stands "
            "against the run's own controls was not weighed (step 19 was not run)."
        )
    claim = _claim(claims, MODEL, ranking["value"])
    if claim is None or not claim["survives"] or ranking["value"] <= 0:
        return (
            f"The network's order of the cells {words} does not stand against this run's own "
            f"checks: it reaches {score}, but {_objection(claim)}."
        )
    return (
        f"From its image alone, the network orders cells that it never saw {words} with {score}; "
        f"{_place_words(rows, claims)}."
    )


def _claim(claims: pd.DataFrame, predictor: str, value: float) -> pd.Series | None:
    """The claim that a score made; None where it was not tried."""
    rows = claims[
        (claims["kind"] == "score") & (claims["claim"] == ranking_words(predictor, value))
    ]
    return None if rows.empty else rows.iloc[0]


def _objection(claim: pd.Series | None) -> str:
    """Why a claim does not stand."""
    if claim is None:
        return "it was not among the claims that were tried"
    if claim["value"] <= 0:
        return "that is no better than chance"
    if isinstance(claim["against_it"], str) and claim["against_it"]:
        return f"against it speaks: {claim['against_it']}"
    return "corrected for all claims that were tried, that may be chance"


def _place_words(rows: pd.DataFrame, claims: pd.DataFrame) -> str:
    """Whether the images tell more than the place does, as far as the claims let it be said."""
    if PLACE not in rows.index:
        return "what the place alone tells was not scored"
    place = rows.loc[PLACE]
    claim = _claim(claims, PLACE, place[DIFFERENCE])
    if claim is None or not claim["survives"]:
        return "whether that is more than the place alone tells stays open"
    better = "images" if place[DIFFERENCE] > 0 else "place"
    return (
        "the difference to what the nearest cells alone reach, "
        f"{interval_of(place, DIFFERENCE)}, speaks for the {better}"
    )
