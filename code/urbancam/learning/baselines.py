"""Baselines: what can be said of a cell's class without training a network on it.

A baseline is one function (training features, training classes, units of these, unseen features)
-> class probabilities, and learns from the set of features of its name (step 07). What it chooses,
it chooses within the training cells. No probability is 0: what was not seen may still be.
"""

import functools
import logging
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from urbancam.learning import place, splits
from urbancam.learning.features.known_cells import KnownCells
from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES
from urbancam.workflow.settings.feature_sets import CONSTANT, COORDINATES

log = logging.getLogger(__name__)

Baseline = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

# ASSUME: penalties tried on standardised features; the best by leave-one-out error within the
# training cells.
RIDGE_PENALTIES = np.logspace(-3, 5, 17)
DECIMALS = 12  # of an expected class: equal counts in another order are the same p
PREFERENCE = 1e-9  # of a probability, for each class nearer to the expected one


def find(name: str, reaches_m: Sequence[float]) -> Baseline:
    """The baseline of a name: a ridge on the features of that name, but for two.

    Args:
        name: Name of a set of features, or `CONSTANT`.
        reaches_m: Reaches that `coordinates` chooses from, m.
    """
    if name == CONSTANT:
        return class_frequencies
    if name == COORDINATES:
        return functools.partial(place.nearby_classes, reaches_m=reaches_m)
    return ridge


def predict(
    predictions: pd.DataFrame,
    known: KnownCells,
    reaches_m: Sequence[float],
    tested: Collection[int],
    method: str,
) -> dict[str, pd.DataFrame]:
    """What each baseline says of the cells that the network predicted; it learns from all known
    cells of the other folds.

    Args:
        predictions: Predictions of the network; the answers of the baselines are in the order of
            its rows.
        known: The known cells with their features.
        reaches_m: Reaches that `coordinates` chooses from, m.
        tested: Folds that are predicted.
        method: Method of the split, which tells what it does not divide.

    Returns:
        Name -> predictions; of `coordinates` with the reach that was chosen in each fold,
        `reach_m`.
    """
    samples = known.samples
    if samples["fold"].nunique() < 2:
        log.info("no baselines: there is no other cell to learn from")
        return {}
    classes, folds = samples["income_class"].to_numpy(int), samples["fold"].to_numpy(int)
    units = splits.units(samples, method).to_numpy()
    answers = {}
    for name, features in {CONSTANT: samples[[]], **known.features}.items():
        columns = out_of_fold(
            find(name, reaches_m), features.to_numpy(float), classes, folds, tested, units
        )
        answers[name] = predictions.assign(**columns)
    if COORDINATES in answers:
        places = known.features[COORDINATES].to_numpy()
        reaches = place.chosen_reaches(places, classes, folds, tested, reaches_m, units)
        told = ", ".join(f"{reach:g} m in fold {fold}" for fold, reach in reaches.items())
        log.info("coordinates: near cells count up to a reach of %s", told)
        answers[COORDINATES]["reach_m"] = predictions["fold"].map(reaches)
    return answers


def chosen_reaches(answers: dict[str, pd.DataFrame]) -> dict[str, dict[str, float]]:
    """What `coordinates` chose, as a fact of the record: fold -> reach, m."""
    if COORDINATES not in answers:
        return {}
    of_folds = answers[COORDINATES].groupby("fold")["reach_m"].first()
    return {"reach_m": {str(fold): float(reach) for fold, reach in of_folds.items()}}


def class_frequencies(
    features: np.ndarray,
    classes: np.ndarray,
    units: np.ndarray,
    unseen: np.ndarray,
) -> np.ndarray:
    """The same for every cell: how frequent the classes are among the training cells.

    Args:
        features: (n, any) of the training cells; not used.
        classes: (n,) income class of the training cells.
        units: (n,) unit of the training cells; not used.
        unseen: (m, any) features of the cells to predict; only their number is used.

    Returns:
        (m, 5) probabilities.
    """
    counts = np.bincount(classes, minlength=len(INCOME_CLASSES))
    return np.tile(place.class_probabilities(counts[None]), (len(unseen), 1))


def ridge(
    features: np.ndarray,
    classes: np.ndarray,
    units: np.ndarray,
    unseen: np.ndarray,
) -> np.ndarray:
    """Ridge regression of class / 4, its answer read as p of a binomial.

    So does the image model's own head. A number that a cell lacks is taken to be the training
    cells' mean: a cell that lacks all of them is predicted as an average one.

    Args:
        features: (n, d) of the training cells; standardised here (Hastie et al. 2009, section
            3.4.1).
        classes: (n,) income class of the training cells.
        units: (n,) unit of the training cells; not used.
        unseen: (m, d) of the cells to predict.

    Returns:
        (m, 5) probabilities C(4, k) p^k (1-p)^(4-k).
    """
    features = np.asarray(features, dtype=float)
    unseen = np.asarray(unseen, dtype=float)
    trials = INCOME_CLASSES[-1]
    # ASSUME: to lack a number says nothing of a cell; what a table lacks, its baseline loses.
    fill = SimpleImputer(keep_empty_features=True)
    model = make_pipeline(fill, StandardScaler(), RidgeCV(RIDGE_PENALTIES))
    model.fit(features, classes / trials)
    # p is known from n times 4 trials; no closer to 0 or 1 than if all of them had gone one way.
    least = place.PRIOR_COUNT / (trials * len(classes) + 2 * place.PRIOR_COUNT)
    p = model.predict(unseen).clip(least, 1 - least)
    return binom.pmf(INCOME_CLASSES, trials, p[:, None])


def out_of_fold(
    baseline: Baseline,
    features: np.ndarray,
    classes: np.ndarray,
    folds: np.ndarray,
    tested: Collection[int] | None = None,
    units: np.ndarray | None = None,
) -> pd.DataFrame:
    """Predict every cell by the baseline fitted on the cells of all other folds.

    Args:
        baseline: As for `find`.
        features: (n, d).
        classes: (n,) income class, 0..4.
        folds: (n,) test fold of each cell.
        tested: The folds whose cells are predicted; null: all.
        units: (n,) what the split does not divide, by which a baseline chooses within the training
            cells; null: the folds.

    Returns:
        (a row per cell of a tested fold, in order) `p` (expected class / 4), `prob_0` .. `prob_4`,
        `predicted_class`.
    """
    tested = np.unique(folds) if tested is None else np.asarray(sorted(tested))
    units = folds if units is None else np.asarray(units)
    probabilities = np.full((len(classes), len(INCOME_CLASSES)), np.nan)
    # ASSUME: a baseline needs no validation part, so it learns from the image model's validation
    # cells too: the comparison errs in the baselines' favour.
    for fold in tested:
        test = folds == fold
        probabilities[test] = baseline(
            features[~test], classes[~test], units[~test], features[test]
        )
    return _predictions(probabilities[np.isin(folds, tested)])


def _predictions(probabilities: np.ndarray) -> pd.DataFrame:
    """`p, prob_0` .. `prob_4, predicted_class` of (n, 5) probabilities."""
    expected = (probabilities @ INCOME_CLASSES).round(DECIMALS)
    # ASSUME: of equally probable classes (frequent among few neighbours) the one nearest the
    # expected class.
    distance = np.abs(INCOME_CLASSES - expected[:, None])
    preference = probabilities - PREFERENCE * distance
    predictions = pd.DataFrame(probabilities, columns=PROBABILITIES)
    predictions.insert(0, "p", expected / INCOME_CLASSES[-1])
    return predictions.assign(predicted_class=preference.argmax(axis=1))
