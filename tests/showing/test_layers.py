"""The files for other programs: what a run's layers hold, and what they look like when opened."""

import contextlib
import hashlib
import sqlite3
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from urban_atlas_classes import class_table
from urbancam.showing.layers import columns, geopackage, styles
from urbancam.tables import grid

WEST, SOUTH, SIDE_M = 3_600_000, 2_800_000, 200
IDS = [grid.cell_id(WEST + SIDE_M * k, SOUTH, SIDE_M) for k in range(4)]
USED, WITHOUT_INCOME, VOID = IDS[:2], IDS[2], IDS[3]


def make_tables() -> dict[str, pd.DataFrame]:
    """Two used cells of roads and water, one without income, one without an image."""
    squares = [shapely.box(*grid.bounds(cell)) for cell in IDS]
    cells = gpd.GeoDataFrame(
        {"idINSPIRE": IDS, "ind": 10.0, "value": [9e3, 3e4, np.nan, 2e4], "imputed": False},
        geometry=squares,
        crs=grid.CRS,
    )
    images = pd.DataFrame({"idINSPIRE": IDS, "void_fraction": 0.0, "campaign_year": [2012] * 4})
    samples = pd.DataFrame(
        {
            "idINSPIRE": IDS,
            "used": [True, True, False, False],
            "reason": [None, None, "no value", "void"],
            "income_class": [0, 4, None, None],
            "block": ["N1E1"] * 2 + [None] * 2,
            "fold": [0, 1, None, None],
        }
    )
    p = pd.DataFrame({"idINSPIRE": IDS[:3], "p": [0.25, 0.75, 0.5], "predicted_class": [1, 3, 2]})
    p = p.assign(logit=[-1.0, 1.5, 0.0], **{f"prob_{k}": 0.2 for k in range(5)})
    fragments = (
        cells[["idINSPIRE", "geometry"]]
        .iloc[[0, 0, 1]]
        .assign(
            fragment_id=["a", "b", "c"],
            polygon_id=[1, 2, 1],
            code=[12220, 50000, 12220],
            area_m2=[30_000.0, 10_000.0, 40_000.0],
        )
    )
    fragments["class"] = ["roads", "water", "roads"]
    maps = {"pixel_count": 9, "poor_share": 0.5, "rich_share": 0.5}
    activation = fragments.drop(columns="geometry").assign(contribution=[-0.6, 0.2, 1.0], **maps)
    return {
        "cells": cells,
        "images": images.assign(years_from_income=1.0, years_from_land_cover=None),
        "samples": samples,
        "predictions": p.iloc[:2],
        "without_income": p.iloc[2:],
        "activation": activation,
        "cell_activation": pd.DataFrame(
            {"idINSPIRE": USED, "bias": [-0.5, 0.4], "uncovered_contribution": [-0.1, 0.1]}
        ),
        "fragments": fragments,
    }


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return make_tables()


def layers_of(tables: dict[str, pd.DataFrame], key: str = "class") -> dict:
    fragments = tables.pop("fragments")
    cells = columns.cell_layer(**tables, key=key)
    pieces = columns.fragment_layer(fragments, tables["activation"])
    looks = styles.styles_of_fragments(pieces, class_table())
    return {
        "fragments": geopackage.Layer(pieces, "pieces", looks),
        "cells": geopackage.Layer(cells, "cells", styles.styles_of_cells()),
    }


@pytest.fixture
def written(tables, tmp_path) -> Path:
    path = tmp_path / "Demo_demo.gpkg"
    geopackage.write(layers_of(tables), path)
    return path


@pytest.mark.parametrize("key", ["class", "code"])
def test_contributions_by_class_add_up_to_the_logit(tables, key):
    cells = layers_of(tables, key)["cells"].table.set_index("idINSPIRE")
    parts = [name for name in cells if name.startswith("contribution_")]
    names = {"class": ["roads", "water"], "code": ["12220", "50000"]}[key]
    assert parts == ["contribution_uncovered", *(f"contribution_{name}" for name in names)]
    total = cells.loc[USED, [*parts, "bias"]].sum(axis=1)
    assert total.tolist() == pytest.approx(cells.loc[USED, "logit"].tolist())
    assert cells.loc[USED[1], f"contribution_{names[1]}"] == 0
    assert cells.loc[[WITHOUT_INCOME, VOID], parts].isna().all(axis=None)


