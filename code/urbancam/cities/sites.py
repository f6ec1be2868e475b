"""The images of a folder `<City (IATA)>/<site>/...`, dropped in by hand or fetched: found, looked at, named if unfit.

The table `sites.csv` has a row per image: `city, site, image, path, source, acquisition, width_px, height_px, west,
south, east, north, epsg, bytes, signature`. Bounds and `epsg` are known where the file tells them (GeoTIFF, a world
file), else empty; `acquisition` where `acquisitions.csv` tells it.
"""

import logging
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pandas as pd
import rasterio
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from tqdm import tqdm

from urbancam.sources.imagery.signatures import signature
from urbancam.tables import frames
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import listing
from urbancam.workflow.paths import shown

log = logging.getLogger(__name__)

IMAGE = re.compile(r"\.(jpe?g|png|tiff?|jp2)$", re.IGNORECASE)
SIDECAR = re.compile(r"(\.aux\.xml|\.(jgw|pgw|tfw|j2w|wld|prj|ovr))$", re.IGNORECASE)  # of an image
NAMED_CITY = re.compile(r" \([A-Z]{3}\)$")  # "Almaty (ALA)"
ACQUISITIONS = "acquisitions.csv"
MAX_PX = PillowImage.MAX_IMAGE_PIXELS  # 89 million; beyond it Pillow suspects an attack
MODES = ("RGB", "RGBA", "RGBX", "L", "P", "CMYK", "YCbCr")  # of 8 bits a channel
NAMED = 10  # so many stray files are named one by one, the others are in skipped.csv
KEYS = ["city", "site", "image"]
PLACE = ["west", "south", "east", "north", "epsg"]
COLUMNS = [
    *KEYS,
    "path",
    "source",
    "acquisition",
    "width_px",
    "height_px",
    *PLACE,
    "bytes",
    "signature",
]


