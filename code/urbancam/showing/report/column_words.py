"""Columns and values of the tables in words, as heads and cells of a page's tables."""

from urbancam.scoring.vocabulary import MODEL, SCALED, SCALED_MODEL
from urbancam.showing.wording import PREDICTORS

HEADS = {  # column -> its head; any other is its name with blanks
    "accuracy": "right class",
    "accuracy_within_1": "right class or its neighbour",
    "macro_f1": "F1 score, mean of the classes",
    "quadratic_kappa": "weighted kappa",
    "mae_classes": "mean error, classes",
    "spearman": "rank correlation",
    "pearson": "linear correlation",
    "rps": "ranked probability score",
    "ece": "calibration error",
    "classwise_ece": "calibration error, mean of the classes",
    "nll": "log loss, nats",
    "brier": "Brier score",
    "name": "land cover",
    "n_cells": "cells",
    "n_pure_cells": "cells of nothing else",
    "n_blocks": "effective blocks",
    "n_classes": "classes",
    "side_m": "side of the block, m",
    "reach_m": "side that residuals ask for, m",
    "from_m": "from, m",
    "to_m": "to, m",
    "east_m": "moved east, m",
    "north_m": "moved north, m",
    "area_share": "share of the area",
    "log_ratio": "contrast",
    "contribution_mean": "contribution, logit units",
    "p_value": "p-value",
    "q_value": "corrected p-value (q)",
    "p_value_surrogate": "p-value against surrogate incomes",
    "mean_value": "mean income, EUR",
    "area_m2": "area, m²",
    "income_class": "observed class",
    "against_it": "what speaks against it",
    "untried": "what was not tried",
    "leaks_cell": "cells that leak",
    "leaks_group": "groups that leak",
    "leaks_block": "blocks that leak",
    "trained_neighbours": "neighbours learned from",
    "moran_i": "Moran's I",
    "null": "held against",
    "null_band": "band of the null",
    "image_band": "interval, images resampled",
    "difference": "image model's rank correlation less this",
    "n_scores": "scores compared",
    "sd": "standard deviation",
}
FIRST_QUANTITIES = (  # of which a table's `ci_low`, `ci_high` are: the first that it has
    "value",
    "ratio",
    "log_ratio",
    "mean_value",
    "probability",
    "spearman",
    "rank_correlation",
    "share",
    "area",
)
VALUE_WORDS = PREDICTORS | {  # of cells of a table
    SCALED_MODEL: f"{PREDICTORS[MODEL]}, {SCALED}",
    "not_imputed": "not imputed",
}


def head(column: str) -> str:
    """The head of a column."""
    return HEADS.get(column, str(column).replace("_", " "))


def value_of(stem: str, columns: list[str]) -> str | None:
    """The column that the interval `<stem>_low`, `<stem>_high` is of; None where it has none."""
    if stem == "ci":
        return next((column for column in FIRST_QUANTITIES if column in columns), None)
    quantity = stem.removesuffix("_ci")
    return quantity if stem.endswith("_ci") and quantity in columns else None


def band_name(stem: str) -> str:
    """The column of a band `<stem>_low`, `<stem>_high` that no value stands before."""
    return f"{stem.removesuffix('_ci')}_band"
