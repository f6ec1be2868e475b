"""The index of patches: which window of which image is which city's, and its role in each fold.

A patch is a square window of a site's image; windows follow each other at a stride, row by row, from the north-west
corner, and only full ones count (published: 480 px every 240 px, 361 in an image of 4800 px, 171 in half of one).
Windows of one image overlap, and images of one site lie side by side: no split but the published one divides a site.
"""

import logging

import numpy as np
import pandas as pd

from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"
# ASSUME: three sites let a city train in every fold, since at most two parts of its sites are tested and validate; by
# acquisition two on either side do, since the side that is not tested trains and validates.
MIN_SITES = {
    "sites": 3,
    "acquisition": 4,
    "published": 2,
}  # of a city: sites in every role it must have
MIN_SITES_A_SIDE = 2  # of its acquisitions
PUBLISHED_FOLDS, ACQUISITION_FOLDS = 1, 2
MIN_CITIES = 2


def window_corners(width_px: int, height_px: int, patch_px: int, stride_px: int) -> np.ndarray:
    """North-west corners of all full windows, row by row: (N, 2) x and y, px."""
    x, y = (np.arange(0, side - patch_px + 1, stride_px) for side in (width_px, height_px))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def index_windows(
    images: pd.DataFrame, patch_px: int, stride_px: int, halves: bool
) -> pd.DataFrame:
    """Every window of every image.

    Args:
        images: `city, site, image, acquisition, width_px, height_px`, a row per image.
        patch_px: side of a window, px of the image.
        stride_px: from one window to the next, px.
        halves: images of a city's last site, by string sort, are cut at round(width / 2), so that no window lies
            across (published).

    Returns:
        `patch_id, city, site, image, acquisition, part` ("whole", "left", "right"), `number` (row-major from 0 within
        the part), `row, column, x_px, y_px` (north-west corner in the image); sorted by city, site, image, part.
    """
    images = images.sort_values(["city", "site", "image"], ignore_index=True)
    halved = (images["site"] == images.groupby("city")["site"].transform("max")) & halves
    pieces = [
        _windows_of_part(image, part, left, right, patch_px, stride_px)
        for image, cut in zip(images.itertuples(), halved, strict=True)
        for part, left, right in _parts(image.width_px, cut)
    ]
    table = pd.concat(pieces, ignore_index=True).astype({"acquisition": "str"})
    name = table["city"] + "/" + table["site"] + "/" + table["image"]
    number = table["part"].where(table["part"] != "whole", "") + table["number"].astype(str)
    table.insert(0, "patch_id", name + "#" + number)
    return table


def _parts(width_px: int, cut: bool) -> list[tuple[str, int, int]]:
    middle = round(width_px / 2)
    return [("left", 0, middle), ("right", middle, width_px)] if cut else [("whole", 0, width_px)]


