"""GetMap, the WMS operation that gives an image: the request for a cell, the check of its answer.

Each image is asked for in Lambert-93 on IGN's own pixel grid, a little larger than the cell, so
that the server resamples nothing and the one warp is ours.
"""

import io
from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import urlencode
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile

from urbancam.sources.download.answers import without_user_info
from urbancam.sources.ign.tile_index import LAMBERT_93
from urbancam.tables.crs import same_crs
from urbancam.workflow.errors import InputError

MARGIN_PX = 24  # around the cell: what fill's widening and the resampling may look at
NATIVE_M = 0.20  # pixel of the mosaic; nothing finer is asked for
SIDE_MOST_PX = 4000  # of one request; IGN's limit is about 5,000
PROBE_PX = 16  # side of the image that tells whether the server answers at all
VERTEX_DISTANCE_M = 50  # along a cell's side, which is slightly curved in another projection
COORDINATE_DECIMALS = 3  # of bounds in m


@dataclass(frozen=True)
class Layer:
    """The layer of a WMS that images are asked of.

    Args:
        url: Address of the WMS.
        name: Name of its layer.
        pixel_m: Pixel size of the images, m.
    """

    url: str
    name: str
    pixel_m: float


@dataclass(frozen=True)
class Request:
    """One image to ask for.

    Args:
        cell_id: The cell's idINSPIRE.
        layer: What it is asked of.
        edges_px: (left, bottom, right, top), in whole pixels of the layer's grid.
    """

    cell_id: str
    layer: Layer
    edges_px: tuple[int, int, int, int]

    @property
    def width(self) -> int:
        """Width in px."""
        left, _, right, _ = self.edges_px
        return right - left

    @property
    def height(self) -> int:
        """Height in px."""
        _, bottom, _, top = self.edges_px
        return top - bottom

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north), m in EPSG:2154, on the pixel grid."""
        pixel_m = self.layer.pixel_m
        return tuple(round(edge * pixel_m, COORDINATE_DECIMALS) for edge in self.edges_px)

    @property
    def url(self) -> str:
        """The whole address."""
        # WMS 1.3.0 (OGC 06-042), section 7.3.
        query = {
            "SERVICE": "WMS",
            "VERSION": "1.3.0",
            "REQUEST": "GetMap",
            "LAYERS": self.layer.name,
            "STYLES": "",
            "FORMAT": "image/geotiff",
            "CRS": LAMBERT_93,
            "BBOX": ",".join(f"{edge:.{COORDINATE_DECIMALS}f}" for edge in self.bounds),
            "WIDTH": self.width,
            "HEIGHT": self.height,
        }
        separator = "&" if "?" in self.layer.url else "?"
        return f"{self.layer.url}{separator}{urlencode(query, safe=',:/')}"

    @property
    def identity(self) -> str:
        """What tells this request from others: its address, without user info."""
        return without_user_info(self.url)

    def pieces(self) -> "list[Request]":
        """The requests whose images, laid side by side, are this one; from the north-west, by rows.

        It is this one alone where the server gives it at once.
        """
        left, bottom, right, top = self.edges_px
        columns = list(pairwise(_divided(left, right)))
        rows = list(pairwise(_divided(bottom, top)))
        return [
            replace(self, edges_px=(piece_left, piece_bottom, piece_right, piece_top))
            for piece_bottom, piece_top in reversed(rows)
            for piece_left, piece_right in columns
        ]

    def slices_of(self, piece: "Request") -> tuple[slice, slice]:
        """Rows and columns of this image that one of its pieces takes up."""
        left, _, _, top = self.edges_px
        piece_left, piece_bottom, piece_right, piece_top = piece.edges_px
        rows = slice(top - piece_top, top - piece_bottom)
        return rows, slice(piece_left - left, piece_right - left)

    def probe(self) -> "Request":
        """A small image in the middle of this one."""
        left, bottom, right, top = self.edges_px
        x = (left + right - PROBE_PX) // 2
        y = (bottom + top - PROBE_PX) // 2
        return replace(self, edges_px=(x, y, x + PROBE_PX, y + PROBE_PX))


class AnswerError(InputError):
    """The server answers something else than the image asked for."""


def requests_for(cells: gpd.GeoDataFrame, url: str, name: str, pixel_m: float) -> list[Request]:
    """One request for each cell.

    Args:
        cells: `idINSPIRE` and squares.
        url: Address of the WMS.
        name: Name of its layer.
        pixel_m: Pixel size of the cells' images, m.
    """
    layer = Layer(url, name, max(pixel_m, NATIVE_M))
    squares = cells.geometry.segmentize(VERTEX_DISTANCE_M).to_crs(LAMBERT_93)
    bounds_px = squares.bounds.to_numpy() / layer.pixel_m

    # Outwards to whole pixels.
    lower_left_px = np.floor(bounds_px[:, :2]) - MARGIN_PX
    upper_right_px = np.ceil(bounds_px[:, 2:]) + MARGIN_PX
    edges_px = np.hstack([lower_left_px, upper_right_px]).astype(int).tolist()
    return [
        Request(cell_id, layer, tuple(cell_edges_px))
        for cell_id, cell_edges_px in zip(cells["idINSPIRE"], edges_px, strict=True)
    ]


def image_pixels(content: bytes, request: Request) -> np.ndarray:
    """(3, H, W) uint8 pixels of an answer.

    Raises:
        AnswerError: An exception report, no image, or one of another size or place.
    """
    where = request.identity
    # A refusal comes with status 200 too, as XML in the image's place.
    if content.lstrip()[:1] == b"<":
        what = f"the server reports: {_exception_text(content)}"
        raise AnswerError(what, where, "look the layer and the address up")
    if not content:
        raise AnswerError("the answer is empty, no image", where, "run the step again")
    try:
        with MemoryFile(io.BytesIO(content)) as file, file.open(driver="GTiff") as image:
            _check_size(image, request)
            _check_place(image, request)
            return image.read((1, 2, 3))
    except RasterioError as error:
        what = f"the answer of {len(content):,} bytes is no image ({error})"
        raise AnswerError(what, where, "run the step again") from None


def _divided(start_px: int, end_px: int) -> list[int]:
    """The edges of nearly equal parts of at most `SIDE_MOST_PX`, both ends included."""
    count = -(-(end_px - start_px) // SIDE_MOST_PX)  # rounded up
    return [start_px + (end_px - start_px) * number // count for number in range(count + 1)]


def _check_size(image: DatasetReader, request: Request) -> None:
    """Refuse an image of another size, or without three bands of 8 bits."""
    same_size = (image.width, image.height) == (request.width, request.height)
    has_colours = image.dtypes[:3] == ("uint8",) * 3
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
    distance_m = np.abs(np.subtract(image.bounds, request.bounds)).max()
    west, _, east, _ = request.bounds
    pixel_m = (east - west) / request.width
    is_elsewhere = distance_m > pixel_m / 2
    if not is_elsewhere and image.crs:
        is_elsewhere = not same_crs(image.crs.to_wkt(), LAMBERT_93, request.bounds)
    if is_elsewhere:
        what = f"the image lies at {tuple(image.bounds)}, asked was {request.bounds}"
        raise AnswerError(what, request.identity, "run the step again")


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
