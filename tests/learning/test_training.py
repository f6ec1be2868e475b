"""The loop: resumed it is the same training, restarted it goes on from the best epoch."""

import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

from urbancam.learning.inputs import augmentation, datasets, images
from urbancam.learning.models import heads, networks, weight_files
from urbancam.learning.training import inference, loop
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings


class Tiny(nn.Sequential):
    """Features of four channels."""

    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())


def make_images() -> np.ndarray:
    """Forty images of noise."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3))
    return pixels.astype(np.uint8)


def make_trainer(folder, fingerprint="same", changes=(), pixels=None) -> loop.Trainer:
    torch.manual_seed(0)
    recipe = settings.load("demo", ["training.epochs=6", "training.batch_size=8", *changes])
    pixels = make_images() if pixels is None else pixels
    rows = np.arange(40)
    classes = rows % 5
    train = datasets.LabelledImages(pixels, rows[:30], classes[:30], augmentation.dihedral, seed=1)
    validation = datasets.LabelledImages(pixels, rows[30:], classes[30:])
    network = networks.Network(Tiny(), 4, 1, 0.1)
    return loop.Trainer(network, train, validation, recipe, folder, fingerprint, 1, 1)


class KilledError(Exception):
    pass


def kill_after(trainer, epochs: int, monkeypatch) -> None:
    save = trainer._save_checkpoint

    def save_then_die(following):
        save(following)
        if len(trainer.history) == epochs:
            raise KilledError

    monkeypatch.setattr(trainer, "_save_checkpoint", save_then_die)


def read_weights(folder) -> dict[str, torch.Tensor]:
    return torch.load(folder / "weights.pt", weights_only=True)


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_any_number_of_classes_trains(tmp_path):
    assignments = ["training.epochs=1", "training.batch_size=8", "model.head=softmax"]
    recipe = settings.load("demo", assignments)
    items = datasets.LabelledImages(make_images(), np.arange(40), np.arange(40) % 7)
    network = networks.Network(Tiny(), 4, 7, 0.0)
    loop.Trainer(network, items, items, recipe, tmp_path, "one", 1, 1).fit()
    embeddings = inference.predict(network, items, recipe.image, 1, network.embed)
    got = inference.predict(network, items, recipe.image, 1)
    assert got.shape == (40, 7)
    assert torch.equal(network.linear(embeddings), got)


def test_t12_resumed_training_equals_a_clean_one(tmp_path, monkeypatch):
    clean = make_trainer(tmp_path / "clean").fit()
    killed = make_trainer(tmp_path / "killed")
    kill_after(killed, 3, monkeypatch)
    with pytest.raises(KilledError):
        killed.fit()
    resumed = make_trainer(tmp_path / "killed").fit()
    pd.testing.assert_frame_equal(resumed.drop(columns="seconds"), clean.drop(columns="seconds"))
    assert equal(read_weights(tmp_path / "clean"), read_weights(tmp_path / "killed"))


def test_images_decoded_on_the_fly_train_the_same_network(tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(40)]
    for pixels, file in zip(make_images(), files, strict=True):
        Image.fromarray(pixels).save(file)
    cached = images.open_cache(tmp_path / "cache.npy", files, 12, "bilinear", workers=1)
    on_the_fly = images.DecodedImages(files, 12, "bilinear", workers=1)
    changes = ["training.epochs=2"]
    first = make_trainer(tmp_path / "cached", changes=changes, pixels=cached).fit()
    second = make_trainer(tmp_path / "decoded", changes=changes, pixels=on_the_fly).fit()
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), second.drop(columns="seconds"))
    assert equal(read_weights(tmp_path / "cached"), read_weights(tmp_path / "decoded"))


@pytest.fixture
def script(monkeypatch):
    """Validation losses as scripted; collects the state of each run's best epochs."""
    losses = iter([3, 2, 5, 5, 9, 9, 9, 9, 9, 9, 9, 9])
    copy = loop._copy_state
    best_states = []

    def copy_and_collect(network):
        best_states.append(copy(network))
        return best_states[-1]

    monkeypatch.setattr(inference, "score", lambda *_: (float(next(losses)), 0.0))
    monkeypatch.setattr(loop, "_copy_state", copy_and_collect)
    return best_states


RESTARTS = [
    "training.restarts=true",
    "training.patience=2",
    "training.schedule=constant",
    "training.learning_rate=0.01",
]


def test_restarted_training_halves_the_rate_and_goes_on_after_the_best_epoch(tmp_path, script):
    history = make_trainer(tmp_path, changes=RESTARTS).fit()
    rows = history[["run", "epoch", "learning_rate"]].iloc[[3, 4]]
    assert rows.values.tolist() == [[0, 3, 0.01], [1, 2, 0.005]]


