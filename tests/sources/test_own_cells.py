"""Cells from a user's own file: every kind of file, any grid in metres, and what is refused."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import samples
from urbancam.sources.census import own_cells
from urbancam.tables import grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import settings
from urbancam.workflow.settings.city_facts import Cells

EPSG = 2180  # Poland, metres; its axes are northing and easting
SIDE_M = 250
CORNERS = [(357_000, 506_250), (357_250, 506_250), (357_000, 506_500)]
IDS = [f"CRS2180RES250mN{south}E{west}" for west, south in CORNERS]
POZNAN = samples.REAL_DATA / "PL005L2_POZNAN_UA2018_subset.gpkg"
NAMED = ["cells.source=file", "cells.value_name=rent", "cells.value_unit=EUR a month"]


def section(file: Path, **columns: object) -> Cells:
    """The settings of a file; columns as `people_column`, or `side_m`."""
    told = [f"cells.{key}={value}" for key, value in columns.items()]
    return settings.load("default", [*NAMED, f"cells.file={file}", *told]).cells


def read(file: Path, **columns: object) -> gpd.GeoDataFrame:
    return own_cells.read_cells(file, section(file, **columns), "Poznan")


def squares(
    corners=CORNERS, side_m: float = SIDE_M, epsg: int = EPSG, **columns
) -> gpd.GeoDataFrame:
    """A user's table of squares, in an order of the user's own."""
    west, south = np.array(corners, dtype=float).T
    facts = {"id": [f"a{place}" for place in range(len(west))], "value": np.arange(len(west)) + 5.5}
    geometry = shapely.box(west, south, west + side_m, south + side_m)
    return gpd.GeoDataFrame(facts | columns, geometry=geometry, crs=f"EPSG:{epsg}")


def write(table: gpd.GeoDataFrame, file: Path) -> Path:
    """The table in the format that the file's name says; CSV and plain Parquet with centres."""
    if file.suffix == ".csv":
        with_centres(table).to_csv(file, index=False)
    elif file.name == "plain.parquet":
        with_centres(table).to_parquet(file)
    elif file.suffix == ".parquet":
        table.to_parquet(file)
    else:
        table.to_file(file)
    return file


def with_centres(table: gpd.GeoDataFrame) -> pd.DataFrame:
    """The table with coordinates in columns, and no geometry."""
    middle = table.geometry.centroid
    return pd.DataFrame(table.drop(columns="geometry")).assign(x=middle.x, y=middle.y)


def refuse(file: Path, match: str, **columns: object) -> None:
    with pytest.raises(InputError, match=match) as caught:
        read(file, **columns)
    assert file.name in str(caught.value) and "what to do" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["cells.csv", "cells.gpkg", "cells.shp", "cells.fgb", "cells.parquet", "plain.parquet"]
)
def test_every_kind_of_file_gives_the_same_cells(tmp_path, name):
    file = write(squares(), tmp_path / name)
    got = read(file, crs=f"EPSG:{EPSG}")
    assert got["idINSPIRE"].tolist() == sorted(IDS)
    assert got.set_index("idINSPIRE").loc[IDS, "source_id"].tolist() == ["a0", "a1", "a2"]
    assert got.set_index("idINSPIRE").loc[IDS, "value"].tolist() == [5.5, 6.5, 7.5]
    assert got.crs == f"EPSG:{EPSG}"
    assert [tuple(square.bounds) for square in got.geometry] == [
        *map(grid.bounds, got["idINSPIRE"])
    ]


def test_centres_give_the_squares_around_them(tmp_path):
    table = squares()
    points = table.set_geometry(table.centroid)
    got = read(write(points, tmp_path / "centres.gpkg"))
    assert set(got["idINSPIRE"]) == set(IDS)


def test_cells_of_insees_form_keep_insees_ids(tmp_path):
    table = squares([(3_760_600, 2_887_400), (3_760_800, 2_887_400)], 200, 3035)
    got = read(write(table, tmp_path / "laea.gpkg"))
    assert got["idINSPIRE"].tolist() == [
        "CRS3035RES200mN2887400E3760600",
        "CRS3035RES200mN2887400E3760800",
    ]


