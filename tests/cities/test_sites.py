"""Images of cities: found by their folders, looked at, strays named."""

import numpy as np
import pytest
import rasterio
from PIL import Image

from city_folders import draw, drop_images
from urbancam.cities import sites
from urbancam.sources.imagery.tile import affine_of

# As in inspect_images.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture
def folder(tmp_path):
    return drop_images(tmp_path)


# ---- the folder


def test_images_are_found_by_city_and_site_and_strays_named(folder):
    images, skipped = sites.find_images(folder)
    assert images[sites.KEYS].to_numpy().tolist() == [
        ["Lyon", "x", "c.tif"],
        ["Oslo (OSL)", "site10", "a.jpg"],
        ["Oslo (OSL)", "site2", "a.jpg"],
        ["Rome (FCO)", "x", "deep/b.PNG"],
    ]
    assert set(skipped["path"]) == {
        "Oslo (OSL)/stray.jpg",
        "top.png",
        "Lyon/x/notes.txt",
        "Lyon/x/Thumbs.db",
    }


def test_same_image_of_the_same_site_twice_is_named(folder):
    draw(folder / "copy" / "Oslo (OSL)" / "site2" / "a.jpg")
    images, skipped = sites.find_images(folder)
    reasons = skipped.set_index("path")["reason"]
    assert len(images) == 4
    assert "same city" in reasons["copy/Oslo (OSL)/site2/a.jpg"]


# ---- one image


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_unreadable_image_is_named_with_its_reason(tmp_path, damage, suffix):
    path = tmp_path / f"a.{suffix}"
    draw(path, 64)
    contents = {
        "cut": path.read_bytes()[:-800],
        "text": b"not an image",
        "empty": b"",
    }
    path.write_bytes(contents[damage])
    _, reason = sites.look_at(path)
    assert "cannot be read" in reason


def test_image_of_more_than_8_bits_is_named(tmp_path):
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    _, reason = sites.look_at(tmp_path / "a.tif")
    assert "8 bits" in reason


def test_huge_image_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    draw(tmp_path / "a.png", 30)
    monkeypatch.setattr(sites, "MAX_PX", 899)
    _, reason = sites.look_at(tmp_path / "a.png")
    assert "cut it into pieces" in reason


def test_bounds_are_read_where_the_file_tells_them(tmp_path):
    path = tmp_path / "a.tif"
    bounds = (3_760_000, 2_888_000, 3_762_000, 2_890_000)  # m, EPSG:3035
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=24,
        height=24,
        count=3,
        dtype="uint8",
        crs="EPSG:3035",
        transform=affine_of(bounds, 24, 24),
    ) as file:
        file.write(np.zeros((3, 24, 24), np.uint8))
    facts, reason = sites.look_at(path)
    assert reason == ""
    assert [facts[name] for name in sites.PLACE] == [*bounds, 3035]
