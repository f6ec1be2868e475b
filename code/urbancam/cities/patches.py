"""The index of patches: which cities take part, and the role of each patch in each fold.

Windows of one image overlap, and images of one site lie side by side: no split but the published
one divides a site.
"""

import logging

import numpy as np
import pandas as pd

from urbancam.cities.patch_windows import holds_windows
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

TRAIN = "train"
VALIDATION = "validation"
TEST = "test"
UNUSED = "unused"

# Sites of a city, so that it has some in every role it must have.
# ASSUME: three sites let a city train in every fold, since at most two parts of its sites are
# tested and validate; by acquisition two on either side do, since the side that is not tested
# trains and validates.
MIN_SITES = {
    "sites": 3,
    "acquisition": 4,
    "published": 2,
}
MIN_SITES_A_SIDE = 2  # of its acquisitions
MIN_CITIES = 2
ACQUISITION_FOLDS = 2


# ---- cities that take part


def is_told_apart(images: pd.DataFrame, method: str) -> pd.Series:
    """Which images a split can place: (N,) bool; by "acquisition" those with a known one."""
    return images["acquisition"].notna() | (method != "acquisition")


def usable_cities(
    images: pd.DataFrame,
    patch_px: int,
    method: str,
) -> pd.DataFrame:
    """Which cities can take part, and why the others cannot.

    Args:
        images: As for `index_windows`.
        patch_px: Side of a window; smaller images hold none.
        method: "sites", "acquisition" or "published".

    Returns:
        `city, sites, images, small_images, used, reason`, sorted by city; `sites` and `images`
        count those that hold a window and whose acquisition is known where it must be.

    Raises:
        InputError: Fewer than two cities are left.
    """
    large = holds_windows(images, patch_px, method)
    fit = large & is_told_apart(images, method)
    cities = _count_images(images, large, fit)

    # A city needs sites for every role, by acquisition on either side.
    few = cities["sites"] < MIN_SITES[method]
    reason = np.where(few, f"fewer than {MIN_SITES[method]} sites", "")
    if method == "acquisition":
        one_sided = ~few.to_numpy() & ~_has_two_sides(images[fit], cities["city"])
        lacks = f"fewer than {MIN_SITES_A_SIDE} sites on either side of its acquisitions"
        reason = np.where(one_sided, lacks, reason)

    cities = cities.assign(used=reason == "", reason=reason)
    _check_cities(cities)
    return cities


def _count_images(
    images: pd.DataFrame,
    large: pd.Series,
    fit: pd.Series,
) -> pd.DataFrame:
    """Fit sites, fit images and images that are too small, of each city."""
    sites = images["site"].where(fit)
    counted = images.assign(small_images=~large, site=sites, images=fit)
    return counted.groupby("city", as_index=False, sort=True).agg(
        sites=("site", "nunique"),
        images=("images", "sum"),
        small_images=("small_images", "sum"),
    )


def _has_two_sides(images: pd.DataFrame, cities: pd.Series) -> np.ndarray:
    """Which cities have sites enough on both sides of their acquisitions: (K,) bool."""
    sites = assign_sites(images, "acquisition", ACQUISITION_FOLDS, 0)
    sides = sites.groupby(["city", "fold"]).size().unstack(fill_value=0)
    sides = sides.reindex(index=cities, columns=range(ACQUISITION_FOLDS))
    smaller = sides.min(axis=1, skipna=False)
    return (smaller >= MIN_SITES_A_SIDE).to_numpy()


def _check_cities(cities: pd.DataFrame) -> None:
    n_used = int(cities["used"].sum())
    if n_used < MIN_CITIES:
        reasons = cities.loc[~cities["used"], "reason"].value_counts().to_dict()
        raise InputError(
            f"{n_used} of {len(cities)} cities can take part, at least {MIN_CITIES} are needed: "
            f"{reasons}",
            "sites.csv, cities.split",
            "add sites or cities below data/cities_data and run 21_import_sites",
        )


# ---- roles


def assign_sites(
    images: pd.DataFrame,
    method: str,
    folds: int,
    seed: int,
) -> pd.DataFrame:
    """The fold in which each site is tested, by whole sites.

    "sites": a city's sites are shuffled and dealt out to the folds in turn, beginning at another
    fold in every city. "acquisition": a city's acquisitions, sorted, are dealt out to two folds.
    "published": only the last site by string sort is tested, in fold 0.

    Args:
        images: `city, site, acquisition` of the cities used.
        method: One of the three above.
        folds: Number of folds, for "sites".
        seed: Seed of the shuffle.

    Returns:
        `city, site, fold`; fold is missing where a site is never tested.
    """
    sites = images.groupby(["city", "site"], as_index=False, sort=True)
    sites = sites["acquisition"].first()

    # Each city has a shuffle of its own.
    fold = pd.Series(pd.NA, sites.index, dtype="Int64")
    for number, (_, own) in enumerate(sites.groupby("city", sort=True)):
        if method == "sites":
            order = np.random.default_rng([seed, number]).permutation(len(own))
            fold[own.index] = (order + number) % folds
        elif method == "acquisition":
            rank = own["acquisition"].rank(method="dense").astype(int) - 1
            fold[own.index] = rank % ACQUISITION_FOLDS
        else:
            fold[own.index[-1]] = 0
    return sites[["city", "site"]].assign(fold=fold)


