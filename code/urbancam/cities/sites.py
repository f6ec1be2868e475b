"""The images of a folder `<City (IATA)>/<site>/...`, dropped in by hand or fetched.

They are found, looked at, and named if unfit. The table `sites.csv` has a row per image: `city,
site, image, path, source, acquisition, width_px, height_px, west, south, east, north, epsg, bytes,
signature`. Bounds and `epsg` are known where the file tells them (GeoTIFF, a world file), else
empty; `acquisition` where `acquisitions.csv` tells it.
"""

import logging
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.transform import array_bounds

from urbancam.sources.imagery.signatures import signature
from urbancam.tables import frames, rasters
from urbancam.workflow import progress
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import listing, printable
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

IMAGE = re.compile(r"\.(jpe?g|png|tiff?|jp2)$", re.IGNORECASE)
SIDECAR = re.compile(r"(\.aux\.xml|\.(jgw|pgw|tfw|j2w|wld|prj|ovr))$", re.IGNORECASE)  # of an image
NAMED_CITY = re.compile(r" \([A-Z]{3}\)$")  # "Almaty (ALA)"
ACQUISITIONS = "acquisitions.csv"
MAX_PX = PillowImage.MAX_IMAGE_PIXELS  # 89 million; beyond it Pillow suspects an attack
FORMATS = ("JPEG", "PNG", "TIFF", "JPEG2000")
MODES = ("RGB", "RGBA", "RGBX", "L", "P", "CMYK", "YCbCr")  # of 8 bits a channel
MAX_NAMED = 10  # stray files that are named one by one; all are in skipped.csv
KEYS = ["city", "site", "image"]
PLACE = ["west", "south", "east", "north", "epsg"]
FACTS = ["width_px", "height_px", *PLACE]
COLUMNS = [
    *KEYS,
    "path",
    "source",
    "acquisition",
    *FACTS,
    "bytes",
    "signature",
]


