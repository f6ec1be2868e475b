"""The tables and figures of a run: what each is called, what each figure is drawn from.

A new table or figure is one entry here; a figure also needs its drawing in `figures.from_tables`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbancam.showing.wording import BOTH, CHOSEN, OWN, SPLIT

if TYPE_CHECKING:  # a script that only prints its help does not wait for it
    from urbancam.workflow.settings.settings import Settings


@dataclass(frozen=True)
class Figure:
    """One figure of `figures/`.

    Attributes:
        heading: Heading in the report.
        tables: Names of the tables it is drawn from, in the order of the drawing's arguments.
        condition: Whether a run with these settings has the figure.
        has_intervals: Whether intervals are drawn or written in it.
    """

    heading: str
    tables: tuple[str, ...] = ()
    condition: Callable[["Settings"], bool] = lambda settings: True
    has_intervals: bool = True


def by_class(settings: "Settings") -> bool:
    """Whether land cover has the published classes, which published figures are laid out for."""
    return settings.landcover.key == "class"


def has_controls(settings: "Settings") -> bool:
    """Whether anything is computed beside the published map."""
    controls = settings.controls
    return bool(
        controls.methods
        or controls.maps
        or controls.randomise_weights
        or settings.compare.shuffled_labels
    )


def has_plants(settings: "Settings") -> bool:
    """Whether rules are planted on the city's cells."""
    return bool(settings.planted.plants or settings.planted.trained)


TABLES = {  # name -> heading in the report; "" for one that only feeds figures
    "metrics": "Scores over all folds, for all, not imputed and imputed cells",
    "block_size": "How wide intervals are, by the side of the blocks that are resampled",
    "subgroups": (
        "The model's scores within departments and campaigns of the flights, by cells and by people"
    ),
    "distance": "The model's scores by the distance to the nearest cell learned from",
    "added_value": (
        "What the image adds: rank correlation with the target, given what baselines say"
    ),
    "confusion_matrix": "Confusion matrix (rows observed, columns predicted)",
    "leakage": "Scores under each split, and what each split leaks",
    "seeds": "The same with other seeds",
    "variance": "What a score varies with: seed, draw of the folds, neighbourhoods",
    "calibration": "Calibration, as trained and after temperature scaling",
    "reliability": "",
    "spatial_autocorrelation": (
        "Moran's I of the observed values and of what the model leaves of them"
    ),
    "activation_ratio": "Activation ratios",
    "activation_contrast": "Contrast: log(rich ratio / poor ratio)",
    "contribution": "Contribution, logit units a cell, against the city's mean",
    "local_effect": (
        "Local effects: contribution where a class lies, against places of the reference in the"
        " same cell"
    ),
    "adjusted_effect": (
        "Adjusted effects: logit (logit units) and income (EUR) of a whole cell of a class, against"
        " one of the reference, all else the same"
    ),
    "observed_association": (
        "What the incomes say: how often a cell that holds a class is poor, or rich"
    ),
    "class_income": "Income by class of land cover",
    "class_by_quintile": "Cells that hold a class, by income quintile",
    "ordering_agreement": "Do activation and observed income order the classes alike?",
    "attribution_agreement": "Agreement of other methods and controls with the published map",
    "attribution_controls": "",
    "nulls": "Activation ratios, and what nulls give",
    "map_shift": "Where contributions lie, and where they would agree best with land cover",
    "deletion": "",
    "deletion_area": "Area under the deletion and insertion curves",
    "coactivation": "",
    "observed_coassociation": "",
    "recovery": "",
    "recovery_summary": "What is found of planted rules",
    "claims": "All claims that were tried, and what speaks against each",
}

# Tables that one long table over all runs is joined of -> the column of their first quantity
QUANTITIES = {
    "metrics": "value",
    "added_value": "value",
    "activation_ratio": "ratio",
    "activation_contrast": "log_ratio",
    "contribution": "value",
    "local_effect": "value",
    "adjusted_effect": "value",
    "observed_association": "probability",
    "class_income": "mean_value",
}