def test_coordinates_below_zero_are_named_too(tmp_path):
    table = squares([(-700_000, -1_050_000), (-699_750, -1_050_000)], epsg=5514)  # Czechia
    got = read(write(table, tmp_path / "krovak.gpkg"))
    assert grid.corners(got["idINSPIRE"]).tolist()[0] == [-699_750, -1_050_000]
    assert grid.blocks(got["idINSPIRE"], 1000).nunique() == 1
    assert grid.neighbours(got["idINSPIRE"]).sum() == 2


def test_further_columns_are_taken_over(tmp_path):
    table = squares(
        people=[10, 20, 30],
        quarter=["N", "N", "S"],
        guessed=["1", "0", "true"],
        pool=["x", "x", "y"],
    )
    got = read(
        write(table, tmp_path / "cells.csv"),
        crs=f"EPSG:{EPSG}",
        people_column="people",
        group_column="pool",
        imputed_column="guessed",
        department_column="quarter",
    ).set_index("source_id")
    assert got["ind"].to_dict() == {"a0": 10, "a1": 20, "a2": 30} and got.loc["a0", "imputed"]
    assert got.loc[["a0", "a1"], "group"].tolist() == ["x", "x"] and pd.isna(got.loc["a2", "group"])
    assert got.loc["a1", "department"] == "N" and not got.loc["a1", "imputed"]


def test_what_is_not_known_is_empty(tmp_path):
    got = read(write(squares(value=[1.5, None, 2.5]), tmp_path / "cells.gpkg"))
    assert got["ind"].isna().all() and got["value"].isna().sum() == 1
    assert not got["imputed"].any() and got["group"].isna().all()


def test_ids_keep_their_leading_zeros(tmp_path):
    file = write(squares(id=["007", "010", "011"]), tmp_path / "cells.csv")
    assert set(read(file, crs=f"EPSG:{EPSG}")["source_id"]) == {"007", "010", "011"}


def hexagon(x: float, y: float) -> shapely.Polygon:
    angles = np.arange(6) * np.pi / 3
    return shapely.Polygon(np.column_stack([x + 100 * np.cos(angles), y + 100 * np.sin(angles)]))


TILTED = shapely.Polygon(np.add([(0, 100), (100, 0), (200, 100), (100, 200)], CORNERS[0]))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"geometry": [hexagon(x, y) for x, y in CORNERS]}, "3 of 3 polygons are no squares"),
        ({"geometry": [TILTED] * 3}, "no squares along the axes"),
        ({"id": ["a", "a", "b"]}, "1 ids that were there before; the first: a"),
        ({"id": ["a", None, "b"]}, "1 cells without an id"),
        ({"value": [1, np.inf, 2]}, "1 infinite values; the first: a1"),
        ({"value": [None, None, None]}, "all of them, without a value"),
    ],
)
def test_cells_that_cannot_be_are_refused(tmp_path, change, match):
    table = squares()
    table = (
        table.set_geometry(change.pop("geometry")).set_crs(table.crs)
        if "geometry" in change
        else table
    )
    refuse(write(table.assign(**change), tmp_path / "cells.parquet"), match)


@pytest.mark.parametrize(
    ("corners", "side_m", "epsg", "match"),
    [
        ([(357_037, 506_250), (357_287, 506_250)], 250, 2180, "37 m east and 0 m north"),
        ([(357_000, 506_250), (357_000, 506_250)], 250, 2180, "1 cells at the place of another"),
        ([(357_000, 506_250), (357_300, 506_250)], 250, 2180, "do not lie on one grid of 250 m"),
        (
            [(16.9, 52.4), (16.91, 52.4)],
            0.01,
            4326,
            "degrees [^:]*: cells there are no squares",
        ),
        ([(1_000_000, 200_000), (1_001_000, 200_000)], 1000, 2263, "in .*foot.*, not in metres"),
        ([(357_000, 506_250), (357_250.5, 506_250)], 250.5, 2180, "250.5 m wide, not whole metres"),
    ],
)
def test_grids_that_cannot_be_are_refused_with_what_to_do(tmp_path, corners, side_m, epsg, match):
    refuse(write(squares(corners, side_m, epsg), tmp_path / "cells.gpkg"), match)


def test_squares_of_two_sizes_are_refused(tmp_path):
    both = pd.concat([squares(), squares([(400_000, 506_000)], 500, id=["big"])])
    refuse(write(both, tmp_path / "cells.gpkg"), "several sizes: 3 of 250 m, 1 of 500 m")


