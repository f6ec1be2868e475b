"""The pixels: polygons and crowns of a drawing painted as materials, then turned into colour.

A window is painted in whole materials first (Pillow, one byte a pixel); shadows are one bit of that
byte. Colour is one look-up at the end: material and texture level -> RGB. Windows of any size join
without a seam.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from urbancam.demo.rendering.crowns import CROWN_SHAPES, CROWN_STEP_M, Crown, draw_crown
from urbancam.demo.rendering.drawing import Drawing, Layer
from urbancam.demo.rendering.materials import (
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
BROAD_PX = 32  # pixels per step of the broad change of brightness
BROAD_CELLS = 256  # side of its grid, which repeats
BROAD_LEVELS = 16  # of the texture levels, which textures leave free


class Window(NamedTuple):
    """A rectangle of pixels, counted from the north-west corner of the drawing."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column beyond."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row beyond."""
        return self.top + self.height


class Renderer:
    """Paints windows of one drawing at one pixel size.

    Args:
        drawing: All objects.
        pixel_m: Side of a pixel, m.
        rng: Gives crowns and textures.
        season: Season of the colours.
    """

    def __init__(
        self,
        drawing: Drawing,
        pixel_m: float,
        rng: np.random.Generator,
        season: Season = SUMMER,
    ) -> None:
        self.pixel_m = pixel_m
        self.drawing = drawing
        self.polygons = np.flatnonzero(_mean_width_m(drawing) >= THINNEST_PX * pixel_m)
        self.xy = np.floor(drawing.xy / pixel_m).astype("int32")  # Pillow draws from whole pixels
        self.box = drawing.box[self.polygons] / pixel_m

        crown_steps = np.round(drawing.crown_m / CROWN_STEP_M).astype(int)
        self.tree_xy = drawing.trees / pixel_m
        self.tree_size = np.clip(crown_steps, 1, None)
        self.tree_shape = rng.integers(0, CROWN_SHAPES, len(drawing.trees))
        self.crowns = self._crowns(rng)

        # A texture is as large as a cell, in powers of two between 32 and 1024 px.
        power = np.clip(np.ceil(np.log2(200 / pixel_m)), 5, 10)
        self.texture_px = int(2**power)
        self.texture = textures(self.texture_px, pixel_m, rng)
        self.texture_start = (texture_of_material() * self.texture_px**2).astype("int32")
        highest = LEVELS - 3 * BROAD_LEVELS
        self.broad = rng.integers(0, highest, (BROAD_CELLS, BROAD_CELLS), dtype="uint8")
        self.colours = colour_table(season)

    def window(
        self,
        left: int,
        top: int,
        width: int,
        height: int,
    ) -> np.ndarray:
        """Colours of a window, in pixels from the north-west corner: (3, height, width) uint8."""
        framed = Window(
            left - MARGIN_PX,
            top - MARGIN_PX,
            width + 2 * MARGIN_PX,
            height + 2 * MARGIN_PX,
        )
        materials = self._paint(framed)
        levels = self._levels(materials, framed)
        index = (materials.astype("uint16") << 6) | levels
        colour = _soften(self.colours[index])
        channels = colour.view("uint8").reshape(height, width, 4)
        return np.ascontiguousarray(channels[..., :3].transpose(2, 0, 1))

    def _paint(self, window: Window) -> np.ndarray:
        """Material of each pixel, and whether it lies in shade: (height, width) uint8."""
        numbers = self._polygons_in(window)
        layers = self.drawing.layer[numbers]
        trees = self._trees_in(window)
        size = (window.width, window.height)

        # Shadows are painted apart and laid over what is flat; what is raised comes on top.
        canvas = Image.new("L", size, MATERIAL["asphalt"])
        self._fill(canvas, numbers[layers < Layer.SHADOW], window)
        shade = Image.new("L", size, 0)
        self._fill(shade, numbers[layers == Layer.SHADOW], window, SHADED)
        self._stamp(shade, trees, window, shadow=True)
        canvas = Image.fromarray(np.asarray(canvas) | np.asarray(shade))
        self._fill(canvas, numbers[layers > Layer.SHADOW], window)
        self._stamp(canvas, trees, window, shadow=False)
        return np.asarray(canvas)

    def _polygons_in(self, window: Window) -> np.ndarray:
        """Numbers of the polygons whose box meets a window."""
        x_min, y_min, x_max, y_max = self.box.T
        in_columns = (x_min < window.right) & (x_max > window.left)
        in_rows = (y_min < window.bottom) & (y_max > window.top)
        return self.polygons[in_columns & in_rows]

    def _trees_in(self, window: Window) -> np.ndarray:
        """Numbers of the trees whose crown or shadow may reach into a window."""
        reach = TALLEST_M / self.pixel_m
        x, y = self.tree_xy.T
        in_columns = (x > window.left - reach) & (x < window.right + reach)
        in_rows = (y > window.top - reach) & (y < window.bottom + reach)
        return np.flatnonzero(in_columns & in_rows)

    def _fill(
        self,
        canvas: Image.Image,
        numbers: np.ndarray,
        window: Window,
        value: int | None = None,
    ) -> None:
        """Paint polygons, in their own materials or in one value."""
        draw = ImageDraw.Draw(canvas)
        corner = np.array([window.left, window.top], "int32")
        start = self.drawing.start
        for number in numbers.tolist():
            xy = self.xy[start[number] : start[number + 1]] - corner
            fill = int(self.drawing.material[number]) if value is None else value
            draw.polygon(xy.ravel().tolist(), fill=fill)

    def _stamp(
        self,
        canvas: Image.Image,
        trees: np.ndarray,
        window: Window,
        shadow: bool,
    ) -> None:
        """Paint the crowns of trees, or the shadows of their crowns."""
        xy = self.tree_xy[trees] - (window.left, window.top)
        kinds = zip(
            self.tree_size[trees].tolist(),
            self.tree_shape[trees].tolist(),
            self.drawing.hue[trees].tolist(),
            strict=True,
        )
        for (x, y), kind in zip(xy.tolist(), kinds, strict=True):
            crown = self.crowns[kind]
            left = round(x) - crown.mask.width // 2
            top = round(y) - crown.mask.height // 2
            if shadow:
                across, down = crown.shift
                canvas.paste(SHADED, (left + across, top + down), crown.mask)
            else:
                canvas.paste(crown.picture, (left, top), crown.mask)

    def _levels(self, materials: np.ndarray, window: Window) -> np.ndarray:
        """Texture level of each pixel, 0 .. 63: the material's texture plus a broad change."""
        row = (window.top + np.arange(window.height)) % self.texture_px
        column = (window.left + np.arange(window.width)) % self.texture_px
        place = (row[:, None] * self.texture_px + column[None]).astype("int32")
        place += self.texture_start[materials]
        return self.texture.ravel()[place] + self._broad(window)

    def _broad(self, window: Window) -> np.ndarray:
        """Smooth noise on a coarse grid tied to the ground: (height, width), 0 .. 15."""
        first_x = window.left // BROAD_PX
        first_y = window.top // BROAD_PX
        columns = window.width // BROAD_PX + 3
        rows = window.height // BROAD_PX + 3
        # Two squares more than a window touches, for the blend at its edges.
        grid_x = np.arange(first_x, first_x + columns) % BROAD_CELLS
        grid_y = np.arange(first_y, first_y + rows) % BROAD_CELLS
        patch = Image.fromarray(self.broad[grid_y[:, None], grid_x])
        large_size = (columns * BROAD_PX, rows * BROAD_PX)
        large = np.asarray(patch.resize(large_size, Image.Resampling.BILINEAR))

        # A value of the grid stands for the middle of its square.
        x = window.left - first_x * BROAD_PX + BROAD_PX // 2
        y = window.top - first_y * BROAD_PX + BROAD_PX // 2
        return large[y : y + window.height, x : x + window.width]

    def _crowns(self, rng: np.random.Generator) -> dict[tuple[int, int, int], Crown]:
        """Crowns by size, shape and hue."""
        crowns = {}
        for size in range(1, int(self.tree_size.max()) + 1):
            for shape in range(CROWN_SHAPES):
                hues = draw_crown(size * CROWN_STEP_M, self.pixel_m, self.drawing.sun, rng)
                for hue, crown in enumerate(hues):
                    crowns[size, shape, hue] = crown
        return crowns


