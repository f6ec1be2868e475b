"""What a core takes for an image: measured rates of networks and of what is asked of them."""

from dataclasses import dataclass

from urbancam.workflow.settings.feature_sets import NETWORK, RANDOM_FEATURES, FeatureSet
from urbancam.workflow.settings.sections import Controls, Image, Model, Training

LOOK_SHARE = 0.3  # of the time to train on an image, to look at it; measured 0.21 to 0.34 (ResNets)

PLANT_LOOKS = 2.5  # of planted rules at each cell: features, maps, and half a look to sum these up


@dataclass(frozen=True)
class NetworkRate:
    """What a backbone costs.

    Attributes:
        train_s: Seconds of one core for a megapixel through the network and back.
        weights_bytes: Bytes of its weights.
    """

    train_s: float
    weights_bytes: float


# EfficientNet-B0 measured on 192 px; the others by the multiply-adds a pixel and the parameters of
# Tan & Le 2019, table 2. ResNet-18 and 50 measured on 224 px; 34 and 101 by the operations that
# torchvision gives; timm's on 224 px (of a transformer a megapixel takes more in larger images).
B0_S = 0.06 / 0.192**2
NETWORKS = {
    "efficientnet-b0": NetworkRate(B0_S, 16e6),
    "efficientnet-b1": NetworkRate(1.6 * B0_S, 26e6),
    "efficientnet-b2": NetworkRate(1.9 * B0_S, 31e6),
    "efficientnet-b3": NetworkRate(2.6 * B0_S, 43e6),
    "efficientnet-b4": NetworkRate(3.7 * B0_S, 70e6),
    "efficientnet-b5": NetworkRate(6.1 * B0_S, 114e6),
    "efficientnet-b6": NetworkRate(8.8 * B0_S, 164e6),
    "efficientnet-b7": NetworkRate(13.2 * B0_S, 256e6),
    "resnet18": NetworkRate(0.07 / 0.224**2, 45e6),
    "resnet34": NetworkRate(0.14 / 0.224**2, 85e6),
    "resnet50": NetworkRate(0.25 / 0.224**2, 94e6),
    "resnet101": NetworkRate(0.48 / 0.224**2, 170e6),
    "timm/resnet50": NetworkRate(0.28 / 0.224**2, 94e6),
    "timm/convnext_tiny": NetworkRate(0.36 / 0.224**2, 111e6),
    "timm/vit_small_patch14_dinov2": NetworkRate(0.47 / 0.224**2, 88e6),
    "timm/vit_small_patch16_dinov3": NetworkRate(0.35 / 0.224**2, 86e6),
}

IMAGE_FEATURES_S = 0.035  # colours and 512 random patches of a cell of 512 px; measured 0.034
DECODE_S = 0.03  # of one core, to decode a megapixel into the cache; measured 0.023 to 0.066
# Both activation maps, of the time to train on an image: measured 0.57 to 0.72, with batch norms
# of their own; merged into convolutions these take a quarter less of EfficientNet-B0 at 512 px.
MAP_LOOKS = 0.7
MAP_CELL_S = 0.03  # what maps are laid on land cover in, whatever their size; measured on 512 px
# The controls of a cell, of the time to train on an image: measured 38 with all of run default on
# 192 px, of which the 32 steps of integrated gradients are most; and 17 for deletion curves.
CONTROL_LOOKS = 38
DELETION_LOOKS = 17
# Of a process that trains on a CPU: its libraries, and what a batch takes of memory a megapixel of
# its images. Measured: EfficientNet-B0 2,100 to 2,900, ResNet-50 2,500, ResNet-18 900.
TRAINING_MB = 1_500
BATCH_MB_PER_MEGAPIXEL = 2_900


def training_mb(training: Training, image: Image) -> float:
    """Memory of a training on a CPU, in MB."""
    megapixels = training.batch_size * (image.size_px / 1000) ** 2
    return TRAINING_MB + BATCH_MB_PER_MEGAPIXEL * megapixels


def rate_of(model: Model) -> NetworkRate:
    """The rate of a backbone; of one that was not measured that of EfficientNet-B0."""
    return _rate_of_backbone(model.backbone)


def _rate_of_backbone(name: str) -> NetworkRate:
    architecture, _, _ = name.partition(".")  # without the tag of its weights
    return NETWORKS.get(architecture, NETWORKS["efficientnet-b0"])


def features_s(features: FeatureSet, megapixels: float) -> float:
    """Seconds of one core for a cell's features of one set; those without its image take none."""
    if features.kind == NETWORK:
        return LOOK_SHARE * _rate_of_backbone(features.source).train_s * megapixels
    return IMAGE_FEATURES_S if features.kind == RANDOM_FEATURES else 0.0


def maps_s(model: Model, megapixels: float) -> float:
    """Seconds of one core for the maps of a cell, laid on its land cover."""
    return MAP_LOOKS * rate_of(model).train_s * megapixels + MAP_CELL_S


def controls_s(controls: Controls, model: Model, cells: int, megapixels: float) -> float:
    """Seconds of one core for the controls of a city's sample, deletion curves with them."""
    sampled = min(controls.cells or cells, cells)
    looks = CONTROL_LOOKS * sampled + DELETION_LOOKS * min(controls.deletion_cells, sampled)
    return looks * rate_of(model).train_s * megapixels
