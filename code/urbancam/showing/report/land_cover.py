"""What the tables of land cover say, in sentences: where the map lies, and in which order."""

import pandas as pd

from urbancam.scoring.claims import TRIALS, trial_words
from urbancam.scoring.vocabulary import SIDES
from urbancam.showing.report.claims import objection_to
from urbancam.showing.wording import enumeration, interval_of

MEASURES = {
    "activation_contrast": "by activation",
    "contribution": "by contribution",
}


LEVEL = 0.05  # of both p-values of an order


OUTCOMES = {  # of `adjusted_effect.csv`
    "logit": "logits",
    "income": "incomes",
}


def summarise_land_cover(ratios: pd.DataFrame, contrast: pd.DataFrame) -> list[str]:
    """What `activation_ratio.csv` and `activation_contrast.csv` say, in sentences."""
    sentences = [_clearest_class(ratios, side) for side in SIDES]
    sentences.append(_contrast_words(contrast))
    sentences.append(
        "A ratio other than 1 is no finding by itself: a map that is bright on one class is dark"
        " on all others."
    )
    return sentences


def _clearest_class(ratios: pd.DataFrame, side: str) -> str:
    """The class on which the map lies most clearly in the cells predicted `side`."""
    rows = ratios[(ratios["side"] == side) & ratios["ci_low"].notna()]
    if rows.empty:
        return f"Too few cells are predicted {side} to say which land cover the map lies on there."
    # By its lower bound: a rare class may have a high ratio by chance.
    clearest = rows.loc[rows["ci_low"].idxmax()]
    return (
        f"In cells predicted {side}, the map lies most clearly on {_inside(clearest['name'])}: "
        f"ratio {interval_of(clearest, 'ratio')}, in {int(clearest['n_cells']):,} cells."
    )


def _contrast_words(contrast: pd.DataFrame) -> str:
    """The classes that the two sides tell apart, those of the widest contrast first."""
    rich = contrast.loc[contrast["ci_low"] > 0].sort_values("log_ratio", ascending=False)
    poor = contrast.loc[contrast["ci_high"] < 0].sort_values("log_ratio")
    return (
        "Classes on which the map lies rather where the image says rich, the interval above 0: "
        f"{_class_list(rich['name'])}; rather where it says poor: {_class_list(poor['name'])}."
    )


def _class_list(names: pd.Series) -> str:
    return ", ".join(_inside(name) for name in names) or "none"


def _inside(name: str) -> str:
    """A class's name inside a sentence."""
    return name[:1].lower() + name[1:]


def summarise_effects(
    local: pd.DataFrame, adjusted: pd.DataFrame, recovery: pd.DataFrame, claims: pd.DataFrame
) -> list[str]:
    """What `local_effect.csv` and `adjusted_effect.csv` say, in sentences, what of it `claims.csv`
    keeps, and how often planted rules were misread so (`recovery_summary.csv`); none where none was
    tested."""
    questions = {("Within cells, contributions", "local_effect"): local}
    for outcome, words in OUTCOMES.items():
        rows = adjusted[adjusted["outcome"] == outcome]
        for held, of_held in rows.groupby("held"):
            same = enumeration(["all other land cover", *held.split("; ")])
            questions[f"With {same} the same, {words}", f"adjusted_{outcome}"] = of_held
    return [
        _effect_words(start, table, claims) + _misread(recovery, attribution)
        for (start, attribution), table in questions.items()
        if table["q_value"].notna().any()
    ]


def _misread(recovery: pd.DataFrame, attribution: str) -> str:
    """How often an attribution calls inert classes of planted rules; "" where none was planted."""
    rows = recovery[(recovery["attribution"] == attribution) & (recovery["n_inert"] > 0)]
    return "".join(
        f" Of inert classes of {row['kind']} planted rules, {round(row['false_positives'] * n)} of"
        f" {n} have a p below the nominal level too."
        for row in rows.to_dict("records")
        for n in [int(row["n_inert"])]
    )


def _effect_words(start: str, table: pd.DataFrame, claims: pd.DataFrame) -> str:
    """The classes that differ from the reference, those above it and those below it, and those of
    them that the list of claims keeps."""
    tested = table[table["q_value"].notna()]
    found = tested[tested["significant"]].sort_values("value")
    above = found.loc[found["value"] > 0, "name"][::-1]
    below = found.loc[found["value"] < 0, "name"]
    return (
        f"{start} are higher than on {_inside(table['reference'].iloc[0])} on"
        f" {_class_list(above)}, lower on {_class_list(below)}"
        f" ({len(tested)} classes tested at once, Benjamini-Hochberg){_kept_words(found, claims)}."
    )


def _kept_words(found: pd.DataFrame, claims: pd.DataFrame) -> str:
    """Which of the classes found `claims.csv` keeps; "" where none was found."""
    if found.empty:
        return ""
    trial = TRIALS["adjusted_effect" if "outcome" in found else "local_effect"]
    kept = [
        row["name"]
        for row in found.to_dict("records")
        if not objection_to(
            claims, trial_words(trial, row | {"class": row["name"]}, row["value"] > 0)
        )
    ]
    return f"; the run's own list of claims keeps of these: {_class_list(pd.Series(kept))}"


def summarise_ordering(agreement: pd.DataFrame, claims: pd.DataFrame) -> list[str]:
    """What `ordering_agreement.csv` says of contrast and contribution, a sentence each, and no more
    than `claims.csv` keeps of it."""
    rows = agreement[agreement["observed"] == "mean income"].set_index("measure", drop=False)
    rows = rows.rename(columns={"spearman": "value"})
    return [
        _ordering_words(rows.loc[measure], words, claims)
        for measure, words in MEASURES.items()
        if measure in rows.index and pd.notna(rows.loc[measure, "value"])
    ]


def _ordering_words(row: pd.Series, words: str, claims: pd.DataFrame) -> str:
    conclusion = "that may be chance"
    # Both nulls: classes in any order, and incomes as smooth as the city's own.
    if row["p_value"] <= LEVEL and row["p_value_surrogate"] <= LEVEL:
        conclusion = "the one follows the other" if row["value"] > 0 else "they run counter"
        claim = trial_words(TRIALS["ordering_agreement"], row, row["value"] > 0)
        objection = objection_to(claims, claim)
        conclusion = f"that stays open ({objection})" if objection else conclusion
    chances = f"p-values {row['p_value']:.2f} and {row['p_value_surrogate']:.2f}"
    return (
        f"The order of {int(row['n_classes'])} classes {words} has a Spearman r of "
        f"{interval_of(row)} with their order by the income of their cells ({chances} against"
        f" orders at random and against surrogate incomes): {conclusion}."
    )
