"""The cache of decoded images: goes on where a killed one stopped, never trusts a lone mark."""

import pytest
from PIL import Image

from urbancam.learning.images import open_cache
from urbancam.tables import arrays
from urbancam.workflow.errors import InputError

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
