"""What `recovery_summary.csv` says, in sentences: how far the method can be believed in this
city."""

import pandas as pd

from urbancam.showing.exhibits import ATTRIBUTIONS

KINDS = {
    "frozen": "learned by a linear unit on the network's frozen features",
    "trained": "learned by networks of their own",
}


def summarise_plants(summary: pd.DataFrame) -> list[str]:
    """A sentence for each kind of plant and attribution; none where nothing was planted."""
    return [
        _sentence(row)
        for row in summary.to_dict("records")
        if row["n_planted"] > 0 and row["n_inert"] > 0
    ]


def _sentence(row: dict) -> str:
    planted, inert = int(row["n_planted"]), int(row["n_inert"])
    plants = int(row["n_plants"])
    rules = "1 planted rule" if plants == 1 else f"{plants} planted rules"
    return (
        f"Of {rules}, {KINDS[row['kind']]} (Spearman r {row['spearman']:z.2f}), the "
        f"{ATTRIBUTIONS[row['attribution']]} finds {round(row['power'] * planted)} of {planted} "
        f"classes with an effect (significant, right sign; wrong sign: "
        f"{round(row['wrong_sign'] * planted)}), and p falls below the nominal level for "
        f"{round(row['false_positives'] * inert)} of {inert} inert ones."
    )
