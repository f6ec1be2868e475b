"""A picture of the demo city for the README: a piece of the town as it lies in the tiles."""

from pathlib import Path

import numpy as np
from PIL import Image

from urbancam.demo.city import site_of
from urbancam.demo.layout.plan import draw_plan
from urbancam.demo.rendering.tiles import make_renderer
from urbancam.demo.town import draw_town
from urbancam.workflow.files import atomic
from urbancam.workflow.settings.settings import Settings

# Share of the four tiles, from the west and from the north: old town, river, rails.
CENTRE_SHARE = (0.40, 0.47)
COLOURS = 96  # of the palette, so that a PNG stays small


def town_picture(
    settings: Settings,
    width_px: int = 900,
    height_px: int = 500,
    pixel_m: float = 1.0,
) -> Image.Image:
    """A piece of the town, rendered at the imagery's pixel size and averaged to a coarser one."""
    site = site_of(settings)
    fine_m = settings.imagery.pixel_size_m
    renderer = make_renderer(site, draw_town(site, draw_plan(site)), fine_m)

    step = max(1, round(pixel_m / fine_m))
    size_px = np.array([width_px, height_px])
    side_px = 2000 * site.tile_km / fine_m
    centre_px = np.array(CENTRE_SHARE) * side_px
    left, top = np.round(centre_px - size_px * step / 2).astype(int)
    pixels = renderer.window(int(left), int(top), width_px * step, height_px * step)
    return Image.fromarray(pixels.transpose(1, 2, 0)).reduce(step)


def write_picture(settings: Settings, path: Path) -> None:
    """Write the picture, a small PNG.

    `write_picture(settings.load("demo"), Path("imgs/demo_city.png"))`
    """
    picture = town_picture(settings).quantize(
        COLOURS,
        method=Image.Quantize.MEDIANCUT,
        dither=Image.Dither.NONE,
    )
    with atomic(path) as temporary:
        picture.save(temporary, optimize=True)
