"""Relevance of raw patches: their maps on pixels, and what is said of them."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from urbancam.cities import patch_relevance
from urbancam.cities.relevance import LAYERS
from urbancam.learning.models import networks


def network_of_brightness() -> networks.Network:
    """Its first class is the brightness of 8 x 8 pixels, the second nothing."""
    without_blocks = {layer: nn.Sequential() for layer in LAYERS}
    features = nn.Sequential(OrderedDict(pool=nn.AvgPool2d(8), **without_blocks))
    network = networks.Network(features, 3, 2, 0.0)
    network.linear.weight.data.copy_(torch.tensor([[1.0, 1, 1], [0, 0, 0]]))
    return network.eval()


def test_bright_corner_speaks_in_that_corner():
    patch = np.full((1, 64, 64, 3), 130, np.uint8)
    patch[:, :32, :32] = 250
    network = network_of_brightness()
    (got,) = patch_relevance.map_patches(network, patch, ["layer4"], "min_max")
    signed = got.signed["layer4"]
    assert got.target == 0
    assert got.logits.shape == (2,)
    assert got.total["layer4"] == pytest.approx(1)
    assert signed[:24, :24].min() > signed[40:, 40:].max()
    assert (got.shown["layer4"].min(), got.shown["layer4"].max()) == (0, 1)


def test_description_of_a_patch_by_hand():
    maps = patch_relevance.PatchMaps(
        logits=np.array([0.5, 2.5]),
        target=0,
        total={"layer4": 0.5},
        signed={"layer4": np.diag([2.0, 6, 0, -8])},
        shown={},
    )
    (got,) = maps.describe(["Ays", "Bee"])
    assert (got["predicted_city"], got["target"], got["target_logit"]) == ("Bee", "Ays", 0.5)
    assert (got["map_min"], got["map_mean"], got["map_max"]) == (-8, 0, 6)
    assert (got["relevance_sum"], got["positive_share"], got["masked_share"]) == (0.5, 0.5, 1 / 16)
    assert got["centre_share"] == 0.75  # of rows and columns 1 and 2