def test_restarted_training_starts_from_the_best_weights_and_keeps_the_best_run(
    tmp_path, script, monkeypatch
):
    trainer = make_trainer(tmp_path, changes=RESTARTS)
    train = trainer._train_epoch
    states_before = []

    def train_and_collect():
        state = trainer.network.state_dict()
        states_before.append({name: tensor.clone() for name, tensor in state.items()})
        return train()

    monkeypatch.setattr(trainer, "_train_epoch", train_and_collect)
    trainer.fit()
    best = script[1]  # of epoch 1, whose loss is 2
    assert equal(best, states_before[4])  # epoch 4 is the first after the restart
    assert equal(best, read_weights(tmp_path))


def test_resumed_training_does_not_say_that_it_starts(tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO", loop.log.name)
    killed = make_trainer(tmp_path)
    kill_after(killed, 2, monkeypatch)
    with pytest.raises(KilledError):
        killed.fit()
    assert "starts from random weights" in caplog.text
    caplog.clear()
    make_trainer(tmp_path).fit()
    assert "goes on after epoch 2" in caplog.text and "starts from" not in caplog.text


def test_checkpoint_of_other_settings_is_not_gone_on_with(tmp_path, monkeypatch):
    killed = make_trainer(tmp_path, "old")
    kill_after(killed, 3, monkeypatch)
    with pytest.raises(KilledError):
        killed.fit()
    assert len(make_trainer(tmp_path, "new").fit()) == 6


def test_training_that_diverges_says_so(tmp_path):
    trainer = make_trainer(tmp_path)
    torch.nn.init.constant_(trainer.network.linear.weight, torch.nan)
    with pytest.raises(InputError, match="diverged(.|\n)*lower training.learning_rate"):
        trainer.fit()


def weighted_loss(out, classes, weights) -> float:
    """Keras's `class_weight`, one image at a time.

    Every loss times its class's weight, over the number of images.
    """
    total = 0.0
    for row, k in zip(out, classes.tolist(), strict=True):
        total += weights[k] * F.cross_entropy(row[None], torch.tensor([k])).item()
    return total / len(classes)


def test_class_weights_weight_each_image_and_divide_by_their_number():
    out = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([0, 1, 2, 3, 4, 4, 0])
    weights = torch.tensor([2.0, 1, 1, 1, 3])
    got = loop.training_loss(heads.HEADS["softmax"], out, classes, weights)
    expected = weighted_loss(out, classes, weights.tolist())
    assert got.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["binomial", "softmax"])
def test_equal_class_weights_change_nothing(name):
    head = heads.HEADS[name]
    out = torch.randn(6, head.outputs, generator=torch.Generator().manual_seed(1))
    classes = torch.tensor([0, 1, 2, 3, 4, 4])
    got = loop.training_loss(head, out, classes, torch.ones(5))
    expected = loop.training_loss(head, out, classes, None)
    assert torch.allclose(got, expected)


def test_class_weights_weight_the_loss_of_training_alone(tmp_path):
    changes = ["training.epochs=1", "training.learning_rate=1e-12"]
    weights = "training.class_weights=[9, 9, 9, 9, 9]"
    plain = make_trainer(tmp_path / "plain", changes=changes).fit().iloc[0]
    weighted = make_trainer(tmp_path / "weighted", changes=[*changes, weights]).fit().iloc[0]
    assert weighted["train_loss"] == pytest.approx(9 * plain["train_loss"], rel=1e-4)
    assert weighted["validation_loss"] == pytest.approx(plain["validation_loss"], rel=1e-4)


@pytest.mark.slow
def test_compiled_training_learns_as_the_plain_one_and_leaves_plain_weights(tmp_path):
    if not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler")
    losses = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="torch")
        for flag in ("false", "true"):
            changes = [f"training.compile={flag}", "training.epochs=2"]
            trainer = make_trainer(tmp_path / flag, changes=changes)
            trainer.network.dropout.p = 0.0  # compiled, it draws other numbers
            losses[flag] = trainer.fit()["train_loss"].tolist()
    assert losses["true"] == pytest.approx(losses["false"], rel=1e-3)
    got = weight_files.read_state(tmp_path / "true" / "weights.pt", "weights")
    assert list(got) == list(read_weights(tmp_path / "false"))


def test_compiling_without_a_compiler_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="needs a C compiler"):
        make_trainer(tmp_path, changes=["training.compile=true"])