def add_roles(
    windows: pd.DataFrame,
    sites: pd.DataFrame,
    method: str,
    folds: int,
    test_patches: int | None,
    seed: int,
) -> pd.DataFrame:
    """The table `patches.parquet`: adds `fold` and one column `role_K` per fold.

    Args:
        windows: Table of `index_windows`.
        sites: Table of `assign_sites`.
        method: "sites": in fold K the sites of fold K are tested, those of the next fold validate,
            the others train. "acquisition": those of fold K are tested, one other site of each city
            validates. "published": right halves of the last site validate, left halves are tested.
        folds: Number of folds.
        test_patches: Patches of a city at most, drawn by lot in each fold, the others are unused;
            None: all.
        seed: Seed of the lot.
    """
    table = windows.merge(sites, "left", ["city", "site"], validate="m:1")
    for fold in range(folds):
        role = _roles_of_fold(table, fold, method, folds)
        table[f"role_{fold}"] = _thin_tests(table["city"], role, test_patches, seed + fold)
    return table


def _roles_of_fold(
    table: pd.DataFrame,
    fold: int,
    method: str,
    folds: int,
) -> np.ndarray:
    tested = (table["fold"] == fold).fillna(False).to_numpy(bool)
    if method == "published":
        last = np.where(table["part"] == "left", TEST, VALIDATION)
        return np.where(tested, last, TRAIN).astype(object)
    if method == "sites":
        next_fold = (fold + 1) % folds
        validates = (table["fold"] == next_fold).to_numpy(bool)
    else:  # by acquisition the first site that is not tested validates
        others = table["site"].where(~tested)
        first_other = others.groupby(table["city"]).transform("first")
        validates = (others == first_other).to_numpy(bool)
    return np.select([tested, validates], [TEST, VALIDATION], TRAIN).astype(object)


def _thin_tests(
    city: pd.Series,
    role: np.ndarray,
    most: int | None,
    seed: int,
) -> np.ndarray:
    """The roles, with at most so many test patches of each city; the others are unused."""
    if most is None:
        return role
    # Each city has a lot of its own, whatever the number of patches of the others.
    tested = role == TEST
    rows_of_test = pd.Series(np.flatnonzero(tested))
    for number, (name, rows) in enumerate(rows_of_test.groupby(city[tested].array)):
        if len(rows) < most:
            log.info("%s has %d test patches, fewer than %d: all are kept", name, len(rows), most)
        order = np.random.default_rng([seed, number]).permutation(rows.to_numpy())
        role[order[most:]] = UNUSED
    return role


def roles(patches: pd.DataFrame, fold: int) -> np.ndarray:
    """Role of each patch in a fold: (N,) "train", "validation", "test" or "unused".

    Raises:
        InputError: No such fold in the table.
    """
    if f"role_{fold}" not in patches:
        raise InputError(
            f"there are no roles for fold {fold}",
            "patches.parquet, cities.folds",
            "run 22_index_patches with the same settings",
        )
    return patches[f"role_{fold}"].to_numpy(dtype=object)


def check_roles(patches: pd.DataFrame, folds: int) -> None:
    """Refuse a split in which a fold has nobody to train, to validate or to test.

    Raises:
        InputError: There is such a fold.
    """
    for fold in range(folds):
        roles_of_fold = set(roles(patches, fold))
        missing = [role for role in (TRAIN, VALIDATION, TEST) if role not in roles_of_fold]
        if missing:
            raise InputError(
                f"fold {fold} has no {' and no '.join(missing)} patches: "
                f"too few sites for {folds} folds",
                "sites.csv, cities.folds",
                "use fewer folds, --set cities.folds=3, or add sites",
            )


# ---- what the steps ask of the table


def tested_patches(patches: pd.DataFrame, folds: int) -> pd.DataFrame:
    """The patches tested in the first `folds` folds, each once, with the `fold` that tests it."""
    parts = []
    for fold in range(folds):
        tested = patches[roles(patches, fold) == TEST]
        parts.append(tested.assign(fold=fold))
    return pd.concat(parts, ignore_index=True)


def city_numbers(patches: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Class of each patch, 0 .. K-1, and the K names: cities sorted as strings (published)."""
    names, numbers = np.unique(patches["city"].to_numpy(dtype=str), return_inverse=True)
    return numbers, names.tolist()


def count_roles(
    patches: pd.DataFrame,
    cities: pd.DataFrame,
    folds: int,
) -> pd.DataFrame:
    """The table `cities.csv`: adds `patches`, and `train, validation, test` over all folds."""
    counts = {"patches": patches.groupby("city").size()}
    for role in (TRAIN, VALIDATION, TEST):
        counts[role] = sum(
            (patches[f"role_{fold}"] == role).groupby(patches["city"]).sum()
            for fold in range(folds)
        )
    table = cities.join(pd.DataFrame(counts), on="city")
    none = dict.fromkeys(counts, 0)
    whole_numbers = dict.fromkeys(counts, int)
    return table.fillna(none).astype(whole_numbers)
