"""What is told and recorded of a training."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from urbancam.learning.networks import Network
from urbancam.workflow.files import digest


def describe_history(history: pd.DataFrame, score: str) -> dict[str, int | float]:
    """Counts of the summary line: how many epochs, which was the best, and its score.

    Args:
        history: A row an epoch: `epoch, validation_loss` and more.
        score: Column that tells how good the best epoch was ("validation_loss").
    """
    best = history.loc[history["validation_loss"].idxmin()]
    return {
        "epochs": len(history),
        "best epoch": int(best["epoch"]),
        score.replace("_", " "): float(best[score]),
    }


def training_facts(network: Network, weights: Path, seed: int) -> dict[str, Any]:
    """What the record of a fold tells beside its counts.

    Args:
        network: Network of the fold, on its device.
        weights: File of its weights.
        seed: Seed of the fold.
    """
    return {
        "weights_sha256": digest(weights),
        "device": next(network.parameters()).device.type,
        "seed": seed,
        "threads": torch.get_num_threads(),
    }
