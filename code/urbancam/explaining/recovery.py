"""What attributions answer where the rule is known: their answers beside the truth, and how often
they find what is there and what is not.

A planted rule's effects balance over the city's area, so that an inert class has a true value of
0 for every attribution that is told against the city's mean: contributions, adjusted effects. The
contrast of a map has its own unit, and only its sign and order can be compared.
"""

import numpy as np
import pandas as pd
from scipy.special import logit
from scipy.stats import spearmanr

from urbancam.explaining.landcover.adjusted import adjusted_effects
from urbancam.explaining.landcover.city import LandCover
from urbancam.explaining.landcover.local import local_effects
from urbancam.explaining.landcover.run import statistics_of_run
from urbancam.scoring import correlations, significance
from urbancam.scoring.bootstrap import Estimate
from urbancam.workflow.settings.settings import Settings

Answers = tuple[pd.DataFrame, pd.DataFrame]  # rows of recovery.csv; `plant, kind, spearman`
FROZEN, TRAINED = "frozen", "trained"  # kinds of plants
COLUMNS = (
    "plant kind class name n_cells variance_share true_effect attribution value ci_low ci_high"
    " p_value q_value significant"
).split()
SUMMARY_COLUMNS = (
    "kind attribution n_plants spearman n_planted power wrong_sign n_inert false_positives"
    " false_discoveries rank_correlation"
).split()
MAP_OF = {FROZEN: "gradcam_contrast", TRAINED: "published_contrast"}


def recover(
    city: LandCover,
    truth: pd.DataFrame,
    cells: pd.DataFrame,
    local: Estimate,
    seed: int,
    number: int,
    kind: str,
) -> pd.DataFrame:
    """The rows of `recovery.csv` of one plant.

    Args:
        city: Land cover and maps of a model of the planted incomes, with these in its predictions.
        truth: `class, effect, variance_share` of the rule.
        cells: `fold, ind` of the cells, indexed by idINSPIRE.
        local: Effect of each class on contributions within cells, against the reference.
        seed: Seed of the bootstrap.
        number: Number of the plant.
        kind: `FROZEN` or `TRAINED`.
    """
    truth = truth.set_index("class").reindex(city.classes, fill_value=0.0)
    columns = {
        "plant": number,
        "kind": kind,
        "class": city.classes,
        "name": city.names,
        "n_cells": city.present.sum(axis=0),
        "variance_share": truth["variance_share"].to_numpy(),
        "true_effect": truth["effect"].to_numpy(),
    }
    tables = []
    estimates = answers(city, cells, seed, kind)
    estimates["local_effect"] = against_mean(local, city.area, city.reference)
    for attribution, estimate in estimates.items():
        low, high = estimate.interval(city.statistics)
        table = pd.DataFrame(columns).assign(
            attribution=attribution, value=estimate.value, ci_low=low, ci_high=high
        )
        p_value = estimate.p_value(0, city.statistics)
        tables.append(significance.add_significance(table, p_value, city.statistics))
    return pd.concat(tables, ignore_index=True)


def recover_variant(
    activation: pd.DataFrame,
    predictions: pd.DataFrame,
    moments: pd.DataFrame,
    truth: pd.DataFrame,
    cells: pd.DataFrame,
    classes: pd.DataFrame,
    settings: Settings,
    number: int,
) -> Answers:
    """What the attributions answer of a network that was trained on the incomes of a rule.

    Args:
        activation: `activation.parquet` of the variant.
        predictions: Its `predictions.csv`.
        moments: Its `local_moments.parquet`.
        truth: Its `planted_truth.csv`.
        cells: `idINSPIRE, fold, ind, block` of the used cells.
        classes: Rows of `classes.csv`.
        settings: Settings of the run.
        number: Number of the rule.
    """
    of_cell = cells.set_index("idINSPIRE")
    city = statistics_of_run(activation, predictions, of_cell["block"], classes, settings)
    class_of_code = dict(zip(activation["code"], activation[settings.landcover.key], strict=True))
    local = local_effects(city, moments, class_of_code)
    table = recover(city, truth, of_cell, local, settings.seed, number, TRAINED)
    return table, pd.DataFrame([score(predictions, number, TRAINED)])


