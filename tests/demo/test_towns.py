"""The towns of the cities demo: the same seed gives the same pixels, every light shines on two towns."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from urbancam.demo import towns
from urbancam.demo.rendering.drawing import Sketch, Sun
from urbancam.tables import frames
from urbancam.workflow import files, sections, settings
from urbancam.workflow.paths import Paths

PIXEL_M = 0.5


def small(**demo) -> sections.Cities:
    sizes = {"cities.demo.sites": 2, "cities.demo.site_px": 96} | demo
    return settings.load("demo", [f"{key}={value}" for key, value in sizes.items()]).cities


@pytest.mark.parametrize("site", towns.plan_sites(1), ids=lambda site: towns.TOWNS[site.town].name)
def test_same_seed_same_pixels(site):
    first = towns.render_site(site, 0, 96, PIXEL_M)
    assert first.shape == (96, 96, 3) and first.dtype == np.uint8 and first.std() > 10
    assert np.array_equal(first, towns.render_site(site, 0, 96, PIXEL_M))


def test_other_seed_other_pixels():
    site = towns.plan_sites(1)[0]
    assert not np.array_equal(
        towns.render_site(site, 0, 96, PIXEL_M), towns.render_site(site, 1, 96, PIXEL_M)
    )


def test_towns_alternate_between_two_lights_and_every_light_shines_on_two_towns():
    sites = towns.plan_sites(6)
    pairs = {(site.town, site.light) for site in sites}
    assert set(Counter(town for town, _ in pairs).values()) == {2}
    assert set(Counter(light for _, light in pairs).values()) == {2}
    assert Counter((site.town, site.light) for site in sites).most_common()[-1][1] == 3


def test_low_sun_throws_long_shadows():
    lengths = []
    for shadow_per_height in (0.5, 1.5):
        sketch = Sketch(Sun(180.0, shadow_per_height))
        sketch.shadows(np.array([[[0.0, 0.0], [1, 0], [1, 1], [0, 1]]]), 10.0)
        sketch.trees(np.zeros((1, 2)), np.ones(1), np.zeros(1))
        lengths.append(np.ptp(sketch.freeze(0.0, 0.0).box[0, [1, 3]]))
    assert lengths == pytest.approx([6.0, 16.0])


def test_towns_lie_as_a_user_would_drop_them_and_the_truth_beside(tmp_path):
    paths = Paths(tmp_path / "data", tmp_path / "results", "cities")
    (paths.cities_data / "Altmark (ALT)" / "site_03").mkdir(
        parents=True
    )  # of a demo with more sites
    (paths.cities_data / "Oslo (OSL)" / "site_09").mkdir(parents=True)  # the user's own
    written, counts = towns.make_towns(small(), paths, 1)
    images = [path for path in written if path.suffix == ".jpg"]
    assert len(images) == counts["sites"] == len(list(paths.cities_data.glob("*/site_*"))) - 1 == 10
    with Image.open(paths.cities_data / "Altmark (ALT)" / "site_01" / "0.jpg") as image:
        assert image.size == (96, 96)
    truth, flown = files.read_json(paths.cities_truth), frames.read(paths.acquisitions)
    assert flown.to_dict("records") == truth["sites"]
    assert [town["acquisitions"] for town in truth["towns"][:1]] == [["summer_noon", "spring_haze"]]
