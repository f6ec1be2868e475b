"""The layer of a WMS: what the settings say of the server, and the pixels that it is asked for."""

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import rasterio
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.transform import Affine

from urbancam.sources.imagery.ground import pixel_size_m, transformer
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.city_facts import Imagery

IGN_PER_SECOND = 40  # requests; IGN's limit for its WMS (data-providers.md)
OTHERS_PER_SECOND = 4  # ASSUME: what a server that names no limit bears from one user
NORTH = ("north", "south")  # directions of an axis
METRE_DECIMALS, DEGREE_DECIMALS = 3, 9  # of bounds
DEGREES = 1e-5  # about a metre: a first pixel, whose size on the ground tells that of any other


@dataclass(frozen=True)
class Layer:
    """The layer of a WMS that images are asked of.

    Args:
        url: Address of the WMS.
        name: Name of its layer.
        pixel_size: Width and height of a pixel, in units of `crs`.
        crs: Coordinate system that is asked for, as the server names it.
        format: Kind of image that is asked for.
        version: Version of the WMS standard.
        side_px: Pixels a side that one request asks for at most.
    """

    url: str
    name: str
    pixel_size: tuple[float, float]
    crs: str = "EPSG:2154"
    format: str = "image/geotiff"
    version: str = "1.3.0"
    side_px: int = 4000

    @property
    def system(self) -> str:
        """The coordinate system as the libraries name it: CRS:84 is a name of the WMS standard."""
        return self.crs.replace("CRS:", "OGC:CRS", 1) if self.crs.startswith("CRS:") else self.crs

    @cached_property
    def has_northing_first(self) -> bool:
        """Whether the system's first axis runs north, as EPSG:4326's, EPSG:3035's and EPSG:2180's.

        WMS 1.3.0 takes coordinates in the order of the system's axes (OGC 06-042, section 6.7.2).
        """
        return CRS.from_user_input(self.system).axis_info[0].direction in NORTH

    @property
    def decimals(self) -> int:
        """Decimals of bounds: a millimetre, or about a tenth of one in degrees."""
        is_geographic = CRS.from_user_input(self.system).is_geographic
        return DEGREE_DECIMALS if is_geographic else METRE_DECIMALS


def layer_of(cells: gpd.GeoDataFrame, imagery: Imagery) -> Layer:
    """The layer that the settings name, with pixels as large as the images' on the ground.

    Args:
        cells: Squares; the size of a pixel is measured in their middle.
        imagery: The settings.

    Raises:
        InputError: There is no such coordinate system.
    """
    layer = Layer(
        imagery.wms_url,
        imagery.wms_layer,
        (1.0, 1.0),
        imagery.wms_crs,
        imagery.wms_format,
        imagery.wms_version,
        imagery.wms_side_px,
    )
    try:
        crs = rasterio.CRS.from_wkt(CRS.from_user_input(layer.system).to_wkt())
    except CRSError:
        what = f"there is no coordinate system {imagery.wms_crs}"
        raise InputError(what, "imagery.wms_crs", "e.g. EPSG:2180, CRS:84") from None
    pixel_m = max(imagery.pixel_size_m, imagery.wms_pixel_size_m)
    west, south, east, north = cells.total_bounds
    middle = (west + east) / 2, (south + north) / 2
    x, y = transformer(cells.crs.to_wkt(), crs.to_wkt()).transform(*middle)
    unit = DEGREES if crs.is_geographic else pixel_m
    sizes_m = pixel_size_m(Affine(unit, 0, x, 0, -unit, y), crs, (0, 0))
    width, height = [unit if size_m == pixel_m else unit * pixel_m / size_m for size_m in sizes_m]
    return Layer(**(vars(layer) | {"pixel_size": (width, height)}))


def requests_per_second(imagery: Imagery) -> float:
    """How many requests the server is sent a second at most."""
    if imagery.wms_per_second is not None:
        return imagery.wms_per_second
    return IGN_PER_SECOND if imagery.asks_ign else OTHERS_PER_SECOND
