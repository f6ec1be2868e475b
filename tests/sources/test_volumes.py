"""Archives in several volumes: missing, cut, damaged, and with other files beside them."""

import io

import pytest

from small_archives import BODY, FILES, make_volumes
from urbancam.sources.download import archives
from urbancam.sources.download.volumes import JoinedFiles, volumes
from urbancam.workflow.errors import InputError

VOLUME_COUNT = 6  # of what `make_volumes` writes


@pytest.fixture
def first(tmp_path):
    return make_volumes(tmp_path / "v.7z")


def test_missing_volume_is_named(first):
    first.with_name("v.7z.002").unlink()
    with pytest.raises(InputError, match=r"volumes are missing: v\.7z\.002"):
        archives.list_members(first)


def test_missing_last_volume_is_said(first):
    volumes(first)[-1].unlink()
    with pytest.raises(InputError, match="one missing after it"):
        archives.list_members(first)


def test_archive_that_is_gone_since_it_was_listed_is_told(first):
    first.unlink()
    assert archives.is_incomplete(first)
    with pytest.raises(InputError, match="another process may have thrown it away"):
        archives.list_members(first)


@pytest.mark.parametrize("number", range(VOLUME_COUNT))
def test_damage_in_any_volume_is_said(first, tmp_path, number):
    paths = volumes(first)
    content = bytearray(paths[number].read_bytes())
    content[len(content) // 2] ^= 255
    paths[number].write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        archives.unpack(first, tmp_path / "out")
    assert len(paths) == VOLUME_COUNT


@pytest.mark.parametrize("number", range(VOLUME_COUNT))
def test_truncation_of_any_volume_is_said(first, number):
    path = volumes(first)[number]
    path.write_bytes(path.read_bytes()[:-1])
    is_last = number == VOLUME_COUNT - 1
    message = "cut short" if is_last else rf"v\.7z\.00{number + 1}"
    with pytest.raises(InputError, match=message):
        archives.list_members(first)


def test_files_beside_the_volumes_are_no_volumes(first):
    for name in ("v.7z.md5", "v.7z.003.part", "v.7z.0001"):
        first.with_name(name).write_bytes(b"not a volume")
    assert len(archives.list_members(first)) == len(FILES)


@pytest.fixture
def joined_files(tmp_path):
    """Four files of 100 bytes each, the third of them empty."""
    contents = [BODY[:100], BODY[100:200], b"", BODY[300:400]]
    paths = [tmp_path / f"p{i}" for i in range(4)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    with io.BufferedReader(JoinedFiles(paths), 64) as file:
        yield file


WHOLE = BODY[:200] + BODY[300:400]


def test_volumes_read_as_one_file(joined_files):
    assert joined_files.read() == WHOLE
    assert joined_files.seek(-10, io.SEEK_END) == 290


@pytest.mark.parametrize("place", [1, 99, 100, 250])
def test_volumes_are_read_from_any_place(joined_files, place):
    assert joined_files.seek(place) == place
    assert joined_files.read(150) == WHOLE[place : place + 150]