def _mean_width_m(drawing: Drawing) -> np.ndarray:
    """Area over the longer side of the box of each polygon: (P,)."""
    x, y = drawing.xy.T.astype("float64")
    first = drawing.start[:-1]
    last = drawing.start[1:] - 1

    # Shoelace formula: twice the area, edge by edge, and the edge that closes the polygon.
    edges = x[:-1] * y[1:] - x[1:] * y[:-1]
    doubled = np.append(edges, 0.0)
    doubled[last[:-1]] = 0.0  # not from one polygon to the next
    closing = x[last] * y[first] - x[first] * y[last]
    area_m2 = np.abs(np.add.reduceat(doubled, first) + closing) / 2
    sides_m = drawing.box[:, 2:] - drawing.box[:, :2]
    return area_m2 / np.maximum(sides_m.max(axis=1), 1e-6)


def _soften(colour: np.ndarray) -> np.ndarray:
    """The soft focus of a survey camera: weights 1 2 1 both ways; loses one pixel on each side."""
    for _ in range(2):
        colour = _halve(colour[:, :-1], colour[:, 1:])
        colour = _halve(colour[:-1], colour[1:])
    return colour


def _halve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean of two colours: the four bytes of a uint32 at once, without carry between bytes.

    (a & b) + ((a ^ b) >> 1), byte by byte.
    """
    difference = (a ^ b) & np.uint32(0xFEFEFEFE)
    return (a & b) + (difference >> np.uint32(1))