def find_images(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Images by their place below the folder, and what else lies there.

    The city is the first folder on the way named like "Almaty (ALA)", else the topmost; the site is the folder below
    it; deeper folders belong to the image's name.

    Returns:
        found: `city, site, image, path` (below `folder`), sorted; skipped: `path, reason`.
    """
    found, skipped = [], []
    for path, _, _ in listing(folder):
        parts = path.split("/")
        if path == ACQUISITIONS or SIDECAR.search(path):
            continue
        named = [i for i, part in enumerate(parts[:-1]) if NAMED_CITY.search(part)]
        city = named[0] if named else 0
        if not IMAGE.search(path):
            skipped.append((path, "no image"))
        elif len(parts) - city < 3:
            skipped.append((path, "not in a folder <City>/<site>/"))
        else:
            found.append((parts[city], parts[city + 1], "/".join(parts[city + 2 :]), path))
    table = pd.DataFrame(found, columns=[*KEYS, "path"]).sort_values(
        [*KEYS, "path"], ignore_index=True
    )
    twice = table.duplicated(KEYS)
    skipped += [
        (path, "the same city, site and name as another image") for path in table.loc[twice, "path"]
    ]
    return table[~twice].reset_index(drop=True), pd.DataFrame(skipped, columns=["path", "reason"])


def look_at(path: Path) -> tuple[dict[str, object], str]:
    """Decode an image once and say what it is.

    Returns:
        `width_px, height_px, west, south, east, north, epsg`, and "" or the reason why it cannot be used.
    """
    facts, too_large = (
        _find_place(path),
        f"more than {MAX_PX / 1e6:.0f} million pixels: cut it into pieces",
    )
    try:
        with PillowImage.open(path) as image:
            facts |= {"width_px": image.width, "height_px": image.height}
            if image.width * image.height > MAX_PX:
                return facts, too_large
            if image.mode not in MODES:
                return facts, f"pixels of mode {image.mode}, not 8 bits a channel"
            image.draft(
                "RGB", (image.width // 8, image.height // 8)
            )  # a JPEG is read whole all the same
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
        with rasterio.open(path) as image:
            epsg = image.crs.to_epsg() if image.crs and not image.transform.is_identity else None
            north_up = image.transform.b == image.transform.d == 0
            return dict(zip(PLACE, [*image.bounds, epsg], strict=True)) if epsg and north_up else {}
    except (RasterioError, CRSError):  # Pillow tells more of what is wrong
        return {}


def inspect_images(
    found: pd.DataFrame, folder: Path, known: pd.DataFrame | None, workers: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Look at every image, but at those not again that are as an earlier table knows them.

    Args:
        found: of `find_images`.
        folder: that `path` is relative to.
        known: an earlier `sites.csv`, or None.
        workers: threads.

    Returns:
        `city, site, image, path, width_px, height_px, west, south, east, north, epsg, bytes, signature` of the images
        that can be used; skipped: `path, reason` of the others.
    """
    files = [folder / path for path in found["path"]]
    found = found.assign(
        bytes=[file.stat().st_size for file in files], signature=[signature(file) for file in files]
    )
    facts = ["width_px", "height_px", *PLACE]
    earlier = (
        {} if known is None else known.set_index(["path", "signature"])[facts].to_dict("index")
    )
    before = [earlier.get(key) for key in zip(found["path"], found["signature"], strict=True)]
    log.info(
        "%d of %d images are as they were, %d to look at",
        len(files) - before.count(None),
        len(files),
        before.count(None),
    )
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        warnings.simplefilter("ignore", PillowImage.DecompressionBombWarning)
        looks = list(
            tqdm(
                pool.map(partial(_look_unless, files), range(len(files)), before),
                "images",
                len(files),
            )
        )
    table = found.join(pd.DataFrame([look for look, _ in looks], columns=facts, index=found.index))
    reason = pd.Series([reason for _, reason in looks], index=found.index, dtype=str)
    skipped = found[["path"]].assign(reason=reason)[reason != ""]
    table = table[reason == ""].astype({"width_px": int, "height_px": int, "epsg": "Int64"})
    return table.reset_index(drop=True), skipped


def _look_unless(
    files: list[Path], number: int, known: dict[str, object] | None
) -> tuple[dict[str, object], str]:
    return look_at(files[number]) if known is None else (known, "")


def add_acquisitions(images: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Adds `acquisition` from a table `city, site, acquisition` (a row per site), empty where there is none.

    Raises:
        InputError: a site twice, or columns missing.
    """
    if not path.is_file():
        return images.assign(acquisition=None)
    try:
        flown = frames.read(path, ["city", "site", "acquisition"], dtype=str)
    except InputError as error:  # written by hand: no step makes it again
        raise InputError(
            error.what,
            error.where,
            "write it as CSV in UTF-8 with the columns city, site, acquisition, "
            "a row per site, or take it away",
        ) from None
    if (twice := flown.duplicated(["city", "site"])).any():
        raise InputError(
            f"{twice.sum()} sites stand twice, the first {tuple(flown[twice].iloc[0, :2])}",
            shown(path),
            "give each site one row",
        )
    merged = images.merge(flown, "left", ["city", "site"])
    unknown = (
        flown.merge(images[["city", "site"]].drop_duplicates(), "left", indicator=True)["_merge"]
        != "both"
    )
    log.info("%d of %d sites of %s have no image", unknown.sum(), len(flown), path.name)
    return merged


def check_any(images: pd.DataFrame, skipped: pd.DataFrame, folder: Path) -> None:
    """Refuse a folder without a single usable image; what does lie there is named."""
    if images.empty:
        report_skipped(skipped)
        there = f"; files that cannot be used: {len(skipped)} (named above)" if len(skipped) else ""
        raise InputError(
            f"there is no image of any city{there}",
            shown(folder),
            "drop images in as <City (IATA)>/<site>/*.jpg, or use --set cities.source=hub; for the demo "
            "run 20_make_demo_sites",
        )


def report_skipped(skipped: pd.DataFrame) -> None:
    """Name the first files that are not used, and count all by reason."""
    for row in skipped.head(NAMED).itertuples():
        log.info("skips %s: %s", row.path, row.reason)
    if len(skipped) > NAMED:
        log.info("skips %d more, all of them in skipped.csv", len(skipped) - NAMED)