def test_every_cell_is_there_with_what_is_known_of_it(written):
    cells = gpd.read_file(written, layer="cells").set_index("idINSPIRE")
    assert cells.index.tolist() == IDS and cells.crs.to_epsg() == 3035
    assert cells.geometry.area.eq(SIDE_M**2).all() and cells.total_bounds[0] == WEST
    assert cells.loc[USED, "residual"].tolist() == [0 - 1, 4 - 3]
    assert cells.loc[WITHOUT_INCOME, "predicted_class"] == 2
    assert (
        cells.loc[[WITHOUT_INCOME, VOID], ["residual", "fold", "income_class"]].isna().all().all()
    )
    assert pd.isna(cells.loc[VOID, "p"]) and cells.loc[VOID, "reason"] == "void"
    assert cells["used"].tolist() == [True, True, False, False]
    assert set(cells["campaign_year"]) == {2012}


def test_fragments_of_unequal_size_compare_by_their_density(written):
    fragments = gpd.read_file(written, layer="fragments").set_index("fragment_id")
    expected = [-0.6 * 4 / 3, 0.2 * 4, 1.0]
    assert fragments["contribution_density"].tolist() == pytest.approx(expected)


def test_the_same_results_are_the_same_bytes_and_others_are_not(tmp_path):
    hashes = []
    for number, contribution in enumerate((1.0, 1.0, 2.0)):
        tables = make_tables()
        tables["activation"].loc[1, "contribution"] = contribution
        path = tmp_path / str(number) / "Demo_demo.gpkg"
        geopackage.write(layers_of(tables), path)
        hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert hashes[0] == hashes[1] != hashes[2]
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def rows_of(path: Path, query: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_the_file_is_a_whole_geopackage_without_a_date_of_the_day(written):
    assert rows_of(written, "PRAGMA integrity_check") == [("ok",)]
    assert rows_of(written, "PRAGMA application_id") == [(0x47504B47,)]  # "GPKG"
    contents = dict(rows_of(written, "SELECT table_name, data_type FROM gpkg_contents"))
    assert contents == {"cells": "features", "fragments": "features", "layer_styles": "attributes"}
    dates = rows_of(written, "SELECT last_change FROM gpkg_contents")
    dates += rows_of(written, "SELECT update_time FROM layer_styles")
    assert {date[:4] for (date,) in dates} == {"1970"}


def test_each_layer_opens_with_one_style_and_has_others(written):
    query = "SELECT f_table_name, styleName FROM layer_styles WHERE useAsDefault"
    assert set(rows_of(written, query)) == {
        ("cells", "predicted class"),
        ("fragments", "contribution"),
    }
    query = "SELECT styleName FROM layer_styles WHERE NOT useAsDefault"
    assert {name for (name,) in rows_of(written, query)} == {
        "observed class",
        "residual",
        "land cover",
    }


def test_styles_colour_columns_that_the_layers_have(written):
    query = "SELECT f_table_name, f_geometry_column, styleQML FROM layer_styles"
    for layer, geometry, qml in rows_of(written, query):
        info = pyogrio.read_info(written, layer)
        renderer = ElementTree.fromstring(qml).find("renderer-v2")
        assert renderer.get("attr") in info["fields"] and geometry == info["geometry_name"]
        symbols = {symbol.get("name") for symbol in renderer.iter("symbol")}
        entries = [*renderer.iter("category"), *renderer.iter("range")]
        assert len(entries) >= 4 and {entry.get("symbol") for entry in entries} == symbols


def test_the_scale_of_contributions_reaches_from_poor_to_rich_about_zero(tables):
    pieces = layers_of(tables)["fragments"]
    ranges = list(ElementTree.fromstring(pieces.styles["contribution"]).iter("range"))
    ends = np.array([[float(r.get("lower")), float(r.get("upper"))] for r in ranges])
    assert (ends[1:, 0] == ends[:-1, 1]).all()
    assert ends[0, 0] == -ends[-1, 1] == -pieces.table["contribution_density"].abs().max()
    assert ends[len(ends) // 2, 0] == -ends[len(ends) // 2, 1]


def test_a_city_without_any_contribution_has_its_layers_too(tables, tmp_path):
    tables["activation"] = tables["activation"].iloc[:0]
    layers = layers_of(tables)
    geopackage.write(layers, tmp_path / "Demo_demo.gpkg")
    assert len(gpd.read_file(tmp_path / "Demo_demo.gpkg", layer="cells")) == len(IDS)
