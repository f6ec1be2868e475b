"""The cache of decoded images: goes on where a killed one stopped, never trusts a lone mark; above
its limit images are decoded on the fly."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from urbancam.learning.inputs.images import DecodedImages, open_cache, open_images
from urbancam.tables import arrays
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings

GREYS = [10, 20, 30, 40, 50]


@pytest.fixture
def files(tmp_path) -> list:
    """Five images, each of one grey value."""
    paths = []
    for grey in GREYS:
        path = tmp_path / f"{grey}.png"
        Image.new("RGB", (8, 8), (grey, grey, grey)).save(path)
        paths.append(path)
    return paths


def greys(path, files) -> list[int]:
    images = open_cache(path, files, 4, "bilinear", workers=1)
    assert images.shape == (len(files), 4, 4, 3)
    return images[:, 0, 0, 0].tolist()


def test_killed_decoding_goes_on_where_it_stopped(files, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK", 2)
    whole = files[4].read_bytes()
    files[4].write_bytes(b"not an image")
    with pytest.raises(InputError):
        greys(tmp_path / "cache.npy", files)
    files[0].unlink()  # done already: it is not read again
    files[4].write_bytes(whole)
    assert greys(tmp_path / "cache.npy", files) == GREYS


@pytest.mark.parametrize("mark", ["", '{"done": 5}'])
def test_mark_cut_short_or_without_its_cache_is_not_trusted(files, tmp_path, mark):
    (tmp_path / "cache.npy.progress").write_text(mark)
    whole = files[0].read_bytes()
    files[0].write_bytes(b"not an image")
    with pytest.raises(InputError):  # stopped before the first mark of its own
        greys(tmp_path / "cache.npy", files)
    files[0].write_bytes(whole)
    assert greys(tmp_path / "cache.npy", files) == GREYS


def test_truncated_image_is_named_with_what_mends_it(files, tmp_path):
    files[2].write_bytes(files[2].read_bytes()[:40])
    with pytest.raises(InputError, match=r"30\.png\n.*05_cut_images with --force"):
        greys(tmp_path / "cache.npy", files)


@pytest.mark.parametrize("damage", [b"", b"no cache at all", None])
@pytest.mark.parametrize("name", ["cache.npy", "cache.npy.part"])
def test_damaged_cache_is_made_again(files, tmp_path, name, damage):
    cache = tmp_path / "cache.npy"
    greys(cache, files)
    whole = cache.read_bytes()
    cache.rename(tmp_path / name)
    (tmp_path / name).write_bytes(whole[:-100] if damage is None else damage)
    (tmp_path / "cache.npy.progress").write_text('{"done": 4}')
    assert greys(cache, files) == GREYS


@pytest.fixture
def town(tmp_path) -> Paths:
    """Four images of 48 px, noise in colour and in grey."""
    paths = Paths(tmp_path / "data", tmp_path, "Town")
    paths.images.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
    for number, pixels in enumerate(noise):
        mode = "L" if number == 3 else "RGB"
        Image.fromarray(pixels).convert(mode).save(paths.images / f"{number}.png")
    names = [f"images/{number}.png" for number in range(4)]
    pd.DataFrame({"idINSPIRE": list("abcd"), "path": names}).to_csv(paths.images_table, index=False)
    return paths


def of_town(town: Paths, limit_gb: float) -> tuple:
    run = settings.load("demo-tiny", ["image.size_px=32"])
    return open_images(replace(town, cache_limit_gb=limit_gb), pd.Series(list("dba")), run.image, 2)


def test_images_above_the_limit_are_the_cached_ones_byte_for_byte(town):
    cached, rows = of_town(town, limit_gb=1)
    decoded, same_rows = of_town(town, limit_gb=1e-9)
    assert isinstance(decoded, DecodedImages)
    assert rows.tolist() == same_rows.tolist() == [3, 1, 0]
    assert decoded.shape == cached.shape and len(decoded) == len(cached)
    assert (decoded[rows] == cached[rows]).all()
    assert all((decoded[row] == cached[row]).all() for row in rows)


def test_images_above_the_limit_take_no_disk(town):
    of_town(town, limit_gb=1e-9)
    assert not town.cache.exists()


def test_limit_is_of_all_images_of_the_city(town):
    four_images_gb = 4 * 3 * 32**2 / 1e9
    assert not isinstance(of_town(town, four_images_gb)[0], DecodedImages)
    assert isinstance(of_town(town, four_images_gb * 0.99)[0], DecodedImages)
