"""The training of one fold on the income classes of a city, or of all other cities, and what it
predicts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from urbancam.learning import splits
from urbancam.learning.inputs import augmentation, datasets
from urbancam.learning.inputs.images import open_images
from urbancam.learning.models import networks, weight_files
from urbancam.learning.training import frozen, inference, loop
from urbancam.learning.training.recipe import Recipe
from urbancam.scoring import targets
from urbancam.tables import frames
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.sections import Image, Split

SEEDS_APART = 1000  # between the seeds of two runs: more than there are folds


@dataclass(frozen=True)
class FoldCells:
    """The cells that one fold trains on, validates with and tests, with their images.

    Attributes:
        number: Number of the fold.
        seed: Seed of everything random in its training.
        samples: (N,) used cells: `idINSPIRE, income_class, role` and the `row` of each one's image.
        images: All images, by row.
        cities: Paths of the city of each cache of images.
    """

    number: int
    seed: int
    samples: pd.DataFrame
    images: datasets.StackedImages
    cities: list[Paths]

    def of_role(self, role: str) -> pd.DataFrame:
        """The cells that are "train", "validation" or "test"."""
        return self.samples[self.samples["role"] == role]

    def items(self, role: str, augment: Callable | None = None) -> datasets.LabelledImages:
        """The images of a role with their classes."""
        cells = self.of_role(role)
        return datasets.LabelledImages(
            self.images, cells["row"], cells["income_class"], augment, self.seed
        )


@dataclass(frozen=True)
class FrozenCells(FoldCells):
    """The same cells with features that stay as they are in the place of their images.

    Attributes:
        network: The network whose features they are.
    """

    network: networks.Network

    def items(self, role: str, _augment: Callable | None = None) -> frozen.LabelledFeatures:
        """The features of a role with their classes."""
        cells = self.of_role(role)
        return frozen.LabelledFeatures(self.images, cells["row"], cells["income_class"])


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
    images = datasets.StackedImages(caches)
    return FoldCells(fold, seed * SEEDS_APART + fold, samples, images, cities)


def build_learner(
    cells: FoldCells, recipe: Recipe, device: str, workers: int
) -> tuple[networks.Network | frozen.UnitAlone, FoldCells]:
    """What a fold trains, and the cells as it sees them.

    Args:
        cells: Cells of the fold.
        recipe: As for `Trainer`; with `training.frozen` the linear unit alone learns, from
            features in the place of images.
        device: "auto", "cpu" or "cuda".
        workers: Processes that load images.
    """
    # Features that stay as they are, are those of every fold, even where they are random.
    torch.manual_seed(cells.seed - cells.number if recipe.training.frozen else cells.seed)
    network = networks.build(recipe.model).to(networks.find_device(device))
    if not recipe.training.frozen:
        return network, cells
    features = [
        frozen.open_features(city, network, images, recipe.image, workers)
        for city, images in zip(cells.cities, cells.images.caches, strict=True)
    ]
    stacked = datasets.StackedImages(features)
    seen = FrozenCells(cells.number, cells.seed, cells.samples, stacked, cells.cities, network)
    return frozen.UnitAlone(network, seen.items("train").features), seen


def train_fold(
    learner: networks.Network | frozen.UnitAlone,
    cells: FoldCells,
    recipe: Recipe,
    folder: Path,
    fingerprint: str,
    workers: int,
) -> pd.DataFrame:
    """Train the network of a fold; a killed training goes on where it stopped.

    Args:
        learner: What is trained; holds its best epoch afterwards.
        cells: Cells of the fold, as it sees them.
        recipe: As for `Trainer`.
        folder: Folder of the fold; gets the weights, the history and, while under way, the
            checkpoint.
        fingerprint: Hash of all inputs; a checkpoint with another one is not gone on with.
        workers: Processes that load images.

    Returns:
        The history, one row an epoch.
    """
    trainer = loop.Trainer(
        learner,
        cells.items("train", augmentation.AUGMENT[recipe.training.augment]),
        cells.items("validation"),
        recipe,
        folder,
        fingerprint,
        cells.seed,
        workers,
    )
    history = trainer.fit()
    if isinstance(cells, FrozenCells):
        learner.fold_back()
        weight_files.save(cells.network.state_dict(), folder / "weights.pt")
    return history


def predict_role(
    learner: networks.Network | frozen.UnitAlone,
    cells: FoldCells,
    role: str,
    image: Image,
    head: str,
    workers: int,
) -> pd.DataFrame:
    """The predictions of the cells of a role, with the class that was observed.

    Args:
        learner: What the fold has trained.
        cells: Cells of the fold, as it sees them.
        role: "validation" or "test".
        image: Section `image`.
        head: "binomial" or "softmax".
        workers: Processes that load images.
    """
    chosen = cells.of_role(role)
    outputs = inference.predict(learner, cells.items(role), image, workers)
    table = inference.prediction_table(chosen["idINSPIRE"], cells.number, outputs, head)
    return table.assign(income_class=chosen["income_class"].to_numpy())


def add_incomes(predictions: pd.DataFrame, cells: pd.DataFrame, target: str) -> pd.DataFrame:
    """Predictions with the observed `value` and `target` beside them.

    Args:
        predictions: With `idINSPIRE`.
        cells: `idINSPIRE, value` and the column of the target.
        target: Name of the target, as in `targets.TARGETS`.
    """
    observed = cells.assign(target=cells[targets.TARGETS[target].column])
    return predictions.merge(observed[["idINSPIRE", "value", "target"]], "left")
