"""Maps of many linear units on the features of one network, and what of them each class gets.

A linear unit on features that stay as they are changes nothing below the last layer, so one forward
pass serves all units: contributions are exact, as in `activation.py`, and so is Grad-CAM's map,
since from its target layer to the features every channel goes its own way. The published map is
Grad-CAM's times the input gradient; that would take a backward pass per unit, and is left out: here
a unit's map is what the controls call `map_alone`, unclipped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from urbancam.explaining import activation, pixel_maps, receptive_fields
from urbancam.explaining.receptive_fields import Lattice
from urbancam.explaining.unit_moments import UnitMoments
from urbancam.explaining.upsampling import positive_part, spread_evenly
from urbancam.learning.models import backbones, networks
from urbancam.scoring import bootstrap
from urbancam.sources.landcover.fragments import FragmentsOfCells, label_raster
from urbancam.tables import grid
from urbancam.workflow import progress
from urbancam.workflow.settings.sections import Activation
from urbancam.workflow.settings.settings import Settings

SUMS = ("contribution", "poor_share", "rich_share")  # of the cells' classes, a column each


@dataclass
class UnitMaps:
    """Maps of P units for a batch of B cells.

    Attributes:
        signed: (B, P, h, w) Grad-CAM's map toward rich, up to a positive factor of each cell.
        contribution: (B, P, h', w') logit units; its sum over positions is the logit less its bias.
        lattice: Where the positions of `signed` are laid.
        contribution_lattice: Where those of `contribution` are.
    """

    signed: torch.Tensor
    contribution: torch.Tensor
    lattice: Lattice
    contribution_lattice: Lattice


@contextmanager
def cut_below(module: nn.Module) -> Iterator[list[torch.Tensor]]:
    """The outputs of a module during the block, as leaves that gradients are taken at."""
    outputs: list[torch.Tensor] = []

    def cut(_module: nn.Module, _inputs: tuple, output: torch.Tensor) -> torch.Tensor:
        outputs.append(output.detach().requires_grad_())
        return outputs[-1]

    handle = module.register_forward_hook(cut)
    try:
        yield outputs
    finally:
        handle.remove()


def maps_of_units(
    network: networks.Network,
    images: torch.Tensor,
    weights: torch.Tensor,
    target_layer: str,
    activation_settings: Activation,
) -> UnitMaps:
    """Grad-CAM's map toward rich, and the contributions, of P linear units.

    Args:
        network: Network whose features the units see.
        images: (B, 3, H, W) normalised.
        weights: (P, C) weights of the units.
        target_layer: Name of the module below `network.features` that Grad-CAM looks at.
        activation_settings: Section `activation`.
    """
    module = network.features.get_submodule(target_layer)
    with activation.frozen(network), cut_below(module) as layers:
        features = network.features(images)
    layer = layers[0]
    assert layer.shape == features.shape, "channels do not go their own way to the features"
    (slope,) = torch.autograd.grad(features.sum(), layer)
    layer = layer.detach()
    features = features.detach()

    channel_slope = slope.mean((2, 3))
    signed = torch.einsum("pc,bc,bcij->bpij", weights, channel_slope, layer)
    if activation_settings.centre:
        signed = signed - signed.mean((2, 3), keepdim=True)
    positions = features.shape[2] * features.shape[3]
    contribution = torch.einsum("pc,bcij->bpij", weights, features) / positions

    lattices = [
        receptive_fields.lay(
            activation_settings.positions, network.features, name, images.shape[-1], maps.shape[-1]
        )
        for name, maps in ((target_layer, signed), ("", contribution))
    ]
    return UnitMaps(signed.cpu(), contribution.cpu(), *lattices)


def sum_units(
    cells: pd.DataFrame,
    images: np.ndarray,
    rows: np.ndarray,
    network: networks.Network,
    weights: dict[int, np.ndarray],
    fragments: FragmentsOfCells,
    moments: UnitMoments,
    settings: Settings,
) -> tuple[pd.DataFrame, np.ndarray]:
    """What each class of each cell gets of the maps of the units of the cell's fold.

    Args:
        cells: (N,) `idINSPIRE, fold`.
        images: (M, H, W, 3) uint8.
        rows: (N,) row of each cell's image.
        network: Network whose features the units see, on its device.
        weights: Fold -> (P, C) weights of its units.
        fragments: Fragments of each cell, cell by cell.
        moments: Gets the moments of the places within each cell.
        settings: Settings of the run.

    Returns:
        R rows `idINSPIRE`, the column `landcover.key`, `area_m2`; and (R, P, 3) the `SUMS` of each
        row and unit.
    """
    ids, classes, areas_m2, sums = [], [], [], []
    batch_size = pixel_maps.cells_at_once(settings.image.size_px)
    with progress.bar(total=len(cells), unit="cell", desc="plants") as bar:
        for fold, members in cells.groupby("fold"):
            units = torch.tensor(weights[fold], dtype=torch.float32)
            for start in range(0, len(members), batch_size):
                batch = members.iloc[start : start + batch_size]
                maps = _maps_of_batch(network, images[rows[batch.index]], units, settings)
                for place, cell in enumerate(batch["idINSPIRE"]):
                    own, area_m2, inside = _classes_of_cell(fragments[cell], cell, settings)
                    contribution = _spread(maps, place, settings.image.size_px)
                    ids += [cell] * len(own)
                    classes += own
                    areas_m2.append(area_m2)
                    sums.append(_sums_of_cell(maps, place, contribution, inside))
                    if own:
                        moments.add(
                            cell,
                            own,
                            inside.reshape(-1, *contribution.shape[1:]),
                            contribution.numpy(),
                            maps.contribution.shape[-1],
                        )
                bar.update(len(batch))
    # One table for all cells: one for each took 20 kB a cell.
    columns = {"idINSPIRE": ids, settings.landcover.key: classes}
    return pd.DataFrame(columns | {"area_m2": np.concatenate(areas_m2)}), np.concatenate(sums)


def _maps_of_batch(
    network: networks.Network, images_uint8: np.ndarray, units: torch.Tensor, settings: Settings
) -> UnitMaps:
    """`maps_of_units` of raw images (B, H, W, 3)."""
    device = next(network.parameters()).device
    pixels = pixel_maps.pixels_of(images_uint8, device)
    images = network.normalised(pixels, settings.image.normalise)
    target_layer = backbones.find_backbone(settings.model.backbone).target_layer
    return maps_of_units(network, images, units.to(device), target_layer, settings.activation)


def _classes_of_cell(
    fragments: pd.DataFrame, cell: str, settings: Settings
) -> tuple[list, np.ndarray, np.ndarray]:
    """The U classes of a cell; (U,) their areas, m2; and (U, H * W) float32: 1 where a pixel is of
    the class."""
    key = settings.landcover.key
    size_px = settings.image.size_px
    labels = label_raster(fragments["geometry"].to_numpy(), grid.bounds(cell), size_px)
    number, classes = pd.factorize(fragments[key], sort=True)
    area_m2 = np.bincount(number, fragments["area_m2"], len(classes))
    # Label 0 is covered by nothing.
    class_of_label = np.concatenate([[-1], number])
    class_of_pixel = class_of_label[labels.ravel()]
    inside = class_of_pixel == np.arange(len(classes))[:, None]
    return list(classes), area_m2, inside.astype(np.float32)


def _spread(maps: UnitMaps, place: int, size_px: int) -> torch.Tensor:
    """(P, H, W) contributions of a cell's pixels."""
    return spread_evenly(maps.contribution[place], maps.contribution_lattice, size_px)


def _sums_of_cell(
    maps: UnitMaps, place: int, contribution: torch.Tensor, inside: np.ndarray
) -> np.ndarray:
    """(U, P, 3) the `SUMS` of the classes of a cell.

    Args:
        maps: Maps of the cell's batch.
        place: Place of the cell in it.
        contribution: (P, H, W) contributions of the cell's pixels.
        inside: (U, H * W) 1 where a pixel is of the class.
    """
    side_px = contribution.shape[-1]
    members = torch.from_numpy(inside)
    signed = maps.signed[place]
    on_pixels = [
        contribution,
        positive_part(-signed, maps.lattice, side_px),
        positive_part(signed, maps.lattice, side_px),
    ]
    sums = torch.stack([members @ each.flatten(1).T for each in on_pixels], dim=-1)
    sums = sums.double().numpy()
    # Shares of the cell's map on its land cover; no share of nothing.
    total = sums[..., 1:].sum(axis=0)
    sums[..., 1:] = bootstrap.divide(sums[..., 1:], total)
    return sums
