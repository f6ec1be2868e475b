"""All maps of a group of cells, reduced to what is said about them: shares, correlations, curves.

A group is the unit of resumption, and has its own draw of random weights: one random network may be bright or dark
on a class by chance, many are not.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch

from urbancam.explaining import activation, projection
from urbancam.explaining.activation import Maps, Sides
from urbancam.explaining.attribution import controls, deletion, methods
from urbancam.learning import backbones, datasets, networks
from urbancam.scoring import vocabulary
from urbancam.scoring.bootstrap import rank_correlation
from urbancam.workflow.settings import Settings

GROUP_CELLS = 25  # at most; ASSUME: random weights drawn anew every so many cells
CALIBRATION_IMAGES = 32  # of the batch norms of random weights; ASSUME: at 6 x 6 positions each, 1152 values a channel
PUBLISHED = "published"
NO_CURVES = pd.DataFrame(
    {"idINSPIRE": "", "order": "", "curve": "", "fraction": 0.0, "value": 0.0}, index=[]
)
NO_CORRELATIONS = pd.DataFrame(
    {"idINSPIRE": "", "control": "", "poor": 0.0, "rich": 0.0, "contrast": 0.0}, index=[]
)


def count(cells: int) -> int:
    """Groups of at most GROUP_CELLS that so many cells make."""
    return -(-cells // GROUP_CELLS)


@dataclass
class Group:
    """Cells of one fold, and the network that never saw them.

    Attributes:
        ids: (N,) cells.
        images: (N, H, W, 3) uint8.
        labels: (N,) arrays (H, W) int, 0 = no fragment, i + 1 = the cell's fragment i.
        counts: (N,) fragments of each cell.
        rich: (N,) bool, predicted rich (else poor).
        with_curves: (N,) bool, deletion and insertion are computed too.
        seed: of the random weights and the random order; run, fold and group.
    """

    ids: np.ndarray
    images: np.ndarray
    labels: list[np.ndarray]
    counts: list[int]
    rich: np.ndarray
    with_curves: np.ndarray
    seed: list[int]


@dataclass
class Findings:
    """What a group's maps come to.

    Attributes:
        shares: `{"<control>_<side>": (fragments,) of each cell}` share of the cell's map; NaN without a map.
        correlations: rows `idINSPIRE, control, poor, rich, contrast`: Spearman's r of the patches of a control's map
            with the published one's; contrast: of rich less poor.
        curves: rows `idINSPIRE, order, curve, fraction, value` (logit units).
    """

    shares: dict[str, list[np.ndarray]] = field(default_factory=dict)
    correlations: list[pd.DataFrame] = field(default_factory=list)
    curves: list[pd.DataFrame] = field(default_factory=list)

    def add_shares(self, group: Group, cells: slice, name: str, sides: Sides) -> None:
        for side, maps in zip(vocabulary.SIDES, sides, strict=True):
            pairs = zip(maps.cpu().numpy(), group.labels[cells], group.counts[cells], strict=True)
            self.shares.setdefault(f"{name}_{side}", []).extend(
                projection.share_by_fragment(values, labels, count)
                for values, labels, count in pairs
            )

    def add_correlations(
        self, ids: np.ndarray, name: str, patches: np.ndarray, published: np.ndarray
    ) -> None:
        """Patches: (3, N, patches) of poor, rich and rich less poor."""
        poor, rich, contrast = rank_correlation(patches, published)
        frame = {
            "idINSPIRE": ids,
            "control": name,
            "poor": poor,
            "rich": rich,
            "contrast": contrast,
        }
        self.correlations.append(pd.DataFrame(frame))

    def add_curves(
        self, ids: np.ndarray, at: np.ndarray, made: dict[tuple[str, str], np.ndarray]
    ) -> None:
        for (order, curve), values in made.items():
            frame = {
                "idINSPIRE": np.tile(ids, len(at)),
                "order": order,
                "curve": curve,
                "fraction": np.repeat(at, len(ids)),
                "value": values.ravel(),
            }
            self.curves.append(pd.DataFrame(frame))

    def frames(self, fragments: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Curves, correlations, and the shares beside the fragments' own rows, cell after cell."""
        shares = {name: np.concatenate(cells) for name, cells in self.shares.items()}
        curves = pd.concat(self.curves, ignore_index=True) if self.curves else NO_CURVES
        correlations = (
            pd.concat(self.correlations, ignore_index=True)
            if self.correlations
            else NO_CORRELATIONS
        )
        return curves, correlations, fragments.reset_index(drop=True).assign(**shares)


