"""Early stopping with restarts, batches, and resume after a kill."""

import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from urbancam.learning import (
    augmentation,
    datasets,
    heads,
    inference,
    networks,
    schedules,
    training,
    weight_files,
)
from urbancam.learning.batches import BatchSchedule
from urbancam.workflow import settings
from urbancam.workflow.errors import InputError


def walk(losses: list[float], **options) -> list[tuple[int, int, str]]:
    """(run, global epoch, what follows) for a scripted loss curve."""
    stopping, seen = schedules.Stopping(**options), []
    for loss in losses:
        run, epoch = stopping.run, stopping.global_epoch
        _, following = stopping.update(loss)
        seen.append((run, epoch, following))
        if following == "end":
            break
    return seen


def test_stops_patience_epochs_after_the_best():
    got = walk([3, 2, 5, 5, 5, 5], max_epochs=30, patience=3, restarts=False)
    assert got[-1] == (0, 4, "end")  # best at 1, stops at 1 + 3


def test_restart_goes_on_after_the_best_epoch():
    # Run 0: best b = 1, stops at local epoch 4, so run 1 starts at global epoch 0 + 1 + 1 = 2.
    got = walk([3, 2, 5, 5, 5, 4, 1, 9, 9, 9], max_epochs=30, patience=3, restarts=True)
    assert got[4] == (0, 4, "restart") and got[5] == (1, 2, "continue")
    assert got[9] == (1, 6, "restart")  # best at local 1, global 3


def test_a_run_that_reaches_the_last_epoch_ends_without_another():
    got = walk([9 - e for e in range(9)], max_epochs=5, patience=3, restarts=True)
    assert got[-1] == (0, 4, "end") and len(got) == 5


def test_no_restart_when_the_best_came_too_late():
    # Published: a restart needs b <= MAX - g - P - 1 = 1; with b = 2 the epochs run out first.
    got = walk([3, 2, 1, 9, 9, 9], max_epochs=5, patience=3, restarts=True)
    assert got[-1] == (0, 4, "end")


def test_balanced_batches_hold_each_class_twice_without_repeats():
    classes = np.repeat(np.arange(5), [10, 12, 14, 16, 18])
    schedule = BatchSchedule(classes, 10, 250, balanced=True, seed=0)
    first = schedule.epoch(0)
    assert len(first) == 250
    assert all((np.bincount(classes[batch]) == 2).all() for batch in first)
    assert (
        len(set(np.concatenate(first[:5])[classes[np.concatenate(first[:5])] == 0])) == 10
    )  # one full pass


def test_virtual_epochs_run_on_where_the_last_one_stopped():
    schedule = BatchSchedule(np.zeros(12), 4, 2, balanced=False, seed=0)
    got = np.concatenate([*schedule.epoch(0), *schedule.epoch(1)])[:12]
    assert sorted(got) == list(range(12))


def test_whole_epochs_visit_every_item_and_leave_no_batch_of_one():
    schedule = BatchSchedule(np.zeros(9), 4, None, balanced=False, seed=0)
    assert [len(batch) for batch in schedule.epoch(0)] == [4, 4]
    assert sorted(np.concatenate(BatchSchedule(np.zeros(10), 4, None, False, 0).epoch(3))) == list(
        range(10)
    )


def test_drawn_epochs_are_as_long_as_the_data_and_balanced_on_average():
    classes = np.repeat([0, 1, 2], [700, 200, 100])
    batches = BatchSchedule(classes, 128, None, balanced="drawn", seed=0).epoch(0)
    assert [len(batch) for batch in batches] == [128] * 7 + [104]
    drawn = np.concatenate(batches)
    assert np.allclose(np.bincount(classes[drawn]) / len(drawn), 1 / 3, atol=0.06)


def test_drawn_items_of_a_class_are_alike_likely():
    schedule = BatchSchedule(np.repeat([0, 1], [3, 9]), 12, 1000, balanced="drawn", seed=0)
    got = np.bincount(np.concatenate(schedule.epoch(0))) / 12_000
    assert np.allclose(got, np.repeat([1 / 6, 1 / 18], [3, 9]), atol=0.01)
    assert not np.array_equal(schedule.epoch(0)[0], schedule.epoch(1)[0])


