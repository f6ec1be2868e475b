"""What is told and recorded of a training."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from urbancam.learning.models.backbones import find_backbone
from urbancam.workflow.files import digest
from urbancam.workflow.records.provenance import POSITIONS, TOKENS
from urbancam.workflow.settings.backbone_names import PRETRAINED
from urbancam.workflow.settings.sections import Image, Model


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


def network_facts(model: Model, image: Image) -> dict[str, Any]:
    """What the record of a fold tells of the network it starts from.

    Args:
        model: Section `model`.
        image: Section `image`.
    """
    backbone = find_backbone(model.backbone)
    facts: dict[str, Any] = {POSITIONS: TOKENS if backbone.has_tokens else "receptive fields"}
    if model.weights == PRETRAINED:
        facts["starts_from"] = backbone.weights_url
        facts |= {"licence": backbone.licence} if backbone.licence else {}
    if image.normalise == PRETRAINED:
        facts |= {"mean": list(backbone.colours.mean), "std": list(backbone.colours.std)}
    return facts


def training_facts(network: nn.Module, weights: Path, seed: int) -> dict[str, Any]:
    """What the record of a fold tells beside its counts.

    Args:
        network: What the fold has trained, on its device.
        weights: File of its weights.
        seed: Seed of the fold.
    """
    return {
        "weights_sha256": digest(weights),
        "device": next(network.parameters()).device.type,
        "seed": seed,
        "threads": torch.get_num_threads(),
    }
