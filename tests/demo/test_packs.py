"""The packs of the tiny city: tiles, index and folders as IGN ships them."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import py7zr
import pytest
import rasterio
import rasterio.features
from multivolumefile import MultiVolume

from urbancam.demo import package


@pytest.fixture(scope="module")
def packs(packed, site, tmp_path_factory) -> dict[str, Path]:
    """Both packs unpacked: department -> folder."""
    folders = {}
    for pack in package.plan_packs(site):
        folders[pack.department] = tmp_path_factory.mktemp(pack.department)
        with MultiVolume(packed.aerial_data / f"{pack.name}.7z", "rb", ext_digits=3) as volumes:
            with py7zr.SevenZipFile(volumes) as archive:
                archive.extractall(folders[pack.department])
    return folders


def tile_of(folder: Path, place: tuple[int, int]) -> Path:
    x_km, y_km = place
    return next(folder.rglob(f"*-{x_km:04d}-{y_km:04d}-*.jp2"))


def place_in_name(path: Path) -> str:
    """The part of a tile's name that follows department and year."""
    return path.name.split("-", 2)[2]


def test_both_packs_ship_the_border_tile_and_four_tiles_in_all(packs):
    western, eastern = (
        {place_in_name(path) for path in folder.rglob("*.jp2")} for folder in packs.values()
    )
    assert len(western | eastern) == 4
    assert len(western & eastern) == 1


def test_tile_index_names_every_tile_with_a_dot_slash(packs):
    for folder in packs.values():
        index = gpd.read_file(next(folder.rglob("3_SUPPLEMENTS_LIVRAISON_*/*/dalles.shp")))
        names = {path.name for path in folder.rglob("1_DONNEES_LIVRAISON_*/*/*.jp2")}
        assert set(index["NOM"]) == {f"./{name}" for name in names}
        assert index.crs.to_epsg() == 2154


def test_packs_differ_in_the_folders_above_orthohr(packs):
    products = {folder: next(folder.rglob("ORTHOHR")) for folder in packs.values()}
    depths = {len(product.relative_to(folder).parts) for folder, product in products.items()}
    assert depths == {2, 3}


def test_tile_lies_where_its_name_says(packs):
    for path in packs["96"].rglob("*.jp2"):
        x_km, y_km = (int(part) for part in path.name.split("-")[2:4])
        with rasterio.open(path) as tile:
            assert tile.crs.to_epsg() == 2154
            assert tile.bounds.left == x_km * 1000
            assert tile.bounds.top == y_km * 1000
            assert tile.shape == (320, 320)
            assert tile.res == (3.125, 3.125)


def test_border_tile_is_black_abroad_and_whole_in_the_other_pack(packs, site):
    place = package.border_tile(site)
    abroad = package.department_99(site).buffer(-20).intersection(site.outline())
    with (
        rasterio.open(tile_of(packs["96"], place)) as filled,
        rasterio.open(tile_of(packs["99"], place)) as whole,
    ):
        mask = rasterio.features.geometry_mask(
            [abroad], filled.shape, filled.transform, invert=True
        )
        assert mask.sum() > 500
        assert filled.read()[:, mask].max() < 30
        assert np.median(whole.read()[:, mask]) > 60
