"""An image file opened as a tile, and what it says of the pixels that are no imagery."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from urbancam.sources.imagery.openjpeg import DecodingError
from urbancam.tables import rasters
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

BANDS = (1, 2, 3)  # red, green, blue


def open_tile(path: Path, drivers: Mapping[str, str] = rasters.DRIVERS) -> DatasetReader:
    """Open for reading.

    Args:
        path: Path of the file.
        drivers: The kinds that it may be of, as of `rasters.open_raster`.

    Raises:
        InputError: no image, or not one of three 8-bit bands.
    """
    # A tile without a place of its own gets that of the tile table.
    with decoding(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        dataset = rasters.open_raster(path, drivers)
    if dataset.dtypes[: len(BANDS)] == ("uint8",) * len(BANDS):
        return dataset

    bands = f"{dataset.count} bands of {', '.join(sorted(set(dataset.dtypes)))}"
    dataset.close()
    raise InputError(
        f"the tile has {bands}, not red, green and blue of 8 bits",
        display_path(path),
        "use an RVB pack",
    )


@contextlib.contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn a decoder's fault into a message that names the file."""
    try:
        yield
    except (RasterioError, DecodingError) as error:
        raise InputError(
            f"the tile cannot be read: {error.__cause__ or error}",
            display_path(path),
            "put a whole one in its place; of a pack of IGN: delete it and run "
            "04_download_aerial.py, which unpacks it again",
        ) from None


def is_masked(dataset: DatasetReader) -> bool:
    """Whether an image holds a mask or an alpha band."""
    flags = set(dataset.mask_flag_enums[0])
    return not flags & {MaskFlags.all_valid, MaskFlags.nodata}


def nodata_of(dataset: DatasetReader) -> float | None:
    """The value that means no data, of those that 8 bits can hold."""
    value = dataset.nodata
    return value if value is not None and 0 <= value <= 255 else None
