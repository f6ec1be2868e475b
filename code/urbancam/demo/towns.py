"""The towns of the cities experiment: five forms, each seen in two lights, as a user drops them in.

Form belongs to the town; light and season belong to the acquisition. Every light shines on two
towns, so that light alone names no town, and a network trained on one acquisition that goes by
light takes the other acquisition of each town for another town, which `cities_truth.json` names.
"""

import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from urbancam.demo.layout import streets
from urbancam.demo.rendering.drawing import Sketch, Sun
from urbancam.demo.rendering.materials import Season
from urbancam.demo.rendering.render import Renderer
from urbancam.demo.things import quarters
from urbancam.tables import frames
from urbancam.workflow import progress
from urbancam.workflow.files import atomic, write_json
from urbancam.workflow.machine import interrupts
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.cities_sections import Cities

JPEG_QUALITY = 92
MARGIN_M = 40.0  # drawn around a site, so that shadows and crowns reach in


@dataclass(frozen=True)
class Town:
    """A town: its folder's name, its form in words, its streets and what stands between them."""

    name: str
    form: str
    blocks: Callable[[float, np.random.Generator], np.ndarray]
    draw: Callable[[Sketch, np.ndarray, np.random.Generator], None]


@dataclass(frozen=True)
class Light:
    """When a survey flew: the sun, and the colours of the season."""

    name: str
    sun: Sun
    season: Season


TOWNS = (
    Town(
        "Altmark (ALT)",
        "old town of crooked lanes",
        streets.old_town,
        quarters.gabled_lanes,
    ),
    Town(
        "Gridley (GRD)",
        "straight grid of flat-roofed commerce",
        streets.straight_grid,
        quarters.flat_commerce,
    ),
    Town(
        "Hochstadt (HOC)",
        "superblocks of slabs and towers",
        streets.superblocks,
        quarters.slabs_and_towers,
    ),
    Town(
        "Lindenau (LIN)",
        "garden suburb on winding drives",
        streets.winding_drives,
        quarters.villas,
    ),
    Town(
        "Qasrabad (QAS)",
        "desert town of court houses",
        streets.compounds,
        quarters.court_houses,
    ),
)
LIGHTS = (
    Light("summer_noon", Sun(172.0, 0.55), Season((1.00, 1.00, 1.00), (1.06, 1.02, 0.92))),
    Light("late_autumn", Sun(205.0, 1.30), Season((1.14, 0.96, 0.84), (1.10, 0.93, 0.76))),
    Light("spring_haze", Sun(140.0, 0.85), Season((1.02, 1.07, 0.94), (0.88, 1.00, 1.14))),
    Light("winter", Sun(165.0, 1.60), Season((1.16, 1.02, 1.06), (0.74, 0.80, 0.96))),
    Light("dry_summer", Sun(235.0, 0.80), Season((1.20, 1.05, 0.88), (1.18, 1.05, 0.82))),
)
SECOND_LIGHT = 2  # places further in LIGHTS: the light of a town's second acquisition


@dataclass(frozen=True)
class Site:
    """One image to render: numbers of the town, the site in it and the light."""

    town: int
    number: int
    light: int

    @property
    def folder(self) -> Path:
        """Folder of the site, below that of all cities."""
        return Path(TOWNS[self.town].name, f"site_{self.number + 1:02d}")


def plan_sites(sites_per_town: int) -> list[Site]:
    """All sites; those of a town alternate between its two lights."""
    return [
        Site(town, number, _light_of(town, number % 2))
        for town in range(len(TOWNS))
        for number in range(sites_per_town)
    ]


def _light_of(town: int, acquisition: int) -> int:
    """Number of the light of a town's first (0) or second (1) acquisition."""
    return (town + SECOND_LIGHT * acquisition) % len(LIGHTS)


def render_site(
    site: Site,
    seed: int,
    site_px: int,
    pixel_m: float,
) -> np.ndarray:
    """Pixels of a site: (site_px, site_px, 3) uint8, row 0 in the north."""
    town = TOWNS[site.town]
    light = LIGHTS[site.light]
    rng = np.random.default_rng([seed, site.town, site.number])
    side_m = site_px * pixel_m + 2 * MARGIN_M
    sketch = Sketch(light.sun)
    town.draw(sketch, town.blocks(side_m, rng), rng)
    drawing = sketch.freeze(MARGIN_M, side_m - MARGIN_M)
    renderer = Renderer(drawing, pixel_m, rng, light.season)
    return renderer.window(0, 0, site_px, site_px).transpose(1, 2, 0)


def make_towns(
    settings: Cities,
    paths: Paths,
    workers: int,
) -> tuple[list[Path], dict[str, Any]]:
    """Render all sites below `paths.cities_data`; the truth about them: `paths.cities_truth`.

    Returns:
        The files written but for the truth, and counts for the summary line.
    """
    sites = plan_sites(settings.demo.sites)
    _remove_others(sites, paths.cities_data)
    write = partial(_write_site, settings=settings, folder=paths.cities_data)
    with ProcessPoolExecutor(min(workers, len(sites)), initializer=interrupts.end_quietly) as pool:
        written = pool.map(partial(interrupts.carry_out, write), sites)
        images = list(progress.bar(written, desc="sites", total=len(sites)))
    acquisitions = pd.DataFrame(
        {
            "city": [TOWNS[site.town].name for site in sites],
            "site": [site.folder.name for site in sites],
            "acquisition": [LIGHTS[site.light].name for site in sites],
        }
    )
    frames.write(acquisitions, paths.acquisitions)
    write_json(paths.cities_truth, tell_truth(settings, acquisitions))
    counts = {
        "towns": len(TOWNS),
        "sites": len(sites),
        "px a side": settings.demo.site_px,
    }
    return [*images, paths.acquisitions], counts


def _remove_others(sites: list[Site], folder: Path) -> None:
    """Remove sites that an earlier demo had more of; what is not of its towns is left alone."""
    planned = {folder / site.folder for site in sites}
    for town in TOWNS:
        present = set((folder / town.name).glob("site_*"))
        for surplus in present - planned:
            shutil.rmtree(surplus)


def _write_site(
    site: Site,
    settings: Cities,
    folder: Path,
) -> Path:
    path = folder / site.folder / "0.jpg"
    pixels = render_site(site, settings.demo.seed, settings.demo.site_px, settings.pixel_size_m)
    with atomic(path) as temporary:
        Image.fromarray(pixels).save(temporary, quality=JPEG_QUALITY, subsampling=0)
    return path


def tell_truth(settings: Cities, acquisitions: pd.DataFrame) -> dict[str, Any]:
    """What is known about the towns: forms, lights, and the towns that a light is shared with."""
    return {
        "seed": settings.demo.seed,
        "pixel_size_m": settings.pixel_size_m,
        "towns": [_truth_of(number) for number in range(len(TOWNS))],
        "sites": acquisitions.to_dict("records"),
    }


def _truth_of(number: int) -> dict[str, Any]:
    """A town, and whom a network that goes by light would name for each of its acquisitions."""
    town = TOWNS[number]
    lights = [LIGHTS[_light_of(number, acquisition)].name for acquisition in (0, 1)]
    before = TOWNS[(number - SECOND_LIGHT) % len(TOWNS)]
    after = TOWNS[(number + SECOND_LIGHT) % len(TOWNS)]
    return {
        "city": town.name,
        "form": town.form,
        "acquisitions": lights,
        "shares_first_light_with": before.name,
        "shares_second_light_with": after.name,
    }
