"""Heads: how the outputs of a network become income classes, and their losses.

The ordinal (binomial) head has one output, a logit: y_k = C(4,k) p^k (1-p)^(4-k) with p =
sigmoid(logit), always computed from the logit. The softmax head has one output per class.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from urbancam.scoring.vocabulary import INCOME_CLASSES
from urbancam.workflow.errors import InputError

CLASS_COUNT = len(INCOME_CLASSES)
TRIALS = CLASS_COUNT - 1  # of the binomial
_LOG_CHOOSE = [math.log(math.comb(TRIALS, k)) for k in range(CLASS_COUNT)]


def binomial_log_probabilities(logit: torch.Tensor) -> torch.Tensor:
    """log y_k of the binomial head.

    Args:
        logit: (N,) or (N, 1).

    Returns:
        (N, 5) float, finite for any finite logit.
    """
    logit = logit.reshape(-1, 1)
    k = torch.arange(CLASS_COUNT, device=logit.device, dtype=logit.dtype)
    log_p = F.logsigmoid(logit)
    log_1_minus_p = F.logsigmoid(-logit)
    return _log_choose(logit) + k * log_p + (TRIALS - k) * log_1_minus_p


def binomial_loss(
    logit: torch.Tensor,
    classes: torch.Tensor,
    reduction: str = "mean",
) -> torch.Tensor:
    """Cross-entropy of the binomial head: -log y_k = 4 BCE(p, k/4) - log C(4,k).

    Args:
        logit: (N, 1).
        classes: (N,) int64, 0..4.
        reduction: "mean", or "none" for the (N,) losses, as PyTorch's own losses take it.
    """
    share = classes.to(logit.dtype) / TRIALS
    crossentropy = F.binary_cross_entropy_with_logits(logit.reshape(-1), share, reduction="none")
    losses = TRIALS * crossentropy - _log_choose(logit)[classes]
    return losses.mean() if reduction == "mean" else losses


def _log_choose(like: torch.Tensor) -> torch.Tensor:
    """(5,) log C(4,k), on the device and of the dtype of another tensor."""
    return torch.tensor(_LOG_CHOOSE, device=like.device, dtype=like.dtype)


@dataclass(frozen=True)
class Head:
    """How outputs become classes.

    Args:
        outputs: Number of outputs.
        log_probabilities: (N, outputs) -> (N, classes).
        loss: `loss(outputs, classes, reduction)`.
    """

    outputs: int
    log_probabilities: Callable[[torch.Tensor], torch.Tensor]
    loss: Callable[..., torch.Tensor]


def softmax_head(classes: int) -> Head:
    """A head with one output per class."""

    def log_probabilities(out: torch.Tensor) -> torch.Tensor:
        return F.log_softmax(out, 1)

    return Head(classes, log_probabilities, F.cross_entropy)


HEADS = {
    "binomial": Head(1, binomial_log_probabilities, binomial_loss),
    "softmax": softmax_head(CLASS_COUNT),
}


def find_head(name: str, outputs: int | None = None) -> Head:
    """The head of a name.

    Args:
        name: "binomial" or "softmax".
        outputs: Number of outputs; None: the head's own. Softmax alone takes others.

    Raises:
        InputError: The binomial head is to have more than its one output.
    """
    head = HEADS[name]
    if outputs in (None, head.outputs):
        return head
    if name != "softmax":
        raise InputError(
            f"the {name} head has one output, not {outputs}",
            "model.head",
            "use model.head=softmax",
        )
    return softmax_head(outputs)
