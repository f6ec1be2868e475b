"""What the tables of a run say, in sentences, and what must be kept in mind."""

import pandas as pd

from urbancam.scoring.vocabulary import SCALED_MODEL
from urbancam.showing.exhibits import SPLITS, control_name
from urbancam.showing.wording import enumeration, interval_of

RIDGES = {
    "land_cover": "land cover",
    "colour_histogram": "the images' colours",
    "random_features": "random features of the images",
}
RESIDUAL_P = 0.05  # ASSUME: the usual level for the one test of what the model leaves
LIMITS = (
    "Everything here is about cells and their mean income, nothing about the people in them. Do not use it "
    "to judge persons or households, or to decide about them.",
    "Classes are quintiles of this city: the same class is another income elsewhere.",
    "Only inhabited cells are in the data.",
    "Images, incomes and land cover were taken in different years.",
    "The intervals come from resampling blocks of this city with the models as they were trained: they say "
    "how the scores would vary over other neighbourhoods, not over other trainings or other cities.",
    "An activation ratio says where the network looks, not what makes a place poor or rich. The published "
    "map is a product of a coarse map and an edge-seeking gradient, and its zero is a convention; the "
    "contribution adds up to the logit exactly, at the resolution of the network's last layer, which is "
    "wider than most roads.",
    "Ratios of different cities come from different models.",
)


def summarise(tables: dict[str, pd.DataFrame]) -> dict[str, list[str]]:
    """What the tables of a run say: topic -> sentences.

    Args:
        tables: name as in `exhibits.TABLES` -> frame.
    """
    return {
        "What the images tell": summarise_scores(tables["metrics"])
        + summarise_space(tables["spatial_autocorrelation"]),
        "What a split gives away": summarise_leakage(tables["leakage"]),
        "How sure the network is": summarise_calibration(tables["calibration"]),
        "What it looks at": summarise_land_cover(
            tables["activation_ratio"], tables["activation_contrast"]
        )
        + summarise_ordering(tables["ordering_agreement"]),
        "What a ratio is worth": summarise_controls(tables["attribution_agreement"])
        + summarise_deletion(tables["deletion_area"]),
    }


def summarise_scores(metrics: pd.DataFrame) -> list[str]:
    """What `metrics.csv` says, in sentences."""
    rows = metrics[(metrics["subset"] == "all") & (metrics["fold"].astype(str) == "all")]
    rows = rows.set_index(["predictor", "metric"])
    model, accuracy, near = (
        rows.loc[("model", name)] for name in ("spearman", "accuracy", "accuracy_within_1")
    )
    cells = f"{int(model['n']):,} cells"
    said = f"Out of fold, p correlates with income with a Spearman r of {interval_of(model)} over {cells}"
    right = (
        f"{accuracy['value']:.0%} of the cells get the right one of five classes, "
        f"{near['value']:.0%} the right one or its neighbour"
    )
    if ("coordinates", "spearman") not in rows.index:  # nor has a city left out of its own training
        return [f"{said}.", f"{right}."]
    difference, place = (
        rows.loc[("model - coordinates", "spearman")],
        rows.loc[("coordinates", "spearman"), "value"],
    )
    verdict = (
        "so the images tell more than the place does"
        if difference["ci_low"] > 0
        else "so the images tell less than the place does"
        if difference["ci_high"] < 0
        else "which leaves open whether the images tell more than the place does"
    )
    constant = rows.loc[("constant", "accuracy"), "value"]
    return [
        f"{said}; the nearest neighbours' classes alone (coordinates) reach {place:.2f}. "
        f"The difference is {interval_of(difference)}, {verdict}.",
        f"{right}; always the most frequent class would get {constant:.0%} right.",
        *_compare_ridges(rows),
    ]


def _compare_ridges(rows: pd.DataFrame) -> list[str]:
    """What ridge regressions reach, and which of them order the incomes better than the network, in a sentence."""
    there = [name for name in RIDGES if (f"model - {name}", "spearman") in rows.index]
    if not there:
        return []
    less = {name: rows.loc[(f"model - {name}", "spearman")] for name in there}
    said = enumeration(
        [
            f"{interval_of(rows.loc[(name, 'spearman')])} on {RIDGES[name]} (the network less that: "
            f"{interval_of(less[name])})"
            for name in there
        ]
    )
    better = [RIDGES[name] for name in there if less[name]["ci_high"] < 0]
    worse = [RIDGES[name] for name in there if less[name]["ci_low"] > 0]
    verdict = (
        f"so the network orders incomes worse than a ridge regression on {enumeration(better)}"
        if better
        else "so the network orders incomes better than each of them"
        if len(worse) == len(there)
        else "which leaves open whether a network is needed"
    )
    return [f"Ridge regressions reach {said}, {verdict}."]


