"""The training of one fold of the cities experiment: its patches by role, and the network that
names their city."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from urbancam.cities import checkpoints, colour, patches, predictions
from urbancam.cities.pixels import open_patches
from urbancam.learning.inputs import augmentation, datasets
from urbancam.learning.models import networks, weight_files
from urbancam.learning.training import loop
from urbancam.tables import frames
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.cities_sections import Cities


@dataclass(frozen=True)
class FoldPatches:
    """The patches that one fold trains on, validates with and tests, with their images.

    Attributes:
        number: Number of the fold.
        seed: Seed of everything random in its training.
        patches: (N,) rows of `patches.parquet`.
        classes: (N,) number of each one's city.
        names: Names of the cities, by number.
        roles: (N,) "train", "validation", "test", or none of them.
        images: All images of patches.
        rows: (N,) row of each patch in `images`.
    """

    number: int
    seed: int
    patches: pd.DataFrame
    classes: np.ndarray
    names: list[str]
    roles: np.ndarray
    images: np.ndarray
    rows: np.ndarray

    def items(self, role: str, *changes: colour.Change | None) -> datasets.LabelledImages:
        """The images of a role with their classes, changed in turn by these functions."""
        chosen = self.roles == role
        return datasets.LabelledImages(
            self.images,
            self.rows[chosen],
            self.classes[chosen],
            colour.chain(*changes),
            self.seed,
        )

    def count(self, role: str) -> int:
        return int((self.roles == role).sum())


def read_fold(paths: Paths, cities: Cities, seed: int, fold: int, workers: int) -> FoldPatches:
    """The patches of a fold.

    Args:
        paths: Paths of the run.
        cities: Section `cities`.
        seed: Seed of the run.
        fold: Number of the fold.
        workers: Threads that decode images, where the cache has to be filled.
    """
    table = frames.read(paths.patches)
    classes, names = patches.city_numbers(table)
    roles = patches.roles(table, fold)
    images, rows = open_patches(paths, table, cities.patch_px, cities.image, workers)
    return FoldPatches(fold, seed * 1000 + fold, table, classes, names, roles, images, rows)


def build_network(cities: Cities, fold: FoldPatches, device: str) -> networks.Network:
    """The network of a fold before its training; with the weights that the settings start from."""
    torch.manual_seed(fold.seed)
    target_device = networks.find_device(device)
    pretrained = not cities.checkpoint
    return networks.build(cities.model, pretrained, outputs=len(fold.names)).to(target_device)


def train(
    network: networks.Network,
    fold: FoldPatches,
    cities: Cities,
    folder: Path,
    fingerprint: str,
    workers: int,
) -> pd.DataFrame:
    """Train the network of a fold; a killed training goes on where it stopped.

    Args:
        network: On its device; holds the best epoch at the end.
        fold: Fold of the network.
        cities: Section `cities`.
        folder: Folder of the fold; gets the weights, the history and, while under way, the
            checkpoint.
        fingerprint: Hash of all inputs; a checkpoint with another one is not gone on with.
        workers: Processes that load images.

    Returns:
        The history, one row an epoch.
    """
    augment = augmentation.AUGMENT[cities.training.augment]
    trainer = loop.Trainer(
        network,
        fold.items("train", augment, colour.COLOUR[cities.colour]),
        fold.items("validation", predictions.evaluation_colour(cities.colour)),
        cities,
        folder,
        fingerprint,
        fold.seed,
        workers,
    )
    return trainer.fit()


def fill_from_checkpoint(
    network: networks.Network, checkpoint: Path, weights: Path, unpickle: bool
) -> None:
    """Take the weights of a network that was trained elsewhere, and save them as the fold's.

    Args:
        network: Network of the fold.
        checkpoint: File of the weights.
        weights: Where the fold's weights are saved.
        unpickle: Whether the file may be a pickled module, which can run any code.
    """
    state = checkpoints.read(checkpoint, unpickle)
    checkpoints.fill(network, state, checkpoint)
    weight_files.save(network.state_dict(), weights)


def predict(
    network: networks.Network, fold: FoldPatches, cities: Cities, workers: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the network says of the fold's test patches, and where it places their sites.

    Returns:
        The tables `test_predictions.csv` and `site_embeddings.parquet`.
    """
    seen = predictions.evaluation_colour(cities.colour)
    return predictions.predict_patches(
        network,
        fold.patches[fold.roles == "test"],
        lambda change: fold.items("test", change, seen),
        fold.names,
        fold.number,
        cities.image,
        workers,
    )
