"""Where in the image the positions of a layer look: the centres of their receptive fields.

A convolution of kernel k, stride s, dilation d and padding p (before the first pixel) reads, for
its position i, the inputs i s - p .. i s - p + d (k - 1): their centre is i s + d (k - 1) / 2 - p.
Layer upon layer the centres stay a regular lattice (Araujo, Norris & Sim 2019, "Computing Receptive
Fields of Convolutional Neural Networks", Distill, eq. 3 and 4):

    step = s_1 s_2 ... s_n        first = sum_l (d_l (k_l - 1) / 2 - p_l) s_1 ... s_(l-1)

"Same" padding of stride 2 is not the same on both sides. EfficientNet's (efficientnet-pytorch pads
as TensorFlow does, the odd pixel after the last) puts a position's field 15.5 px south-east of the
square of 32 px that it counts as; ResNet's puts it 15.5 px north-west.
"""

from dataclasses import dataclass

import torch
from torch import nn

RECEPTIVE_FIELD = "receptive_field"  # a value of the setting `positions`; the other is "published"
# Names of modules beside the main path of a block, with the same stride and centres, where the
# features do not tell theirs: torchvision's ResNets, RegNets.
SHORTCUTS = ("downsample", "proj")


@dataclass(frozen=True)
class Lattice:
    """Centres of the positions of a layer, down as across.

    Attributes:
        first_px: Centre of the first position, px from the image's edge.
        step_px: Distance of neighbouring centres, px.
    """

    first_px: float
    step_px: float

    def centres_px(self, count: int, device: torch.device | None = None) -> torch.Tensor:
        """(count,) float64 centres of the positions, px from the image's edge."""
        places = torch.arange(count, dtype=torch.float64, device=device)
        return self.first_px + self.step_px * places


def equal_parts(size_px: int, count: int) -> Lattice:
    """The lattice of `count` equal parts of an image's side: where published maps are laid."""
    step_px = size_px / count
    return Lattice(step_px / 2, step_px)


def lattice_of(features: nn.Module, layer: str) -> Lattice:
    """The centres of the receptive fields of a layer's positions.

    Args:
        features: Module whose submodules stand in the order in which they are computed.
        layer: Name of a module below it; "" for the features themselves.

    Raises:
        ValueError: A layer's geometry differs between down and across.
    """
    first, step = 0.0, 1.0  # of a pixel's index
    shortcuts = getattr(features, "shortcuts", SHORTCUTS)
    reached = False
    for name, module in features.named_modules():
        if reached and not name.startswith(f"{layer}."):
            break
        reached = reached or (name == layer and layer != "")
        if any(part in shortcuts for part in name.split(".")):
            continue
        centre, stride = _geometry(name, module)
        first += centre * step
        step *= stride
    # The centre of a pixel is half a pixel from its edge.
    return Lattice(first + 0.5, step)


def lay(positions: str, features: nn.Module, layer: str, size_px: int, count: int) -> Lattice:
    """Where the positions of a layer are laid.

    Args:
        positions: "receptive_field", or "published": equal parts of the image.
        features: As in `lattice_of`.
        layer: As in `lattice_of`.
        size_px: Side of the image.
        count: Number of positions down and across.

    Raises:
        ValueError: The layer has another number of positions than its strides tell.
    """
    if positions != RECEPTIVE_FIELD:
        return equal_parts(size_px, count)
    lattice = lattice_of(features, layer)
    if abs(size_px / lattice.step_px - count) >= 1:
        raise ValueError(
            f"{layer or 'the features'}: {count} positions on {size_px} px, though the strides"
            f" make one every {lattice.step_px:g} px: name the network's shortcuts in SHORTCUTS"
        )
    return lattice


def _geometry(name: str, module: nn.Module) -> tuple[float, int]:
    """Centre of a module's first position among its inputs, and its stride."""
    if not isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        return 0.0, 1
    kernel = _alike(name, module.kernel_size)
    stride = _alike(name, module.stride)
    dilation = _alike(name, getattr(module, "dilation", 1))
    before = _alike(name, module.padding)
    # efficientnet-pytorch pads in a module of its own: left, right, top, bottom.
    left, _, top, _ = getattr(getattr(module, "static_padding", None), "padding", (0, 0, 0, 0))
    before += _alike(name, (top, left))
    # timm's pads by the size of its input: this much where the stride divides it.
    if type(module).__name__ == "Conv2dSame":
        before = max(dilation * (kernel - 1) + 1 - stride, 0) // 2
    return dilation * (kernel - 1) / 2 - before, stride


def _alike(name: str, value: int | tuple[int, ...]) -> int:
    """A number that holds down as across."""
    down, across = (value, value) if isinstance(value, int) else value
    if down != across:
        raise ValueError(f"{name}: {down} down and {across} across; lattices are square")
    return down
