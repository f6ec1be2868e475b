"""The words of the income experiment that tables, figures and sentences share, each defined once."""

import numpy as np

INCOME_CLASSES = np.arange(5)  # quintiles of income of the city, 0 poorest .. 4 richest
PROBABILITIES = [f"prob_{k}" for k in INCOME_CLASSES]  # columns of the predicted probabilities

SIDES = ("poor", "rich")  # of an activation map
CONTRAST = "contrast"  # log(rich ratio / poor ratio), where a table holds it beside the sides

MODEL = "model"  # the network itself, where a table names predictors
SCALED_MODEL = "model, temperature scaled"
