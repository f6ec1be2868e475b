"""The loop: train one fold, keep the best epoch by validation, resume after a kill.

Validation is the whole un-augmented part, every epoch, in evaluation mode.
"""

import logging
import math
import time
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from urbancam.learning.inputs.batches import BatchSchedule
from urbancam.learning.inputs.datasets import LabelledImages
from urbancam.learning.models import heads, networks, weight_files
from urbancam.learning.models.networks import Network
from urbancam.learning.training import inference
from urbancam.learning.training.recipe import Recipe
from urbancam.learning.training.schedules import Rate, Stopping
from urbancam.workflow import progress
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic

log = logging.getLogger(__name__)

OPTIMISERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
# Columns of the history that TensorBoard draws
CURVES = ("train_loss", "validation_loss", "validation_accuracy", "learning_rate")
SEED_STRIDE = 1_000_003  # between the seeds of two folds; a prime, more than there are epochs


class Trainer:
    """One fold's training.

    Args:
        network: The network to be trained, on its device.
        train: Augmented items.
        validation: Un-augmented items.
        settings: Those with sections `image`, `model` and `training`: the run's, or those of the
            cities experiment.
        folder: Folder of the fold; gets `weights.pt`, `history.csv`, `tensorboard/` and, while
            under way, `checkpoint.pt`.
        fingerprint: Hash of all inputs; a checkpoint with another one is not gone on with.
        seed: Seed of this fold.
        workers: Number of processes that load images.
    """

    def __init__(
        self,
        network: Network,
        train: LabelledImages,
        validation: LabelledImages,
        settings: Recipe,
        folder: Path,
        fingerprint: str,
        seed: int,
        workers: int,
    ) -> None:
        self.network = network
        self.train_set = train
        self.validation_set = validation
        self.settings = settings
        self.folder = folder
        self.fingerprint = fingerprint
        self.seed = seed
        self.workers = workers
        self.device = next(network.parameters()).device
        self.head = heads.find_head(settings.model.head, network.linear.out_features)

        training = settings.training
        self.forward = networks.compiled(network) if training.compile else network
        self.class_weights = None
        if training.class_weights:
            self.class_weights = torch.tensor(training.class_weights, device=self.device)
        self.schedule = BatchSchedule(
            train.classes,
            training.batch_size,
            training.batches_per_epoch,
            training.class_balanced,
            seed,
        )
        self.stopping = Stopping(training.epochs, training.patience, training.restarts)
        self.history: list[dict] = []
        self._start_run()

    def _start_run(self) -> None:
        """A new optimiser and rate; every run starts at half the rate of the one before."""
        training = self.settings.training
        initial = training.learning_rate / 2**self.stopping.run
        self.optimiser = OPTIMISERS[training.optimiser](
            self.network.parameters(),
            lr=initial,
            eps=training.adam_epsilon,
            weight_decay=training.weight_decay,
        )
        steps_per_epoch = len(self.schedule.epoch(0))
        self.rate = Rate(self.optimiser, training, steps_per_epoch, initial)

    def fit(self) -> pd.DataFrame:
        """Train to the end.

        Returns:
            The history, one row an epoch. `weights.pt` then holds the best epoch of the best run,
            and the network too.
        """
        from torch.utils.tensorboard import SummaryWriter

        following = self._resume()
        if not self.history:
            log.info("starts from %s weights", self.settings.model.weights)
        board = SummaryWriter(self.folder / "tensorboard", purge_step=len(self.history))
        bar = progress.bar(
            total=self.settings.training.epochs,
            initial=self.stopping.global_epoch,
            unit="epoch",
            desc="train",
        )
        while following != "end":
            row, following = self._run_epoch()
            for name in CURVES:
                board.add_scalar(name, row[name], len(self.history) - 1)
            bar.set_postfix(
                loss=f"{row['train_loss']:.3f}",
                validation=f"{row['validation_loss']:.3f}",
            )
            bar.update()
        bar.close()
        board.close()
        best_network = self._best_network()
        weight_files.save(best_network.state_dict(), self.folder / "weights.pt")
        history = pd.DataFrame(self.history)
        with atomic(self.folder / "history.csv") as temporary:
            history.to_csv(temporary, index=False)
        return history

    def _run_epoch(self) -> tuple[dict, str]:
        """Train and validate one epoch; returns its row of the history and what comes next."""
        start = time.monotonic()
        row = {
            "epoch": self.stopping.global_epoch,
            "run": self.stopping.run,
        }
        row["train_loss"] = self._train_epoch()
        row["learning_rate"] = self.optimiser.param_groups[0]["lr"]
        row["validation_loss"], row["validation_accuracy"] = self._validate()
        _refuse_divergence(row)
        self.rate.after_epoch(row["train_loss"], row["validation_loss"])
        improved, following = self.stopping.update(row["validation_loss"])
        row["seconds"] = time.monotonic() - start
        self.history.append(row)
        if improved:
            self._keep_best(row["validation_loss"])
        if following == "restart":
            self.network.load_state_dict(self.best)
            self._start_run()
        self._save_checkpoint(following)
        return row, following

    def _train_epoch(self) -> float:
        """One pass over the epoch's batches; returns the mean loss over images."""
        epoch = len(self.history)
        # Everything random in an epoch comes from its own seed, so that a resumed training is the
        # same training.
        torch.manual_seed(self.seed * SEED_STRIDE + epoch)
        self.train_set.epoch = epoch
        batches = self.schedule.epoch(epoch)
        first_step = self.stopping.local * len(batches)
        self.network.train()
        # Summed on the device, which need not wait for each batch's loss to be read.
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        count = 0
        loaded = inference.load_batches(self.train_set, batches, self.workers, self.device)
        for step, (images, classes) in enumerate(loaded, first_step):
            self.rate.before_step(step)
            loss = self._loss(images, classes)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            total += loss.detach().double() * len(classes)
            count += len(classes)
        return total.item() / count

    def _loss(self, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Loss of a batch: (B, 3, H, W) images, (B,) classes."""
        images = self.network.normalised(images, self.settings.image.normalise)
        on_gpu = self.device.type == "cuda"
        with torch.autocast("cuda", torch.bfloat16, enabled=on_gpu):
            out = self.forward(images)
        return training_loss(self.head, out.float(), classes, self.class_weights)

    def _validate(self) -> tuple[float, float]:
        """Loss and accuracy of the validation part."""
        image = self.settings.image
        out = inference.predict(self.network, self.validation_set, image, self.workers)
        return inference.score(self.head, out, self.validation_set.classes)

    def _keep_best(self, loss: float) -> None:
        """Keep the epoch just done as the best of its run, and perhaps of all runs."""
        self.best = _copy_state(self.network)
        if loss <= min(row["validation_loss"] for row in self.history):
            self.best_of_all = self.best

    def _best_network(self) -> Network:
        self.network.load_state_dict(self.best_of_all)
        return self.network.eval()

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _save_checkpoint(self, following: str) -> None:
        content = {
            "fingerprint": self.fingerprint,
            "following": following,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "plateau": self.rate.plateau.state_dict(),
            "best": self.best,
            "best_of_all": self.best_of_all,
            "stopping": asdict(self.stopping),
            "history": self.history,
        }
        weight_files.save(content, self._checkpoint)

    def _resume(self) -> str:
        """Go on from the checkpoint where there is a fitting one; returns what comes next."""
        if not self._checkpoint.exists():
            return "continue"
        try:
            content = weight_files.read_state(self._checkpoint, "checkpoint")
        except InputError:
            log.info("the checkpoint is damaged: starts again")
            return "continue"
        if content.get("fingerprint") != self.fingerprint:
            log.info("the checkpoint is of other settings or inputs: starts again")
            return "continue"
        self.stopping = Stopping(**content["stopping"])
        self.history = content["history"]
        self.best = content["best"]
        self.best_of_all = content["best_of_all"]
        self.network.load_state_dict(content["network"])
        # The optimiser of the run that was under way, then its state
        self._start_run()
        self.optimiser.load_state_dict(content["optimiser"])
        self.rate.plateau.load_state_dict(content["plateau"])
        log.info("goes on after epoch %d", len(self.history))
        return content["following"]

    def clean(self) -> None:
        """Remove what only a resume needs."""
        self._checkpoint.unlink(missing_ok=True)


def training_loss(
    head: heads.Head,
    out: torch.Tensor,
    classes: torch.Tensor,
    class_weights: torch.Tensor | None,
) -> torch.Tensor:
    """Mean over images of the loss times the weight of the image's class.

    Divided by the number of images, not by the sum of their weights, as Keras's `class_weight` does
    in the published "poorest/richest" variant (Keras 2, `weighted_masked_objective`). ASSUME: the
    loss of validation is never weighted, as in Keras too; it chooses the epoch by the same question
    whatever the weights.

    Args:
        head: How outputs become classes.
        out: (N, outputs).
        classes: (N,) int64.
        class_weights: (classes,), or None for equal weights.
    """
    if class_weights is None:
        return head.loss(out, classes)
    losses = head.loss(out, classes, reduction="none")
    return (class_weights[classes] * losses).mean()


def _refuse_divergence(row: dict) -> None:
    """Raise if a loss of the epoch is not a number."""
    losses = row["train_loss"], row["validation_loss"]
    if not all(map(math.isfinite, losses)):
        raise InputError(
            f"the training diverged: training loss {row['train_loss']}, "
            f"validation loss {row['validation_loss']}",
            f"epoch {row['epoch']}",
            "lower training.learning_rate",
        )


def _copy_state(network: Network) -> dict[str, torch.Tensor]:
    state = network.state_dict()
    return {name: tensor.detach().clone() for name, tensor in state.items()}
