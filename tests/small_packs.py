"""Small packs in IGN's packaging, for tests."""

from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import py7zr
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from shapely.geometry import box

from urbancam.sources.ign.campaigns import CampaignChoice
from urbancam.sources.ign.tiles import find_tiles

TILE_M = 400  # side of a tile
PIXEL_M = 2.0
W, N = 650_000, 6_864_000  # west and north of the first tile, Lambert-93
FAST = [{"id": py7zr.FILTER_LZMA2, "preset": 0}]  # of 7z: noise grows no smaller anyway
PACK = "ORTHOHR_1-0_RVB-0M20_JP2-E080_LAMB93_D{department}_{year}-01-01"


def write_tile(
    path: Path,
    pixels: np.ndarray,
    west: float,
    north: float,
    pixel_m: float = PIXEL_M,
    crs="EPSG:2154",
):
    """Write (H, W, 3) uint8 as a TIFF, or as a lossless JPEG 2000 without inner tiles, as IGN's
    are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    transform = Affine(pixel_m, 0, west, 0, -pixel_m, north)
    path.write_bytes(_encoded(path.suffix, pixels.shape, pixels.tobytes(), transform, crs))
    return path


@lru_cache(maxsize=500)
def _encoded(
    suffix: str, shape: tuple[int, int, int], pixels: bytes, transform: Affine, crs: str
) -> bytes:
    """A file's bytes; many tests write the same tiles, and JPEG 2000 is slow to encode."""
    height, width, _ = shape
    options = {"driver": "GTiff"}
    if suffix == ".jp2":
        options = {
            "driver": "JP2OpenJPEG",
            "quality": 100,
            "reversible": True,
            "tiled": True,
            "blockxsize": width,
            "blockysize": height,
        }
    with MemoryFile(ext=suffix) as memory:
        with memory.open(
            width=width,
            height=height,
            count=3,
            dtype="uint8",
            crs=crs,
            transform=transform,
            **options,
        ) as file:
            file.write(np.frombuffer(pixels, "uint8").reshape(shape).transpose(2, 0, 1))
        return memory.read()


def noise(seed: int, size_px: int = int(TILE_M / PIXEL_M)) -> np.ndarray:
    """(S, S, 3) uint8 between 40 and 215: no fill anywhere."""
    return np.random.default_rng(seed).integers(40, 216, (size_px, size_px, 3), dtype=np.uint8)


def write_pack(
    folder: Path,
    department: str,
    year: int,
    corners: list[tuple[int, int]],
    *,
    prefix="./",
    above="",
    inner="ORTHOHR",
    pixels=None,
) -> Path:
    """Write an unpacked pack with one tile per (west, north) corner; returns the pack's folder."""
    name = PACK.format(department=department, year=year)
    root = folder / name / above / inner
    delivery = f"OHR_RVB_0M20_JP2-E080_LAMB93_D{department}-{year}"
    code = f"{department.lstrip('0'):0>2}"
    names = [
        f"{code}-{year}-{west // 100:04d}-{north // 100:04d}-LA93-0M20-E080.jp2"
        for west, north in corners
    ]
    for number, (tile, (west, north)) in enumerate(zip(names, corners, strict=True)):
        image = noise(number + west + north) if pixels is None else pixels(number)
        write_tile(root / f"1_DONNEES_LIVRAISON_{year}-00168" / delivery / tile, image, west, north)
    index = root / f"3_SUPPLEMENTS_LIVRAISON_{year}-00168" / delivery / "dalles.shp"
    index.parent.mkdir(parents=True)
    footprints = [box(west, north - TILE_M, west + TILE_M, north) for west, north in corners]
    gpd.GeoDataFrame(
        {"NOM": [prefix + n for n in names]}, geometry=footprints, crs="EPSG:2154"
    ).to_file(index)
    return folder / name


def archive(pack: Path, target: Path, volume_bytes: int | None = None) -> list[Path]:
    """Pack a folder as 7z, in volumes where a size is given; returns the files."""
    whole = target / f"{pack.name}.7z"
    with py7zr.SevenZipFile(whole, "w", filters=FAST) as file:
        file.set_encoded_header_mode(False)
        file.writeall(pack, pack.name)
    if volume_bytes is None:
        return [whole]
    content = whole.read_bytes()
    whole.unlink()
    parts = [content[i : i + volume_bytes] for i in range(0, len(content), volume_bytes)]
    paths = [target / f"{pack.name}.7z.{number:03d}" for number in range(1, len(parts) + 1)]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(part)
    return paths


def archive_with_damaged_tiles(pack: Path, target: Path) -> Path:
    """Pack a folder as 7z, its index in a block of its own, with a bit of its tiles flipped."""
    whole = target / f"{pack.name}.7z"
    index_folder = next(pack.rglob("3_SUPPLEMENTS*"))
    tile_folder = next(pack.rglob("1_DONNEES*"))
    for mode, folder in (("w", index_folder), ("a", tile_folder)):
        with py7zr.SevenZipFile(whole, mode) as file:
            file.writeall(folder, folder.relative_to(pack.parent))
    content = bytearray(whole.read_bytes())
    content[len(content) // 2] ^= 255
    whole.write_bytes(content)
    return whole


def cells_over(
    west: float, south: float, east: float, north: float, department: str = "75"
) -> gpd.GeoDataFrame:
    """The census cells whose centres lie in a box of EPSG:2154."""
    area = (
        gpd.GeoSeries([box(west, south, east, north)], crs="EPSG:2154").to_crs("EPSG:3035").iloc[0]
    )
    left, bottom, right, top = (int(v // 200 * 200) for v in area.bounds)
    corners = [(x, y) for y in range(bottom, top + 200, 200) for x in range(left, right + 200, 200)]
    corners = [(x, y) for x, y in corners if area.contains(box(x, y, x + 200, y + 200).centroid)]
    return gpd.GeoDataFrame(
        {
            "idINSPIRE": [f"CRS3035RES200mN{y}E{x}" for x, y in corners],
            "city": "Test",
            "department": department,
        },
        geometry=[box(x, y, x + 200, y + 200) for x, y in corners],
        crs="EPSG:3035",
    )


def cells(east_m=400, department="75"):
    """The cells of the first tile, or of as many metres to the east."""
    return cells_over(W, N - 400, W + east_m, N, department)


def found_in(data, wanted_cells=None, **wanted):
    """What `find_tiles` finds in the drop folder of `data` for these cells.

    The first fault of a pack in place is raised.
    """
    wanted_cells = cells() if wanted_cells is None else wanted_cells
    city_tiles = find_tiles(wanted_cells, data, data / "aerial_data", CampaignChoice(**wanted))
    for _, fault in city_tiles.holdings.all_faults():
        raise fault
    return city_tiles
