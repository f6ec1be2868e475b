"""The linear unit alone, trained on features that stay as their weights are.

A network's features of an image, their mean over positions, never change then: they are computed
once for all images of a city and kept, and every fold learns from the same ones. Their channels
differ in size by orders of magnitude, so they are standardised by the training cells, and what is
learned is folded back on the channels: the network is one like any other, with the same maps.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from urbancam.learning.inputs import datasets
from urbancam.learning.inputs.images import DecodedImages
from urbancam.learning.models.networks import Network
from urbancam.learning.training import inference
from urbancam.tables import arrays
from urbancam.workflow.files import digest
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.sections import Image

VERSION = 1  # of what is computed here: enters the name of the cache
IMAGES_AT_ONCE = 256  # between two marks of progress
NOTHING = 1e-6  # relative; a channel that varies less is the same everywhere


class UnitAlone(nn.Module):
    """The linear unit of a network, given the means over positions in the place of images.

    Args:
        network: The network; its linear unit and dropout are shared with it.
        seen: (N, channels) of the training cells, by which channels are standardised.
    """

    def __init__(self, network: Network, seen: np.ndarray) -> None:
        super().__init__()
        self.dropout, self.linear = network.dropout, network.linear
        spread = seen.std(axis=0, dtype=float)
        is_constant = spread <= NOTHING * spread.max()
        device = network.linear.weight.device
        self.mean = torch.tensor(seen.mean(axis=0, dtype=float), device=device).float()
        self.spread = torch.tensor(np.where(is_constant, np.inf, spread), device=device).float()

    def normalised(self, embeddings: torch.Tensor, _method: str) -> torch.Tensor:
        """(B, channels) means over positions, standardised."""
        return (embeddings - self.mean) / self.spread

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """(B, channels) standardised -> (B, outputs)."""
        return self.linear(self.dropout(embeddings))

    @torch.no_grad()
    def fold_back(self) -> None:
        """Turn the unit on standardised channels into the same one on the channels themselves."""
        weight = self.linear.weight / self.spread
        self.linear.bias -= weight @ self.mean
        self.linear.weight.copy_(weight)
        self.mean.zero_()
        self.spread.fill_(1)


class LabelledFeatures(Dataset):
    """Means over positions with the classes of their images, as `LabelledImages` are images.

    Args:
        features: Rows of (channels,) float32, of one city or several as one.
        rows: (N,) row of each item.
        classes: (N,) class of each, 0, 1, ...
    """

    def __init__(
        self, features: datasets.StackedImages, rows: np.ndarray, classes: np.ndarray
    ) -> None:
        self.features = np.stack([features[row] for row in rows])
        self.classes = np.asarray(classes)
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.features)

    def __getitems__(self, items: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch: (B, channels) float32 features, and (B,) int64 classes."""
        classes = self.classes[items].astype(np.int64)
        return torch.from_numpy(self.features[items]), torch.from_numpy(classes)


def open_features(
    paths: Paths,
    network: Network,
    images: np.ndarray | DecodedImages,
    image: Image,
    workers: int,
) -> np.ndarray:
    """The features of all images of a city: computed once, then read from `cache/`.

    Args:
        paths: Paths of the city.
        network: The network, on its device.
        images: (M, H, H, 3) uint8.
        image: Section `image`.
        workers: Number of processes that load images.

    Returns:
        (M, channels) float32, memory-mapped: their means over positions.
    """
    parts = np.split(np.arange(len(images)), range(IMAGES_AT_ONCE, len(images), IMAGES_AT_ONCE))

    # ASSUME: of the images as they are; eight views each would take eight times as long.
    def embed(item: int) -> np.ndarray:
        items = datasets.LabelledImages(images, parts[item], np.zeros(len(parts[item])))
        return inference.predict(network, items, image, workers, network.embed).numpy()

    kept = _cache_path(paths, network, image)
    counts = [len(part) for part in parts]
    shape = (network.linear.in_features,)
    return arrays.open_array(kept, counts, shape, np.float32, embed, "frozen features of images")


def _cache_path(paths: Paths, network: Network, image: Image) -> Path:
    """The cache of a city's images by these features, whatever their weights are called.

    Those of images that have changed since are removed.
    """
    name = f"embeddings_{digest(paths.images_table)[:16]}"
    for old in paths.cache.glob("embeddings_*"):
        if not old.name.startswith(name):
            old.unlink(missing_ok=True)  # another fold may be at it too
    content = hashlib.sha256(repr((VERSION, image.model_dump(), network.colours)).encode())
    for key, tensor in network.features.state_dict().items():
        content.update(key.encode())
        content.update(tensor.cpu().contiguous().numpy().tobytes())
    return paths.cache / f"{name}_{content.hexdigest()[:16]}.npy"
