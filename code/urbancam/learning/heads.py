"""Heads: how the outputs of a network become income classes, and their losses."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from urbancam.scoring.vocabulary import INCOME_CLASSES
from urbancam.workflow.errors import InputError

CLASS_COUNT = len(INCOME_CLASSES)
_LOG_CHOOSE = [math.log(math.comb(CLASS_COUNT - 1, k)) for k in range(CLASS_COUNT)]


# ---- the ordinal head: y_k = C(4,k) p^k (1-p)^(4-k), p = sigmoid(logit); always computed from the logit


def binomial_log_probabilities(logit: torch.Tensor) -> torch.Tensor:
    """log y_k of the binomial head.

    Args:
        logit: (N,) or (N, 1).

    Returns:
        (N, 5) float, finite for any finite logit.
    """
    logit = logit.reshape(-1, 1)
    k = torch.arange(CLASS_COUNT, device=logit.device, dtype=logit.dtype)
    choose = torch.tensor(_LOG_CHOOSE, device=logit.device, dtype=logit.dtype)
    return choose + k * F.logsigmoid(logit) + (CLASS_COUNT - 1 - k) * F.logsigmoid(-logit)


def binomial_loss(
    logit: torch.Tensor, classes: torch.Tensor, reduction: str = "mean"
) -> torch.Tensor:
    """Cross-entropy of the binomial head: -log y_k = 4 BCE(p, k/4) - log C(4,k).

    Args:
        logit: (N, 1).
        classes: (N,) int64, 0..4.
        reduction: "mean", or "none" for the (N,) losses, as PyTorch's own losses take it.
    """
    share = classes.to(logit.dtype) / (CLASS_COUNT - 1)
    choose = torch.tensor(_LOG_CHOOSE, device=logit.device, dtype=logit.dtype)[classes]
    crossentropy = F.binary_cross_entropy_with_logits(logit.reshape(-1), share, reduction="none")
    losses = (CLASS_COUNT - 1) * crossentropy - choose
    return losses.mean() if reduction == "mean" else losses


@dataclass(frozen=True)
class Head:
    """How outputs become classes. `log_probabilities`: (N, outputs) -> (N, classes); `loss` takes a `reduction`."""

    outputs: int
    log_probabilities: Callable[[torch.Tensor], torch.Tensor]
    loss: Callable[..., torch.Tensor]


def softmax_head(classes: int) -> Head:
    """One output per class."""
    return Head(classes, lambda out: F.log_softmax(out, 1), F.cross_entropy)


HEADS = {
    "binomial": Head(1, binomial_log_probabilities, binomial_loss),
    "softmax": softmax_head(CLASS_COUNT),
}


def find_head(name: str, outputs: int | None = None) -> Head:
    """The head of a name, with its own number of outputs (None) or, for softmax, another.

    Raises:
        InputError: the binomial head with more than its one output.
    """
    if outputs in (None, HEADS[name].outputs):
        return HEADS[name]
    if name != "softmax":
        raise InputError(
            f"the {name} head has one output, not {outputs}", "model.head", "use model.head=softmax"
        )
    return softmax_head(outputs)
