"""Features of images by a network as it was pre-trained: the mean over positions of its last
activation, of which nothing is learned here (`frozen.open_features` computes them)."""

import numpy as np

from urbancam.learning.features.of_images import Images
from urbancam.learning.models import networks
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import backbone_names
from urbancam.workflow.settings.sections import Model


def build(name: str, model: Model) -> networks.Network:
    """A network in evaluation mode: the run's own backbone with the weights of the run, others with
    those that were published with them.

    Args:
        name: Name of the backbone.
        model: Section `model` of the run.

    Raises:
        InputError: There is no such backbone, or its weights cannot be had.
    """
    own = name == model.backbone and model.weights != backbone_names.RANDOM
    weights = model.weights if own else backbone_names.PRETRAINED
    try:
        return networks.build(
            model.model_copy(update={"backbone": name, "weights": weights})
        ).eval()
    except InputError as error:
        where = f"baselines.networks {name!r}: {error.where}"
        do = f"{error.do}; or leave it out of baselines.networks"
        raise InputError(error.what, where, do) from None


class WholePatches:
    """The middle of each image that whole patches of a network fill.

    Args:
        images: (N, H, H, 3) uint8.
        patch_px: Side of a patch, px.
    """

    def __init__(self, images: Images, patch_px: int) -> None:
        self.images = images
        side_px = images.shape[1]
        # ASSUME: a rim of less than a patch adds nothing to a mean over all patches.
        first = side_px % patch_px // 2
        self.middle = slice(first, first + side_px // patch_px * patch_px)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> np.ndarray:
        """(h, h, 3) of a row."""
        return self.images[row][self.middle, self.middle]


def fit_to(name: str, images: Images) -> Images | WholePatches:
    """The images as a network takes them: of a vision transformer their middle, where its patches
    do not divide them."""
    patch_px = backbone_names.patch_px(name)
    divides = not patch_px or images.shape[1] % patch_px == 0
    return images if divides else WholePatches(images, patch_px)
