"""The index of patches: windows as published (T8), roles that never share a site, cities that cannot take part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage

from urbancam.cities import patches, pixels
from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.sections import Image


def make_images(
    sites: int = 6, per_site: int = 2, cities: int = 3, size_px: int = 40
) -> pd.DataFrame:
    """A row per image; the sites of a city lie alternately in two acquisitions."""
    rows = [
        (f"city {city}", f"site{site}", f"{image}.jpg", "AB"[site % 2], size_px, size_px)
        for city in range(cities)
        for site in range(sites)
        for image in range(per_site)
    ]
    return pd.DataFrame(
        rows, columns=["city", "site", "image", "acquisition", "width_px", "height_px"]
    )


def make_patches(
    method: str, folds: int = 1, test_patches: int | None = None, **size
) -> pd.DataFrame:
    images = make_images(**size)
    windows = patches.index_windows(images, 8, 4, halves=method == "published")
    return patches.add_roles(
        windows, patches.assign_sites(images, method, folds, 0), method, folds, test_patches, 0
    )


def slow_windows(
    width_px: int, height_px: int, patch_px: int, stride_px: int
) -> list[tuple[int, int]]:
    found = []
    for y in range(0, height_px, stride_px):
        for x in range(0, width_px, stride_px):
            if x + patch_px <= width_px and y + patch_px <= height_px:
                found.append((x, y))
    return found


@pytest.mark.parametrize(("width_px", "expected"), [(4800, 361), (2400, 171), (480, 19), (479, 0)])
def test_published_counts_of_patches(width_px, expected):
    assert len(patches.window_corners(width_px, 4800, 480, 240)) == expected


@pytest.mark.parametrize("size", [(40, 30, 8, 4), (41, 33, 7, 3), (9, 9, 8, 4), (20, 50, 6, 6)])
def test_windows_are_full_and_row_by_row(size):
    assert [tuple(corner) for corner in patches.window_corners(*size)] == slow_windows(*size)


def test_published_halves_number_their_own_rows_and_never_cross_the_middle():
    images = make_images(sites=2, per_site=1, size_px=4800)
    got = patches.index_windows(images, 480, 240, halves=True)
    right = got[(got["city"] == "city 0") & (got["part"] == "right")]
    assert (
        right["number"].tolist()
        == (right["row"] * 9 + right["column"]).tolist()
        == list(range(171))
    )
    assert (
        right["x_px"].min() == 2400 and (got.loc[got["part"] == "left", "x_px"] + 480).max() == 2400
    )
    assert (got["part"] == "whole").sum() == 3 * 361 and got["patch_id"].is_unique


def test_published_roles_last_site_right_half_validates_left_half_is_tested():
    got = make_patches("published", test_patches=500, sites=11)
    last = got["site"] == "site9"  # as strings "site10" < "site9"
    assert (got.loc[last & (got["part"] == "right"), "role_0"] == "validation").all()
    assert (got.loc[last & (got["part"] == "left"), "role_0"] == "test").all()
    assert (got.loc[~last, "role_0"] == "train").all()


def test_test_patches_are_drawn_by_seed_and_the_others_unused():
    got = make_patches("published", test_patches=10)
    assert (got[got["role_0"] == "test"].groupby("city").size() == 10).all()
    assert (
        got.equals(make_patches("published", test_patches=10)) and (got["role_0"] == "unused").any()
    )


@pytest.mark.parametrize(("method", "folds"), [("sites", 3), ("sites", 5), ("acquisition", 2)])
def test_no_site_has_two_roles(method, folds):
    got = make_patches(method, folds)
    for fold in range(folds):
        roles = pd.Series(patches.roles(got, fold))
        assert (roles.groupby([got["city"], got["site"]]).nunique() == 1).all()
        assert set(roles) == {"train", "validation", "test"}


@pytest.mark.parametrize(("sites", "folds"), [(6, 3), (7, 5), (3, 5)])
def test_every_site_is_tested_once_and_every_city_always_trains(sites, folds):
    got = make_patches("sites", folds, sites=sites)
    tested = sum((got[f"role_{fold}"] == "test").astype(int) for fold in range(folds))
    assert (tested == 1).all()
    for fold in range(folds):
        assert got.loc[got[f"role_{fold}"] == "train", "city"].nunique() == 3


def test_networks_tested_on_an_acquisition_never_saw_it():
    got = make_patches("acquisition", 2)
    for fold in (0, 1):
        roles = got[f"role_{fold}"]
        tested = got.loc[roles == "test", "acquisition"].unique()
        assert len(tested) == 1 and not got.loc[roles != "test", "acquisition"].isin(tested).any()


def test_cities_with_too_few_sites_are_left_out_with_a_reason():
    images = pd.concat(
        [make_images(cities=2), make_images(sites=2, cities=3).query("city == 'city 2'")]
    )
    got = patches.usable_cities(images, 8, "sites")
    assert (
        got["used"].tolist() == [True, True, False]
        and got["reason"].iloc[2] == "fewer than 3 sites"
    )


def test_small_images_do_not_count():
    images = make_images()
    images.loc[images["city"] == "city 1", "height_px"] = 7
    got = patches.usable_cities(images, 8, "sites").set_index("city").loc["city 1"]
    assert (got["sites"], got["images"], got["small_images"]) == (0, 0, 12) and not got["used"]


def test_fewer_than_two_cities_are_refused():
    with pytest.raises(InputError, match="1 of 1 cities"):
        patches.usable_cities(make_images(cities=1), 8, "sites")


def test_city_that_could_not_train_on_either_side_of_its_acquisitions_is_left_out():
    images = make_images(sites=4)
    lone = (images["city"] == "city 1") & (images["site"] != "site0")
    images.loc[lone, "acquisition"] = (
        "B"  # tested on B, its one site of A validates and nothing trains
    )
    got = patches.usable_cities(images, 8, "acquisition")
    assert got["used"].tolist() == [True, False, True] and "either side" in got["reason"].iloc[1]


def test_images_of_unknown_acquisition_do_not_count_where_it_splits():
    images = make_images(sites=5)
    images.loc[images["site"] == "site4", "acquisition"] = np.nan
    assert patches.usable_cities(images, 8, "acquisition")["sites"].tolist() == [4, 4, 4]
    assert patches.usable_cities(images, 8, "sites")["sites"].tolist() == [5, 5, 5]


def test_fold_that_tests_nothing_is_refused():
    with pytest.raises(InputError, match="fold 3 has no validation"):
        patches.check_roles(make_patches("sites", 5, sites=3, cities=2), 5)
    patches.check_roles(make_patches("sites", 3, sites=3, cities=2), 3)


def test_unknown_fold_is_refused():
    with pytest.raises(InputError, match="no roles for fold 3"):
        patches.roles(make_patches("sites", 3), 3)


@pytest.fixture
def stored(tmp_path) -> tuple[Paths, pd.DataFrame]:
    """Two images of noise of different size below data/cities_data, their sites.csv and their patches."""
    paths = Paths(tmp_path / "data", tmp_path / "results", "cities")
    images = make_images(sites=1, per_site=1, cities=2).assign(source="files")
    images["width_px"] = [40, 56]
    images["path"] = images["city"] + "/site0/0.png"
    for number, row in enumerate(images.itertuples()):
        noise = np.random.default_rng(number).integers(
            0, 256, (row.height_px, row.width_px, 3), dtype=np.uint8
        )
        (paths.cities_data / row.path).parent.mkdir(parents=True)
        PillowImage.fromarray(noise).save(paths.cities_data / row.path)
    frames.write(images, paths.sites)
    return paths, patches.index_windows(images, 8, 4, halves=False)


def test_patches_are_windows_of_their_images(stored):
    paths, index = stored
    index = index.sample(frac=1, random_state=0)
    got, rows = pixels.open_patches(
        paths, index, 8, Image(size_px=32, resample="bilinear", normalise="imagenet"), 2
    )
    assert got.shape == (len(index), 32, 32, 3)
    for row, patch in zip(rows[:20], index.itertuples(), strict=False):
        with PillowImage.open(paths.cities_data / f"{patch.city}/site0/0.png") as image:
            scaled = np.asarray(
                image.resize((4 * image.width, 4 * image.height), PillowImage.Resampling.BILINEAR)
            )
        expected = scaled[
            4 * patch.y_px : 4 * patch.y_px + 32, 4 * patch.x_px : 4 * patch.x_px + 32
        ]
        assert np.array_equal(got[row], expected)


def test_windows_at_the_edge_are_whole_whatever_the_rounding(stored):
    paths, _ = stored
    sites = frames.read(paths.sites).assign(width_px=np.array([40, 25]))
    frames.write(sites, paths.sites)
    index = patches.index_windows(sites, 16, 1, halves=False)
    got, rows = pixels.open_patches(
        paths, index, 16, Image(size_px=33, resample="bilinear", normalise="imagenet"), 1
    )
    assert all(got[row].shape == (33, 33, 3) for row in rows)


def test_runs_keep_each_other_s_caches_and_share_those_of_the_same_sites(stored):
    paths, index = stored
    asked = Image(size_px=32, resample="bilinear", normalise="imagenet")
    paper, other = replace(paths, run="paper"), replace(paths, run="other")
    frames.write(frames.read(paths.sites), paper.sites)
    frames.write(frames.read(paths.sites).assign(signature="y"), other.sites)
    for own in (paths, paper, other, paths.of_variant("colour-grey")):
        pixels.open_patches(own, index, 8, asked, 1)
    assert len(list(paths.cache.glob("*.npy"))) == 2
    other.sites.unlink()
    pixels.open_patches(paths, index, 8, asked, 1)
    assert len(list(paths.cache.glob("*.npy"))) == 1


def test_image_that_is_gone_is_named(stored):
    paths, index = stored
    (paths.cities_data / "city 1/site0/0.png").unlink()
    with pytest.raises(InputError, match="21_import_sites"):
        pixels.open_patches(
            paths, index, 8, Image(size_px=32, resample="bilinear", normalise="imagenet"), 1
        )


@pytest.mark.parametrize(("method", "folds"), [("sites", 3), ("acquisition", 2), ("published", 1)])
def test_tested_patches_are_those_of_each_fold_once(method, folds):
    table = make_patches(method, folds)
    got = patches.tested_patches(table, folds)
    assert not got["patch_id"].duplicated().any()
    for fold in range(folds):
        expected = table.loc[patches.roles(table, fold) == "test", "patch_id"]
        assert got.loc[got["fold"] == fold, "patch_id"].tolist() == expected.tolist()
