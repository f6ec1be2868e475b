"""Relevance of drawn test patches: which are drawn, by which network they are mapped, over which
land cover."""

import functools
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from urbancam.cities import patch_cover, predictions
from urbancam.cities.patch_relevance import PatchMaps, map_rows
from urbancam.cities.pixels import open_patches
from urbancam.cities.relevance_by_class import draw_tested
from urbancam.learning.models import networks
from urbancam.tables import geoframes
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.cities_sections import Cities

log = logging.getLogger(__name__)

PICTURES, LAND_COVER = "pictures", "land_cover"  # what a drawn patch is for: column `kind`
PLACE = ["city", "site", "image"]

MappedPatch = tuple[int, np.ndarray, PatchMaps]  # index of the patch, its image, its maps
Mapper = Callable[[pd.DataFrame], Iterator[MappedPatch]]


def choose_patches(
    patches: pd.DataFrame,
    sites: pd.DataFrame,
    covered_cities: Collection[str],
    cities: Cities,
    seed: int,
) -> pd.DataFrame:
    """Patches to be drawn, and patches to be laid on land cover where their sites have any.

    Args:
        patches: Rows of `patches.parquet`.
        sites: Rows of `sites.csv`.
        covered_cities: Names of the cities that have land cover.
        cities: Section `cities`.
        seed: Seed of the draw.

    Returns:
        Rows of `patches` with `kind`, `PICTURES` or `LAND_COVER`.
    """
    folds, asked = cities.folds_trained, cities.relevance
    pictures = draw_tested(patches, folds, asked.patches, seed)
    has_cover = sites["epsg"].notna() & sites["city"].isin(covered_cities)
    with_cover = patches.merge(sites.loc[has_cover, PLACE], on=PLACE)
    covered = draw_tested(with_cover, folds, asked.land_cover_patches, seed)
    log.info(
        "draws %s patches of %d cities; lays %s on the land cover of %d cities",
        f"{len(pictures):,}",
        pictures["city"].nunique(),
        f"{len(covered):,}",
        covered["city"].nunique(),
    )
    if covered.empty:
        log.info(
            "no site has both coordinates and land cover: relevance_by_class.csv will have no rows"
        )
    parts = [pictures.assign(kind=PICTURES), covered.assign(kind=LAND_COVER)]
    return pd.concat(parts, ignore_index=True)


def open_mapper(
    chosen: pd.DataFrame, city_count: int, paths: Paths, cities: Cities, device: str, workers: int
) -> Mapper:
    """A function that maps rows of `chosen`, each by the network that never saw its site.

    Args:
        chosen: Patches as `choose_patches` gives them.
        city_count: How many cities the networks tell apart.
        paths: Paths of the run.
        cities: Section `cities`.
        device: "auto", "cpu" or "cuda".
        workers: Threads that decode images, where the cache has to be filled.
    """
    pixels, row = open_patches(paths, chosen, cities.patch_px, cities.image, workers)
    target_device = networks.find_device(device)
    change = predictions.evaluation_colour(cities.colour)

    def read(index: int) -> np.ndarray:
        image = pixels[row[index]]
        return change(image, None) if change else image

    @functools.cache
    def network(fold: int) -> networks.Network:
        loaded = networks.load(paths.weights(fold), cities.model, city_count)
        return loaded.to(target_device)

    return lambda rows: map_rows(rows, read, network, cities)


def project_city(
    city: str,
    rows: pd.DataFrame,
    mapped: Iterator[MappedPatch],
    sites: pd.DataFrame,
    covers: Mapping[str, Path],
    patch_px: int,
) -> pd.DataFrame:
    """Rows of `relevance_fragments.parquet` of a city's patches.

    Args:
        city: Name of the city.
        rows: Patches of the city.
        mapped: Their maps.
        sites: Rows of `sites.csv`.
        covers: City -> file of its land cover.
        patch_px: Side of a patch, px of its image.
    """
    polygons = geoframes.read(covers[city], ["code", "class", "geometry"])
    signed = ((index, maps.signed) for index, _, maps in mapped)
    return patch_cover.project_patches(signed, rows, sites, polygons, patch_px)
