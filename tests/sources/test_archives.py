"""Archives unpacked, and refused where they are damaged, hostile or too large."""

import os
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samples import ROOT
from small_archives import BODY, FILES, make_7z, make_volumes, make_zip
from urbancam.sources.download import archives
from urbancam.sources.download.members import safe_name
from urbancam.workflow.errors import InputError

MAKERS = {"a.zip": make_zip, "a.7z": make_7z, "v.7z": make_volumes}


@pytest.fixture(params=MAKERS)
def archive(request, tmp_path):
    return MAKERS[request.param](tmp_path / request.param)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


# unpacking


def test_members_are_listed(archive):
    got = {member.name: member.size_bytes for member in archives.list_members(archive)}
    assert got == {name: len(content) for name, content in FILES.items()}


def test_everything_is_unpacked(archive, out):
    paths = archives.unpack(archive, out)
    got = {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}
    assert got == FILES


def test_only_the_wanted_is_unpacked(archive, out):
    paths = archives.unpack(archive, out, lambda name: name.endswith(".bin"))
    assert paths == files_below(out) == [out / "pack/deep/b.bin"]


def test_unpacking_goes_on_after_a_kill(archive, out):
    paths = archives.unpack(archive, out)
    time_before = (out / "c.shp").stat().st_mtime_ns
    (out / "pack/deep/b.bin").write_bytes(BODY[:-1] + b"x")  # the right size, other bytes
    (out / "pack/a.txt").unlink()
    contents = [path.read_bytes() for path in archives.unpack(archive, out)]
    assert contents == list(FILES.values())
    assert (out / "c.shp").stat().st_mtime_ns == time_before
    assert set(files_below(out)) <= set(paths)


def test_two_processes_unpack_into_one_folder_at_once(tmp_path, out):
    """As two cities of one department do; each has a place of its own for what is half unpacked."""
    archive = make_7z(tmp_path / "a.7z")
    code = "import sys; from pathlib import Path; from urbancam.sources.download import archives\n"
    code += "for i in range(30): archives.unpack(Path(sys.argv[1]), Path(sys.argv[2], str(i)))"
    command = [sys.executable, "-c", code, archive, out]
    env = os.environ | {"PYTHONPATH": str(ROOT / "code")}
    runs = [subprocess.Popen(command, env=env) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert len(files_below(out)) == 30 * len(FILES)


def test_archives_within_archives_are_followed(tmp_path, out):
    inner = make_7z(tmp_path / "inner.7z").read_bytes()
    outer = make_zip(tmp_path / "outer.zip", {"readme.txt": b"", "x/inner.7z": inner})
    got = archives.unpack_nested(outer, out, lambda name: name.endswith(".shp"))
    assert [path.read_bytes() for path in got] == [b"shape"]


def test_members_of_several_blocks_are_unpacked(tmp_path, out):
    path = make_7z(tmp_path / "a.7z", {"a.txt": b"a" * 9, "b.txt": b"b" * 9})
    with py7zr.SevenZipFile(path, "a") as second_block:
        second_block.writestr(b"c" * 9, "c.txt")
        second_block.writestr(b"d" * 9, "d.txt")
    got = archives.unpack(path, out, lambda name: name in ("b.txt", "d.txt"))
    assert [file.read_bytes() for file in got] == [b"b" * 9, b"d" * 9]


# names

UNSAFE = [
    "../x",
    "a/../../x",
    "/etc/x",
    "C:/x",
    "c:x",
    "\\\\host\\x",
    "..\\x",
    "a\x01b",
    "..",
    ".",
    "x" * 300,
]
TRICKS = ["..", ".", "", "a", "b", "/", "\\", "C:"]


@pytest.mark.parametrize("name", UNSAFE)
def test_name_that_leaves_its_folder_is_refused(tmp_path, out, name):
    archive = make_zip(tmp_path / "a.zip", {"good.txt": b"1", name: b"2"})
    with pytest.raises(InputError, match="not safe"):
        archives.unpack(archive, out)
    assert not list(tmp_path.rglob("good.txt"))


def test_name_that_leaves_its_folder_is_refused_in_7z_too(tmp_path, out, monkeypatch):
    monkeypatch.setattr(
        py7zr.SevenZipFile, "_sanitize_archive_arcname", lambda self, name: name, raising=False
    )
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writestr(b"2", "good.txt")
        archive.files.files_list[0]["filename"] = "../../x"
    with pytest.raises(InputError, match="not safe"):
        archives.unpack(path, out)


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_any_name_is_refused_or_stays_below_its_folder(name):
    try:
        plain_name = safe_name(name, Path("a.zip"))
    except InputError:
        return
    path = (Path("/folder") / plain_name).resolve()
    assert path != Path("/folder")
    assert path.is_relative_to("/folder")


@given(st.lists(st.sampled_from(TRICKS), max_size=6).map("/".join))
def test_names_made_of_tricks_stay_below_their_folder(name):
    test_any_name_is_refused_or_stays_below_its_folder.hypothesis.inner_test(name)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("x/a", "x//a"), ("x/a", "x\\a")])
