"""What a trained network says of images: its raw outputs, their score and the table of predictions."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from urbancam.learning import datasets, heads
from urbancam.learning.recipe import Recipe
from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES

EVALUATION_PIXELS = 64 * 192**2  # of a batch: memory grows with them


def load_batches(items, batches: list[np.ndarray], workers: int, device: torch.device):
    """Batches on the device: (B, 3, H, W) uint8 channels-last and (B,) int64."""
    # On the CPU the network itself keeps all cores busy; loading processes would only take them away.
    on_gpu = device.type == "cuda"
    loader = DataLoader(
        items, batch_sampler=batches, num_workers=workers if on_gpu else 0, pin_memory=on_gpu
    )
    for images, classes in loader:
        images = images.to(device, non_blocking=True, memory_format=torch.channels_last)
        yield images, classes.to(device, non_blocking=True)


def predict(
    network,
    items,
    settings: Recipe,
    workers: int,
    forward: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> torch.Tensor:
    """Raw outputs of un-augmented items, in order: (N, outputs) float32 on the CPU.

    Args:
        network: on its device; put into evaluation mode.
        items: images with classes.
        settings: as for `Trainer`.
        workers: processes that load images.
        forward: part of the network to compute instead of all of it, e.g. `network.embed`.
    """
    network.eval()
    forward = forward or network
    device = next(network.parameters()).device
    order = np.arange(len(items))
    size = max(1, EVALUATION_PIXELS // settings.image.size_px**2)
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    outs = []
    with torch.inference_mode():
        for images, _ in load_batches(items, batches, workers, device):
            outs.append(forward(datasets.normalise(images, settings.image.normalise)).float().cpu())
    return torch.cat(outs)


def score(head: heads.Head, out: torch.Tensor, classes: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy and accuracy.

    Args:
        head: how outputs become classes.
        out: (N, outputs).
        classes: (N,) 0 .. classes - 1.
    """
    truth = torch.tensor(np.array(classes, dtype=np.int64))
    log_probabilities = head.log_probabilities(out)
    loss = -log_probabilities[torch.arange(len(truth)), truth].mean().item()
    return loss, (log_probabilities.argmax(1) == truth).float().mean().item()


def prediction_table(ids: pd.Series, fold: int, out: torch.Tensor, head: str) -> pd.DataFrame:
    """Columns `idINSPIRE, fold, logit, p, prob_0 .. prob_4, predicted_class`, computed in float64.

    `logit` is empty and `p` the expected class over 4 where the head is softmax.

    Args:
        ids: (N,) cells.
        fold: whose model predicted them.
        out: (N, outputs).
        head: "binomial" or "softmax".
    """
    out = out.double()
    probability = heads.HEADS[head].log_probabilities(out).exp().numpy()
    table = pd.DataFrame({"idINSPIRE": ids.to_numpy(), "fold": fold})
    if head == "binomial":
        table["logit"], table["p"] = out[:, 0].numpy(), torch.sigmoid(out[:, 0]).numpy()
    else:
        table["logit"], table["p"] = np.nan, probability @ INCOME_CLASSES / INCOME_CLASSES[-1]
    table[PROBABILITIES] = probability
    table["predicted_class"] = probability.argmax(1)
    return table
