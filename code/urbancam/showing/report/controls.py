"""What the controls say, in sentences: other methods, maps blind to incomes, deletion."""

import pandas as pd

from urbancam.scoring.vocabulary import CONTRAST
from urbancam.showing.exhibits import control_name
from urbancam.showing.wording import enumeration, interval_of, verdict

RANDOM_NETWORK = "all_weights_random"
NULLS = {  # null of `nulls.csv` -> what its map lacks
    "shuffled_labels": "a training on shuffled labels, which has nothing to find",
    "random_weights": "random weights, which leave architecture and image",
    "other_cell": "the map of another cell of like land cover, which knows no polygon here",
}


def summarise_controls(agreement: pd.DataFrame) -> list[str]:
    """What `attribution_agreement.csv` says of the contrast: other methods, and blind maps."""
    contrast = agreement[agreement["side"] == CONTRAST].set_index("control")
    rows = contrast.rename(columns={"rank_correlation": "value"})
    rows = rows[rows["value"].notna()]
    deepest = _deepest_randomisation(rows)
    blind = _blind_rows(rows, deepest)

    sentences = []
    methods = rows[rows["kind"] == "method"]
    if len(methods):
        sentences.append(
            "Other methods order the classes as the published map does "
            f"with a Spearman r of {_value_list(methods)}."
        )
    if len(blind):
        sentences.append(
            f"Maps that know nothing of incomes: {_value_list(blind)}; {_blind_verdict(blind)}."
        )
    return sentences + _summarise_size(contrast, deepest)


def _deepest_randomisation(rows: pd.DataFrame) -> list[str]:
    """The name of the control whose weights are random throughout, the last one, if any."""
    return [name for name in rows.index if name.startswith("weights_")][-1:]


def _blind_rows(rows: pd.DataFrame, deepest: list[str]) -> pd.DataFrame:
    """The rows of the controls that know nothing of incomes.

    Args:
        rows: Rows of the agreement, by control.
        deepest: As for `_deepest_randomisation`.
    """
    # ASSUME: edges, shuffled labels and a network drawn anew as a whole know nothing of incomes;
    # the others still may.
    controls = ("edges", "shuffled_labels", *deepest)
    blind = rows.loc[[name for name in controls if name in rows.index]]
    return blind.rename(dict.fromkeys(deepest, RANDOM_NETWORK))


def _value_list(rows: pd.DataFrame) -> str:
    return enumeration(
        [f"{interval_of(row)} ({control_name(name)})" for name, row in rows.iterrows()]
    )


def _blind_verdict(blind: pd.DataFrame) -> str:
    """Which maps that know nothing of incomes keep part of the order all the same."""
    keepers = blind.index[blind["ci_low"] > 0]
    if not len(keepers):
        return "none keeps the order for sure, as it should be"
    names = enumeration([control_name(name) for name in keepers])
    return f"{names} keep part of the order, which so far is not what the network has learnt"


def _summarise_size(contrast: pd.DataFrame, deepest: list[str]) -> list[str]:
    """How much of the published contrasts' size blind maps leave: an order has no size.

    Args:
        contrast: Rows of the agreement of the contrast, by control.
        deepest: As for `_deepest_randomisation`.
    """
    if "kept" not in contrast:
        return []
    blind = _blind_rows(contrast[contrast["kept"].notna()], deepest)
    if blind.empty:
        return []
    shares = [
        f"{interval_of(row, 'kept', words=_percent)} "
        f"({control_name(name)}, {int(row['n_classes'])} classes)"
        for name, row in blind.iterrows()
    ]
    return [
        "Of the size of the published contrasts, which no order tells, "
        f"maps that know nothing of incomes leave {enumeration(shares)}."
    ]


def _percent(share: float) -> str:
    return f"{share:z.0%}"


def summarise_nulls(nulls: pd.DataFrame) -> list[str]:
    """What `nulls.csv` says of the contrast, a sentence a null that was computed."""
    contrast = nulls[(nulls["side"] == CONTRAST) & nulls["null_low"].notna()]
    return [
        f"Held against {words}: {_outside(rows)} of {len(rows)} contrasts lie outside what blocks "
        "resampled do not tell from it (each by itself, not corrected for their number)."
        for null, words in NULLS.items()
        if len(rows := contrast[contrast["null"] == null])
    ]


def _outside(rows: pd.DataFrame) -> int:
    """Number of rows whose value lies outside the null's band."""
    return int((~rows["value"].between(rows["null_low"], rows["null_high"])).sum())


def summarise_shift(shifts: pd.DataFrame) -> list[str]:
    """What `map_shift.csv` says of where maps are laid, in a sentence."""
    if shifts.empty:
        return []
    best = shifts[shifts["best"]].iloc[0]
    as_laid = shifts[(shifts["east_m"] == 0) & (shifts["north_m"] == 0)].iloc[0]
    sure = "" if pd.isna(best["best_share"]) else f" (in {best['best_share']:.0%} of the draws)"
    return [
        "Land cover explains most of the contributions within cells where the map is moved"
        f" {best['east_m']:z.1f} m east and {best['north_m']:z.1f} m north{sure}: "
        f"{best['explained']:.3f} of their variance, {as_laid['explained']:.3f} where it is laid."
    ]


def summarise_deletion(area: pd.DataFrame) -> list[str]:
    """What `deletion_area.csv` says of the published map, in a sentence."""
    rows = area[(area["order"] == "published") & (area["curve"] == "deletion")]
    if rows.empty:
        return []
    row = rows.iloc[0]
    conclusion = verdict(
        row,
        above="it marks what the logit hangs on less than chance does",
        below="it marks what the logit hangs on",
        column="above_random",
    )
    return [
        "Blurring first what the published map marks moves the logit by "
        f"{interval_of(row, 'above_random')} beyond blurring at random "
        f"(below 0: away from the predicted side): {conclusion}."
    ]
