"""When to stop, when to start again, and at what learning rate."""

import math
from dataclasses import dataclass, field

import torch

from urbancam.workflow.settings.sections import Training


@dataclass
class Stopping:
    """Early stopping with the published restart rule, fed one validation loss an epoch.

    Epochs are counted from 0. Let a run start at global epoch g and have its best validation loss
    at its local epoch b. It stops when `patience` epochs passed without improvement. Without
    `restarts` that is the end. With them training goes on from the best weights at global epoch g +
    b + 1 with half the learning rate, until `max_epochs`; a run that reaches `max_epochs` ends
    without another.
    """

    max_epochs: int
    patience: int
    restarts: bool
    run: int = 0
    start: int = 0  # g, global epoch at which the run started
    local: int = 0  # local epoch that comes next
    best_local: int = -1
    best_loss: float = math.inf
    run_losses: list[float] = field(default_factory=list)  # best of each finished run

    def update(self, loss: float) -> tuple[bool, str]:
        """Take the validation loss of the epoch just done.

        Returns:
            Whether it is the run's best so far, and what comes next: "continue", "restart" or
            "end".
        """
        improved = loss < self.best_loss
        if improved:
            self.best_loss = loss
            self.best_local = self.local
        epochs_since_best = self.local - self.best_local
        self.local += 1
        if epochs_since_best >= self.patience:
            return improved, self._stop()
        if self.global_epoch >= self.max_epochs:
            return improved, "end"
        return improved, "continue"

    def _stop(self) -> str:
        """End the run; returns what comes next: "restart" or "end"."""
        if not self.restarts:
            return "end"
        self.run_losses.append(self.best_loss)
        self.start += self.best_local + 1
        self.run += 1
        self.local = 0
        self.best_local = -1
        self.best_loss = math.inf
        return "restart" if self.start < self.max_epochs else "end"

    @property
    def global_epoch(self) -> int:
        """Global epoch that comes next."""
        return self.start + self.local


class Rate:
    """Learning rate of each step, by `training.schedule`.

    "cosine" after one warm-up epoch, "plateau" of a loss (published: of training), or "constant".

    Args:
        optimiser: The optimiser whose rate is set.
        settings: Section `training`.
        steps_per_epoch: Number of batches in an epoch.
        initial: Rate at the start of the run, halved at each restart.
    """

    def __init__(
        self,
        optimiser: torch.optim.Optimizer,
        settings: Training,
        steps_per_epoch: int,
        initial: float,
    ) -> None:
        self.optimiser = optimiser
        self.settings = settings
        self.steps = steps_per_epoch
        self.initial = initial
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser,
            factor=settings.plateau_factor,
            # PyTorch waits for one epoch more than Keras does.
            patience=settings.plateau_patience - 1,
            threshold=settings.plateau_min_delta,
            threshold_mode="abs",
            min_lr=settings.min_learning_rate,
        )

    def before_step(self, step: int) -> None:
        """Set the rate of a step of the run (0-based, over all epochs)."""
        if self.settings.schedule != "cosine":
            return
        rate = max(self.initial * self._cosine(step), self.settings.min_learning_rate)
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def _cosine(self, step: int) -> float:
        """Factor of the initial rate, 0..1: up within the first epoch, then down to the last."""
        if step < self.steps:
            return (step + 1) / self.steps
        total = max(self.settings.epochs * self.steps, self.steps + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - self.steps) / (total - self.steps)))

    def after_epoch(self, training_loss: float, validation_loss: float) -> None:
        """Take the losses of the epoch."""
        if self.settings.schedule != "plateau":
            return
        if self.settings.plateau_on == "training":
            self.plateau.step(training_loss)
        else:
            self.plateau.step(validation_loss)
