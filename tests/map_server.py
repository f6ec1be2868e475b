"""A WMS on loopback as other countries run them: axes by the system, other kinds of image, faults
told as XML with status 200."""

from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import numpy as np
from pyproj import CRS, Transformer
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from loopback import Reply

REPORT = (
    '<?xml version="1.0"?><ServiceExceptionReport version="1.3.0">'
    '<ServiceException code="{code}">{text}</ServiceException></ServiceExceptionReport>'
)
DRIVERS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/geotiff": "GTiff",
    "image/tiff": "GTiff",
}
PLACELESS = ("PNG", "JPEG")


class MapServer:
    """The server.

    Args:
        crs: The systems that it offers.
        formats: The kinds of image that it offers.
        most_px: Pixels a side of the largest image that it gives.
        palette: Whether images have a palette of 256 colours.
        transparent: Share of each image, from its west, that is transparent.
        version: Of the standard; the other one's parameters are unknown to it.
        paint: (x, y) of EPSG:2154 -> (3, H, W) uint8.
    """

    def __init__(
        self,
        paint,
        crs=("EPSG:2154",),
        formats=("image/png",),
        most_px=5000,
        palette=False,
        transparent=0.0,
        version="1.3.0",
    ) -> None:
        self.paint, self.crs, self.formats, self.most_px = paint, crs, formats, most_px
        self.palette, self.transparent, self.version = palette, transparent, version

    def __call__(self, request: BaseHTTPRequestHandler, _: int) -> Reply:
        query = {
            key: values[0]
            for key, values in parse_qs(
                urlsplit(request.path).query, keep_blank_values=True
            ).items()
        }
        key = "CRS" if self.version == "1.3.0" else "SRS"
        crs = query.get(key)
        if query["VERSION"] != self.version or crs is None:
            return _report("MissingParameterValue", f"{key} is missing")
        if crs not in self.crs:
            return _report("InvalidCRS", f"{crs} is not offered")
        if query["FORMAT"] not in self.formats:
            return _report("InvalidFormat", f"{query['FORMAT']} is not offered")
        width, height = int(query["WIDTH"]), int(query["HEIGHT"])
        if max(width, height) > self.most_px:
            return _report("InvalidParameterValue", f"images are {self.most_px} px at most")
        box = [float(edge) for edge in query["BBOX"].split(",")]
        if self.version == "1.3.0" and _axes_are_turned(crs):
            box = [box[1], box[0], box[3], box[2]]
        return Reply(self._image(box, width, height, crs, DRIVERS[query["FORMAT"]]))

    def _image(self, box, width, height, crs, driver) -> bytes:
        west, south, east, north = box
        place = Affine((east - west) / width, 0, west, 0, (south - north) / height, north)
        x, y = place @ np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        to_lambert = Transformer.from_crs(_name(crs), "EPSG:2154", always_xy=True)
        pixels = self.paint(*to_lambert.transform(np.asarray(x), np.asarray(y)))
        profile = {"driver": driver, "width": width, "height": height, "dtype": "uint8"}
        if driver not in PLACELESS:
            profile |= {"crs": _name(crs), "transform": place}
        if driver == "JPEG":
            profile["quality"] = 95
        if self.palette:
            return _with_palette(pixels, profile)
        if self.transparent:
            alpha = np.full((1, height, width), 255, np.uint8)
            alpha[:, :, : int(width * self.transparent)] = 0
            pixels = np.concatenate([np.where(alpha > 0, pixels, 0), alpha])
        return _written(pixels, profile)


def _axes_are_turned(crs: str) -> bool:
    """Whether the standard has y before x for a system: by its first axis."""
    return CRS.from_user_input(_name(crs)).axis_info[0].direction == "north"


def _name(crs: str) -> str:
    return "OGC:CRS84" if crs == "CRS:84" else crs


def _with_palette(pixels: np.ndarray, profile: dict) -> bytes:
    """An image of 64 colours, each channel of four greys."""
    steps = pixels // 64
    numbers = (steps * np.array([16, 4, 1])[:, None, None]).sum(axis=0).astype(np.uint8)
    greys = [32, 96, 160, 224]
    colours = {
        number: (greys[number // 16], greys[number // 4 % 4], greys[number % 4], 255)
        for number in range(64)
    }
    return _written(numbers[None], profile, colours)


def _written(pixels: np.ndarray, profile: dict, colours: dict | None = None) -> bytes:
    with MemoryFile() as memory:
        with memory.open(count=len(pixels), **profile) as image:
            if colours:
                image.write_colormap(1, colours)
            elif len(pixels) == 4:
                image.colorinterp = [*image.colorinterp[:3], ColorInterp.alpha]
            image.write(pixels)
        return memory.read()


def _report(code: str, text: str) -> Reply:
    """A refusal, as many servers send it: with status 200."""
    return Reply(REPORT.format(code=code, text=text).encode(), headers={"Content-Type": "text/xml"})