def test_system_without_an_epsg_code_is_refused(tmp_path):
    own = "+proj=laea +lat_0=52 +lon_0=16.5 +x_0=321000 +y_0=210000 +ellps=GRS80 +units=m"
    table = squares().set_crs(own, allow_override=True)
    refuse(write(table, tmp_path / "cells.gpkg"), "has no EPSG code")


def test_missing_column_names_the_closest(tmp_path):
    file = write(squares().rename(columns={"value": "rents"}), tmp_path / "cells.gpkg")
    refuse(file, "there is no column 'rent'", value_column="rent")
    with pytest.raises(InputError, match="did you mean rents?"):
        read(file, value_column="rent")


def test_words_among_numbers_are_shown(tmp_path):
    file = write(squares(value=["1.5", "n/a*", "2"]), tmp_path / "cells.csv")
    refuse(file, "1 values that are no numbers, as 'n/a*'".replace("*", r"\*"), crs=f"EPSG:{EPSG}")


@pytest.mark.parametrize(("people", "match"), [(0, "without people"), (-1, "without people")])
def test_value_of_nobody_is_refused(tmp_path, people, match):
    file = write(squares(people=[5, people, 7]), tmp_path / "cells.csv")
    refuse(file, f"1 cells with a value but {match}", crs=f"EPSG:{EPSG}", people_column="people")


def test_csv_that_says_no_system_is_refused(tmp_path):
    refuse(write(squares(), tmp_path / "cells.csv"), "which coordinate system")
    refuse(tmp_path / "cells.csv", "'Lambert' is no coordinate system", crs="Lambert")


def test_side_that_is_told_must_be_that_of_the_file(tmp_path):
    refuse(
        write(squares(), tmp_path / "cells.gpkg"), "250 m wide, cells.side_m says 500", side_m=500
    )


def test_damaged_file_is_named(tmp_path):
    file = tmp_path / "cells.gpkg"
    file.write_bytes(b"no table")
    refuse(file, "cannot be read")


def test_other_kinds_of_files_are_refused(tmp_path):
    file = tmp_path / "cells.xlsx"
    file.touch()
    refuse(file, "no table of cells")


def test_several_layers_are_refused(tmp_path):
    file = tmp_path / "cells.gpkg"
    squares().to_file(file, layer="one")
    squares().to_file(file, layer="two")
    refuse(file, "2 layers: one, two")


@pytest.mark.parametrize(
    ("told", "match"),
    [
        (["cells.source=file"], "also needs cells.file, cells.value_name, cells.value_unit"),
        (["cells.file=a.csv"], "cells.file: for cells.source file only"),
        (
            [*NAMED, "cells.file=a.csv", "samples.thresholds=national"],
            "for cells.source insee only",
        ),
        ([*NAMED, "cells.file=a.csv", "samples.target=density"], "needs cells.people_column"),
        ([*NAMED, "cells.file=a.csv", "cells.side_m=300"], "block_m 2000 is no multiple"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(told, match):
    with pytest.raises(InputError, match=match):
        settings.load("default", told)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(not POZNAN.exists(), reason="real samples are not here")
def test_real_people_of_poznan_become_cells(tmp_path):
    """People of the real Urban Atlas, laid on cells of Poland's own system by area."""
    land = gpd.read_file(POZNAN).to_crs(2180)
    west, south = (land.total_bounds[:2] // SIDE_M + 4) * SIDE_M
    corners = [(west + SIDE_M * x, south + SIDE_M * y) for x in range(12) for y in range(12)]
    table = squares(corners)
    density = land["Pop2018"] / land.area
    pieces = gpd.overlay(
        table[["id", "geometry"]], land.assign(density=density)[["density", "geometry"]]
    )
    people = (pieces["density"] * pieces.area).groupby(pieces["id"]).sum().reindex(table["id"])
    table["value"] = people.where(people > 1).to_numpy()
    got = read(write(table, tmp_path / "people.gpkg"))
    assert len(got) == 144 and got["value"].sum() == pytest.approx(table["value"].sum())
    assert grid.side_m(got["idINSPIRE"]) == SIDE_M and grid.crs_of(got["idINSPIRE"]) == "EPSG:2180"
