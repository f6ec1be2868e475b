"""The pixels: polygons and crowns of a drawing painted as materials, then turned into colour.

A window is painted in whole materials first (Pillow, one byte a pixel); shadows are one bit of that byte.
Colour is one look-up at the end: material and texture level -> RGB. Windows of any size join without a seam.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from urbancam.demo.rendering.drawing import Drawing, Layer, Sun
from urbancam.demo.rendering.materials import (
    CROWN_HUES,
    CROWN_SHADES,
    LEVELS,
    MATERIAL,
    SHADED,
    SUMMER,
    Season,
    colour_table,
    texture_of_material,
    textures,
)

MARGIN_PX = 1  # needed by the soft focus
TALLEST_M = 16.0  # farthest reach of an object beyond its own box
THINNEST_PX = 0.35  # what is thinner is left out
CROWN_STEP_M = 0.75
CROWN_SHAPES = 5
BROAD_PX = 32  # pixels per step of the broad change of brightness


@dataclass(frozen=True)
class Crown:
    """A tree from above: materials, its mask, and where its shadow falls."""

    picture: Image.Image
    mask: Image.Image
    shift: tuple[int, int]


class Renderer:
    """Paints windows of one drawing at one pixel size.

    Args:
        drawing: all objects.
        pixel_m: side of a pixel, m.
        rng: of the textures.
        season: of the colours.
    """

    def __init__(
        self, drawing: Drawing, pixel_m: float, rng: np.random.Generator, season: Season = SUMMER
    ) -> None:
        self.pixel_m = pixel_m
        self.polygons = np.flatnonzero(_mean_width_m(drawing) >= THINNEST_PX * pixel_m)
        self.drawing = drawing
        self.xy = np.floor(drawing.xy / pixel_m).astype("int32")  # Pillow draws from whole pixels
        self.box = drawing.box[self.polygons] / pixel_m
        self.tree_xy = drawing.trees / pixel_m
        self.tree_size = np.clip(np.round(drawing.crown_m / CROWN_STEP_M).astype(int), 1, None)
        self.tree_shape = rng.integers(0, CROWN_SHAPES, len(drawing.trees))
        self.crowns = self._crowns(rng)
        self.texture_px = int(2 ** np.clip(np.ceil(np.log2(200 / pixel_m)), 5, 10))
        self.texture = textures(self.texture_px, pixel_m, rng)
        self.broad = rng.integers(0, LEVELS - 48, (256, 256), dtype="uint8")
        self.colours = colour_table(season)
        self.texture_start = (texture_of_material() * self.texture_px**2).astype("int32")

    def window(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        """Colours of a window, in pixels from the north-west corner: (3, height, width) uint8."""
        materials = self._paint(
            left - MARGIN_PX, top - MARGIN_PX, width + 2 * MARGIN_PX, height + 2 * MARGIN_PX
        )
        level = self._levels(materials, left - MARGIN_PX, top - MARGIN_PX)
        index = (materials.astype("uint16") << 6) | level
        colour = _soften(self.colours[index])
        return np.ascontiguousarray(
            colour.view("uint8").reshape(height, width, 4)[..., :3].transpose(2, 0, 1)
        )

    def _paint(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        reach = TALLEST_M / self.pixel_m
        box = self.box
        seen = (
            (box[:, 0] < left + width)
            & (box[:, 2] > left)
            & (box[:, 1] < top + height)
            & (box[:, 3] > top)
        )
        numbers = self.polygons[seen]
        layers = self.drawing.layer[numbers]
        x, y = self.tree_xy.T
        trees = np.flatnonzero(
            (x > left - reach)
            & (x < left + width + reach)
            & (y > top - reach)
            & (y < top + height + reach)
        )
        canvas = Image.new("L", (width, height), MATERIAL["asphalt"])
        self._fill(canvas, numbers[layers < Layer.SHADOW], left, top)
        shade = Image.new("L", (width, height), 0)
        self._fill(shade, numbers[layers == Layer.SHADOW], left, top, SHADED)
        self._stamp(shade, trees, left, top, shadow=True)
        canvas = Image.fromarray(np.asarray(canvas) | np.asarray(shade))
        self._fill(canvas, numbers[layers > Layer.SHADOW], left, top)
        self._stamp(canvas, trees, left, top, shadow=False)
        return np.asarray(canvas)

    def _fill(
        self,
        canvas: Image.Image,
        numbers: np.ndarray,
        left: int,
        top: int,
        value: int | None = None,
    ) -> None:
        draw = ImageDraw.Draw(canvas)
        corner = np.array([left, top], "int32")
        start, material = self.drawing.start, self.drawing.material
        for number in numbers.tolist():
            xy = self.xy[start[number] : start[number + 1]] - corner
            draw.polygon(
                xy.ravel().tolist(), fill=int(material[number]) if value is None else value
            )

    def _stamp(
        self, canvas: Image.Image, trees: np.ndarray, left: int, top: int, shadow: bool
    ) -> None:
        for x, y, size, shape, hue in zip(
            *(self.tree_xy[trees] - (left, top)).T.tolist(),
            self.tree_size[trees].tolist(),
            self.tree_shape[trees].tolist(),
            self.drawing.hue[trees].tolist(),
            strict=True,
        ):
            crown = self.crowns[size, shape, hue]
            x, y = round(x) - crown.mask.width // 2, round(y) - crown.mask.height // 2
            if shadow:
                canvas.paste(SHADED, (x + crown.shift[0], y + crown.shift[1]), crown.mask)
            else:
                canvas.paste(crown.picture, (x, y), crown.mask)

    def _levels(self, materials: np.ndarray, left: int, top: int) -> np.ndarray:
        """Texture level of each pixel, 0 .. 63: the material's texture plus a broad change."""
        height, width = materials.shape
        row, column = (
            (top + np.arange(height)) % self.texture_px,
            (left + np.arange(width)) % self.texture_px,
        )
        place = (row[:, None] * self.texture_px + column[None]).astype("int32")
        place += self.texture_start[materials]
        return self.texture.ravel()[place] + self._broad(left, top, width, height)

    def _broad(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        """Smooth noise between a coarse grid of values, tied to the ground: (height, width), 0 .. 15."""
        first_x, first_y = left // BROAD_PX, top // BROAD_PX
        columns, rows = width // BROAD_PX + 3, height // BROAD_PX + 3
        patch = self.broad[
            np.arange(first_y, first_y + rows)[:, None] % 256,
            np.arange(first_x, first_x + columns) % 256,
        ]
        large = Image.fromarray(patch).resize(
            (columns * BROAD_PX, rows * BROAD_PX), Image.Resampling.BILINEAR
        )
        x, y = left - first_x * BROAD_PX + BROAD_PX // 2, top - first_y * BROAD_PX + BROAD_PX // 2
        return np.asarray(large)[y : y + height, x : x + width]

    def _crowns(self, rng: np.random.Generator) -> dict[tuple[int, int, int], Crown]:
        sizes = range(1, int(self.tree_size.max()) + 1)
        return {
            (size, shape, hue): crown
            for size in sizes
            for shape in range(CROWN_SHAPES)
            for hue, crown in enumerate(
                _draw_crown(size * CROWN_STEP_M, self.pixel_m, self.drawing.sun, rng)
            )
        }


def _mean_width_m(drawing: Drawing) -> np.ndarray:
    """Area over the longer side of the box of each polygon: (P,)."""
    x, y = drawing.xy.T.astype("float64")
    doubled = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0.0)
    doubled[drawing.start[1:-1] - 1] = 0.0  # not from one polygon to the next
    last = drawing.start[1:] - 1
    closing = x[last] * y[drawing.start[:-1]] - x[drawing.start[:-1]] * y[last]
    area_m2 = np.abs(np.add.reduceat(doubled, drawing.start[:-1]) + closing) / 2
    return area_m2 / np.maximum((drawing.box[:, 2:] - drawing.box[:, :2]).max(axis=1), 1e-6)


