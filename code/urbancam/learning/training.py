"""The loop: train one fold, keep the best epoch by validation, resume after a kill.

Validation is the whole un-augmented part, every epoch, in evaluation mode.
"""

import logging
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from urbancam.learning import datasets, heads, inference, weight_files
from urbancam.learning.batches import BatchSchedule
from urbancam.learning.recipe import Recipe
from urbancam.learning.schedules import Rate, Stopping
from urbancam.workflow import errors
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic

log = logging.getLogger(__name__)


class Trainer:
    """One fold's training.

    Args:
        network: to be trained, on its device.
        train: augmented items.
        validation: un-augmented items.
        settings: with sections `image`, `model` and `training`: the run's, or those of the cities experiment.
        folder: of the fold; gets `weights.pt`, `history.csv`, `tensorboard/` and, while under way, `checkpoint.pt`.
        fingerprint: of all inputs; a checkpoint with another one is not gone on with.
        seed: of this fold.
        workers: processes that load images.
    """

    def __init__(
        self,
        network,
        train,
        validation,
        settings: Recipe,
        folder: Path,
        fingerprint: str,
        seed: int,
        workers: int,
    ) -> None:
        self.network, self.train_set, self.validation_set = network, train, validation
        self.settings, self.folder, self.fingerprint, self.seed, self.workers = (
            settings,
            folder,
            fingerprint,
            seed,
            workers,
        )
        self.device = next(network.parameters()).device
        self.head = heads.find_head(settings.model.head, network.linear.out_features)
        t = settings.training
        self.forward = compiled(network) if t.compile else network
        self.class_weights = (
            torch.tensor(t.class_weights, device=self.device) if t.class_weights else None
        )
        self.schedule = BatchSchedule(
            train.classes, t.batch_size, t.batches_per_epoch, t.class_balanced, seed
        )
        self.stopping = Stopping(t.epochs, t.patience, t.restarts)
        self.history: list[dict] = []
        self._start_run()

    def _start_run(self) -> None:
        t = self.settings.training
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[t.optimiser]
        initial = t.learning_rate / 2**self.stopping.run
        self.optimiser = kind(
            self.network.parameters(), lr=initial, eps=t.adam_epsilon, weight_decay=t.weight_decay
        )
        self.rate = Rate(self.optimiser, t, len(self.schedule.epoch(0)), initial)

    def fit(self) -> pd.DataFrame:
        """Train to the end.

        Returns:
            the history, one row an epoch. `weights.pt` then holds the best epoch of the best run, and the network too.
        """
        from torch.utils.tensorboard import SummaryWriter

        following = self._resume()
        board = SummaryWriter(self.folder / "tensorboard", purge_step=len(self.history))
        bar = tqdm(
            total=self.settings.training.epochs,
            initial=self.stopping.global_epoch,
            unit="epoch",
            desc="train",
        )
        while following != "end":
            row, following = self._run_epoch()
            for name in ("train_loss", "validation_loss", "validation_accuracy", "learning_rate"):
                board.add_scalar(name, row[name], len(self.history) - 1)
            bar.set_postfix(
                loss=f"{row['train_loss']:.3f}", validation=f"{row['validation_loss']:.3f}"
            )
            bar.update()
        bar.close()
        board.close()
        weight_files.save(self._best_network().state_dict(), self.folder / "weights.pt")
        history = pd.DataFrame(self.history)
        with atomic(self.folder / "history.csv") as temporary:
            history.to_csv(temporary, index=False)
        return history

    def _run_epoch(self) -> tuple[dict, str]:
        started, stopping = time.monotonic(), self.stopping
        row = {"epoch": stopping.global_epoch, "run": stopping.run}
        row["train_loss"] = self._train_epoch()
        row["learning_rate"] = self.optimiser.param_groups[0]["lr"]
        out = inference.predict(self.network, self.validation_set, self.settings, self.workers)
        row["validation_loss"], row["validation_accuracy"] = inference.score(
            self.head, out, self.validation_set.classes
        )
        _refuse_divergence(row)
        self.rate.after_epoch(row["train_loss"], row["validation_loss"])
        improved, following = stopping.update(row["validation_loss"])
        row["seconds"] = time.monotonic() - started
        self.history.append(row)
        if improved:
            self.best = _copy_state(self.network)
            if row["validation_loss"] <= min(r["validation_loss"] for r in self.history):
                self.best_of_all = self.best
        if following == "restart":
            self.network.load_state_dict(self.best)
            self._start_run()
        self._save_checkpoint(following)
        return row, following

    def _train_epoch(self) -> float:
        """One pass over the epoch's batches; returns the mean loss over images."""
        epoch, local = len(self.history), self.stopping.local
        # Everything random in an epoch comes from its own seed, so that a resumed training is the same training.
        torch.manual_seed(self.seed * 1_000_003 + epoch)
        self.train_set.epoch = epoch
        batches = self.schedule.epoch(epoch)
        self.network.train()
        total = count = 0.0
        for step, (images, classes) in enumerate(
            inference.load_batches(self.train_set, batches, self.workers, self.device)
        ):
            self.rate.before_step(local * len(batches) + step)
            images = datasets.normalise(images, self.settings.image.normalise)
            with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
                out = self.forward(images)
            loss = training_loss(self.head, out.float(), classes, self.class_weights)
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            total += loss.item() * len(classes)
            count += len(classes)
        return total / count

    def _best_network(self) -> torch.nn.Module:
        self.network.load_state_dict(self.best_of_all)
        return self.network.eval()

    # -- resume

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
        except errors.InputError:
            log.info("the checkpoint is damaged: starts again")
            return "continue"
        if content.get("fingerprint") != self.fingerprint:
            log.info("the checkpoint is of other settings or inputs: starts again")
            return "continue"
        self.stopping = Stopping(**content["stopping"])
        self.history = content["history"]
        self.best, self.best_of_all = content["best"], content["best_of_all"]
        self.network.load_state_dict(content["network"])
        self._start_run()
        self.optimiser.load_state_dict(content["optimiser"])
        self.rate.plateau.load_state_dict(content["plateau"])
        log.info("goes on after epoch %d", len(self.history))
        return content["following"]

    def clean(self) -> None:
        """Remove what only a resume needs."""
        self._checkpoint.unlink(missing_ok=True)


