"""Files that would make GDAL read others of the machine, for tests."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely

SECRET_GREY = 77  # of the image that nobody shall read
SECRET_NAME = "secret of the machine"


def virtual_raster(folder: Path, path: Path, size_px: int = 400) -> Path:
    """Write a VRT under any name, which shows a grey image that lies elsewhere."""
    secret = folder / "secret.tif"
    profile = {"width": size_px, "height": size_px, "count": 3, "dtype": "uint8"}
    place = rasterio.Affine(1, 0, 650_000, 0, -1, 6_864_000)
    with rasterio.open(secret, "w", "GTiff", crs="EPSG:2154", transform=place, **profile) as image:
        image.write(np.full((3, size_px, size_px), SECRET_GREY, np.uint8))
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">{secret}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band in (1, 2, 3)
    )
    head = f'<VRTDataset rasterXSize="{size_px}" rasterYSize="{size_px}"><SRS>EPSG:2154</SRS>'
    grid = "<GeoTransform>650000, 1, 0, 6864000, 0, -1</GeoTransform>"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head}{grid}{bands}</VRTDataset>")
    return path


def virtual_table(folder: Path, path: Path, **columns: object) -> Path:
    """Write a virtual table under any name, which shows a table that lies elsewhere."""
    columns = {"NOM": SECRET_NAME} | columns
    square = shapely.box(650_000, 6_863_600, 650_400, 6_864_000)
    frame = gpd.GeoDataFrame(columns, index=[0], geometry=[square], crs="EPSG:2154")
    frame.to_file(folder / "secret.gpkg", layer="secret")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '<OGRVRTDataSource><OGRVRTLayer name="secret">'
        f'<SrcDataSource relativeToVRT="0">{folder / "secret.gpkg"}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    return path
