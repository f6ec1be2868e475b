"""From positions to pixels: sums that stay, peaks of one, percentiles as numpy has them."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from urbancam.explaining import upsampling
from urbancam.explaining.receptive_fields import Lattice, equal_parts


def random_maps(size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, size, size, dtype=torch.float64, generator=generator)


def test_interpolation_between_equal_parts_is_the_published_one():
    positions = random_maps(5)
    published = F.interpolate(positions[:, None], size=(33, 33), mode="bilinear")[:, 0]
    got = upsampling.interpolate(positions, equal_parts(33, 5), 33)
    assert torch.allclose(got, published)


def test_interpolated_map_has_each_value_at_its_centre():
    positions = random_maps(3)
    got = upsampling.interpolate(positions, Lattice(7.5, 8), 24)  # centres of pixels 7, 15 and 23
    assert torch.allclose(got[:, 7::8, 7::8], positions)
    assert torch.allclose(got[:, :8, :8], positions[:, :1, :1])  # before the first: its value


@pytest.mark.parametrize("first_px", [0.5, 15.5, 31.5, 47.5, -20.0])
def test_spread_keeps_all_sums_wherever_the_centres_are(first_px):
    positions = random_maps(3)
    spread = upsampling.spread_evenly(positions, Lattice(first_px, 32), 70)
    assert torch.allclose(spread.sum((1, 2)), positions.sum((1, 2)))


def test_pixel_belongs_to_the_nearest_centre_and_edges_are_stretched():
    # Centres at 31.5, 63.5, ... 511.5 px, EfficientNet's: the first part is 47 px, the last 17.
    row = upsampling.position_of_pixel(Lattice(31.5, 32), 512, 16)
    assert torch.bincount(row).tolist() == [47] + [32] * 14 + [17]
    centres = 31.5 + 32 * np.arange(16)
    nearest = np.abs(np.arange(512)[:, None] + 0.5 - centres).argmin(1)
    undecided = (np.arange(512) + 0.5 - 47.5) % 32 == 0  # as near to two centres
    assert np.array_equal(row[~undecided], nearest[~undecided])


def test_spread_keeps_the_sum_of_every_position():
    positions = random_maps(2)
    spread = upsampling.spread_evenly(positions, equal_parts(5, 2), 5)  # no whole positions
    assert torch.allclose(spread[:, :2, :2].sum((1, 2)), positions[:, 0, 0])
    assert torch.allclose(spread[:, 2:, 2:].sum((1, 2)), positions[:, 1, 1])


def test_map_without_anything_positive_stays_zero():
    maps = torch.stack([torch.zeros(3, 3), torch.full((3, 3), 4.0)])
    assert upsampling.peak_scaled(maps).amax((1, 2)).tolist() == [0, 1]


def test_maps_are_cut_at_numpys_percentile():
    maps = random_maps(7)
    for percentile in (0, 90, 99.9, 100):
        expected = [np.minimum(each, np.percentile(each, percentile)) for each in maps.numpy()]
        assert np.allclose(upsampling.clip(maps, percentile).numpy(), expected)