def _windows_of_part(
    image, part: str, left: int, right: int, patch_px: int, stride_px: int
) -> pd.DataFrame:
    corners = window_corners(right - left, image.height_px, patch_px, stride_px)
    column, row = (corners // stride_px).T
    return pd.DataFrame(
        {
            "city": image.city,
            "site": image.site,
            "image": image.image,
            "acquisition": image.acquisition,
            "part": part,
            "number": np.arange(len(corners)),
            "row": row,
            "column": column,
            "x_px": left + corners[:, 0],
            "y_px": corners[:, 1],
        }
    )


def holds_windows(images: pd.DataFrame, patch_px: int, method: str) -> pd.Series:
    """Which images hold a full window, in each half under "published": (N,) bool."""
    needed_px = 2 * patch_px if method == "published" else patch_px
    return (images["width_px"] >= needed_px) & (images["height_px"] >= patch_px)


def is_told_apart(images: pd.DataFrame, method: str) -> pd.Series:
    """Which images a split can place: (N,) bool; under "acquisition" those whose acquisition is known."""
    return images["acquisition"].notna() | (method != "acquisition")


def usable_cities(images: pd.DataFrame, patch_px: int, method: str) -> pd.DataFrame:
    """Which cities can take part, and why the others cannot.

    Args:
        images: as for `index_windows`.
        patch_px: side of a window; smaller images hold none.
        method: "sites", "acquisition" or "published".

    Returns:
        `city, sites, images, small_images, used, reason`, sorted by city; `sites` and `images` count those that hold
        a window and whose acquisition is known where it must be.

    Raises:
        InputError: fewer than two cities are left.
    """
    large = holds_windows(images, patch_px, method)
    fit = large & is_told_apart(images, method)
    counted = images.assign(small_images=~large, site=images["site"].where(fit), images=fit)
    cities = counted.groupby("city", as_index=False, sort=True).agg(
        sites=("site", "nunique"), images=("images", "sum"), small_images=("small_images", "sum")
    )
    few = cities["sites"] < MIN_SITES[method]
    reason = np.where(few, f"fewer than {MIN_SITES[method]} sites", "")
    if method == "acquisition":
        sides = (
            assign_sites(images[fit], method, ACQUISITION_FOLDS, 0).groupby(["city", "fold"]).size()
        )
        smaller = (
            sides.unstack(fill_value=0)
            .reindex(index=cities["city"], columns=range(ACQUISITION_FOLDS))
            .min(axis=1, skipna=False)
        )
        lacks = ~few.to_numpy() & ~(smaller >= MIN_SITES_A_SIDE).to_numpy()
        reason = np.where(
            lacks, f"fewer than {MIN_SITES_A_SIDE} sites on either side of its acquisitions", reason
        )
    cities = cities.assign(used=reason == "", reason=reason)
    if cities["used"].sum() < MIN_CITIES:
        raise InputError(
            f"{int(cities['used'].sum())} of {len(cities)} cities can take part, at least {MIN_CITIES} are needed: "
            f"{cities.loc[~cities['used'], 'reason'].value_counts().to_dict()}",
            "sites.csv, cities.split",
            "add sites or cities below data/cities_data and run 21_import_sites",
        )
    return cities


def assign_sites(images: pd.DataFrame, method: str, folds: int, seed: int) -> pd.DataFrame:
    """The fold in which each site is tested, by whole sites.

    "sites": a city's sites are shuffled and dealt out to the folds in turn, beginning at another fold in every city.
    "acquisition": a city's acquisitions, sorted, are dealt out to two folds. "published": only the last site by
    string sort is tested, in fold 0.

    Args:
        images: `city, site, acquisition` of the cities used.
        method: see above.
        folds: number of folds, for "sites".
        seed: of the shuffle.

    Returns:
        `city, site, fold`; fold is missing where a site is never tested.
    """
    sites = images.groupby(["city", "site"], as_index=False, sort=True)["acquisition"].first()
    fold = pd.Series(pd.NA, sites.index, dtype="Int64")
    for number, (_, own) in enumerate(sites.groupby("city", sort=True)):
        rng = np.random.default_rng([seed, number])
        if method == "sites":
            fold[own.index] = (rng.permutation(len(own)) + number) % folds
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
        windows: of `index_windows`.
        sites: of `assign_sites`.
        method: "sites": in fold K the sites of fold K are tested, those of the next fold validate, the others train.
            "acquisition": those of fold K are tested, one other site of each city validates. "published": right
            halves of the last site validate, left halves are tested.
        folds: number of folds.
        test_patches: of a city at most, drawn by lot in each fold, the others are unused; None: all.
        seed: of the draw.
    """
    table = windows.merge(sites, "left", ["city", "site"], validate="m:1")
    for fold in range(folds):
        role = _roles_of_fold(table, fold, method, folds)
        table[f"role_{fold}"] = _thin_tests(table["city"], role, test_patches, seed + fold)
    return table


def _roles_of_fold(table: pd.DataFrame, fold: int, method: str, folds: int) -> np.ndarray:
    tested = (table["fold"] == fold).fillna(False).to_numpy(bool)
    if method == "published":
        last = np.where(table["part"] == "left", TEST, VALIDATION)
        return np.where(tested, last, TRAIN).astype(object)
    if method == "sites":
        validates = (table["fold"] == (fold + 1) % folds).to_numpy(bool)
    else:
        others = table["site"].where(~tested)
        validates = (others == others.groupby(table["city"]).transform("first")).to_numpy(bool)
    return np.select([tested, validates], [TEST, VALIDATION], TRAIN).astype(object)


def _thin_tests(city: pd.Series, role: np.ndarray, most: int | None, seed: int) -> np.ndarray:
    if most is None:
        return role
    for number, (name, rows) in enumerate(
        pd.Series(np.flatnonzero(role == TEST)).groupby(city[role == TEST].array)
    ):
        if len(rows) < most:
            log.info("%s has %d test patches, fewer than %d: all are kept", name, len(rows), most)
        order = np.random.default_rng([seed, number]).permutation(rows.to_numpy())
        role[order[most:]] = UNUSED
    return role


def roles(patches: pd.DataFrame, fold: int) -> np.ndarray:
    """Role of each patch in a fold: (N,) "train", "validation", "test" or "unused".

    Raises:
        InputError: no such fold in the table.
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
        InputError: there is such a fold.
    """
    for fold in range(folds):
        if missing := [
            role for role in (TRAIN, VALIDATION, TEST) if not (roles(patches, fold) == role).any()
        ]:
            raise InputError(
                f"fold {fold} has no {' and no '.join(missing)} patches: too few sites for {folds} folds",
                "sites.csv, cities.folds",
                "use fewer folds, --set cities.folds=3, or add sites",
            )


def tested_patches(patches: pd.DataFrame, folds: int) -> pd.DataFrame:
    """The patches tested in the first `folds` folds, each once, `fold` being the one that tests it."""
    parts = [patches[roles(patches, fold) == TEST].assign(fold=fold) for fold in range(folds)]
    return pd.concat(parts, ignore_index=True)


def city_numbers(patches: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Class of each patch, 0 .. K-1, and the K names: cities sorted as strings (published)."""
    names, numbers = np.unique(patches["city"].to_numpy(dtype=str), return_inverse=True)
    return numbers, names.tolist()


def count_roles(patches: pd.DataFrame, cities: pd.DataFrame, folds: int) -> pd.DataFrame:
    """The table `cities.csv`: adds `patches` and, over all folds, `train, validation, test` patches of each city."""
    counts = {"patches": patches.groupby("city").size()}
    for role in (TRAIN, VALIDATION, TEST):
        counts[role] = sum(
            (patches[f"role_{fold}"] == role).groupby(patches["city"]).sum()
            for fold in range(folds)
        )
    table = cities.join(pd.DataFrame(counts), on="city")
    return table.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, int))