def find_images(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Images by their place below the folder, and what else lies there.

    The city is the first folder on the way named like "Almaty (ALA)", else the topmost; the site is
    the folder below it; deeper folders belong to the image's name.

    Returns:
        `city, site, image, path` (below `folder`), sorted; and `path, reason` of what is skipped.
    """
    images = []
    skipped = []
    for path, _, _ in listing(folder):
        if path == ACQUISITIONS or SIDECAR.search(path):
            continue
        parts = _parts_from_city(path)
        if path != printable(path):
            skipped.append((printable(path), "its name is not UTF-8: rename it"))
        elif not IMAGE.search(path):
            skipped.append((path, "no image"))
        elif len(parts) < 3:
            skipped.append((path, "not in a folder <City>/<site>/"))
        else:
            city, site, *rest = parts
            images.append((city, site, "/".join(rest), path))

    # Folders of different depth may lead to the same city, site and image: the first counts.
    columns = [*KEYS, "path"]
    table = pd.DataFrame(images, columns=columns)
    table = table.sort_values(columns, ignore_index=True)
    twice = table.duplicated(KEYS)
    for path in table.loc[twice, "path"]:
        skipped.append((path, "the same city, site and name as another image"))
    table = table[~twice].reset_index(drop=True)
    return table, pd.DataFrame(skipped, columns=["path", "reason"])


def _parts_from_city(path: str) -> list[str]:
    """City, site and the rest of a path."""
    parts = path.split("/")
    for i, part in enumerate(parts[:-1]):
        if NAMED_CITY.search(part):
            return parts[i:]
    return parts


def look_at(path: Path) -> tuple[dict[str, object], str]:
    """Decode an image once and say what it is.

    Returns:
        `width_px, height_px, west, south, east, north, epsg`, and "" or the reason why it cannot be
        used.
    """
    facts = _find_place(path)
    too_large = f"more than {MAX_PX / 1e6:.0f} million pixels: cut it into pieces"
    try:
        with PillowImage.open(path, formats=FORMATS) as image:
            facts |= {"width_px": image.width, "height_px": image.height}
            if image.width * image.height > MAX_PX:
                return facts, too_large
            if image.mode not in MODES:
                return facts, f"pixels of mode {image.mode}, not 8 bits a channel"
            # Small is fast, and a JPEG is read whole all the same.
            image.draft("RGB", (image.width // 8, image.height // 8))
            image.load()
    except PillowImage.DecompressionBombError:
        return facts, too_large
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if getattr(error, "errno", None):  # the disk's fault, not the image's
            raise
        return facts, f"cannot be read: {str(error).replace(str(path), path.name)}"
    return facts, ""


def _find_place(path: Path) -> dict[str, object]:
    """Bounds and EPSG code, where the file or a world file beside it tells them; else {}."""
    try:
        with rasters.open_raster(path) as image:
            transform, crs = rasters.place(image, path)
            if not crs or transform is None:
                return {}
            epsg = crs.to_epsg()
            north_up = transform.b == transform.d == 0
            if not epsg or not north_up:
                return {}
            bounds = array_bounds(image.height, image.width, transform)
            return dict(zip(PLACE, [*bounds, epsg], strict=True))
    except (RasterioError, CRSError):  # Pillow tells more of what is wrong
        return {}


def inspect_images(
    found: pd.DataFrame,
    folder: Path,
    known: pd.DataFrame | None,
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Look at every image, but at those not again that are as an earlier table describes them.

    Args:
        found: Images of `find_images`.
        folder: Folder that `path` is relative to.
        known: An earlier `sites.csv`, or None.
        workers: Number of threads.

    Returns:
        `city, site, image, path, width_px, height_px, west, south, east, north, epsg, bytes,
        signature` of the images that can be used; and `path, reason` of the others.
    """
    # Size and signature tell whether a file is as it was.
    files = [folder / path for path in found["path"]]
    images = found.assign(
        bytes=[file.stat().st_size for file in files],
        signature=[signature(file) for file in files],
    )
    facts_before = _facts_before(images, known)
    looks = _look_at_new(files, facts_before, workers)

    rows = [facts for facts, _ in looks]
    facts = pd.DataFrame(rows, columns=FACTS, index=images.index)
    reasons = [reason for _, reason in looks]
    reason = pd.Series(reasons, index=images.index, dtype=str)
    skipped = images[["path"]].assign(reason=reason)[reason != ""]
    table = images.join(facts)[reason == ""]
    table = table.astype({"width_px": int, "height_px": int, "epsg": "Int64"})
    return table.reset_index(drop=True), skipped


def _facts_before(images: pd.DataFrame, sites: pd.DataFrame | None) -> list[dict | None]:
    """What an earlier table says of each image that is as it was then, None for the others."""
    earlier = {}
    if sites is not None:
        earlier = sites.set_index(["path", "signature"])[FACTS].to_dict("index")
    keys = zip(images["path"], images["signature"], strict=True)
    return [earlier.get(key) for key in keys]


def _look_at_new(
    files: list[Path],
    facts_before: list[dict | None],
    workers: int,
) -> list[tuple[dict[str, object], str]]:
    """Facts and reason of each image, looked at where nothing is known from before."""
    n = len(files)
    n_new = facts_before.count(None)
    log.info("%d of %d images are as they were, %d to look at", n - n_new, n, n_new)
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        warnings.simplefilter("ignore", PillowImage.DecompressionBombWarning)
        looks = pool.map(_look_unless, files, facts_before)
        return list(progress.bar(looks, desc="images", total=n))


def _look_unless(
    file: Path,
    facts_before: dict[str, object] | None,
) -> tuple[dict[str, object], str]:
    return look_at(file) if facts_before is None else (facts_before, "")


def add_acquisitions(images: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Adds `acquisition` from a table `city, site, acquisition`, empty where there is none.

    Args:
        images: `city, site`, a row per image.
        path: The table, a row per site; it need not be there.

    Raises:
        InputError: A site twice, or columns missing.
    """
    if not path.is_file():
        return images.assign(acquisition=None)
    acquisitions = _read_acquisitions(path)

    # Rows without an image may be misspelt: they are counted.
    sites = images[["city", "site"]].drop_duplicates()
    of_sites = acquisitions.merge(sites, "left", indicator=True)
    n_unmatched = (of_sites["_merge"] != "both").sum()
    log.info("%d of %d sites of %s have no image", n_unmatched, len(acquisitions), path.name)
    return images.merge(acquisitions, "left", ["city", "site"])


def _read_acquisitions(path: Path) -> pd.DataFrame:
    try:
        acquisitions = frames.read(path, ["city", "site", "acquisition"], dtype=str)
    except InputError as error:  # written by hand: no step makes it again
        raise InputError(
            error.what,
            error.where,
            "write it as CSV in UTF-8 with the columns city, site, acquisition, "
            "a row per site, or take it away",
        ) from None
    twice = acquisitions.duplicated(["city", "site"])
    if twice.any():
        first = tuple(acquisitions[twice].iloc[0, :2])
        raise InputError(
            f"{twice.sum()} sites stand twice, the first {first}",
            display_path(path),
            "give each site one row",
        )
    return acquisitions


def check_any(
    images: pd.DataFrame,
    skipped: pd.DataFrame,
    folder: Path,
) -> None:
    """Refuse a folder without a single usable image; what does lie there is named.

    Raises:
        InputError: There is no image.
    """
    if images.empty:
        report_skipped(skipped)
        strays = f"; files that cannot be used: {len(skipped)} (named above)"
        raise InputError(
            f"there is no image of any city{strays if len(skipped) else ''}",
            display_path(folder),
            "drop images in as <City (IATA)>/<site>/*.jpg, or use --set cities.source=hub; "
            "for the demo run 20_make_demo_sites",
        )


def report_skipped(skipped: pd.DataFrame) -> None:
    """Name the first files that are not used, and count the others."""
    for row in skipped.head(MAX_NAMED).itertuples():
        log.info("skips %s: %s", row.path, row.reason)
    if len(skipped) > MAX_NAMED:
        log.info("skips %d more, all of them in skipped.csv", len(skipped) - MAX_NAMED)
