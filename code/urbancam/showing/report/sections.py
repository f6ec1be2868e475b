"""What stands where on the page of a run, in the order a reader asks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        anchor: Its place in the page's address.
        heading: What it answers.
        topics: Topics of `sentences.summarise`.
        figures: Names as in `exhibits.FIGURES`.
        tables: Names as in `exhibits.TABLES`.
    """

    anchor: str
    heading: str
    topics: tuple[str, ...]
    figures: tuple[str, ...]
    tables: tuple[str, ...]


HOW_WELL = Section(
    "how-well",
    "How well does the image tell it?",
    ("What the images tell", "How sure the network is"),
    ("class_maps", "scores", "confusion_matrix", "calibration"),
    (
        "metrics",
        "confusion_matrix",
        "calibration",
        "added_value",
        "subgroups",
        "distance",
    ),
)
BY_WHAT = Section(
    "by-what",
    "By what does it tell it?",
    ("What it looks at",),
    (
        "activation_ratios",
        "polar_ratios",
        "ordering",
        "class_by_quintile",
        "chords",
        "cell_sheet",
    ),
    (
        "activation_ratio",
        "activation_contrast",
        "contribution",
        "local_effect",
        "adjusted_effect",
        "observed_association",
        "class_income",
        "class_by_quintile",
        "ordering_agreement",
    ),
)
HOW_FAR = Section(
    "how-far",
    "How far is it to be trusted?",
    (
        "Which claims survive all of it",
        "How wide the intervals are",
        "What a split gives away",
        "What a ratio is worth",
        "What the method can see here",
    ),
    ("leakage", "controls", "deletion", "recovery", "transfer"),
    (
        "claims",
        "leakage",
        "block_size",
        "spatial_autocorrelation",
        "seeds",
        "variance",
        "attribution_agreement",
        "nulls",
        "map_shift",
        "deletion_area",
        "recovery_summary",
    ),
)
SECTIONS = (HOW_WELL, BY_WHAT, HOW_FAR)

FIFTHS = {  # target, thresholds -> of what a class is a fifth
    ("income", "city"): "the city's cells by income",
    ("income", "national"): "all cells of the census table by income",
    ("density", "city"): "the city's cells by how many people live in them",
    ("density", "national"): "all cells of the census table by how many people live in them",
}
ENDS = {"income": ("poorest", "richest"), "density": ("fewest people", "most people")}
UNSEEN = {  # split -> what else of a cell the network never saw
    "block": ", nor its block",
    "group": ", nor its group of imputed cells",
    "random": "; its neighbours it may have seen",
    "campaign": ", nor its campaign of flights",
    "city": ", nor its city",
}
GLOSSARY = {  # what is said in numbers below -> what it is
    "Interval": (
        "the numbers in brackets behind a value: where it would lie over other neighbourhoods of "
        "the same city, found by drawing whole blocks of cells again and again. Its level, the "
        "side of the blocks and how many there are stand with it."
    ),
    "Class": (
        "a fifth of {fifth_of}, from 0, {lowest}, to 4, {highest} (land cover has classes too: "
        "they are named in words)."
    ),
    "Out of fold": "each cell is predicted by a network that never saw it in training{unseen}.",
    "Rank correlation (Spearman's r)": (
        "whether two orders agree: 1 the same order, 0 no relation, -1 the reverse."
    ),
    "Score p, logit": (
        "the network's output for a cell: p goes from 0, poorest, to 1, richest; the logit is the "
        "same on a scale without ends, 0 in the middle. What parts of the image add to the logit "
        "adds up."
    ),
    "Place": (
        "what the nearest cells tell without any image (a baseline by coordinates): what an image "
        "model must beat to have learned more than where rich and poor live."
    ),
    "Ridge regression": (
        "a linear model of land cover, of the image's colours, or of what an untrained network "
        "makes of it: what can be had without a trained network."
    ),
    "Quadratic kappa": (
        "whether predicted and observed classes agree, far misses counted more: 1 always, 0 no "
        "more than chance."
    ),
    "Temperature scaling": (
        "all logits are divided by one number, so that the network is as often right as it is sure."
    ),
    "Activation ratio": (
        "how much of the network's map lies on a land cover, for its share of the area: 1 is no "
        "more than its share. Contrast: the logarithm of the ratio in cells read as rich over "
        "that in cells read as poor, 0 if alike."
    ),
    "p-value, corrected p-value (q)": (
        "how often chance alone would give as much. Where many things are tried, some look like "
        "something by chance: q is corrected for how many were tried (Benjamini-Hochberg)."
    ),
    "Planted rule": (
        "incomes made up from a few classes of land cover, to see whether these are found again; a "
        "class without a part in the rule is inert, and calling it significant is an error. "
        "Frozen: learned on features of the network as it is; trained: by networks of their own."
    ),
    "Moran's I": "whether neighbours are alike: 0 no more than chance, 1 as alike as can be.",
    "Imputed": (
        "a cell's income is an estimate: where few households live, statistical offices give the "
        "mean of a group of cells."
    ),
}


def glossary(target: str, thresholds: str, split: str) -> dict[str, str]:
    """`GLOSSARY` as it holds for a run.

    Args:
        target: What the classes are quintiles of, "income" or "density".
        thresholds: Of which cells they are quintiles, "city" or "national".
        split: Method of the split.
    """
    lowest, highest = ENDS[target]
    words = {
        "fifth_of": FIFTHS[target, thresholds],
        "lowest": lowest,
        "highest": highest,
        "unseen": UNSEEN[split],
    }
    return {name: about.format(**words) for name, about in GLOSSARY.items()}
