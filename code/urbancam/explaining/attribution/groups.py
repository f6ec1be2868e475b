"""All maps of a group of cells, reduced to what is said about them: shares, correlations, curves.

A group is the unit of resumption, and has its own draw of random weights: one random network may
be bright or dark on a class by chance, many are not.
"""

from dataclasses import dataclass

import numpy as np
import torch

from urbancam.explaining import activation, merged_norms, pixel_maps, upsampling
from urbancam.explaining.activation import Maps, Sides
from urbancam.explaining.attribution import (
    controls,
    deletion,
    map_shift,
    methods,
    random_weights,
)
from urbancam.explaining.attribution.deletion import Grid
from urbancam.explaining.attribution.findings import Findings
from urbancam.explaining.attribution.twins import NONE
from urbancam.explaining.projection import LabelledPixels
from urbancam.learning.models import backbones, networks
from urbancam.workflow.settings.settings import Settings

# at most; ASSUME: random weights drawn anew every so many cells
GROUP_CELLS = 25
# of the batch norms of random weights; ASSUME: at 6 x 6 positions each, 1152 values a channel
CALIBRATION_IMAGES = 32
PUBLISHED = "published"
OTHER_CELL = "other_cell"


def group_count(cells: int) -> int:
    """Number of groups of at most GROUP_CELLS that so many cells make."""
    return -(-cells // GROUP_CELLS)


@dataclass
class Group:
    """Cells of one fold, their images and their land cover.

    Attributes:
        ids: (N,) cells.
        images: (N, H, W, 3) uint8.
        pixels: (N,) pixels of each cell by fragment.
        classes: (N,) arrays (H, W) int, 0 = no fragment, else the number of its class.
        rich: (N,) bool, predicted rich (else poor).
        with_curves: (N,) bool, deletion and insertion are computed too.
        seed: Seed of the random weights and the random order: run, fold and group.
        twins: (N,) number of the cell in the group whose map `other_cell` lays on its polygons.
    """

    ids: np.ndarray
    images: np.ndarray
    pixels: list[LabelledPixels]
    classes: list[np.ndarray]
    rich: np.ndarray
    with_curves: np.ndarray
    seed: list[int]
    twins: np.ndarray


def examine(
    group: Group, network: networks.Network, calibration: np.ndarray, settings: Settings
) -> Findings:
    """Every map that section `controls` of the settings asks for, of every cell of a group.

    Args:
        group: Group of cells of one fold.
        network: Network of that fold, on its device.
        calibration: (M, H, W, 3) uint8 images for the batch norms of random weights.
        settings: Settings of the run.
    """
    examiner = _Examiner(group, network, settings)
    size = pixel_maps.cells_at_once(settings.image.size_px)
    starts = range(0, len(group.ids), size)
    batches = [slice(start, start + size) for start in starts]
    published_patches = [examiner.examine_batch(cells) for cells in batches]
    if OTHER_CELL in settings.controls.maps:
        examiner.examine_twins(published_patches)
    # Random weights come last: they are compared with the published patches.
    if settings.controls.randomise_weights:
        examiner.examine_random_weights(batches, published_patches, calibration)
    return examiner.findings


class _Examiner:
    """The passes over one group, and its findings."""

    def __init__(
        self,
        group: Group,
        network: networks.Network,
        settings: Settings,
    ) -> None:
        self.group = group
        self.trained = network
        self.settings = settings
        self.device = next(network.parameters()).device
        self.target_layer = backbones.find_backbone(settings.model.backbone).target_layer
        self.network = merged_norms.merge_norms(network, self.target_layer)
        self.findings = Findings()
        self.published: list[Sides] = []  # of each batch, for twins
        self.grid: Grid | None = None

    def pixels(self, images_uint8: np.ndarray) -> torch.Tensor:
        return pixel_maps.pixels_of(images_uint8, self.device)

    def normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.network.normalised(pixels, self.settings.image.normalise)

    def publish(self, network: networks.Network, pixels: torch.Tensor) -> tuple[Maps, Sides]:
        """The published map of (B, 3, H, W) uint8 images: one forward, one backward pass."""
        images = self.normalised(pixels)
        asked = self.settings.activation
        maps = activation.compute_maps(
            network, images, self.target_layer, asked.centre, asked.positions
        )
        return maps, pixel_maps.project_published(maps, pixels.shape[-1], asked.clip_percentile)

    def examine_batch(self, cells: slice) -> np.ndarray:
        """All but the random weights; returns the patches of the published map, (3, B, patches)."""
        pixels = self.pixels(self.group.images[cells])
        maps, published = self.publish(self.network, pixels)
        sides_by_name = {
            PUBLISHED: published,
            **self._methods(maps, pixels),
            **self._controls(maps, published, pixels),
        }
        self.published.append(tuple(side.cpu() for side in published))
        self.grid = _grid(maps)
        published_patches = deletion.patches_of_sides(published, _grid(maps))
        self.add(cells, sides_by_name, _grid(maps), published_patches)
        self.add_shifts(cells, maps)
        # Curves cost many passes: a part of the cells has them.
        if self.group.with_curves[cells].any():
            self.add_curves(cells, pixels, maps, published)
        return published_patches

    def _on_pixels(self, maps: Maps) -> torch.Tensor:
        """(B, H, W) contributions, spread evenly over the pixels of their positions."""
        size_px = self.group.images.shape[1]
        return upsampling.spread_evenly(maps.contribution, maps.contribution_lattice, size_px)

    def _methods(self, maps: Maps, pixels: torch.Tensor) -> dict[str, Sides]:
        """The maps of the other attribution methods."""
        return methods.compute_methods(
            names=self.settings.controls.methods,
            maps=maps,
            network=self.network,
            images=self.normalised(pixels),
            clip_percentile=self.settings.activation.clip_percentile,
            steps=self.settings.controls.integrated_gradients_steps,
        )

    def _controls(
        self,
        maps: Maps,
        published: Sides,
        pixels: torch.Tensor,
    ) -> dict[str, Sides]:
        """The maps with their signal taken away, without random weights."""
        return controls.take_apart(
            names=[name for name in self.settings.controls.maps if name != OTHER_CELL],
            maps=maps,
            published=published,
            pixels=pixels,
            centre=self.settings.activation.centre,
            clip_percentile=self.settings.activation.clip_percentile,
        )

    def examine_twins(self, published_patches: list[np.ndarray]) -> None:
        """The published map of each cell's twin, laid on the cell's own polygons."""
        twins = torch.from_numpy(self.group.twins)
        has_twin = (twins != NONE).view(-1, 1, 1)
        sides = (torch.cat(batches) for batches in zip(*self.published, strict=True))
        poor, rich = (torch.where(has_twin, side[twins], 0) for side in sides)
        patches = np.concatenate(published_patches, axis=1)
        self.add(slice(None), {OTHER_CELL: (poor, rich)}, self.grid, patches)

    def examine_random_weights(
        self,
        batches: list[slice],
        published_patches: list[np.ndarray],
        calibration: np.ndarray,
    ) -> None:
        """The published map of the network with ever more of its weights drawn anew."""
        images = self.normalised(self.pixels(calibration))
        model = self.settings.model
        random_networks = random_weights.randomise(self.trained, model, images, self.group.seed)
        # The same object each time, with more of its weights changed: used before the next.
        for name, changed in random_networks:
            network = merged_norms.merge_norms(changed, self.target_layer)
            for cells, patches in zip(batches, published_patches, strict=True):
                pixels = self.pixels(self.group.images[cells])
                maps, sides = self.publish(network, pixels)
                self.add(cells, {name: sides}, _grid(maps), patches)

    def add(
        self,
        cells: slice,
        sides_by_name: dict[str, Sides],
        grid: Grid,
        published_patches: np.ndarray,
    ) -> None:
        """Shares of the fragments and likeness to the published patches, of maps of a batch."""
        ids = self.group.ids[cells]
        pixels = self.group.pixels[cells]
        for name, sides in sides_by_name.items():
            self.findings.add_shares(pixels, name, sides)
            patches = deletion.patches_of_sides(sides, grid)
            self.findings.add_correlations(ids, name, patches, published_patches)

    def add_shifts(self, cells: slice, maps: Maps) -> None:
        """Agreement of the contributions with the polygons at every shift."""
        size_px = self.group.images.shape[1]
        laid = upsampling.interpolate(maps.contribution, maps.contribution_lattice, size_px)
        step = map_shift.step_px(size_px, maps.contribution.shape[-1])
        ids, classes = self.group.ids[cells], self.group.classes[cells]
        self.findings.add_shifts(ids, laid.cpu().numpy(), classes, step)

    def add_curves(
        self,
        cells: slice,
        pixels: torch.Tensor,
        maps: Maps,
        published: Sides,
    ) -> None:
        """Deletion and insertion of those cells of a batch that take part."""
        takes_part = self.group.with_curves[cells]
        ids = self.group.ids[cells][takes_part]
        is_rich = self.group.rich[cells][takes_part]
        rich = torch.tensor(is_rich, device=self.device)
        grid = _grid(maps)
        steps = self.settings.controls.deletion_steps

        mask = torch.tensor(takes_part, device=self.device)
        poor_map, rich_map = published
        scores = self._orders(
            pixels=pixels[mask],
            published=(poor_map[mask], rich_map[mask]),
            contribution=self._on_pixels(maps)[mask],
            rich=rich,
            grid=grid,
            start=cells.start,
        )
        changes = deletion.curves(
            network=self.network,
            pixels=pixels[mask],
            scores=scores,
            rich=rich,
            grid=grid,
            steps=steps,
            normalise=self.settings.image.normalise,
        )
        self.findings.add_curves(ids, deletion.fractions(grid, steps), changes)

    def _orders(
        self,
        pixels: torch.Tensor,
        published: Sides,
        contribution: torch.Tensor,
        rich: torch.Tensor,
        grid: Grid,
        start: int,
    ) -> dict[str, torch.Tensor]:
        """Scores of the patches in each order, (B, patches): the highest is deleted first.

        Args:
            pixels: (B, 3, H, W) uint8.
            published: Poor and rich map, each (B, H, W).
            contribution: (B, H, W) contributions, laid on pixels.
            rich: (B,) bool, the cell is predicted rich.
            grid: Patches down and across.
            start: Number of the batch's first cell in its group, for the random order.
        """
        sign = torch.where(rich, 1.0, -1.0)[:, None]
        # All orders say what speaks for the predicted side, except edges and chance.
        poor_share, rich_share = (deletion.patch_shares(side, grid) for side in published)
        generator = np.random.default_rng([*self.group.seed, start])
        random = generator.random(poor_share.shape)
        # ASSUME: shares of the side's map less those of the other's
        published_score = sign * (rich_share - poor_share)
        return {
            "published": published_score,
            "contribution": sign * deletion.patch_means(contribution, grid),
            "edges": deletion.patch_means(controls.sobel(pixels), grid),
            "random": torch.from_numpy(random).to(self.device),
        }


def _grid(maps: Maps) -> Grid:
    """Positions of the target layer, down and across.

    They are the patches that maps are compared and deleted by.
    """
    return tuple(maps.signed[0].shape[1:])
