"""A GeoPackage that QGIS opens coloured: layers, and in them the styles they are shown with.

Styles stand in the table `layer_styles`, as QGIS itself saves them into a GeoPackage. No date of
the day is written, so that the same results give the same bytes.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyogrio

from urbancam.workflow.files import atomic
from urbancam.workflow.paths import display_path

log = logging.getLogger(__name__)

NO_DATE = "1970-01-01T00:00:00.000Z"  # where the format asks for one
REPRODUCIBLE = {"OGR_CURRENT_DATE": NO_DATE, "OGR_GPKG_ALLOW_THREADED_RTREE": "NO"}
FORMAT = {"VERSION": "1.2"}  # the newest that QGIS 3.22 reads without a warning
GEOMETRY = "geom"  # what the format calls the column of shapes
TABLE_OF_STYLES = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
    f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME
)
"""
CONTENTS = """
INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)
VALUES ('layer_styles', 'attributes', 'layer_styles', 'styles of QGIS', ?)
"""
STYLE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column,
    styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time)
VALUES ('', '', ?, ?, ?, ?, '', ?, ?, '', ?)
"""


@dataclass(frozen=True)
class Layer:
    """A layer with its styles.

    Attributes:
        table: Its rows; their system of coordinates is the layer's.
        about: What it holds, in a few words.
        styles: Name of a style -> QML; the first is the one it opens with.
    """

    table: gpd.GeoDataFrame
    about: str
    styles: Mapping[str, str]


def write(layers: Mapping[str, Layer], path: Path) -> None:
    """Write layers by name into one GeoPackage, atomically."""
    with atomic(path) as temporary:
        with gdal_options(REPRODUCIBLE):
            for name, layer in layers.items():
                pyogrio.write_dataframe(
                    layer.table,
                    temporary,
                    layer=name,
                    driver="GPKG",
                    append=temporary.exists(),
                    dataset_options=FORMAT,
                    use_arrow=True,
                    layer_options={"GEOMETRY_NAME": GEOMETRY, "DESCRIPTION": layer.about},
                )
        add_styles(layers, temporary)
    rows = ", ".join(f"{len(layer.table):,} {name}" for name, layer in layers.items())
    log.info("saves %s to %s", rows, display_path(path))


def add_styles(layers: Mapping[str, Layer], path: Path) -> None:
    """Write the styles of all layers into a GeoPackage."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(TABLE_OF_STYLES)
        database.execute(CONTENTS, [NO_DATE])
        for name, layer in layers.items():
            for place, (style, qml) in enumerate(layer.styles.items()):
                values = [name, GEOMETRY, style, qml, place == 0, layer.about, NO_DATE]
                database.execute(STYLE, values)


@contextlib.contextmanager
def gdal_options(options: Mapping[str, str]) -> Iterator[None]:
    """Options of GDAL during the block, as they were after it."""
    before = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(dict(options))
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)
