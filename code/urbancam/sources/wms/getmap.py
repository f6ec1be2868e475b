"""GetMap, the WMS operation that gives an image: the request for a cell, the check of its answer.

Each image is asked for in a system of the server's and on a pixel grid that is the same for all
cells, a little larger than the cell, so that a server whose own grid it is resamples nothing and
the one warp is ours.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from urllib.parse import urlencode

import geopandas as gpd
import numpy as np

from urbancam.sources.download.answers import without_user_info
from urbancam.sources.wms.layers import Layer

MARGIN_PX = 24  # around the cell: what fill's widening and the resampling may look at
PROBE_PX = 16  # side of the image that tells whether the server answers at all
VERTEX_DISTANCE_M = 50  # along a cell's side, which is slightly curved in another projection


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
        """(west, south, east, north) in the layer's system, on its pixel grid."""
        width, height = self.layer.pixel_size
        decimals = self.layer.decimals
        sizes = zip(self.edges_px, (width, height, width, height), strict=True)
        return tuple(round(edge * size, decimals) for edge, size in sizes)

    @property
    def url(self) -> str:
        """The whole address."""
        # WMS 1.3.0 (OGC 06-042), section 7.3; 1.1.1 (OGC 01-068r3) names the system SRS and takes
        # x before y whatever the system says.
        layer = self.layer
        west, south, east, north = self.bounds
        is_old = layer.version == "1.1.1"
        is_turned = layer.has_northing_first and not is_old
        box = (south, west, north, east) if is_turned else (west, south, east, north)
        query = {
            "SERVICE": "WMS",
            "VERSION": layer.version,
            "REQUEST": "GetMap",
            "LAYERS": layer.name,
            "STYLES": "",
            "FORMAT": layer.format,
            "SRS" if is_old else "CRS": layer.crs,
            "BBOX": ",".join(f"{edge:.{layer.decimals}f}" for edge in box),
            "WIDTH": self.width,
            "HEIGHT": self.height,
        }
        separator = "&" if "?" in layer.url else "?"
        return f"{layer.url}{separator}{urlencode(query, safe=',:/')}"

    @property
    def identity(self) -> str:
        """What tells this request from others: its address, without user info."""
        return without_user_info(self.url)

    def pieces(self) -> "list[Request]":
        """The requests whose images, laid side by side, are this one; from the north-west, by rows.

        It is this one alone where the server gives it at once.
        """
        left, bottom, right, top = self.edges_px
        columns = list(pairwise(_divided(left, right, self.layer.side_px)))
        rows = list(pairwise(_divided(bottom, top, self.layer.side_px)))
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


def requests_for(cells: gpd.GeoDataFrame, layer: Layer) -> list[Request]:
    """One request for each cell.

    Args:
        cells: `idINSPIRE` and squares.
        layer: What is asked.
    """
    squares = cells.geometry.segmentize(VERTEX_DISTANCE_M).to_crs(layer.system)
    bounds_px = squares.bounds.to_numpy() / np.tile(layer.pixel_size, 2)

    # Outwards to whole pixels.
    lower_left_px = np.floor(bounds_px[:, :2]) - MARGIN_PX
    upper_right_px = np.ceil(bounds_px[:, 2:]) + MARGIN_PX
    edges_px = np.hstack([lower_left_px, upper_right_px]).astype(int).tolist()
    return [
        Request(cell_id, layer, tuple(cell_edges_px))
        for cell_id, cell_edges_px in zip(cells["idINSPIRE"], edges_px, strict=True)
    ]


def _divided(start_px: int, end_px: int, most_px: int) -> list[int]:
    """The edges of nearly equal parts of at most so many pixels, both ends included."""
    count = -(-(end_px - start_px) // most_px)  # rounded up
    return [start_px + (end_px - start_px) * number // count for number in range(count + 1)]
