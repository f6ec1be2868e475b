"""From positions to pixels: sums that stay, peaks of one, percentiles as numpy has them."""

import numpy as np
import torch

from urbancam.explaining import upsampling


def random_maps(size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, size, size, dtype=torch.float64, generator=generator)


def test_spread_keeps_the_sum_of_every_position():
    positions = random_maps(2)
    spread = upsampling.spread_evenly(positions, 5)  # 5 px are not whole positions
    assert torch.allclose(spread[:, :2, :2].sum((1, 2)), positions[:, 0, 0])
    assert torch.allclose(spread[:, 2:, 2:].sum((1, 2)), positions[:, 1, 1])


def test_map_without_anything_positive_stays_zero():
    maps = torch.stack([torch.zeros(3, 3), torch.full((3, 3), 4.0)])
    assert upsampling.peak_scaled(maps).amax((1, 2)).tolist() == [0, 1]


def test_maps_are_cut_at_numpys_percentile():
    maps = random_maps(7)
    expected = [np.minimum(values, np.percentile(values, 90)) for values in maps.numpy()]
    assert np.allclose(upsampling.clip(maps, 90).numpy(), expected)
