"""What a WMS answers: the image that was asked for, or something else, which is told."""

from xml.etree import ElementTree

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile

from urbancam.sources.wms.getmap import Request
from urbancam.tables.crs import same_crs
from urbancam.workflow.errors import InputError

# How each kind of image begins, and its driver: GDAL sees no other kind in an answer.
KINDS = (
    (b"II*\x00", "GTiff"),
    (b"MM\x00*", "GTiff"),
    (b"II+\x00", "GTiff"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8", "JPEG"),
)
WHITE = 255  # the background of a GetMap that names none, of which a transparent pixel is a hole
LOOK_UP = (
    "look the layer and the address up, and imagery.wms_crs, wms_format and wms_version; of images "
    "that are too large set imagery.wms_side_px lower"
)


class AnswerError(InputError):
    """The server answers something else than the image asked for."""


def image_pixels(content: bytes, request: Request) -> np.ndarray:
    """(3, H, W) uint8 pixels of an answer.

    Raises:
        AnswerError: An exception report, no image, or one of another size or place.
    """
    where = request.identity
    # A refusal comes with status 200 too, as XML in the image's place.
    if content.lstrip()[:1] == b"<":
        raise AnswerError(f"the server reports: {_exception_text(content)}", where, LOOK_UP)
    if not content:
        raise AnswerError("the answer is empty, no image", where, "run the step again")
    drivers = [driver for start, driver in KINDS if content.startswith(start)]
    if not drivers:
        what = f"the answer of {len(content):,} bytes is no image, it begins with {content[:20]!r}"
        raise AnswerError(what, where, LOOK_UP)
    try:
        with MemoryFile(content) as file, file.open(driver=drivers[0]) as image:
            _check_size(image, request)
            # An image without a place of its own is of the place that was asked for.
            if not image.transform.is_identity:
                _check_place(image, request)
            return _colours(image)
    except RasterioError as error:
        what = f"the answer of {len(content):,} bytes is no image ({error})"
        raise AnswerError(what, where, "run the step again") from None


def _check_size(image: DatasetReader, request: Request) -> None:
    """Refuse an image of another size, or without colours of 8 bits."""
    same_size = (image.width, image.height) == (request.width, request.height)
    has_colours = image.dtypes[:3] == ("uint8",) * 3 or _has_palette(image)
    if not (same_size and has_colours):
        raise AnswerError(
            f"the image has {image.width} x {image.height} px of {', '.join(image.dtypes)}, "
            f"asked were {request.width} x {request.height} of three bands of 8 bits",
            request.identity,
            "run the step again",
        )


def _check_place(image: DatasetReader, request: Request) -> None:
    """Refuse an image that lies elsewhere, or in another coordinate system."""
    # Half a pixel is room for rounding; the grids are the same.
    distance = np.abs(np.subtract(image.bounds, request.bounds)).max()
    is_elsewhere = distance > min(request.layer.pixel_size) / 2
    if not is_elsewhere and image.crs:
        is_elsewhere = not same_crs(image.crs.to_wkt(), request.layer.system, request.bounds)
    if is_elsewhere:
        what = f"the image lies at {tuple(image.bounds)}, asked was {request.bounds}"
        raise AnswerError(what, request.identity, "run the step again")


def _has_palette(image: DatasetReader) -> bool:
    return image.count == 1 and image.colorinterp[0] == ColorInterp.palette


def _colours(image: DatasetReader) -> np.ndarray:
    """(3, H, W) uint8 of an image; what is wholly transparent is background, so white."""
    if _has_palette(image):
        colours = np.zeros((256, 4), np.uint8)
        for number, colour in image.colormap(1).items():
            colours[number] = colour
        pixels = colours[image.read(1)].transpose(2, 0, 1)
    else:
        has_alpha = image.count > 3 and image.colorinterp[3] == ColorInterp.alpha
        pixels = image.read((1, 2, 3, 4) if has_alpha else (1, 2, 3))
    if len(pixels) == 4:
        pixels[:3, pixels[3] == 0] = WHITE
    return np.ascontiguousarray(pixels[:3])


def _exception_text(content: bytes) -> str:
    """What an ExceptionReport says, in one line of at most 300 characters."""
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return content[:200].decode("utf-8", errors="replace").strip()
    # WMS 1.3.0 writes `code`, OWS `exceptionCode`.
    codes = {node.get("code") or node.get("exceptionCode") for node in root.iter()}
    codes.discard(None)
    text = " ".join(" ".join(root.itertext()).split())
    if codes:
        text = f"{', '.join(sorted(codes))}: {text}"
    return text[:300]