def examine(
    group: Group, network: networks.Network, calibration: np.ndarray, settings: Settings
) -> Findings:
    """Every map that section `controls` of the settings asks for, of every cell of a group.

    Args:
        group: of one fold.
        network: of that fold, on its device.
        calibration: (M, H, W, 3) uint8 images for the batch norms of random weights.
        settings: of the run.
    """
    examiner = _Examiner(group, network, settings)
    size = activation.cells_at_once(settings.image.size_px)
    batches = [slice(start, start + size) for start in range(0, len(group.ids), size)]
    published = [examiner.examine_batch(cells) for cells in batches]
    if settings.controls.randomise_weights:
        images = datasets.normalise(examiner.pixels(calibration), settings.image.normalise)
        for name, changed in controls.randomise(network, settings.model, images, group.seed):
            for cells, expected in zip(batches, published, strict=True):
                maps, sides = examiner.publish(changed, examiner.pixels(group.images[cells]))
                examiner.add(cells, {name: sides}, _grid(maps), expected)
    return examiner.found


class _Examiner:
    """The passes over one group, and what is found in them."""

    def __init__(self, group: Group, network: networks.Network, settings: Settings) -> None:
        self.group, self.network, self.settings = group, network, settings
        self.device = next(network.parameters()).device
        self.found = Findings()

    def pixels(self, images_uint8: np.ndarray) -> torch.Tensor:
        return activation.pixels_of(images_uint8, self.device)

    def publish(self, network: networks.Network, pixels: torch.Tensor) -> tuple[Maps, Sides]:
        """The published map of (B, 3, H, W) uint8 images: one forward, one backward pass."""
        images = datasets.normalise(pixels, self.settings.image.normalise)
        target_layer = backbones.find_backbone(self.settings.model.backbone).target_layer
        maps = activation.compute_maps(
            network, images, target_layer, self.settings.activation.centre
        )
        percentile = self.settings.activation.clip_percentile
        return maps, activation.project_published(maps, pixels.shape[-1], percentile)

    def examine_batch(self, cells: slice) -> np.ndarray:
        """All but the random weights; returns the patches of the published map, (3, B, patches)."""
        wanted, percentile = self.settings.controls, self.settings.activation.clip_percentile
        pixels = self.pixels(self.group.images[cells])
        maps, published = self.publish(self.network, pixels)
        images = datasets.normalise(pixels, self.settings.image.normalise)
        steps, centre = wanted.integrated_gradients_steps, self.settings.activation.centre
        named = {PUBLISHED: published}
        named |= methods.compute_methods(
            wanted.methods, maps, self.network, images, percentile, steps
        )
        named |= controls.take_apart(wanted.maps, maps, published, pixels, centre, percentile)
        expected = _patches(published, _grid(maps))
        self.add(cells, named, _grid(maps), expected)
        if self.group.with_curves[cells].any():
            self.add_curves(cells, pixels, maps, published)
        return expected

    def add(
        self, cells: slice, named: dict[str, Sides], grid: tuple[int, int], published: np.ndarray
    ) -> None:
        """Shares of the fragments and likeness to the published patches, of some maps of a batch."""
        for name, sides in named.items():
            self.found.add_shares(self.group, cells, name, sides)
            self.found.add_correlations(
                self.group.ids[cells], name, _patches(sides, grid), published
            )

    def add_curves(self, cells: slice, pixels: torch.Tensor, maps: Maps, published: Sides) -> None:
        """Deletion and insertion of those cells of a batch that take part."""
        chosen = self.group.with_curves[cells]
        ids, at = self.group.ids[cells][chosen], torch.tensor(chosen, device=self.device)
        rich = torch.tensor(self.group.rich[cells][chosen], device=self.device)
        grid, toward_rich = _grid(maps), torch.where(rich, 1.0, -1.0)[:, None]
        poor, richer = (deletion.patch_shares(side[at], grid) for side in published)
        contribution = activation.spread_evenly(maps.contribution[at], pixels.shape[-1])
        random = np.random.default_rng([*self.group.seed, cells.start]).random(poor.shape)
        scores = {
            "published": toward_rich
            * (richer - poor),  # ASSUME: shares of the side's map less those of the other's
            "contribution": toward_rich * deletion.patch_means(contribution, grid),
            "edges": deletion.patch_means(controls.sobel(pixels[at]), grid),
            "random": torch.from_numpy(random).to(self.device),
        }
        steps, normalise = self.settings.controls.deletion_steps, self.settings.image.normalise
        made = deletion.curves(self.network, pixels[at], scores, rich, grid, steps, normalise)
        self.found.add_curves(ids, deletion.fractions(grid, steps), made)


def _grid(maps: Maps) -> tuple[int, int]:
    """Positions of the target layer, down and across: the patches that maps are compared and deleted by."""
    return tuple(maps.signed[0].shape[1:])


def _patches(sides: Sides, grid: tuple[int, int]) -> np.ndarray:
    """(3, B, patches): shares of poor, of rich, and rich less poor."""
    poor, rich = (deletion.patch_shares(side, grid) for side in sides)
    return torch.stack([poor, rich, rich - poor]).cpu().numpy()
