"""What the names of networks and of their weights tell, without loading any."""

import re

TIMM = "timm/"  # what names of timm's networks begin with
TIMM_PATCH = re.compile(rf"{TIMM}\w+_patch(\d+)")
PRETRAINED = "pretrained"  # the weights that a network is published with
RANDOM = "random"


def todays_weights(weights: str) -> str:
    """The weights that are asked for.

    Raises:
        ValueError: By a name that they had in earlier versions.
    """
    if weights == "imagenet":
        raise ValueError(f"the weights that a network is published with are called {PRETRAINED}")
    return weights


def weights_file(weights: str) -> str | None:
    """The file that they name; None for published and random ones."""
    return None if weights in (PRETRAINED, RANDOM) else weights


def patch_px(backbone: str) -> int | None:
    """Side of a vision transformer's patches where its name in timm tells it, px."""
    patch = TIMM_PATCH.match(backbone)
    return int(patch[1]) if patch else None