def summarise_land_cover(ratios: pd.DataFrame, contrast: pd.DataFrame) -> list[str]:
    """What `activation_ratio.csv` and `activation_contrast.csv` say, in sentences."""
    sentences = []
    for side in ("poor", "rich"):
        rows = ratios[(ratios["side"] == side) & ratios["ci_low"].notna()]
        if rows.empty:
            sentences.append(
                f"Too few cells are predicted {side} to say which land cover the map lies on there."
            )
            continue
        top = rows.loc[
            rows["ci_low"].idxmax()
        ]  # by its lower bound: a rare class may have a high ratio by chance
        sentences.append(
            f"In cells predicted {side}, the map lies most clearly on {_low(top['name'])}: ratio "
            f"{interval_of(top, 'ratio')}, in {int(top['n_cells']):,} cells."
        )
    rich = contrast.loc[contrast["ci_low"] > 0].sort_values("log_ratio", ascending=False)["name"]
    poor = contrast.loc[contrast["ci_high"] < 0].sort_values("log_ratio")["name"]
    sentences.append(
        f"Classes on which the map lies rather where the image says rich, the interval above 0: "
        f"{_list(rich)}; rather where it says poor: {_list(poor)}."
    )
    return [*sentences, *filter(None, [summarise_significance(ratios, contrast)])]


def summarise_significance(ratios: pd.DataFrame, contrast: pd.DataFrame) -> str:
    """How many classes stand out when all of a table are tested at once; "" where none was tested."""
    parts = {
        "contrasts": contrast,
        "poor ratios": ratios[ratios["side"] == "poor"],
        "rich ratios": ratios[ratios["side"] == "rich"],
    }
    tested = {name: rows[rows["q_value"].notna()] for name, rows in parts.items()}
    counts = [
        f"{rows['significant'].sum():.0f} of {len(rows)} {name}"
        for name, rows in tested.items()
        if len(rows)
    ]
    return (
        f"All classes tested at once (Benjamini-Hochberg), {enumeration(counts)} differ from their null."
        if counts
        else ""
    )


def summarise_space(autocorrelation: pd.DataFrame) -> list[str]:
    """What `spatial_autocorrelation.csv` says, in a sentence."""
    rows = autocorrelation[autocorrelation["subset"] == "all"].set_index("variable")
    if rows.empty or rows["moran_i"].isna().any():
        return []
    observed, left = rows.loc["observed_rank"], rows.loc["residual_rank"]
    verdict = (
        "so what the model misses is still alike between neighbours"
        if left["p_value"] < RESIDUAL_P
        else "which is no more than chance"
    )
    return [
        f"Neighbours are alike in what is observed (Moran's I of the ranks {observed['moran_i']:.2f}); in what the "
        f"model leaves of it, Moran's I is {left['moran_i']:.2f} (p {left['p_value']:.3g}), {verdict}."
    ]


def summarise_leakage(leakage: pd.DataFrame) -> list[str]:
    """What `leakage.csv` says, a sentence a split."""
    rows = leakage[leakage["metric"] == "spearman"].set_index(["split", "predictor"])
    sentences = []
    for split, name in SPLITS.items():
        found = {
            who: rows.loc[(split, who)]
            for who in ("model", "coordinates", "model - coordinates")
            if (split, who) in rows.index
        }
        if found:
            sentences.append(
                f"Split by {name}{_leaks(next(iter(found.values())))}: {_reach(found)}."
            )
    return sentences


def _leaks(row: pd.Series) -> str:
    if pd.isna(row["leaks_group"]):
        return ""
    return f" ({int(row['leaks_group']):,} groups and {int(row['leaks_block']):,} blocks leak)"


def _reach(found: dict[str, pd.Series]) -> str:
    """Spearman r of the model, of the coordinates and of their difference, as far as they are known."""
    parts = []
    if "coordinates" in found:
        parts.append(
            f"the coordinates alone reach a Spearman r of {interval_of(found['coordinates'])}"
        )
    if "model" in found:
        parts.append(f"the model {interval_of(found['model'])}")
    else:
        parts.append("no model was trained")
    if "model - coordinates" in found:
        parts.append(f"so the image adds {interval_of(found['model - coordinates'])}")
    return ", ".join(parts)


def summarise_calibration(calibration: pd.DataFrame) -> list[str]:
    """What `calibration.csv` says, in a sentence."""
    rows = calibration[calibration["subset"].eq("all")] if "subset" in calibration else calibration
    rows = rows[rows["metric"] == "ece"].set_index("predictor")
    return [
        f"The probability of the predicted class is off by {interval_of(rows.loc['model'])} on average (expected "
        f"calibration error); after temperature scaling, fitted on validation cells, by {interval_of(rows.loc[SCALED_MODEL])}."
    ]


def summarise_ordering(agreement: pd.DataFrame) -> list[str]:
    """What `ordering_agreement.csv` says of the contrast and of the contribution, a sentence each."""
    rows = (
        agreement[agreement["observed"] == "mean income"]
        .set_index("measure")
        .rename(columns={"spearman": "value"})
    )
    sentences = []
    for measure, words in {
        "activation_contrast": "by activation",
        "contribution": "by contribution",
    }.items():
        if measure in rows.index and pd.notna(rows.loc[measure, "value"]):
            row = rows.loc[measure]
            verdict = _verdict(row, "the one follows the other", "the one runs against the other")
            sentences.append(
                f"The order of {int(row['n_classes'])} classes {words} has a Spearman r of {interval_of(row)} with their "
                f"order by the income of who lives there: {verdict}."
            )
    return sentences


