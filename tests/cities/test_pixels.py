"""Pixels of patches: windows of resized images, and the caches of runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage

from city_images import make_images
from urbancam.cities import patch_windows, pixels
from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.sections import Image

IMAGE = Image(size_px=32, resample="bilinear", normalise="pretrained")


@pytest.fixture
def stored(tmp_path) -> tuple[Paths, pd.DataFrame]:
    """Two images of noise of different size in data/cities_data, their sites.csv, their patches."""
    paths = Paths(tmp_path / "data", tmp_path / "results", "cities")
    images = make_images(sites=1, per_site=1, cities=2).assign(source="files")
    images["width_px"] = [40, 56]
    images["path"] = images["city"] + "/site0/0.png"
    for number, row in enumerate(images.itertuples()):
        random = np.random.default_rng(number)
        noise = random.integers(0, 256, (row.height_px, row.width_px, 3), dtype=np.uint8)
        path = paths.cities_data / row.path
        path.parent.mkdir(parents=True)
        PillowImage.fromarray(noise).save(path)
    frames.write(images, paths.sites)
    return paths, patch_windows.index_windows(images, 8, 4, halves=False)


def test_patches_are_windows_of_their_images(stored):
    paths, index = stored
    index = index.sample(frac=1, random_state=0)
    got, rows = pixels.open_patches(paths, index, 8, IMAGE, 2)
    assert got.shape == (len(index), 32, 32, 3)
    for row, patch in zip(rows[:20], index.itertuples(), strict=False):
        with PillowImage.open(paths.cities_data / f"{patch.city}/site0/0.png") as image:
            size = (4 * image.width, 4 * image.height)
            scaled = np.asarray(image.resize(size, PillowImage.Resampling.BILINEAR))
        top = 4 * patch.y_px
        left = 4 * patch.x_px
        assert np.array_equal(got[row], scaled[top : top + 32, left : left + 32])


def test_windows_at_the_edge_are_whole_whatever_the_rounding(stored):
    paths, _ = stored
    sites = frames.read(paths.sites).assign(width_px=np.array([40, 25]))
    frames.write(sites, paths.sites)
    index = patch_windows.index_windows(sites, 16, 1, halves=False)
    odd = Image(size_px=33, resample="bilinear", normalise="pretrained")
    got, rows = pixels.open_patches(paths, index, 16, odd, 1)
    assert all(got[row].shape == (33, 33, 3) for row in rows)


def test_runs_keep_each_other_s_caches_and_share_those_of_the_same_sites(stored):
    paths, index = stored
    paper = replace(paths, run="paper")
    other = replace(paths, run="other")
    frames.write(frames.read(paths.sites), paper.sites)
    frames.write(frames.read(paths.sites).assign(signature="y"), other.sites)
    for run in (paths, paper, other, paths.of_variant("colour-grey")):
        pixels.open_patches(run, index, 8, IMAGE, 1)
    assert len(list(paths.cache.glob("*.npy"))) == 2

    other.sites.unlink()
    pixels.open_patches(paths, index, 8, IMAGE, 1)
    assert len(list(paths.cache.glob("*.npy"))) == 1


def test_image_that_is_gone_is_named(stored):
    paths, index = stored
    (paths.cities_data / "city 1/site0/0.png").unlink()
    with pytest.raises(InputError, match="21_import_sites"):
        pixels.open_patches(paths, index, 8, IMAGE, 1)
