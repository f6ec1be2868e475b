"""The words of the income experiment that tables, figures and sentences share, each once."""

import numpy as np

from urbancam.workflow.settings.feature_sets import MODEL

# Classes: quintiles of income of the city, 0 poorest .. 4 richest
INCOME_CLASSES = np.arange(5)
PROBABILITIES = [f"prob_{k}" for k in INCOME_CLASSES]  # columns of the predicted probabilities

# Activation maps
SIDES = ("poor", "rich")
CONTRAST = "contrast"  # log(rich ratio / poor ratio), where a table holds it beside the sides

# Columns of tables of scores: the model's score less the row's, beside the row's own (`value`)
VALUE, DIFFERENCE = "value", "difference"

# Predictors in a table
SCALED = "temperature scaled"
SCALED_MODEL = f"{MODEL}, {SCALED}"


def interval_columns(quantity: str) -> tuple[str, str]:
    """The columns of the two ends of a quantity's interval: the first quantity of a table has them
    without its name."""
    prefix = "" if quantity == VALUE else f"{quantity}_"
    return f"{prefix}ci_low", f"{prefix}ci_high"
