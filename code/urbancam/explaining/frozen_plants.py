"""Rules planted on a city's cells, learned by linear units on the features of the run's network."""

import numpy as np
import pandas as pd
import torch

from urbancam.explaining import recovery, unit_maps
from urbancam.explaining.landcover.local import effects_within
from urbancam.explaining.landcover.run import statistics_of_run
from urbancam.explaining.unit_moments import UnitMoments
from urbancam.learning import plants
from urbancam.learning.inputs import datasets
from urbancam.learning.models import networks
from urbancam.learning.training import inference
from urbancam.scoring import bootstrap
from urbancam.scoring.planted import Plant
from urbancam.scoring.targets import quintiles
from urbancam.sources.landcover.fragments import FragmentsOfCells
from urbancam.workflow.settings.settings import Settings


def recover_plants(
    rules: list[Plant],
    cells: pd.DataFrame,
    network: networks.Network,
    images: np.ndarray,
    rows: np.ndarray,
    fragments: FragmentsOfCells,
    cover_classes: pd.DataFrame,
    settings: Settings,
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the attributions answer of each rule.

    Args:
        rules: P rules, in the order of their numbers 1, 2, ...
        cells: (N,) used cells: `idINSPIRE, income_class, block, group, fold, ind`.
        network: Network whose features the units see, on its device.
        images: (M, H, W, 3) uint8.
        rows: (N,) row of each cell's image.
        fragments: Fragments of each cell, cell by cell.
        cover_classes: Rows of `classes.csv`.
        settings: Settings of the run.
        workers: Processes that load images.

    Returns:
        Rows of `recovery.csv`; and `plant, kind, spearman`, of the logit with the planted income.
    """
    # ASSUME: one network's features serve all cells: it has learned from the real incomes of some,
    # which the planted ones know nothing of beyond land cover.
    incomes = np.column_stack([rule.incomes["value"] for rule in rules])
    income_classes = np.column_stack([quintiles(income) for income in incomes.T])
    items = datasets.LabelledImages(images, rows, np.zeros(len(rows), dtype=int))
    features = inference.predict(network, items, settings.image, workers, network.embed)
    logits, weights = plants.fit_units(features.double().numpy(), cells, income_classes, settings)
    of_cell = cells.set_index("idINSPIRE")
    blocks = of_cell["block"]
    moments = open_moments(blocks, fragments, len(rules), settings.landcover.key)
    table, sums = unit_maps.sum_units(
        cells, images, rows, network, weights, fragments, moments, settings
    )

    tables, scores = [], []
    for place, rule in enumerate(rules):
        number = place + 1
        predictions = predict_plant(
            cells, logits[:, place], incomes[:, place], income_classes[:, place]
        )
        activation = table.assign(**dict(zip(unit_maps.SUMS, sums[:, place].T, strict=True)))
        city = statistics_of_run(activation, predictions, blocks, cover_classes, settings)
        local = effects_within(city, moments.of_unit(place, city.classes))
        tables.append(
            recovery.recover(
                city, rule.effects, of_cell, local, settings.seed, number, recovery.FROZEN
            )
        )
        scores.append(recovery.score(predictions, number, recovery.FROZEN))
    return pd.concat(tables, ignore_index=True), pd.DataFrame(scores)


def open_moments(
    blocks: pd.Series, fragments: FragmentsOfCells, n_units: int, key: str
) -> UnitMoments:
    """Empty moments, for the cells that have land cover.

    Args:
        blocks: Block of each cell, indexed by idINSPIRE.
        fragments: Fragments of each cell.
        n_units: Number of units.
        key: Column of the classes of land cover.
    """
    covered = blocks[blocks.index.isin(fragments.rows["idINSPIRE"])]
    numbers, _ = bootstrap.number_blocks(covered)
    classes = sorted(fragments.rows[key].unique())
    return UnitMoments(pd.Series(numbers, index=covered.index), classes, n_units)


def predict_plant(
    cells: pd.DataFrame, logits: np.ndarray, value: np.ndarray, classes: np.ndarray
) -> pd.DataFrame:
    """The columns of `predictions.csv` that statistics need, of one plant."""
    out = torch.from_numpy(logits[:, None])
    table = inference.prediction_table(cells["idINSPIRE"], 0, out, "binomial")
    return table.assign(fold=cells["fold"].to_numpy(), income_class=classes, value=value)