def _draw_crown(crown_m: float, pixel_m: float, sun: Sun, rng: np.random.Generator) -> list[Crown]:
    """One crown in all hues: a lumpy dome, brighter where it looks at the sun."""
    half = max(crown_m / pixel_m / 2, 0.5)
    size = int(np.ceil(2.3 * half)) | 1
    y, x = (np.mgrid[:size, :size] - size // 2) / half
    angle, distance = np.arctan2(y, x), np.hypot(x, y)
    wobble = sum(
        rng.uniform(0.02, 0.09) * np.sin(k * angle + rng.uniform(0, 6)) for k in (2, 3, 5, 7)
    )
    inside = distance < 1 + wobble
    lumps = rng.normal(0, 0.33, (size // 3 + 2, size // 3 + 2))
    lumps = np.asarray(
        Image.fromarray(lumps.astype("float32")).resize((size, size), Image.Resampling.BICUBIC)
    )
    light = -(x * sun.heading[0] - y * sun.heading[1]) * 0.95 - 0.35 * distance**2 + lumps
    shade = np.clip(np.round((light + 1.1) / 2.2 * (CROWN_SHADES - 1)), 0, CROWN_SHADES - 1).astype(
        "uint8"
    )
    mask = Image.fromarray(np.where(inside, 255, 0).astype("uint8"))
    reach = (0.55 * crown_m + 1.2) * sun.shadow_per_height / pixel_m * sun.heading
    shift = (round(reach[0]), round(-reach[1]))
    first = [MATERIAL[f"crown_{hue}_0"] for hue in range(CROWN_HUES)]
    return [Crown(Image.fromarray(shade + np.uint8(number)), mask, shift) for number in first]


def _soften(colour: np.ndarray) -> np.ndarray:
    """The soft focus of a survey camera: weights 1 2 1 both ways; loses one pixel on each side.

    Four bytes of a uint32 are averaged at once: (a & b) + ((a ^ b) >> 1), without carry between bytes.
    """
    for _ in range(2):
        colour = _halve(colour[:, :-1], colour[:, 1:])
        colour = _halve(colour[:-1], colour[1:])
    return colour


def _halve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a & b) + (((a ^ b) & np.uint32(0xFEFEFEFE)) >> np.uint32(1))
