"""What a trained network says of images: raw outputs, their score, the table of predictions."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from urbancam.learning.inputs import datasets
from urbancam.learning.models import heads
from urbancam.learning.models.networks import Network
from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES
from urbancam.workflow.settings.sections import Image

EVALUATION_PIXELS = 64 * 192**2  # of a batch: memory grows with them


def load_batches(
    items: datasets.LabelledImages,
    batches: list[np.ndarray],
    workers: int,
    device: torch.device,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches on the device.

    Args:
        items: Images with classes.
        batches: Items of each batch.
        workers: Number of processes that load images, with a GPU.
        device: Where the batches go.

    Yields:
        (B, 3, H, W) uint8 images, channels last, and (B,) int64 classes.
    """
    on_gpu = device.type == "cuda"
    # On the CPU the network itself keeps all cores busy; loading processes would only take them
    # away.
    loader = DataLoader(
        items,
        batch_sampler=batches,
        collate_fn=_as_it_is,
        num_workers=workers if on_gpu else 0,
        pin_memory=on_gpu,
    )
    for images, classes in loader:
        images = images.to(device, non_blocking=True)
        classes = classes.to(device, non_blocking=True)
        yield images, classes


def _as_it_is(batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """The images stand in a batch already."""
    return batch


def predict(
    network: Network,
    items: datasets.LabelledImages,
    image: Image,
    workers: int,
    forward: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> torch.Tensor:
    """Raw outputs of un-augmented items, in order.

    Args:
        network: The network, on its device; put into evaluation mode.
        items: Images with classes.
        image: Section `image`.
        workers: Number of processes that load images.
        forward: Part of the network to compute instead of all of it, e.g. `network.embed`.

    Returns:
        (N, outputs) float32 on the CPU.
    """
    network.eval()
    forward = forward or network
    device = next(network.parameters()).device
    order = np.arange(len(items))
    batch_size = max(1, EVALUATION_PIXELS // image.size_px**2)
    starts = range(0, len(order), batch_size)
    batches = [order[start : start + batch_size] for start in starts]
    outs = []
    with torch.inference_mode():
        for images, _ in load_batches(items, batches, workers, device):
            images = network.normalised(images, image.normalise)
            out = forward(images)
            outs.append(out.float().cpu())
    return torch.cat(outs)


def score(head: heads.Head, out: torch.Tensor, classes: np.ndarray) -> tuple[float, float]:
    """Mean cross-entropy and accuracy.

    Args:
        head: How outputs become classes.
        out: (N, outputs).
        classes: (N,) 0 .. classes - 1.
    """
    observed = torch.tensor(np.array(classes, dtype=np.int64))
    items = torch.arange(len(observed))
    log_probabilities = head.log_probabilities(out)
    loss = -log_probabilities[items, observed].mean()
    hits = log_probabilities.argmax(1) == observed
    return loss.item(), hits.float().mean().item()


def prediction_table(ids: pd.Series, fold: int, out: torch.Tensor, head: str) -> pd.DataFrame:
    """The table of predictions, computed in float64.

    Args:
        ids: (N,) ids of cells.
        fold: The fold whose network predicted them.
        out: (N, outputs).
        head: "binomial" or "softmax".

    Returns:
        `idINSPIRE, fold, logit, p, prob_0 .. prob_4, predicted_class`. Where the head is softmax,
        `logit` is empty and `p` the expected class over 4.
    """
    out = out.double()
    log_probabilities = heads.HEADS[head].log_probabilities(out)
    probabilities = log_probabilities.exp().numpy()
    if head == "binomial":
        logit = out[:, 0].numpy()
        p = torch.sigmoid(out[:, 0]).numpy()
    else:
        logit = np.nan
        p = probabilities @ INCOME_CLASSES / INCOME_CLASSES[-1]
    columns = {
        "idINSPIRE": ids.to_numpy(),
        "fold": fold,
        "logit": logit,
        "p": p,
    }
    table = pd.DataFrame(columns)
    table[PROBABILITIES] = probabilities
    table["predicted_class"] = probabilities.argmax(1)
    return table