def test_two_members_of_one_name_are_refused(tmp_path, out, names):
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "1")
    with pytest.raises(InputError, match="share the name"):
        archives.unpack(tmp_path / "a.zip", out)


# what macOS adds, and what nobody wants


def test_what_macos_adds_is_no_member(tmp_path, out):
    added = dict.fromkeys(["__MACOSX/pack/._a.shp", "pack/._a.shp", "pack/.DS_Store"], b"x")
    archive = make_zip(tmp_path / "a.zip", {"pack/a.shp": b"shape"} | added)
    assert [member.name for member in archives.list_members(archive)] == ["pack/a.shp"]
    got = archives.unpack_nested(archive, out, lambda name: name.endswith(".shp"))
    assert got == files_below(out) == [out / "pack/a.shp"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_of_members_that_nobody_wants_do_not_matter(tmp_path, out):
    link = ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in [*UNSAFE[:-2], "C:/note", "twice", "twice", link, "a.shp"]:
            archive.writestr(name, "1")
    got = archives.unpack(tmp_path / "a.zip", out, lambda name: name.endswith(".shp"))
    assert got == files_below(out) == [out / "a.shp"]


def test_names_that_nobody_wants_do_not_matter_in_a_7z_either(tmp_path, out, monkeypatch):
    monkeypatch.setattr(
        py7zr.SevenZipFile, "_sanitize_archive_arcname", lambda self, name: name, raising=False
    )
    (tmp_path / "link").symlink_to("/etc/passwd")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.write(tmp_path / "link", "link")
        archive.writestr(b"2", "bad.txt")
        archive.files.files_list[1]["filename"] = "../../x"
        archive.writestr(b"1", "a.shp")
    got = archives.unpack(tmp_path / "a.7z", out, lambda name: name.endswith(".shp"))
    assert [path.read_bytes() for path in got] == [b"1"]
    assert files_below(out) == got


# links


def test_link_in_a_zip_is_refused(tmp_path, out):
    link = ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        archives.unpack(tmp_path / "a.zip", out)


def test_link_in_a_7z_is_refused(tmp_path, out):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.write(tmp_path / "link", "link")
    with pytest.raises(InputError, match="is a link"):
        archives.unpack(tmp_path / "a.7z", out)


def test_folder_that_is_a_link_is_not_followed(tmp_path, out):
    out.mkdir()
    (out / "pack").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leaves its folder"):
        archives.unpack(make_zip(tmp_path / "a.zip"), out)


# archives that cannot be unpacked


def test_archive_larger_than_the_disk_is_refused(archive, out, monkeypatch):
    usage = namedtuple("Usage", "free")(1000)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="room for 1,000"):
        archives.unpack(archive, out)
    assert not files_below(out)


def test_encrypted_archive_is_refused(tmp_path, out):
    path = tmp_path / "a.7z"
    with py7zr.SevenZipFile(path, "w", password="x", header_encryption=True) as archive:
        archive.writestr(b"1", "a")
    with pytest.raises(InputError, match="encrypted"):
        archives.unpack(path, out)


def test_text_named_zip_is_refused(tmp_path):
    for name in ("a.zip", "a.7z", "a.7z.001"):
        (tmp_path / name).write_bytes(b"<html>login</html>")
        with pytest.raises(InputError, match="neither zip nor 7z, it begins with b'<html>"):
            archives.list_members(tmp_path / name)


SMALL_FILES = {"a.txt": b"abc" * 50, "b/c": BODY[:500]}
FLIPPED_BYTE = st.tuples(st.floats(0, 0.999), st.integers(0, 255))  # place in the file, new value


@pytest.mark.slow
@given(
    name=st.sampled_from(["a.zip", "a.7z"]),
    damage=st.lists(FLIPPED_BYTE, min_size=1, max_size=3),
    cut=st.sampled_from([0, 0, 1, 300]),
)
@settings(deadline=None, max_examples=80)
def test_damaged_archive_is_refused_or_unpacked_right(tmp_path_factory, name, damage, cut):
    """Flipped and cut bytes: one message, or the right bytes where nobody reads the damage."""
    folder = tmp_path_factory.mktemp("damage")
    archive = MAKERS[name](folder / name, SMALL_FILES)
    content = bytearray(archive.read_bytes())
    for place, byte in damage:
        content[int(place * len(content))] = byte
    archive.write_bytes(content[: len(content) - cut])
    try:
        paths = archives.unpack(archive, folder / "out")
    except InputError:
        return
    assert {path.read_bytes() for path in paths} <= {*SMALL_FILES.values(), b""}
