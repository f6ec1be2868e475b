"""What of a run survives the correction for how many claims were tried, and its own controls: the
last section of the report."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from urbancam.scoring.objections import NO_CONTROL
from urbancam.showing.wording import enumeration, interval_of, verdict

LISTED = 8  # claims of a kind that are told in words
KINDS = {  # kind of claim -> what it is about, for people
    "score": "how well the image ranks the cells",
    "map": "which land cover the network reads as poor or rich",
    "effect": (
        "what land cover goes with, the other land cover held (a whole cell of it; incomes in EUR)"
    ),
    "incomes": "which land cover goes with low or high incomes, without the network",
    "order": "whether network and incomes order the classes alike",
    "pair": "classes beside each other",
}


def kept_verdict(
    row: Mapping[str, Any],
    claims: pd.DataFrame,
    claim: str,
    above: str,
    below: str,
    undecided: str,
    column: str = "value",
) -> str:
    """`wording.verdict`, of which an interval beside 0 is no more than undecided where the run's
    own list does not keep the claim; then with what is said against it there."""
    words = verdict(row, above, below, undecided, column)
    objection = "" if words == undecided else objection_to(claims, claim)
    return f"{undecided} ({objection})" if objection else words


def objection_to(claims: pd.DataFrame, claim: str) -> str:
    """That the run's own list does not keep a claim, and what is said against it there; "" where it
    keeps it."""
    of_claim = claims[claims["claim"].eq(claim)]
    if of_claim["survives"].any():
        return ""
    reasons = of_claim["against_it"].dropna()
    return ": ".join(["the run's own list of claims does not keep it", *reasons[reasons != ""]])


def summarise_claims(claims: pd.DataFrame) -> list[str]:
    """What `claims.csv` says: how many were tried and survive, of each kind, and which."""
    survivors = claims[claims["survives"]]
    corrected = claims["q_value"].notna()
    # A table that was read has no text where one that was just made has an empty one.
    objected = claims["against_it"].fillna("").ne("")
    stopped = claims[corrected & ~claims["survives"] & objected]
    unasked = claims[corrected & ~claims["survives"] & claims["untried"].eq(NO_CONTROL)]
    sentences = [
        f"{len(claims):,} claims were tried, {int(corrected.sum()):,} of them on blocks enough to "
        f"say; {len(survivors):,} survive the correction for that number and all controls that "
        f"were run; against {len(stopped):,} a control or null speaks, whatever their p-value."
    ]
    if len(unasked):
        sentences.append(
            f"{len(unasked):,} are of kinds that no control asks, so that none of them is said to"
            f" survive: {enumeration([KINDS[kind] for kind in unasked['kind'].unique()])}."
        )
    for kind, about in KINDS.items():
        of_kind = survivors[survivors["kind"] == kind]
        if len(of_kind):
            words = [_words(claim) for claim in of_kind.head(LISTED).to_dict("records")]
            more = len(of_kind) - len(words)
            words += [f"and {more} more, in tables/claims.csv"] * (more > 0)
            sentences.append(f"Of {about}: {'; '.join(words)}.")
    if survivors.empty:
        sentences.append("So nothing that this run says of the city stands for sure.")
    untried = survivors["untried"].dropna()
    names = sorted({name for names in untried for name in names.split("; ")})
    if names:
        sentences.append(f"What survives was not held against {', '.join(names)}: not run.")
    return sentences


def _words(claim: dict) -> str:
    return f"{claim['claim']} ({interval_of(claim)}, q {claim['q_value']:.2g})"
