"""The linear unit alone: the features stay and are computed once, and the network is whole."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from urbancam.learning.inputs import datasets
from urbancam.learning.models import networks
from urbancam.learning.training import frozen, income
from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.planning import costs, rates
from urbancam.workflow.settings import settings

CELLS = 200
ASKED = [
    "training.frozen=true",
    "training.augment=none",
    "training.epochs=40",
    "training.batch_size=50",
    "training.learning_rate=0.002",
    "training.patience=40",
    "model.backbone=resnet18",
]


def recipe(*assignments: str):
    return settings.load("demo-tiny", [*ASKED, *assignments])


def make_images() -> tuple[np.ndarray, np.ndarray]:
    """Images with more red in them the higher their class."""
    random = np.random.default_rng(0)
    classes = np.arange(CELLS) % 5
    images = random.integers(0, 120, (CELLS, 32, 32, 3)).astype(np.uint8)
    images[..., 0] += (25 * classes[:, None, None]).astype(np.uint8)
    return images, classes


@pytest.fixture
def paths(tmp_path) -> Paths:
    city = Paths(tmp_path / "data", tmp_path / "results", "Demo", "frozen")
    frames.write(pd.DataFrame({"idINSPIRE": ["a"], "path": ["a.png"]}), city.images_table)
    return city


def cells_of(paths: Paths, fold: int = 0) -> income.FoldCells:
    images, classes = make_images()
    role = np.where(np.arange(CELLS) % 4 == fold, "test", "train").astype(object)
    role[::7] = "validation"
    samples = pd.DataFrame(
        {"idINSPIRE": np.arange(CELLS), "income_class": classes, "role": role, "row": range(CELLS)}
    )
    return income.FoldCells(fold, 3000 + fold, samples, datasets.StackedImages([images]), [paths])


def train(paths: Paths, asked, fold: int = 0):
    folder = paths.fold(fold)
    folder.mkdir(parents=True, exist_ok=True)
    learner, seen = income.build_learner(cells_of(paths, fold), asked, "cpu", 1)
    before = {name: value.clone() for name, value in seen.network.features.state_dict().items()}
    history = income.train_fold(learner, seen, asked, folder, "same", 1)
    return learner, seen, history, before


@pytest.mark.slow
@pytest.mark.parametrize("head", ["binomial", "softmax"])
def test_weights_on_disk_predict_from_images_what_the_unit_does_from_features(paths, head):
    asked = recipe(f"model.head={head}")
    learner, seen, history, before = train(paths, asked)
    features = seen.network.features.state_dict()
    assert all(torch.equal(features[name], value) for name, value in before.items())
    got = income.predict_role(learner, seen, "test", asked.image, head, 1)

    network = networks.load(paths.weights(0), asked.model)
    cells = cells_of(paths)
    expected = income.predict_role(network, cells, "test", asked.image, head, 1)
    np.testing.assert_allclose(got["p"], expected["p"], atol=1e-5)
    observed = cells.of_role("test")["income_class"]
    assert np.corrcoef(got["p"], observed)[0, 1] > 0.8
    assert history["validation_loss"].idxmin() > 0


def test_features_are_computed_once_and_are_those_of_every_fold(paths, monkeypatch):
    asked = recipe()
    _, first = income.build_learner(cells_of(paths, 0), asked, "cpu", 1)
    monkeypatch.setattr(networks.Network, "embed", None)
    _, second = income.build_learner(cells_of(paths, 1), asked, "cpu", 1)
    rows = range(CELLS)
    assert all(np.array_equal(first.images[row], second.images[row]) for row in rows)
    assert len(list(paths.cache.glob("embeddings_*.npy"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("change", ["seed=1", "image.normalise=min_max", "model.backbone=resnet34"])
def test_other_weights_or_colours_have_features_of_their_own(paths, change):
    cells = cells_of(paths)
    income.build_learner(cells, recipe(), "cpu", 1)
    if change == "seed=1":
        cells = income.FoldCells(0, 1000, cells.samples, cells.images, cells.cities)
    income.build_learner(cells, recipe(change), "cpu", 1)
    assert len(list(paths.cache.glob("embeddings_*.npy"))) == 2


def test_unit_that_is_folded_back_says_the_same_and_a_constant_channel_nothing():
    seen = np.random.default_rng(0).normal([5, -3, 2], [0.1, 40, 0], (50, 3)).astype(np.float32)
    network = networks.Network(nn.Identity(), 3, 1, 0.0)
    unit = frozen.UnitAlone(network, seen)
    standardised = unit.normalised(torch.from_numpy(seen), "pretrained")
    assert standardised.std(0, correction=0).tolist() == pytest.approx([1, 1, 0], abs=1e-4)
    expected = unit(standardised).detach()
    unit.fold_back()
    got = network.linear(torch.from_numpy(seen)).detach()
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    assert network.linear.weight[0, 2] == 0
    again = unit(unit.normalised(torch.from_numpy(seen), "pretrained")).detach()
    torch.testing.assert_close(again, got)


def test_views_that_would_change_the_features_are_refused():
    with pytest.raises(InputError, match="augment: none"):
        settings.load("demo-tiny", ["training.frozen=true"])
    with pytest.raises(InputError, match="cities.training.frozen"):
        settings.load("demo-tiny", ["cities.training.frozen=true", "cities.training.augment=none"])


def test_run_frozen_fits_the_patches_of_usual_transformers():
    for name in ("timm/vit_small_patch14_dinov2", "timm/vit_small_patch16_dinov3"):
        assert settings.load("frozen", [f"model.backbone={name}"]).training.frozen


def test_a_training_on_frozen_features_is_a_look_at_each_image():
    model = ["model.backbone=timm/vit_small_patch14_dinov2.lvd142m"]
    usual = settings.load("default", ["image.size_px=224", *model])
    lone = settings.load("frozen", model)
    look_s = rates.LOOK_SHARE * 0.47
    assert costs.fold_s(lone, 1000, of_cities=False) == pytest.approx(1000 * look_s)
    assert costs.fold_s(usual, 1000, of_cities=False) > 50 * 1000 * look_s