def _verdict(row: pd.Series, above: str, below: str) -> str:
    """What the interval of a value says: above 0, below 0, or nothing for sure."""
    return (
        above
        if row["ci_low"] > 0
        else below
        if row["ci_high"] < 0
        else "its interval leaves that open"
    )


def summarise_controls(agreement: pd.DataFrame) -> list[str]:
    """What `attribution_agreement.csv` says of the contrast: of other methods, and of maps without what was learnt."""
    rows = agreement[agreement["side"] == "contrast"].rename(columns={"rank_correlation": "value"})
    rows = rows[rows["value"].notna()].set_index("control")
    methods = rows[rows["kind"] == "method"]
    random = [name for name in rows.index if name.startswith("weights_")]
    # ASSUME: edges, shuffled labels and a network drawn anew as a whole know nothing of incomes; the others still may.
    blind = rows.loc[
        [name for name in ("edges", "shuffled_labels", *random[-1:]) if name in rows.index]
    ]
    blind = blind.rename(dict.fromkeys(random[-1:], "all_weights_random"))
    sentences = []
    if len(methods):
        sentences.append(
            f"Other methods order the classes as the published map does with a Spearman r of {_named(methods)}."
        )
    if len(blind):
        kept = blind[blind["ci_low"] > 0]
        verdict = (
            f"{enumeration([control_name(name) for name in kept.index])} keep part of the order, which so far is not what "
            "the network has learnt"
            if len(kept)
            else "none keeps the order for sure, as it should be"
        )
        sentences.append(f"Maps that know nothing of incomes: {_named(blind)}; {verdict}.")
    return sentences + _summarise_kept(agreement, random[-1:])


def _summarise_kept(agreement: pd.DataFrame, deepest: list[str]) -> list[str]:
    """How much of the size of the published contrasts is left without what was learnt: an order has no size."""
    rows = agreement[agreement["side"] == "contrast"].set_index("control")
    if "kept" not in rows:
        return []
    rows = rows[rows["kept"].notna()]
    blind = rows.loc[
        [name for name in ("edges", "shuffled_labels", *deepest) if name in rows.index]
    ]
    blind = blind.rename(dict.fromkeys(deepest, "all_weights_random"))
    said = [
        f"{row['kept']:z.0%}{_between(row)} ({control_name(name)}, {int(row['n_classes'])} classes)"
        for name, row in blind.iterrows()
    ]
    words = "Of the size of the published contrasts, which no order tells, maps that know nothing of incomes leave"
    return [f"{words} {enumeration(said)}."] if said else []


def _between(row: pd.Series) -> str:
    return "" if pd.isna(row["kept_low"]) else f" [{row['kept_low']:z.0%}, {row['kept_high']:z.0%}]"


def _named(rows: pd.DataFrame) -> str:
    return enumeration(
        [f"{interval_of(row)} ({control_name(name)})" for name, row in rows.iterrows()]
    )


def summarise_deletion(area: pd.DataFrame) -> list[str]:
    """What `deletion_area.csv` says of the published map, in a sentence."""
    rows = area[(area["order"] == "published") & (area["curve"] == "deletion")]
    if rows.empty:
        return []
    beyond = {"above_random": "value", "above_random_low": "ci_low", "above_random_high": "ci_high"}
    row = rows.iloc[0].drop(["ci_low", "ci_high"]).rename(beyond)
    verdict = _verdict(
        row,
        "it marks what the logit hangs on less than chance does",
        "it marks what the logit hangs on",
    )
    return [
        f"Blurring first what the published map marks moves the logit by {interval_of(row)} beyond blurring at random "
        f"(below 0: away from the predicted side): {verdict}."
    ]


def name_limits(metrics: pd.DataFrame, rendered: bool, target: str = "income") -> list[str]:
    """What must be kept in mind: `LIMITS`, the share of imputed cells, whether the city is real, and its target."""
    rows = (
        metrics[metrics["fold"].astype(str) == "all"]
        .drop_duplicates("subset")
        .set_index("subset")["n"]
    )
    imputed = (
        f"The income of {rows['imputed'] / rows['all']:.0%} of the cells is imputed by INSEE: cells with few "
        "households get the mean of a group of cells, so neighbours share one value. The table of scores has "
        "a part without them."
    )
    drawn = [
        "This city is rendered: what is found here is true of the renderer's rule and of no real place."
    ]
    people = [
        "The classes are quintiles of people per cell, not of income: read fewest for poor, most for rich."
    ]
    return drawn * rendered + people * (target != "income") + [imputed, *LIMITS]


def _low(name: str) -> str:
    """A class's name inside a sentence."""
    return name[:1].lower() + name[1:]


def _list(names: pd.Series) -> str:
    return ", ".join(_low(name) for name in names) or "none"
