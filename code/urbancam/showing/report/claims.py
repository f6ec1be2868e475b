"""What of a run survives the correction for how many claims were tried, and its own controls: the
last section of the report."""

import pandas as pd

from urbancam.showing.wording import interval_of

LISTED = 8  # claims of a kind that are told in words
KINDS = {  # kind of claim -> what it is about, for people
    "score": "how well the image ranks the cells",
    "map": "which land cover the network reads as poor or rich",
    "effect": "what land cover goes with, the other land cover held",
    "incomes": "which land cover goes with low or high incomes, without the network",
    "order": "whether network and incomes order the classes alike",
    "pair": "classes beside each other",
}


def summarise_claims(claims: pd.DataFrame) -> list[str]:
    """What `claims.csv` says: how many were tried and survive, of each kind, and which."""
    survivors = claims[claims["survives"]]
    corrected = claims["q_value"].notna()
    stopped = claims[corrected & ~claims["survives"] & claims["against_it"].notna()]
    sentences = [
        f"{len(claims):,} claims were tried, {int(corrected.sum()):,} of them on blocks enough to "
        f"say; {len(survivors):,} survive the correction for that number and all controls that "
        f"were run; against {len(stopped):,} a control or null speaks, whatever their p-value."
    ]
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
