"""The words of the income experiment that tables, figures and sentences share, each once."""

import numpy as np

# Classes: quintiles of income of the city, 0 poorest .. 4 richest
INCOME_CLASSES = np.arange(5)
PROBABILITIES = [f"prob_{k}" for k in INCOME_CLASSES]  # columns of the predicted probabilities

# Activation maps
SIDES = ("poor", "rich")
CONTRAST = "contrast"  # log(rich ratio / poor ratio), where a table holds it beside the sides

# Predictors in a table
MODEL = "model"  # the network itself
SCALED_MODEL = "model, temperature scaled"
