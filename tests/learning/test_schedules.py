"""Early stopping with restarts, and the learning rate of each step."""

import pytest
import torch
from torch import nn

from urbancam.learning.training import schedules
from urbancam.workflow.settings import settings


def walk(losses: list[float], **options) -> list[tuple[int, int, str]]:
    """(run, global epoch, what follows) for a scripted loss curve."""
    stopping = schedules.Stopping(**options)
    steps = []
    for loss in losses:
        run = stopping.run
        epoch = stopping.global_epoch
        _, following = stopping.update(loss)
        steps.append((run, epoch, following))
        if following == "end":
            break
    return steps


def test_stops_patience_epochs_after_the_best():
    got = walk([3, 2, 5, 5, 5, 5], max_epochs=30, patience=3, restarts=False)
    assert got[-1] == (0, 4, "end")  # best at 1, stops at 1 + 3


def test_restart_goes_on_after_the_best_epoch():
    # Run 0: best b = 1, stops at local epoch 4, so run 1 starts at global epoch 0 + 1 + 1 = 2.
    got = walk([3, 2, 5, 5, 5, 4, 1, 9, 9, 9], max_epochs=30, patience=3, restarts=True)
    assert got[4] == (0, 4, "restart")
    assert got[5] == (1, 2, "continue")
    assert got[9] == (1, 6, "restart")  # best at local 1, global 3


def test_a_run_that_reaches_the_last_epoch_ends_without_another():
    falling = [9, 8, 7, 6, 5, 4, 3, 2, 1]
    got = walk(falling, max_epochs=5, patience=3, restarts=True)
    assert got[-1] == (0, 4, "end")
    assert len(got) == 5


def test_no_restart_when_the_best_came_too_late():
    # Published: a restart needs b <= MAX - g - P - 1 = 1; with b = 2 the epochs run out first.
    got = walk([3, 2, 1, 9, 9, 9], max_epochs=5, patience=3, restarts=True)
    assert got[-1] == (0, 4, "end")


def make_rate(initial: float, training) -> tuple[schedules.Rate, dict]:
    """A rate of ten steps an epoch, and the optimiser's group whose "lr" it sets."""
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(1))], lr=initial)
    rate = schedules.Rate(optimiser, training, 10, initial)
    return rate, optimiser.param_groups[0]


def test_constant_rate_stays():
    training = settings.load("default", ["training.schedule=constant"]).training
    rate, group = make_rate(1e-3, training)
    for step in range(30):
        rate.before_step(step)
        rate.after_epoch(1.0, 1.0)
    assert group["lr"] == 1e-3


def test_plateau_waits_as_keras_does():
    # Keras: patience 2 lowers the rate after the second epoch without improvement.
    training = settings.load("paper").training
    rate, group = make_rate(training.learning_rate, training)
    for _ in range(3):
        rate.after_epoch(1.0, 0.0)
    assert group["lr"] == pytest.approx(2e-5)


def test_cosine_warms_up_and_comes_down():
    training = settings.load("default", ["training.epochs=5"]).training
    rate, group = make_rate(1.0, training)
    rates = []
    for step in range(50):
        rate.before_step(step)
        rates.append(group["lr"])
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] < 0.01
