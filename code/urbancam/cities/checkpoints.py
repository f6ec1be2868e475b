"""Networks trained elsewhere: torchvision's ResNets, as DL-SLICER published them.

They become state dicts of this package. A published checkpoint is a whole pickled module. Reading
one runs whatever code the file holds, so it is refused unless the user asks for it; a state dict is
read without.
"""

import logging
import pickle
import warnings
from pathlib import Path

import torch
from torch import nn

from urbancam.learning.models import networks, weight_files
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

TO_READ = (
    "name a file that model.state_dict() went into; a pickled module is only read with --unpickle, "
    "which RUNS CODE FROM THE FILE with all your rights: do so if you trust it as you would a "
    "program"
)


def read(path: Path, unpickle: bool = False) -> dict[str, torch.Tensor]:
    """The state dict of a checkpoint, named as this package's networks name their tensors.

    Args:
        path: A state dict, or with `unpickle` a whole module, be it wrapped in DataParallel or not.
        unpickle: Whether to read a pickled module, which runs code from the file.

    Raises:
        InputError: No such file, damaged, no network, or a pickled module that may not be
            unpickled.
    """
    if unpickle:
        state = _unpickle(path)
    else:
        state = weight_files.read_state(path, "cities.checkpoint", TO_READ)
    return rename(state)


def rename(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """torchvision's names of tensors to this package's; names that are right stay.

    "module.layer1.0.conv1.weight" -> "features.layer1.0.conv1.weight", "fc.weight" ->
    "linear.weight".
    """
    renamed = {}
    for name, tensor in state.items():
        name = name.removeprefix("module.")
        if name.startswith("fc."):
            name = "linear." + name.removeprefix("fc.")
        elif not name.startswith(("features.", "linear.")):
            name = "features." + name
        renamed[name] = tensor
    return renamed


def fill(
    network: networks.Network,
    state: dict[str, torch.Tensor],
    path: Path,
) -> None:
    """Load a state dict into a network.

    Args:
        network: Network to be filled.
        state: State dict from `read`.
        path: Path of the checkpoint, for the message.

    Raises:
        InputError: It is of another backbone, or of another number of cities.
    """
    own = network.state_dict()
    missing = own.keys() - state.keys()
    misfits = []
    for name, tensor in own.items():
        if name in state and state[name].shape != tensor.shape:
            shape = tuple(state[name].shape)
            misfits.append(f"{name} is {shape}, not {tuple(tensor.shape)}")

    if missing or misfits:
        last = f", {misfits[-1]}" if misfits else ""
        raise InputError(
            f"these weights are not of this network: {len(missing)} tensors missing; "
            f"{len(misfits)} of another shape{last}",
            display_path(path),
            "name the backbone they are of in cities.model.backbone, and use exactly their cities",
        )
    network.load_state_dict({name: state[name] for name in own})
    log.info("takes the weights of %s", display_path(path))


# What torch.load raises on a file that is no whole pickle, or of classes that are not there.
UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    ImportError,
    AttributeError,
    pickle.UnpicklingError,
)


def _unpickle(path: Path) -> dict[str, torch.Tensor]:
    """The state dict of a pickled module."""
    log.warning("unpickles %s: this runs code from the file", display_path(path))
    try:
        with warnings.catch_warnings():  # the sources of the pickled classes have changed since
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=False)
    except UNREADABLE as error:
        reason = (str(error) or "the file is empty").splitlines()[0]
        raise InputError(
            f"the weights cannot be read: {reason}",
            display_path(path),
            "check the file, or get it again",
        ) from None
    if not isinstance(content, nn.Module):
        raise InputError(
            "the file holds no pickled module",
            display_path(path),
            "leave --unpickle away for a state dict",
        )
    return content.state_dict()
