"""What the network of the cities says of patches: surety, changed colours, means over sites."""

import numpy as np
import pandas as pd
import pytest
import torch

from urbancam.cities import colour, predictions
from urbancam.learning.inputs import datasets
from urbancam.learning.models import networks
from urbancam.workflow.settings import settings

NAMES = ["a", "b", "c"]


@pytest.fixture
def patches() -> pd.DataFrame:
    ids = [f"p{i}" for i in range(12)]
    sites = np.tile(["s0", "s0", "s1", "s1"], 3)
    table = pd.DataFrame({"patch_id": ids, "city": np.repeat(NAMES, 4), "site": sites})
    return table.assign(image="i.png", acquisition="one")


@pytest.fixture
def network() -> networks.Network:
    torch.manual_seed(0)
    features = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU())
    return networks.Network(features, 6, 3, 0.5)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3)).astype(np.uint8)


def predict(network, patches, images) -> tuple[pd.DataFrame, list]:
    """The table of predictions, and the changes in which the images were asked for."""
    image = settings.load("demo").cities.image
    changes = []

    def items(change):
        changes.append(change)
        return datasets.LabelledImages(images, np.arange(12), np.zeros(12, dtype=int), change)

    table, _ = predictions.predict_patches(network, patches, items, NAMES, 2, image, 1)
    return table, changes


def test_probabilities_are_those_of_the_network(network, patches, images):
    table, _ = predict(network, patches, images)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    with torch.inference_mode():
        out = network.eval()(datasets.normalise(pixels, "pretrained"))
    expected = out.softmax(1).numpy()
    assert table["probability"].to_numpy() == pytest.approx(expected.max(1), abs=1e-6)
    assert table["predicted_city"].tolist() == [NAMES[k] for k in expected.argmax(1)]

    of_truth = expected[np.arange(12), np.repeat([0, 1, 2], 4)]
    assert table["probability_true"].to_numpy() == pytest.approx(of_truth, abs=1e-6)


def test_every_change_is_shown_once_and_none_first(network, patches, images):
    _, changes = predict(network, patches, images)
    assert changes == [None, colour.jitter, colour.grey]


def test_sites_of_equal_name_keep_apart_and_get_their_means(patches):
    embeddings = np.random.default_rng(1).random((12, 5)).astype(np.float32)
    got = predictions.mean_by_site(patches.assign(fold=1), embeddings)
    assert got["city"].tolist() == ["a", "a", "b", "b", "c", "c"]
    assert got["site"].tolist() == 3 * ["s0", "s1"]
    assert got["n_patches"].tolist() == [2] * 6
    expected = embeddings.reshape(6, 2, 5).mean(axis=1)
    assert np.allclose(got.filter(regex=r"^e\d").to_numpy(), expected)


def test_a_network_of_grey_patches_is_shown_grey_ones():
    assert predictions.evaluation_colour("grey") is colour.grey
    assert predictions.evaluation_colour("jitter") is None
    assert predictions.evaluation_colour("as_is") is None
