"""The index of patches: roles that never share a site, cities that cannot take part."""

import numpy as np
import pandas as pd
import pytest

from city_images import make_images
from urbancam.cities import patch_windows, patches
from urbancam.workflow.errors import InputError


def make_patches(
    method: str,
    folds: int = 1,
    test_patches: int | None = None,
    **size,
) -> pd.DataFrame:
    images = make_images(**size)
    windows = patch_windows.index_windows(images, 8, 4, halves=method == "published")
    sites = patches.assign_sites(images, method, folds, 0)
    return patches.add_roles(windows, sites, method, folds, test_patches, 0)


# ---- roles


def test_published_roles_last_site_right_half_validates_left_half_is_tested():
    got = make_patches("published", test_patches=500, sites=11)
    last = got["site"] == "site9"  # as strings "site10" < "site9"
    right = got["part"] == "right"
    left = got["part"] == "left"
    assert (got.loc[last & right, "role_0"] == "validation").all()
    assert (got.loc[last & left, "role_0"] == "test").all()
    assert (got.loc[~last, "role_0"] == "train").all()


def test_test_patches_are_drawn_by_seed_and_the_others_unused():
    got = make_patches("published", test_patches=10)
    assert (got[got["role_0"] == "test"].groupby("city").size() == 10).all()
    assert got.equals(make_patches("published", test_patches=10))
    assert (got["role_0"] == "unused").any()


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
        training = got[f"role_{fold}"] == "train"
        assert got.loc[training, "city"].nunique() == 3


def test_networks_tested_on_an_acquisition_never_saw_it():
    got = make_patches("acquisition", 2)
    for fold in (0, 1):
        is_test = got[f"role_{fold}"] == "test"
        tested = got.loc[is_test, "acquisition"].unique()
        assert len(tested) == 1
        assert not got.loc[~is_test, "acquisition"].isin(tested).any()


def test_fold_that_tests_nothing_is_refused():
    with pytest.raises(InputError, match="fold 3 has no validation"):
        patches.check_roles(make_patches("sites", 5, sites=3, cities=2), 5)
    patches.check_roles(make_patches("sites", 3, sites=3, cities=2), 3)


def test_unknown_fold_is_refused():
    with pytest.raises(InputError, match="no roles for fold 3"):
        patches.roles(make_patches("sites", 3), 3)


@pytest.mark.parametrize(("method", "folds"), [("sites", 3), ("acquisition", 2), ("published", 1)])
def test_tested_patches_are_those_of_each_fold_once(method, folds):
    table = make_patches(method, folds)
    got = patches.tested_patches(table, folds)
    assert not got["patch_id"].duplicated().any()
    for fold in range(folds):
        expected = table.loc[patches.roles(table, fold) == "test", "patch_id"]
        assert got.loc[got["fold"] == fold, "patch_id"].tolist() == expected.tolist()


# ---- cities that take part


def test_cities_with_too_few_sites_are_left_out_with_a_reason():
    small_city = make_images(sites=2, cities=3).query("city == 'city 2'")
    images = pd.concat([make_images(cities=2), small_city])
    got = patches.usable_cities(images, 8, "sites")
    assert got["used"].tolist() == [True, True, False]
    assert got["reason"].iloc[2] == "fewer than 3 sites"


def test_small_images_do_not_count():
    images = make_images()
    images.loc[images["city"] == "city 1", "height_px"] = 7
    got = patches.usable_cities(images, 8, "sites").set_index("city").loc["city 1"]
    assert (got["sites"], got["images"], got["small_images"]) == (0, 0, 12)
    assert not got["used"]


def test_fewer_than_two_cities_are_refused():
    with pytest.raises(InputError, match="1 of 1 cities"):
        patches.usable_cities(make_images(cities=1), 8, "sites")


def test_city_that_could_not_train_on_either_side_of_its_acquisitions_is_left_out():
    images = make_images(sites=4)
    # Tested on B, the city's one site of A validates and nothing trains.
    of_b = (images["city"] == "city 1") & (images["site"] != "site0")
    images.loc[of_b, "acquisition"] = "B"
    got = patches.usable_cities(images, 8, "acquisition")
    assert got["used"].tolist() == [True, False, True]
    assert "either side" in got["reason"].iloc[1]


def test_images_of_unknown_acquisition_do_not_count_where_it_splits():
    images = make_images(sites=5)
    images.loc[images["site"] == "site4", "acquisition"] = np.nan
    assert patches.usable_cities(images, 8, "acquisition")["sites"].tolist() == [4, 4, 4]
    assert patches.usable_cities(images, 8, "sites")["sites"].tolist() == [5, 5, 5]
