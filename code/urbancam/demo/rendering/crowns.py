"""Trees from above: lumpy domes in a few shapes and hues, and where their shadows fall."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from urbancam.demo.layout.curves import wobble
from urbancam.demo.rendering.drawing import Sun
from urbancam.demo.rendering.materials import CROWN_HUES, CROWN_SHADES, MATERIAL

CROWN_STEP_M = 0.75  # between the diameters of crowns that are told apart
CROWN_SHAPES = 5


@dataclass(frozen=True)
class Crown:
    """A tree from above: materials, its mask, and where its shadow falls, px right and down."""

    picture: Image.Image
    mask: Image.Image
    shift: tuple[int, int]


def draw_crown(
    crown_m: float,
    pixel_m: float,
    sun: Sun,
    rng: np.random.Generator,
) -> list[Crown]:
    """One crown in all hues: a lumpy dome, brighter where it looks at the sun."""
    half = max(crown_m / pixel_m / 2, 0.5)
    size = int(np.ceil(2.3 * half)) | 1
    y, x = (np.mgrid[:size, :size] - size // 2) / half
    distance = np.hypot(x, y)
    unevenness = wobble(np.arctan2(y, x), (2, 3, 5, 7), (0.02, 0.09), rng)
    inside = distance < 1 + unevenness
    mask = Image.fromarray(np.where(inside, 255, 0).astype("uint8"))

    # Brightness from -1.1 to 1.1 in steps, dark to light, as the materials of a crown have them.
    towards_sun = -(x * sun.heading[0] - y * sun.heading[1])
    light = towards_sun * 0.95 - 0.35 * distance**2 + _lumps(size, rng)
    brightest = CROWN_SHADES - 1
    step = np.round((light + 1.1) / 2.2 * brightest)
    shade = np.clip(step, 0, brightest).astype("uint8")

    # The shadow is the crown's own, moved by the height of its middle.
    reach = (0.55 * crown_m + 1.2) * sun.shadow_per_height / pixel_m * sun.heading
    shift = (round(reach[0]), round(-reach[1]))
    crowns = []
    for hue in range(CROWN_HUES):
        darkest = np.uint8(MATERIAL[f"crown_{hue}_0"])
        crowns.append(Crown(Image.fromarray(shade + darkest), mask, shift))
    return crowns


def _lumps(size_px: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise (size_px, size_px), three pixels a lump."""
    count = size_px // 3 + 2
    noise = rng.normal(0, 0.33, (count, count))
    coarse = Image.fromarray(noise.astype("float32"))
    return np.asarray(coarse.resize((size_px, size_px), Image.Resampling.BICUBIC))