def test_any_number_of_classes_trains(tmp_path):
    made = settings.load(
        "demo", ["training.epochs=1", "training.batch_size=8", "model.head=softmax"]
    )
    images = np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3)).astype(np.uint8)
    items = datasets.LabelledImages(images, np.arange(40), np.arange(40) % 7)
    network = networks.Network(Tiny(), 4, 7, 0.0)
    training.Trainer(network, items, items, made, tmp_path, "one", 1, 1).fit()
    embedded = inference.predict(network, items, made, 1, network.embed)
    got = inference.predict(network, items, made, 1)
    assert got.shape == (40, 7) and torch.equal(network.linear(embedded), got)


def test_constant_rate_stays():
    made = settings.load("default", ["training.schedule=constant"]).training
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=1e-3)
    rate = schedules.Rate(optimiser, made, 10, 1e-3)
    for step in range(30):
        rate.before_step(step)
        rate.after_epoch(1.0, 1.0)
    assert optimiser.param_groups[0]["lr"] == 1e-3


def test_dihedral_keeps_the_pixels_and_covers_the_eight():
    image = np.arange(12).reshape(2, 2, 3)
    seen = {augmentation.dihedral(image, np.random.default_rng(s)).tobytes() for s in range(200)}
    assert len(seen) == 8


def test_min_max_is_over_the_whole_image():
    image = torch.tensor([[[[10.0]], [[20.0]], [[30.0]]]])
    assert datasets.normalise(image, "min_max").flatten().tolist() == pytest.approx([0, 0.5, 1])


class Tiny(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())


def make_trainer(folder, fingerprint="same", changes=()) -> training.Trainer:
    torch.manual_seed(0)
    made = settings.load("demo", ["training.epochs=6", "training.batch_size=8", *changes])
    images = np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3)).astype(np.uint8)
    classes = np.arange(40) % 5
    train = datasets.LabelledImages(
        images, np.arange(30), classes[:30], augmentation.dihedral, seed=1
    )
    validation = datasets.LabelledImages(images, np.arange(30, 40), classes[30:])
    network = networks.Network(Tiny(), 4, 1, 0.1)
    return training.Trainer(network, train, validation, made, folder, fingerprint, 1, 1)


class KilledError(Exception):
    pass


def kill_after(trainer, epochs: int, monkeypatch) -> None:
    save = trainer._save_checkpoint

    def save_then_die(following):
        save(following)
        if len(trainer.history) == epochs:
            raise KilledError

    monkeypatch.setattr(trainer, "_save_checkpoint", save_then_die)


def test_t12_resumed_training_equals_a_clean_one(tmp_path, monkeypatch):
    clean = make_trainer(tmp_path / "clean").fit()
    killed = make_trainer(tmp_path / "killed")
    kill_after(killed, 3, monkeypatch)
    with pytest.raises(KilledError):
        killed.fit()
    resumed = make_trainer(tmp_path / "killed").fit()
    pd.testing.assert_frame_equal(resumed.drop(columns="seconds"), clean.drop(columns="seconds"))
    weights = [
        torch.load(tmp_path / name / "weights.pt", weights_only=True)
        for name in ("clean", "killed")
    ]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_restarted_training_halves_the_rate_goes_on_from_the_best_and_keeps_the_best_run(
    tmp_path, monkeypatch
):
    losses, copy, best, begun = (
        iter([3, 2, 5, 5, 9, 9, 9, 9, 9, 9, 9, 9]),
        training._copy_state,
        [],
        [],
    )
    monkeypatch.setattr(inference, "score", lambda *_: (float(next(losses)), 0.0))
    monkeypatch.setattr(
        training, "_copy_state", lambda network: best.append(copy(network)) or best[-1]
    )
    wanted = ["restarts=true", "patience=2", "schedule=constant", "learning_rate=0.01"]
    trainer = make_trainer(tmp_path, changes=[f"training.{assignment}" for assignment in wanted])
    train = trainer._train_epoch
    monkeypatch.setattr(
        trainer, "_train_epoch", lambda: begun.append(copy(trainer.network)) or train()
    )
    history = trainer.fit()
    assert history[["run", "epoch", "learning_rate"]].iloc[[3, 4]].values.tolist() == [
        [0, 3, 0.01],
        [1, 2, 0.005],
    ]
    kept = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert all(
        torch.equal(best[1][key], begun[4][key]) and torch.equal(best[1][key], kept[key])
        for key in kept
    )


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