# Tables and figures of several runs, variants or cities, each of which resamples blocks of its own.
OF_VARIANTS = {"leakage", "transfer"}
# Tables that hold intervals of scores and of land cover.
OF_BOTH = {"claims"}
# Tables of land cover and maps, for which the split's blocks are resampled.
OF_LAND_COVER = {
    "activation_ratio",
    "activation_contrast",
    "contribution",
    "local_effect",
    "adjusted_effect",
    "observed_association",
    "class_income",
    "class_by_quintile",
    "ordering_agreement",
    "attribution_agreement",
    "attribution_controls",
    "nulls",
    "map_shift",
    "deletion",
    "deletion_area",
    "coactivation",
    "observed_coassociation",
    "recovery",
    "recovery_summary",
}

FIGURES = {
    "class_maps": Figure("Observed and predicted income class", has_intervals=False),
    "scores": Figure("The image model beside the baselines", ("metrics",)),
    "leakage": Figure("What a split gives away", ("leakage",)),
    "confusion_matrix": Figure("Observed against predicted class", ("confusion_matrix", "metrics")),
    "calibration": Figure(
        "Is the network as often right as it is sure?", ("reliability", "calibration")
    ),
    "activation_ratios": Figure(
        "Which land cover the network reads as poor or rich",
        ("activation_ratio", "activation_contrast", "contribution"),
    ),
    "polar_ratios": Figure("The same as published", ("activation_ratio",), by_class),
    "controls": Figure(
        "What an activation ratio is worth",
        ("attribution_controls", "attribution_agreement"),
        has_controls,
    ),
    "deletion": Figure(
        "What the logit hangs on",
        ("deletion", "deletion_area"),
        lambda settings: settings.controls.deletion_cells > 0,
    ),
    "recovery": Figure(
        "What the method finds where the rule is known",
        ("recovery", "recovery_summary"),
        has_plants,
    ),
    "ordering": Figure(
        "Where the map lies against who lives there",
        ("activation_contrast", "class_income", "ordering_agreement"),
    ),
    "class_by_quintile": Figure("Land cover by income quintile", ("class_by_quintile",), by_class),
    "chords": Figure(
        "Which neighbour changes a class",
        ("coactivation", "observed_coassociation"),
        by_class,
    ),
    "transfer": Figure("Each city's model on each city"),
    "cell_sheet": Figure("Single cells", has_intervals=False),
}


def blocks_of(name: str) -> str:
    """Which blocks are resampled for the intervals of a table or figure, as `wording.resampling`
    takes it."""
    if name in OF_VARIANTS:
        return OWN
    if name in OF_BOTH:
        return BOTH
    tables = FIGURES[name].tables if name in FIGURES else (name,)
    return SPLIT if tables and set(tables) <= OF_LAND_COVER else CHOSEN


def figures_of(settings: "Settings", several_cities: bool) -> dict[str, Figure]:
    """The figures that a run has, in the order of the report.

    Args:
        settings: Settings of the run.
        several_cities: Whether models of several cities were tested on each other.

    Returns:
        Name of the figure -> figure.
    """
    figures = {name: figure for name, figure in FIGURES.items() if figure.condition(settings)}
    if not several_cities:
        figures.pop("transfer", None)
    return figures


# Names in the tables -> names for people.
SPLITS = {  # from the one that leaks most to the one that leaks least
    "random": "random cells",
    "group": "groups of cells",
    "block": "spatial blocks",
    "campaign": "a campaign left out",
    "city": "a city left out",
}
CONTROLS = {
    "published": "published map",
    "hirescam": "HiResCAM",
    "layercam": "LayerCAM",
    "gradcam_plus_plus": "Grad-CAM++",
    "other_centring": "the other centring",
    "edges": "image edges",
    "shifted": "polygons shifted",
    "rotated": "polygons rotated",
    "other_cell": "map of another cell",
    "shuffled_labels": "labels shuffled",
}

ATTRIBUTIONS = {  # of planted rules
    "gradcam_contrast": "contrast of Grad-CAM's map",
    "published_contrast": "contrast of the published map",
    "contribution": "contribution",
    "local_effect": "local effect",
    "adjusted_logit": "adjusted effect on the logit",
    "adjusted_income": "adjusted effect on income itself",
}


def control_name(control: str) -> str:
    """A method's or control's name for people; unknown ones as they are, with blanks."""
    if control in CONTROLS:
        return CONTROLS[control]
    numbered = re.sub(r"^weights_(\d+)$", r"random weights \1", control)
    return numbered.replace("_", " ")
