"""What the tables of scores say, in sentences: model, baselines, splits, calibration."""

import pandas as pd

from urbancam.scoring.added_value import all_given_words
from urbancam.scoring.claims import added_words, ranking_words
from urbancam.scoring.vocabulary import DIFFERENCE, SCALED_MODEL
from urbancam.showing.exhibits import SPLITS
from urbancam.showing.report.claims import kept_verdict
from urbancam.showing.wording import (
    enumeration,
    interval_of,
    length,
    predictor_words,
    resampling,
    told_ridges,
)

ALIKE_P = 0.05  # ASSUME: the usual level, for a test of what is observed and one of what is left


def summarise_scores(metrics: pd.DataFrame, claims: pd.DataFrame) -> list[str]:
    """What `metrics.csv` says, in sentences, and no more than `claims.csv` keeps of it."""
    rows = metrics[(metrics["subset"] == "all") & (metrics["fold"].astype(str) == "all")]
    rows = rows.set_index(["predictor", "metric"])
    order = _order_words(rows.loc[("model", "spearman")])
    hits = _hit_words(rows)

    # A city left out of its own training has no baselines.
    if ("coordinates", "spearman") not in rows.index:
        return [f"{order}.", f"{hits}."]

    constant = rows.loc[("constant", "accuracy"), "value"]
    return [
        f"{order}; {_place_words(rows, claims)}.",
        f"{hits}; always the most frequent class would get {constant:.0%} right.",
        *_compare_ridges(rows, claims),
    ]


def _order_words(model: pd.Series) -> str:
    """How well the model orders the incomes."""
    return (
        "The network orders cells that it never saw by income with a rank correlation of "
        f"{interval_of(model)} over {int(model['n_cells']):,} cells"
    )


def _hit_words(rows: pd.DataFrame) -> str:
    """How many cells get the right class."""
    accuracy = rows.loc[("model", "accuracy"), "value"]
    accuracy_within_1 = rows.loc[("model", "accuracy_within_1"), "value"]
    return (
        f"{accuracy:.0%} of the cells get the right one of five classes, "
        f"{accuracy_within_1:.0%} the right one or its neighbour"
    )


def _place_words(rows: pd.DataFrame, claims: pd.DataFrame) -> str:
    """What the place alone tells of the incomes, and whether the images tell more."""
    coordinates = rows.loc[("coordinates", "spearman")]
    conclusion = kept_verdict(
        coordinates,
        claims,
        ranking_words("coordinates", coordinates[DIFFERENCE]),
        above="so the images tell more than the place does",
        below="so the images tell less than the place does",
        undecided="which leaves open whether the images tell more than the place does",
        column=DIFFERENCE,
    )
    return (
        f"the classes of the nearest cells alone (coordinates) reach {coordinates['value']:.2f}. "
        f"The difference is {interval_of(coordinates, DIFFERENCE)}, {conclusion}"
    )


def _compare_ridges(rows: pd.DataFrame, claims: pd.DataFrame) -> list[str]:
    """What ridge regressions reach, and which of them order the incomes better than the network.

    Args:
        rows: `metrics.csv` over all folds and cells, by predictor and metric.
        claims: `claims.csv`.

    Returns:
        One sentence; none where no ridge regression was scored.
    """
    names = told_ridges(rows.index.unique("predictor"))
    ridges = {name: rows.loc[(name, "spearman")] for name in names}
    if not ridges:
        return []
    scores = [
        f"{interval_of(row)} on {predictor_words(name)} "
        f"(the network less that: {interval_of(row, DIFFERENCE)})"
        for name, row in ridges.items()
    ]
    conclusion = _ridge_verdict(ridges, claims)
    return [f"Ridge regressions reach {enumeration(scores)}, {conclusion}."]


def _ridge_verdict(ridges: dict[str, pd.Series], claims: pd.DataFrame) -> str:
    """Whether a network is needed, from the differences between it and each ridge regression."""
    verdicts = {
        predictor_words(name): kept_verdict(
            row, claims, ranking_words(name, row[DIFFERENCE]), "worse", "better", "open", DIFFERENCE
        )
        for name, row in ridges.items()
    }
    better = [name for name, conclusion in verdicts.items() if conclusion == "better"]
    worse = [name for name, conclusion in verdicts.items() if conclusion == "worse"]
    if better:
        inputs = enumeration(better)
        return f"so the network orders incomes worse than a ridge regression on {inputs}"
    if len(worse) == len(ridges):
        return "so the network orders incomes better than each of them"
    return "which leaves open whether a network is needed"


def summarise_intervals(block_size: pd.DataFrame, confidence: float) -> list[str]:
    """What `block_size.csv` says of the intervals of the run, in a sentence."""
    rows = block_size[block_size["metric"] == "spearman"].sort_values("side_m")
    chosen = rows[rows["chosen"]].iloc[0]
    words = (
        f"Intervals of scores, unless something else is said: {resampling(confidence, block_size)};"
        f" {_reach_of_residuals(rows, chosen)}"
    )
    others = rows[~rows["chosen"] & rows["ci_width"].notna()]
    if others.empty or pd.isna(chosen["ci_width"]):
        return [f"{words}. No other side leaves blocks enough to be compared."]
    widths = [f"{row['ci_width']:.2f} with {length(row['side_m'])}" for _, row in others.iterrows()]
    return [
        f"{words}. The interval of the Spearman r is {chosen['ci_width']:.2f} wide with these "
        f"blocks, {enumeration(widths)}."
    ]