def test_plateau_waits_as_keras_does():
    made = settings.load("paper").training
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=made.learning_rate)
    rate = schedules.Rate(optimiser, made, 10, made.learning_rate)
    for loss in (
        1.0,
        1.0,
        1.0,
    ):  # Keras: patience 2 lowers the rate after the second epoch without improvement
        rate.after_epoch(loss, 0.0)
    assert optimiser.param_groups[0]["lr"] == pytest.approx(2e-5)


def test_cosine_warms_up_and_comes_down():
    made = settings.load("default", ["training.epochs=5"]).training
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=1.0)
    rate, seen = schedules.Rate(optimiser, made, 10, 1.0), []
    for step in range(50):
        rate.before_step(step)
        seen.append(optimiser.param_groups[0]["lr"])
    assert seen[0] == pytest.approx(0.1) and max(seen) == pytest.approx(1.0) and seen[-1] < 0.01


def weighted_loss(out, classes, weights) -> float:
    """Keras's `class_weight`, one image at a time: every loss times its class's weight, over the number of images."""
    total = 0.0
    for row, k in zip(out, classes.tolist(), strict=True):
        total += weights[k] * F.cross_entropy(row[None], torch.tensor([k])).item()
    return total / len(classes)


def test_class_weights_weight_each_image_and_divide_by_their_number():
    out = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    classes, weights = torch.tensor([0, 1, 2, 3, 4, 4, 0]), torch.tensor([2.0, 1, 1, 1, 3])
    got = training.training_loss(heads.HEADS["softmax"], out, classes, weights)
    assert got.item() == pytest.approx(weighted_loss(out, classes, weights.tolist()), rel=1e-6)


@pytest.mark.parametrize("head", ["binomial", "softmax"])
def test_equal_class_weights_change_nothing(head):
    head = heads.HEADS[head]
    out = torch.randn(6, head.outputs, generator=torch.Generator().manual_seed(1))
    classes = torch.tensor([0, 1, 2, 3, 4, 4])
    got = training.training_loss(head, out, classes, torch.ones(5))
    assert torch.allclose(got, training.training_loss(head, out, classes, None))


def test_class_weights_weight_the_loss_of_training_alone(tmp_path):
    weights = [
        "training.class_weights=[9, 9, 9, 9, 9]",
        "training.epochs=1",
        "training.learning_rate=1e-12",
    ]
    plain, weighted = (
        make_trainer(tmp_path / str(n), changes=weights[n:]).fit().iloc[0] for n in (1, 0)
    )
    assert weighted["train_loss"] == pytest.approx(9 * plain["train_loss"], rel=1e-4)
    assert weighted["validation_loss"] == pytest.approx(plain["validation_loss"], rel=1e-4)


@pytest.mark.slow
def test_compiled_training_learns_as_the_plain_one_and_leaves_plain_weights(tmp_path):
    if not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="torch")
        plain, fast = (
            make_trainer(tmp_path / flag, changes=[f"training.compile={flag}", "training.epochs=2"])
            for flag in ("false", "true")
        )
        for trainer in (plain, fast):
            trainer.network.dropout.p = 0.0  # compiled, it draws other numbers
        losses = [trainer.fit()["train_loss"].tolist() for trainer in (plain, fast)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    got = weight_files.read_state(tmp_path / "true" / "weights.pt", "weights")
    assert list(got) == list(plain.network.state_dict())


def test_compiling_without_a_compiler_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="needs a C compiler"):
        make_trainer(tmp_path, changes=["training.compile=true"])
