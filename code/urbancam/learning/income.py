"""The training of one fold on the income classes of a city, or of all other cities, and what it
predicts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from urbancam.learning import augmentation, datasets, inference, networks, splits, training
from urbancam.learning.images import open_images
from urbancam.learning.recipe import Recipe
from urbancam.scoring import targets
from urbancam.tables import frames
from urbancam.workflow.paths import Paths
from urbancam.workflow.sections import Image, Split


@dataclass(frozen=True)
class FoldCells:
    """The cells that one fold trains on, validates with and tests, with their images.

    Attributes:
        number: Number of the fold.
        seed: Seed of everything random in its training.
        samples: (N,) used cells: `idINSPIRE, income_class, role` and the `row` of each one's image.
        images: All images, by row.
    """

    number: int
    seed: int
    samples: pd.DataFrame
    images: datasets.StackedImages

    def of_role(self, role: str) -> pd.DataFrame:
        """The cells that are "train", "validation" or "test"."""
        return self.samples[self.samples["role"] == role]

    def items(self, role: str, augment: Callable | None = None) -> datasets.LabelledImages:
        """The images of a role with their classes."""
        cells = self.of_role(role)
        return datasets.LabelledImages(
            self.images, cells["row"], cells["income_class"], augment, self.seed
        )


def read_fold(
    cities: list[Paths],
    split: Split,
    fold_seed: int,
    image: Image,
    seed: int,
    fold: int,
    workers: int,
) -> FoldCells:
    """The cells of a fold.

    Args:
        cities: Paths of the city and run; behind it those of the cities that it also learns from.
        split: Section `split`.
        fold_seed: Seed of the validation parts.
        image: Section `image`.
        seed: Seed of the run.
        fold: Number of the fold.
        workers: Threads that decode images, where the cache has to be filled.
    """
    parts, caches = [], []
    for city in cities:
        samples = frames.read(city.samples)
        samples = samples[samples["used"]].astype({"income_class": int, "fold": int})
        samples = samples.reset_index(drop=True)
        tested = fold if city == cities[0] else None
        role = splits.roles(samples, tested, split.method, split.validation_fraction, fold_seed)
        images, rows = open_images(city, samples["idINSPIRE"], image, workers)
        first_row = sum(map(len, caches))
        parts.append(samples.assign(role=role, row=rows + first_row))
        caches.append(images)
    samples = pd.concat(parts, ignore_index=True)
    return FoldCells(fold, seed * 1000 + fold, samples, datasets.StackedImages(caches))


def train_fold(
    cells: FoldCells,
    recipe: Recipe,
    folder: Path,
    fingerprint: str,
    device: str,
    workers: int,
) -> tuple[networks.Network, pd.DataFrame]:
    """Train the network of a fold; a killed training goes on where it stopped.

    Args:
        cells: Cells of the fold.
        recipe: As for `Trainer`.
        folder: Folder of the fold; gets the weights, the history and, while under way, the
            checkpoint.
        fingerprint: Hash of all inputs; a checkpoint with another one is not gone on with.
        device: "auto", "cpu" or "cuda".
        workers: Processes that load images.

    Returns:
        The network at its best epoch, and the history, one row an epoch.
    """
    torch.manual_seed(cells.seed)
    network = networks.build(recipe.model).to(networks.find_device(device))
    trainer = training.Trainer(
        network,
        cells.items("train", augmentation.AUGMENT[recipe.training.augment]),
        cells.items("validation"),
        recipe,
        folder,
        fingerprint,
        cells.seed,
        workers,
    )
    return network, trainer.fit()


def predict_role(
    network: networks.Network, cells: FoldCells, role: str, image: Image, head: str, workers: int
) -> pd.DataFrame:
    """The predictions of the cells of a role, with the class that was observed.

    Args:
        network: Network of the fold.
        cells: Cells of the fold.
        role: "validation" or "test".
        image: Section `image`.
        head: "binomial" or "softmax".
        workers: Processes that load images.
    """
    chosen = cells.of_role(role)
    outputs = inference.predict(network, cells.items(role), image, workers)
    table = inference.prediction_table(chosen["idINSPIRE"], cells.number, outputs, head)
    return table.assign(income_class=chosen["income_class"].to_numpy())


def add_incomes(predictions: pd.DataFrame, cells: pd.DataFrame, target: str) -> pd.DataFrame:
    """Predictions with the observed `income_eur` and `target` beside them.

    Args:
        predictions: With `idINSPIRE`.
        cells: `idINSPIRE, income_eur` and the column of the target.
        target: Name of the target, as in `targets.TARGETS`.
    """
    observed = cells.assign(target=cells[targets.TARGETS[target].column])
    return predictions.merge(observed[["idINSPIRE", "income_eur", "target"]], "left")
