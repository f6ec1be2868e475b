"""What the page carries of the cells is what the tables have of them; pictures are of the right
cells."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

import page_city
from urban_atlas_classes import class_table
from urbancam.showing.report import cell_columns, cell_pictures
from urbancam.tables import grid


def unpack(column: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(column["data"]), f"<{column['kind']}")


@pytest.fixture(scope="module")
def frames():
    return page_city.draw_frames(6, 5)


@pytest.fixture(scope="module")
def packed(frames):
    tables = {name: frame for name, frame in frames.items() if name != "activation"}
    return cell_columns.pack_cells(**tables, with_pictures={frames["samples"]["idINSPIRE"][3]})


def test_places_on_the_grid_give_the_ids_back(frames, packed):
    east, north = (unpack(packed["columns"][name]).astype(int) for name in ("east", "north"))
    ids = [
        grid.cell_id(packed["west"] + 200 * x, packed["south"] + 200 * y, packed["side_m"])
        for x, y in zip(east, north, strict=True)
    ]
    assert ids == frames["samples"]["idINSPIRE"].tolist()


def test_numbers_are_those_of_the_tables(frames, packed):
    rows = frames["samples"][["idINSPIRE"]].merge(frames["predictions"], how="left")
    np.testing.assert_allclose(unpack(packed["columns"]["p"]), rows["p"], rtol=1e-6)
    np.testing.assert_array_equal(unpack(packed["columns"]["target"]), rows["target"].astype("f4"))
    expected = rows["predicted_class"].fillna(cell_columns.NONE)
    assert unpack(packed["columns"]["predicted"]).tolist() == expected.tolist()
    assert unpack(packed["columns"]["picture"]).nonzero()[0].tolist() == [3]


def test_categories_have_their_names_and_none_where_there_is_none(frames, packed):
    numbers, names = unpack(packed["columns"]["reason"]), packed["names"]["reason"]
    got = [names[number] if number != cell_columns.NONE else None for number in numbers]
    assert got == frames["samples"]["reason"].replace({np.nan: None}).tolist() and names == [
        "no value"
    ]
    assert packed["names"]["campaign_year"] == [2015, 2018]


def test_land_cover_of_a_cell_is_summed_and_the_largest_comes_first(frames):
    ids, classes = frames["samples"]["idINSPIRE"], class_table()
    activation = pd.concat([frames["activation"]] * 2).assign(
        area_m2=lambda rows: rows["area_m2"] / 2
    )
    packed = cell_columns.pack_cover(ids, activation, classes)
    start, share = unpack(packed["start"]), unpack(packed["share"])
    own = slice(start[4], start[5])
    areas = frames["activation"].query("idINSPIRE == @ids[4]").set_index("class")["area_m2"]
    expected = areas.sort_values(ascending=False)
    keys = [packed["classes"][number]["class"] for number in unpack(packed["class"])[own]]
    assert keys == expected.index.tolist()
    np.testing.assert_allclose(share[own] / packed["share_unit"], expected / 40_000, atol=1e-4)
    assert start[-1] == len(share) == 4 * len(ids)


def test_images_have_one_pattern_or_none(frames):
    images = frames["images"]
    assert cell_columns.image_pattern(images) == "images/FR_URBANATLAS_200m_{id}.png"
    other = images.assign(path=images["path"].where(images.index > 0, "elsewhere.png"))
    assert cell_columns.image_pattern(other) == ""


def test_cells_that_the_page_leads_to_get_pictures_first(frames):
    first = cell_pictures.fullest_cells(frames["activation"], 2)
    water = frames["activation"].query("`class` == 'water'").nlargest(2, "area_m2")["idINSPIRE"]
    assert len(first) == 2 * len(page_city.CLASSES) and set(water) <= set(first)
    chosen = cell_pictures.choose_cells(frames["predictions"], first, 12, seed=0)
    assert len(chosen) == 12 and set(first) <= chosen
    assert len(cell_pictures.choose_cells(frames["predictions"], first, 3, seed=0)) == 3
    assert cell_pictures.choose_cells(frames["predictions"], first, 0, seed=0) == set()


def test_land_cover_is_drawn_north_up_in_its_colours():
    cell = "CRS3035RES200mN2888000E3760000"
    north = shapely.box(3_760_000, 2_888_100, 3_760_200, 2_888_200)
    fragments = pd.DataFrame({"class": ["water"], "geometry": [north]})
    png = cell_pictures.render_cover(cell, fragments, class_table())
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    top, bottom = picture.getpixel((80, 10)), picture.getpixel((80, 150))
    colour = class_table().set_index("class").loc["water", "colour"]
    assert "#{:02x}{:02x}{:02x}".format(*top) == colour and top[3] == 255
    assert bottom[3] == 0


def test_signed_maps_are_red_for_rich_blue_for_poor_and_clear_at_zero():
    png = cell_pictures.render_map(np.array([[1, 128, 255]], np.uint8))
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    poor, zero, rich = (picture.getpixel((column, 0)) for column in range(3))
    assert poor[2] > poor[0] and rich[0] > rich[2] and zero[3] == 0
    assert poor[3] > 200 and rich[3] > 200


def test_images_are_small_and_keep_their_shape():
    pixels = np.zeros((1000, 1000, 3), np.uint8)
    pixels[:500] = 255
    picture = Image.open(io.BytesIO(cell_pictures.render_image(pixels)))
    assert picture.size == (320, 320)
    assert picture.getpixel((160, 40))[0] > 240 and picture.getpixel((160, 280))[0] < 15
