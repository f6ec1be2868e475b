"""Geographic tables from outside, opened as what their names say and as nothing else.

GDAL chooses its driver by content: a virtual table named `.shp` would make it read any other file
of the machine. So a table must begin as its kind does, and be opened by the driver of its kind.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio
from pyogrio.errors import DataSourceError

from urbancam.tables.crs import Bounds

KINDS = {  # suffix -> driver, and the first bytes of such a file
    ".shp": ("ESRI Shapefile", b"\x00\x00\x27\x0a"),  # 9994, big-endian (ESRI, July 1998)
    ".gpkg": ("GPKG", b"SQLite format 3\x00"),
    ".fgb": ("FlatGeobuf", b"fgb\x03fgb"),
    ".geojson": ("GeoJSON", b"{"),
}
HEAD_BYTES = 16


def layer_names(path: Path) -> list[str]:
    """The names of a table's layers.

    Raises:
        DataSourceError: It is not of the kind that its name says.
    """
    driver, start = KINDS[path.suffix.lower()]
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.startswith(start):
        raise DataSourceError(f"it is no {driver}, it begins with {head!r}")
    return pyogrio.list_layers(path)[:, 0].tolist()


def layer_info(path: Path, layer: str) -> dict[str, Any]:
    """What `pyogrio.read_info` says of a layer that `layer_names` names.

    Raises:
        DataSourceError: Another driver than that of its kind takes the file for its own.
    """
    info = pyogrio.read_info(path, layer=layer)
    driver, _ = KINDS[path.suffix.lower()]
    if info["driver"] != driver:
        raise DataSourceError(f"it is no {driver} but {info['driver']}")
    return info


def read_layer(
    path: Path,
    layer: str,
    columns: list[str],
    geometry: bool = True,
    bounds: Bounds | None = None,
) -> pd.DataFrame:
    """Some columns of a layer, whatever the encoding of its text.

    Not by Arrow, which would let damage pass for null.

    Args:
        path: The file.
        layer: Name of the layer.
        columns: Which columns to read.
        geometry: Whether to read it too.
        bounds: Only what touches this extent, in the layer's coordinates; None: everything.
    """
    options = {"layer": layer, "columns": columns, "read_geometry": geometry, "bbox": bounds}
    try:
        return pyogrio.read_dataframe(path, **options)
    except UnicodeDecodeError:
        # Old shapefiles are in Latin-1, whatever they say of themselves.
        return pyogrio.read_dataframe(path, encoding="ISO-8859-1", **options)