def training_loss(
    head: heads.Head, out: torch.Tensor, classes: torch.Tensor, class_weights: torch.Tensor | None
) -> torch.Tensor:
    """Mean over images of the loss times the weight of the image's class.

    Divided by the number of images, not by the sum of their weights, as Keras's `class_weight` does in the published
    "poorest/richest" variant (Keras 2, `weighted_masked_objective`). ASSUME: the loss of validation is never weighted,
    as in Keras too; it chooses the epoch by the same question whatever the weights.

    Args:
        head: how outputs become classes.
        out: (N, outputs).
        classes: (N,) int64.
        class_weights: (classes,), or None for equal weights.
    """
    if class_weights is None:
        return head.loss(out, classes)
    return (class_weights[classes] * head.loss(out, classes, reduction="none")).mean()


def compiled(network: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """The network compiled (torch.compile, inductor); parameters, buffers and mode stay the network's own.

    Raises:
        InputError: the machine has no C compiler.
    """
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        raise InputError(
            "torch.compile needs a C compiler, and there is none",
            "training.compile",
            "install gcc, or use --set training.compile=false",
        )
    return torch.compile(network)


def _refuse_divergence(row: dict) -> None:
    if not (math.isfinite(row["train_loss"]) and math.isfinite(row["validation_loss"])):
        raise InputError(
            f"the training diverged: training loss {row['train_loss']}, validation loss {row['validation_loss']}",
            f"epoch {row['epoch']}",
            "lower training.learning_rate",
        )


def _copy_state(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