def score(predictions: pd.DataFrame, number: int, kind: str) -> dict[str, int | str | float]:
    """How well the model of a plant orders its cells."""
    spearman = spearmanr(predictions["p"], predictions["value"]).statistic
    return {"plant": number, "kind": kind, "spearman": float(spearman)}


def join(answers: list[Answers]) -> Answers:
    """The rows of all plants, one below the other; empty tables where there is none."""
    tables = [table for table, _ in answers] or [pd.DataFrame(columns=COLUMNS)]
    scores = [score for _, score in answers] or [pd.DataFrame(columns=["plant", "kind"])]
    return pd.concat(tables, ignore_index=True), pd.concat(scores, ignore_index=True)


def answers(city: LandCover, cells: pd.DataFrame, seed: int, kind: str) -> dict[str, Estimate]:
    """What each attribution says of each class, with its draws; the null is 0."""
    predictions = city.predictions
    cells = cells.loc[predictions.index]
    # A softmax head has no logit; its expected class over 4 has one.
    logit_of_network = predictions["logit"].fillna(logit(predictions["p"]))
    outcomes = {
        "adjusted_logit": logit_of_network,
        "adjusted_income": np.log(predictions["value"]),
    }
    people = cells["ind"].to_numpy(float)
    density = np.log1p(people) if np.isfinite(people).all() else None  # not counted in every city
    estimates = {MAP_OF[kind]: city.log_contrast(), "contribution": city.area_contribution()}
    for name, outcome in outcomes.items():
        against_reference = adjusted_effects(
            city.area,
            outcome.to_numpy(float),
            cells["fold"].to_numpy(),
            density,
            city.block_numbers,
            city.reference,
            city.statistics.draws,
            seed,
        )
        estimates[name] = against_mean(against_reference, city.area, city.reference)
    return estimates


def against_mean(estimate: Estimate, area: np.ndarray, reference: int) -> Estimate:
    """Effects against the city's mean square metre in place of a class of reference.

    Args:
        estimate: (U,) effects against the reference, which has no draws of its own.
        area: (N, U) share of each cell under each class.
        reference: Column of the class of reference.
    """
    weight = area.sum(axis=0) / area.sum()
    draws = estimate.draws.copy()
    draws[:, reference] = 0
    # A class that is in no cell of a draw is rare: the mean does without it.
    mean = np.nan_to_num(draws) @ weight
    value = estimate.value - estimate.value @ weight
    return Estimate(value, draws - mean[:, None], estimate.blocks)


def summarise(recovery: pd.DataFrame, scores: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The table `recovery_summary.csv`: a row per kind of plant and attribution.

    Args:
        recovery: Rows of `recovery.csv`.
        scores: `plant, kind, spearman`: of the prediction with the planted income, out of fold.
        confidence: Of the intervals; 1 less it is the nominal level.
    """
    rows = []
    for (kind, attribution), rows_of in recovery.groupby(["kind", "attribution"], sort=False):
        tested = rows_of[rows_of["p_value"].notna()]
        planted = tested[tested["true_effect"] != 0]
        inert = tested[tested["true_effect"] == 0]
        right_sign = np.sign(planted["value"]) == np.sign(planted["true_effect"])
        called = tested["significant"].sum()
        false_calls = inert["significant"].sum()
        below_level = inert["p_value"] <= 1 - confidence
        of_kind = scores[scores["kind"] == kind]
        rows.append(
            {
                "kind": kind,
                "attribution": attribution,
                "n_plants": rows_of["plant"].nunique(),
                "spearman": of_kind["spearman"].mean(),
                "n_planted": len(planted),
                "power": (planted["significant"] & right_sign).mean(),
                "wrong_sign": (planted["significant"] & ~right_sign).mean(),
                "n_inert": len(inert),
                "false_positives": below_level.mean(),
                "false_discoveries": false_calls / called if called else 0.0,
                "rank_correlation": _mean_rank_correlation(rows_of),
            }
        )
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _mean_rank_correlation(rows: pd.DataFrame) -> float:
    """Mean over plants of Spearman's r of true effects and answers, over the classes."""
    of_plants = [
        float(
            correlations.rank_correlation(
                plant["true_effect"].to_numpy(float), plant["value"].to_numpy(float)
            )
        )
        for _, plant in rows.groupby("plant")
    ]
    # A plant of which fewer than three classes have an answer has no order of them.
    return float(pd.Series(of_plants).mean())
