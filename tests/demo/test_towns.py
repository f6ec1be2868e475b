"""The towns of the cities demo: the same pixels from the same seed, every light on two towns."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from urbancam.demo import towns
from urbancam.demo.rendering.drawing import Sketch, Sun
from urbancam.tables import frames
from urbancam.workflow import files
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import cities_sections, settings

PIXEL_M = 0.5


def small(**demo) -> cities_sections.Cities:
    sizes = {"cities.demo.sites": 2, "cities.demo.site_px": 96} | demo
    changes = [f"{key}={value}" for key, value in sizes.items()]
    return settings.load("demo", changes).cities


@pytest.mark.slow
@pytest.mark.parametrize("site", towns.plan_sites(1), ids=lambda site: towns.TOWNS[site.town].name)
def test_same_seed_same_pixels(site):
    first = towns.render_site(site, 0, 96, PIXEL_M)
    assert first.shape == (96, 96, 3)
    assert first.dtype == np.uint8
    assert first.std() > 10
    assert np.array_equal(first, towns.render_site(site, 0, 96, PIXEL_M))


def test_other_seed_other_pixels():
    site = towns.plan_sites(1)[0]
    first = towns.render_site(site, 0, 96, PIXEL_M)
    second = towns.render_site(site, 1, 96, PIXEL_M)
    assert not np.array_equal(first, second)


def test_towns_alternate_between_two_lights_and_every_light_shines_on_two_towns():
    sites = towns.plan_sites(6)
    pairs = {(site.town, site.light) for site in sites}
    assert set(Counter(town for town, _ in pairs).values()) == {2}
    assert set(Counter(light for _, light in pairs).values()) == {2}
    sites_of_pair = Counter((site.town, site.light) for site in sites)
    assert min(sites_of_pair.values()) == 3


def test_low_sun_throws_long_shadows():
    square = np.array([[[0.0, 0.0], [1, 0], [1, 1], [0, 1]]])
    lengths = []
    for shadow_per_height in (0.5, 1.5):
        sketch = Sketch(Sun(180.0, shadow_per_height))
        sketch.shadows(square, 10.0)
        sketch.trees(np.zeros((1, 2)), np.ones(1), np.zeros(1))
        box = sketch.freeze(0.0, 0.0).box[0]
        lengths.append(np.ptp(box[[1, 3]]))
    assert lengths == pytest.approx([6.0, 16.0])


@pytest.fixture
def paths(tmp_path) -> Paths:
    """Where a site of an earlier, larger demo lies, and a site of the user's own."""
    paths = Paths(tmp_path / "data", tmp_path / "results", "cities")
    (paths.cities_data / "Altmark (ALT)" / "site_03").mkdir(parents=True)
    (paths.cities_data / "Oslo (OSL)" / "site_09").mkdir(parents=True)
    return paths


@pytest.mark.slow
def test_towns_lie_as_a_user_would_drop_them_and_the_truth_beside(paths):
    written, counts = towns.make_towns(small(), paths, 1)
    images = [path for path in written if path.suffix == ".jpg"]
    folders = list(paths.cities_data.glob("*/site_*"))
    assert len(images) == counts["sites"] == len(folders) - 1 == 10
    with Image.open(paths.cities_data / "Altmark (ALT)" / "site_01" / "0.jpg") as image:
        assert image.size == (96, 96)

    truth = files.read_json(paths.cities_truth)
    acquisitions = frames.read(paths.acquisitions)
    assert acquisitions.to_dict("records") == truth["sites"]
    assert truth["towns"][0]["acquisitions"] == ["summer_noon", "spring_haze"]