def _reach_of_residuals(rows: pd.DataFrame, chosen: pd.Series) -> str:
    """Whether the blocks are as large as what the model leaves unexplained asks for."""
    reach_m, side_m, largest_m = chosen["reach_m"], chosen["side_m"], rows["side_m"].max()
    asked = f"what the model leaves unexplained asks for sides of {length(round(reach_m, -2))}"
    if side_m >= reach_m:
        return f"{asked}, which they have"
    if largest_m >= reach_m:
        return f"{asked}, up to which this one has the widest interval"
    return (
        f"{asked}, and the city is too small: beyond {length(largest_m)} too few blocks are left,"
        " so these intervals may be too narrow"
    )


def summarise_space(autocorrelation: pd.DataFrame) -> list[str]:
    """What `spatial_autocorrelation.csv` says, in a sentence."""
    rows = autocorrelation[autocorrelation["subset"] == "all"].set_index("variable")
    if rows.empty or rows["moran_i"].isna().any():
        return []
    observed = rows.loc["observed_rank"]
    residual = rows.loc["residual_rank"]
    return [
        f"Between neighbours Moran's I of what is observed is {_alike_words(observed)}; "
        f"of what the model leaves of it, {_alike_words(residual)}."
    ]


def _alike_words(row: pd.Series) -> str:
    conclusion = "more alike than by chance" if row["p_value"] < ALIKE_P else "no more than chance"
    return f"{row['moran_i']:z.2f} (p-value {row['p_value']:.3g}: {conclusion})"


def summarise_leakage(leakage: pd.DataFrame) -> list[str]:
    """What `leakage.csv` says, a sentence a split."""
    rows = leakage[leakage["metric"] == "spearman"].set_index(["split", "predictor"])
    sentences = []
    for split, name in SPLITS.items():
        scores = {
            predictor: rows.loc[(split, predictor)]
            for predictor in ("model", "coordinates")
            if (split, predictor) in rows.index
        }
        if scores:
            any_row = next(iter(scores.values()))
            sentences.append(f"Split by {name}{_leak_words(any_row)}: {_reach_words(scores)}.")
    return sentences


def _leak_words(row: pd.Series) -> str:
    """What a split leaks, in brackets; "" for a city left out, which leaks nothing countable."""
    if pd.isna(row["leaks_group"]):
        return ""
    groups = int(row["leaks_group"])
    blocks = int(row["leaks_block"])
    return f" ({groups:,} groups and {blocks:,} blocks leak)"


def _reach_words(scores: dict[str, pd.Series]) -> str:
    """Spearman r of the coordinates, of the model and of their difference, each where it exists."""
    parts = []
    coordinates = scores.get("coordinates")
    if coordinates is not None:
        parts.append(f"the coordinates alone reach a Spearman r of {interval_of(coordinates)}")
    if "model" in scores:
        parts.append(f"the model {interval_of(scores['model'])}")
    else:
        parts.append("no model was trained")
    if coordinates is not None and pd.notna(coordinates[DIFFERENCE]):
        parts.append(f"the difference is {interval_of(coordinates, DIFFERENCE)}")
    return ", ".join(parts)


def summarise_calibration(calibration: pd.DataFrame) -> list[str]:
    """What `calibration.csv` says, in a sentence."""
    rows = calibration
    if "subset" in calibration:
        rows = calibration[calibration["subset"].eq("all")]
    # The calibration error, before and after scaling.
    rows = rows[rows["metric"] == "ece"].set_index("predictor")
    return [
        "The probability of the predicted class is off by "
        f"{_error_words(rows.loc['model'])} on average (root mean square, chance taken off); "
        "after temperature scaling, fitted on validation cells, by "
        f"{_error_words(rows.loc[SCALED_MODEL])}."
    ]


def _error_words(row: pd.Series) -> str:
    """An error of which chance is taken off: at 0 it is not told from none."""
    return interval_of(row) if row["value"] > 0 else "nothing that can be told from chance"


def summarise_added_value(added_value: pd.DataFrame, claims: pd.DataFrame) -> list[str]:
    """What `added_value.csv` says of all baselines together, in a sentence; none without them."""
    rows = added_value[added_value["given"] == "all"]
    if rows.empty:
        return []
    row = rows.iloc[0]
    conclusion = kept_verdict(
        row,
        claims,
        added_words(row["value"], added_value["given"]),
        above="the image adds to what these regressions make of them",
        below="what the image adds misleads",
        undecided="whether the image adds to them stays open",
    )
    said = all_given_words(added_value["given"])
    return [
        f"Given what {said} say by baselines of their own, the network's ranking still correlates "
        f"with the observed one by {interval_of(row)}: {conclusion}."
    ]
