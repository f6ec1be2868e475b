"""Weights of timm's networks: as timm publishes them on the Hugging Face hub, or from a file."""

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.error import URLError

import timm
from huggingface_hub import errors, hf_hub_url
from huggingface_hub.utils import disable_progress_bars
from safetensors import SafetensorError

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT, display_path
from urbancam.workflow.settings.backbone_names import PRETRAINED

HUB_FILE = "model.safetensors"  # what timm looks for first
# What the hub and downloads raise, and what files do that are damaged or of another network.
ERRORS = (
    errors.HTTPError,
    errors.OfflineModeIsEnabled,
    SafetensorError,
    URLError,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    KeyError,
    pickle.UnpicklingError,
)


def address(facts: dict[str, Any]) -> str:
    """Where the published weights lie; "" where there are none.

    Args:
        facts: timm's `pretrained_cfg` of the network.
    """
    if hub_id := facts.get("hf_hub_id"):
        return hf_hub_url(hub_id, facts.get("hf_hub_filename") or HUB_FILE)
    return facts.get("url") or ""


@contextmanager
def told(name: str, weights: str) -> Iterator[dict[str, str]]:
    """Errors of reading weights, told in a message; gives what to overlay timm's facts with.

    Args:
        name: The network's name in timm.
        weights: "pretrained", or a file, relative to the repository.

    Raises:
        InputError: The weights cannot be had, cannot be read, or are of another network.
    """
    if not sys.stderr.isatty():  # bars are for eyes alone
        disable_progress_bars()
    file = None if weights == PRETRAINED else ROOT / weights
    try:
        yield {"file": str(file)} if file else {}
    except ERRORS as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if file:
            raise InputError(
                f"these weights are not those of timm's {name}: {reason}",
                f"model.weights {display_path(file)}",
                "name a file of weights as timm publishes them (.safetensors, .pth), "
                "or use model.weights=random",
            ) from None
        where = address(timm.get_pretrained_cfg(name).to_dict())
        raise InputError(
            f"the weights of timm's {name} cannot be had: {reason}",
            where or "model.weights",
            "fetch that file by hand and name it with --set model.weights=FILE, "
            "or use model.weights=random",
        ) from None
