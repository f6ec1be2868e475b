"""Relevance of raw patches: their maps at the size of the image, and what is said of each map."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from urbancam.cities.relevance import compute_relevance, to_unit_range
from urbancam.explaining import receptive_fields, upsampling

# Pixels of a batch: memory grows with them, by 0.5 GB a patch of 224 px through a ResNet-101.
PIXELS = 4 * 224**2


@dataclass
class PatchMaps:
    """Relevance of one patch, its maps at the network's image size, row 0 = north.

    Attributes:
        logits: (N,).
        target: Class that relevance speaks for.
        total: Layer -> sum of the relevance at the layer's output.
        signed: Layer -> (H, W) map, unit-free, above zero speaks for the target.
        shown: Layer -> (H, W) the same in 0..1, for display.
    """

    logits: np.ndarray
    target: int
    total: dict[str, float]
    signed: dict[str, np.ndarray]
    shown: dict[str, np.ndarray]

    def describe(self, names: Sequence[str]) -> list[dict[str, float | str]]:
        """What `relevance.csv` says of the patch, a row a layer, without the patch's own columns.

        Args:
            names: (N,) names of the classes.
        """
        outputs = {
            "predicted_city": names[int(self.logits.argmax())],
            "target": names[self.target],
            "target_logit": float(self.logits[self.target]),
        }
        rows = []
        for layer, values in self.signed.items():
            of_layer = {"layer": layer, "relevance_sum": self.total[layer]}
            rows.append(outputs | of_layer | _describe_map(values))
        return rows


def _describe_map(values: np.ndarray) -> dict[str, float]:
    """Range of a map; shares of its positive part, of that in the middle, and of high pixels."""
    positive = values.clip(min=0)
    size = np.abs(values).sum(dtype=float)
    positive_share = positive.sum(dtype=float) / size if size > 0 else np.nan

    # The middle half of the rows and columns.
    rows, columns = (slice(side // 4, side - side // 4) for side in values.shape)
    centre = positive[rows, columns]
    centre_share = centre.sum() / positive.sum() if positive.any() else np.nan

    is_high = values > values.mean() + values.std()
    return {
        "map_min": float(values.min()),
        "map_mean": float(values.mean(dtype=float)),
        "map_max": float(values.max()),
        "positive_share": float(positive_share),
        "centre_share": float(centre_share),
        "masked_share": float(is_high.mean()),
    }


def map_patches(
    network: nn.Module,
    images_uint8: np.ndarray,
    layers: Sequence[str],
    normalise: str,
    target: np.ndarray | None = None,
    positions: str = receptive_fields.RECEPTIVE_FIELD,
) -> list[PatchMaps]:
    """Relevance of raw patches.

    Args:
        network: Trained network, on its device.
        images_uint8: (B, H, H, 3) uint8.
        layers: As for `compute_relevance`.
        normalise: Setting `image.normalise`.
        target: (B,) int64 class to speak for, None for the predicted one.
        positions: Where positions are laid, "receptive_field" or "published".
    """
    device = next(network.parameters()).device
    images = torch.from_numpy(images_uint8).permute(0, 3, 1, 2)
    images = images.to(device)
    images = network.normalised(images, normalise)
    if target is not None:
        target = torch.from_numpy(target)
    relevance = compute_relevance(network, images, layers, target)

    # Coarse maps become pictures of the size of the image.
    size_px = images.shape[-1]
    signed = {}
    unit_range = {}
    for layer, maps in relevance.maps.items():
        count = maps.shape[-1]
        lattice = receptive_fields.lay(positions, network.features, layer, size_px, count)
        laid = upsampling.interpolate(maps, lattice, size_px)
        signed[layer] = laid.cpu().numpy()
        laid = upsampling.interpolate(to_unit_range(maps), lattice, size_px)
        unit_range[layer] = laid.cpu().numpy()

    patches = []
    for i in range(len(images)):
        patches.append(
            PatchMaps(
                logits=relevance.logits[i].cpu().numpy(),
                target=int(relevance.target[i]),
                total={layer: float(relevance.total[layer][i]) for layer in layers},
                signed={layer: signed[layer][i] for layer in layers},
                shown={layer: unit_range[layer][i] for layer in layers},
            )
        )
    return patches


def map_rows(
    rows: pd.DataFrame,
    images: Callable[[int], np.ndarray],
    network_of: Callable[[int], nn.Module],
    settings,
) -> Iterator[tuple[int, np.ndarray, PatchMaps]]:
    """Index, image and maps of each patch, by the network of its fold; fold by fold, in batches.

    Args:
        rows: `fold, class_number` of each patch; its index tells the patch to `images`.
        images: Index -> (H, H, 3) uint8.
        network_of: Fold -> trained network, on its device.
        settings: Section `cities`.
    """
    # Patches of a fold share a network; memory bounds how many go through it at once.
    layers = settings.relevance.layers
    normalise = settings.image.normalise
    positions = settings.relevance.positions
    size = max(1, PIXELS // settings.image.size_px**2)
    for fold, members in rows.groupby("fold"):
        network = network_of(int(fold))
        for start in range(0, len(members), size):
            batch = members.iloc[start : start + size]
            pixels = np.stack([images(index) for index in batch.index])
            target = None
            if settings.relevance.target == "true":
                target = batch["class_number"].to_numpy()
            maps = map_patches(network, pixels, layers, normalise, target, positions)
            yield from zip(batch.index, pixels, maps, strict=True)
