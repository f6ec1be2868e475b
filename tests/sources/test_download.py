"""Fetching against a server that misbehaves as the providers do; archives against bad or hostile makers."""

import hashlib
import io
import random
import stat
import threading
import time
import zipfile
from collections import namedtuple
from pathlib import Path

import multivolumefile
import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback import HASTY, Reply, serve
from urbancam.sources.download import answers, archives, fetching, members, partial_file, volumes
from urbancam.sources.download.volumes import JoinedFiles
from urbancam.workflow.errors import InputError

BODY = random.Random(0).randbytes(50_000)
MD5 = hashlib.md5(BODY).hexdigest()


def fetch(url, path, **options):
    return fetching.fetch(url, path, patience=HASTY, **options)


# fetching


def test_file_is_fetched_whole_with_a_browsers_agent(tmp_path):
    with serve(lambda request, n: Reply(BODY)) as (url, requests):
        got = fetch(
            f"{url}/a.zip", tmp_path / "new" / "a.zip", size_bytes=len(BODY), md5=MD5
        ).read_bytes()
    assert got == BODY
    assert requests[0][1]["User-Agent"].startswith("Mozilla/5.0")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.zip"]


def test_file_in_place_is_not_fetched_again(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"dropped in")
    assert fetch("http://127.0.0.1:9/a.zip", tmp_path / "a.zip").read_bytes() == b"dropped in"
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_file_in_place_of_another_size_is_named(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"half")
    with pytest.raises(InputError, match="4 bytes, not the 8"):
        fetch("http://127.0.0.1:9/a.zip", tmp_path / "a.zip", size_bytes=8)


@given(cuts=st.lists(st.integers(0, len(BODY) - 1), max_size=6))
@settings(deadline=None, max_examples=15)
def test_download_cut_anywhere_goes_on(tmp_path_factory, cuts):
    """Every answer but the last is cut after some bytes that are new."""
    path = tmp_path_factory.mktemp("cut") / "a.bin"
    replies = [Reply(BODY, cut=cut + partial_file.OVERLAP_BYTES + 100) for cut in cuts]
    with serve(lambda request, n: replies[n] if n < len(replies) else Reply(BODY)) as (url, _):
        assert fetch(f"{url}/a.bin", path, md5=MD5).read_bytes() == BODY


def test_second_run_goes_on_where_the_first_gave_up(tmp_path):
    with serve(lambda request, n: Reply(BODY, cut=30_000) if n == 0 else Reply(status=500)) as (
        url,
        requests,
    ):
        with pytest.raises(InputError, match="given up after"):
            fetch(f"{url}/a.bin", tmp_path / "a.bin")
    kept = (tmp_path / "a.bin.part").stat().st_size
    state = tmp_path / ".a.bin.part.json"
    with serve(lambda request, n: Reply(BODY)) as (other, requests):
        state.write_text(state.read_text().replace(url, other))
        assert fetch(f"{other}/a.bin", tmp_path / "a.bin").read_bytes() == BODY
    assert kept == 30_000
    assert requests[0][1]["Range"] == f"bytes={kept - partial_file.OVERLAP_BYTES}-"


def test_range_ignored_means_from_the_start(tmp_path):
    with serve(lambda request, n: Reply(BODY, cut=20_000 if n == 0 else None, ranges=False)) as (
        url,
        _,
    ):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize("tags", [("", ""), ('"a"', '"b"'), ('W/"a"', 'W/"b"'), ('"a"', '"a"')])
def test_body_swapped_between_two_requests_is_fetched_afresh(tmp_path, tags):
    other = random.Random(1).randbytes(len(BODY))

    def answer(request, n):
        headers = {"ETag": tags[n > 0]} if tags[n > 0] else {}
        return Reply(BODY, cut=20_000, headers=headers) if n == 0 else Reply(other, headers=headers)

    with serve(answer) as (url, _):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin").read_bytes() == other


def test_swap_that_only_the_md5_shows_is_fetched_afresh(tmp_path):
    before = BODY[:10_000] + bytes(10_000) + BODY[20_000:]  # equal where the two downloads overlap
    with serve(lambda request, n: Reply(before, cut=30_000) if n == 0 else Reply(BODY)) as (url, _):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin", md5=MD5).read_bytes() == BODY


def test_server_file_grown_shorter_is_fetched_afresh(tmp_path):
    with serve(lambda request, n: Reply(BODY, cut=40_000) if n == 0 else Reply(BODY[:9_000])) as (
        url,
        _,
    ):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin").read_bytes() == BODY[:9_000]


def test_length_that_lies_is_given_up(tmp_path):
    with serve(lambda request, n: Reply(BODY, length=len(BODY) + 5, ranges=False)) as (
        url,
        requests,
    ):
        with pytest.raises(InputError, match="given up after"):
            fetch(f"{url}/a.bin", tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()
    assert len(requests) <= HASTY.tries + 1


def test_length_other_than_the_indexs_is_refused_at_once(tmp_path):
    with serve(lambda request, n: Reply(BODY)) as (url, requests):
        with pytest.raises(InputError, match="not the 7 announced"):
            fetch(f"{url}/a.bin", tmp_path / "a.bin", size_bytes=7)
    assert len(requests) == 1


def test_wrong_md5_is_refused_and_nothing_stays(tmp_path):
    with serve(lambda request, n: Reply(BODY[::-1])) as (url, _):
        with pytest.raises(InputError, match="MD5"):
            fetch(f"{url}/a.bin", tmp_path / "a.bin", md5=MD5)
    assert not list(tmp_path.glob("a.bin*"))


def test_check_of_the_caller_can_refuse(tmp_path):
    def refuse(path):
        raise InputError("a page, not an archive", path)

    with (
        serve(lambda request, n: Reply(b"<html>")) as (url, _),
        pytest.raises(InputError, match="a page"),
    ):
        fetch(f"{url}/a.zip", tmp_path / "a.zip", check=refuse)
    assert not (tmp_path / "a.zip").exists()


def test_archive_is_checked_before_it_takes_its_name(tmp_path):
    body = make_zip(tmp_path / "made.zip").read_bytes()
    with serve(lambda request, n: Reply(body if n else b"<html>please log in</html>")) as (url, _):
        with pytest.raises(InputError, match="a server may have sent a page"):
            fetch(f"{url}/a.zip", tmp_path / "a.zip", check=archives.list_members)
        assert (
            fetch(f"{url}/a.zip", tmp_path / "a.zip", check=archives.list_members).read_bytes()
            == body
        )


@pytest.mark.parametrize("status", [403, 404, 410])
def test_absent_is_said_at_once(tmp_path, status):
    with serve(lambda request, n: Reply(status=status)) as (url, requests):
        with pytest.raises(answers.AbsentError, match=str(status)):
            fetch(f"{url}/a.bin", tmp_path / "a.bin")
    assert len(requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_busy_then_fine(tmp_path, status):
    with serve(lambda request, n: Reply(status=status) if n < 2 else Reply(BODY)) as (
        url,
        requests,
    ):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin").read_bytes() == BODY
    assert len(requests) == 3


def test_retry_after_is_obeyed():
    patient = answers.Patience(tries=3, first_wait_s=0.0, longest_wait_s=2.0)
    replies = [Reply(status=429, headers={"Retry-After": "1"}), Reply(b"fine")]
    with serve(lambda request, n: replies[n]) as (url, _):
        started = time.monotonic()
        assert fetching.get(url, patience=patient).content == b"fine"
        assert time.monotonic() - started >= 1.0


def test_retry_after_beyond_patience_is_said():
    with serve(lambda request, n: Reply(status=429, headers={"Retry-After": "3600"})) as (
        url,
        requests,
    ):
        with pytest.raises(InputError, match="asks to wait 3600 s"):
            fetching.get(url, patience=HASTY)
    assert len(requests) == 1


def test_retry_after_may_be_a_date_or_nonsense():
    def wait_s(text):
        answer = namedtuple("Answer", "headers")({"Retry-After": text})
        return answers.retry_after_s(answer)

    assert wait_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert wait_s("Wed, 21 Oct 2065 07:28:00 GMT") > 1e9
    assert wait_s("soon") is wait_s("") is None


def test_tries_are_bounded():
    with serve(lambda request, n: Reply(status=503)) as (url, requests):
        with pytest.raises(InputError, match="given up after 4 tries"):
            fetching.get(url, patience=HASTY)
    assert len(requests) == HASTY.tries


def test_nobody_listens():
    with serve(lambda request, n: Reply()) as (url, _):
        pass
    with pytest.raises(InputError, match="refused"):
        fetching.get(url, patience=HASTY)


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/file", "http://", "http://[::1"])
def test_address_that_is_none_is_bad_input(url):
    with pytest.raises(InputError):
        fetching.get(url, patience=HASTY)


def test_user_info_never_shows(tmp_path, caplog):
    caplog.set_level("INFO")
    with serve(lambda request, n: Reply(BODY, cut=9_000) if n == 0 else Reply(status=500)) as (
        url,
        requests,
    ):
        secret = url.replace("http://", "http://jean:p%40ss@")
        with pytest.raises(InputError) as raised:
            fetch(f"{secret}/a.bin", tmp_path / "a.bin")
    written = "".join(
        path.read_text("latin-1") for path in tmp_path.iterdir() if path.name.startswith(".")
    )
    assert requests[0][1]["Authorization"].startswith("Basic ")
    assert not [
        text
        for text in (caplog.text, str(raised.value), written)
        if "p%40ss" in text or "jean" in text
    ]


def test_user_info_is_taken_out_of_any_text():
    got = answers.without_user_info("see https://me:se:cr@et@host/a@b and //x@y")
    assert got == "see https://host/a@b and //y"


def test_no_room_is_said_before_the_download(tmp_path, monkeypatch):
    usage = namedtuple("Usage", "free")(10)
    monkeypatch.setattr(partial_file.shutil, "disk_usage", lambda path: usage)
    with (
        serve(lambda request, n: Reply(BODY)) as (url, _),
        pytest.raises(InputError, match="room for 10"),
    ):
        fetch(f"{url}/a.bin", tmp_path / "a.bin")


def test_two_processes_fetch_once(tmp_path):
    """Threads stand for processes: a lock of flock is held by the open file, not by the process."""

    def answer(request, n):
        time.sleep(0.05)
        return Reply(BODY)

    with serve(answer) as (url, requests):
        threads = [
            threading.Thread(target=fetch, args=(f"{url}/a.bin", tmp_path / "a.bin"))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (tmp_path / "a.bin").read_bytes() == BODY
    assert len(requests) == 1


# archives

FILES = {"pack/a.txt": b"aaa" * 100, "pack/deep/b.bin": BODY, "empty.txt": b"", "c.shp": b"shape"}


def make_zip(path: Path, files=FILES) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return path


def make_7z(path: Path, files=FILES) -> Path:
    with py7zr.SevenZipFile(path, "w") as made:
        for name, content in files.items():
            made.writestr(content, name)
    return path


def make_volumes(path: Path, volume_bytes: int = 10_000) -> Path:
    with multivolumefile.MultiVolume(path, "wb", volume=volume_bytes, ext_digits=3) as volume:
        with py7zr.SevenZipFile(volume, "w", filters=[{"id": py7zr.FILTER_COPY}]) as made:
            for name, content in FILES.items():
                made.writestr(content, name)
    return path.with_name(path.name + ".001")


MAKERS = {"a.zip": make_zip, "a.7z": make_7z, "v.7z": make_volumes}


@pytest.fixture(params=MAKERS)
def archive(request, tmp_path):
    return MAKERS[request.param](tmp_path / request.param)


def test_members_are_listed(archive):
    got = {member.name: member.size_bytes for member in archives.list_members(archive)}
    assert got == {name: len(content) for name, content in FILES.items()}


def test_everything_is_unpacked(archive, tmp_path):
    paths = archives.unpack(archive, tmp_path / "out")
    assert {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in paths
    } == FILES


def test_only_the_wanted_is_unpacked(archive, tmp_path):
    paths = archives.unpack(archive, tmp_path / "out", lambda name: name.endswith(".bin"))
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert paths == files == [tmp_path / "out" / "pack/deep/b.bin"]


def test_unpacking_goes_on_after_a_kill(archive, tmp_path):
    paths = archives.unpack(archive, tmp_path / "out")
    kept = (tmp_path / "out/c.shp").stat().st_mtime_ns
    (tmp_path / "out/pack/deep/b.bin").write_bytes(BODY[:-1] + b"x")  # the right size, other bytes
    (tmp_path / "out/pack/a.txt").unlink()
    assert [path.read_bytes() for path in archives.unpack(archive, tmp_path / "out")] == list(
        FILES.values()
    )
    assert (tmp_path / "out/c.shp").stat().st_mtime_ns == kept
    assert not [
        path for path in (tmp_path / "out").rglob("*") if path.is_file() and path not in paths
    ]


def test_archives_within_archives_are_followed(tmp_path):
    inner = make_7z(tmp_path / "inner.7z").read_bytes()
    outer = make_zip(tmp_path / "outer.zip", {"readme.txt": b"", "x/inner.7z": inner})
    got = archives.unpack_nested(outer, tmp_path / "out", lambda name: name.endswith(".shp"))
    assert [path.read_bytes() for path in got] == [b"shape"]


def test_missing_volume_is_named(tmp_path):
    first = make_volumes(tmp_path / "v.7z")
    (tmp_path / "v.7z.002").unlink()
    with pytest.raises(InputError, match=r"volumes are missing: v\.7z\.002"):
        archives.list_members(first)


def test_missing_last_volume_is_said(tmp_path):
    first = make_volumes(tmp_path / "v.7z")
    volumes.volumes(first)[-1].unlink()
    with pytest.raises(InputError, match="one missing after it"):
        archives.list_members(first)


@pytest.mark.parametrize("number", range(6))
def test_damage_in_any_volume_is_said(tmp_path, number):
    paths = volumes.volumes(make_volumes(tmp_path / "v.7z"))
    content = bytearray(paths[number].read_bytes())
    content[len(content) // 2] ^= 255
    paths[number].write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        archives.unpack(paths[0], tmp_path / "out")
    assert len(paths) == 6


@pytest.mark.parametrize("number", range(6))
def test_truncation_of_any_volume_is_said(tmp_path, number):
    paths = volumes.volumes(make_volumes(tmp_path / "v.7z"))
    paths[number].write_bytes(paths[number].read_bytes()[:-1])
    with pytest.raises(InputError, match="cut short" if number == 5 else rf"v\.7z\.00{number + 1}"):
        archives.list_members(paths[0])


def test_members_of_several_blocks_are_unpacked(tmp_path):
    path = make_7z(tmp_path / "a.7z", {"a.txt": b"a" * 9, "b.txt": b"b" * 9})
    with py7zr.SevenZipFile(path, "a") as made:
        made.writestr(b"c" * 9, "c.txt")
        made.writestr(b"d" * 9, "d.txt")
    got = archives.unpack(path, tmp_path / "out", lambda name: name in ("b.txt", "d.txt"))
    assert [file.read_bytes() for file in got] == [b"b" * 9, b"d" * 9]


def test_files_beside_the_volumes_are_no_volumes(tmp_path):
    first = make_volumes(tmp_path / "v.7z")
    for name in ("v.7z.md5", "v.7z.003.part", "v.7z.0001"):
        (tmp_path / name).write_bytes(b"not a volume")
    assert len(archives.list_members(first)) == len(FILES)


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


@pytest.mark.parametrize("name", UNSAFE)
def test_name_that_leaves_its_folder_is_refused(tmp_path, name):
    archive = make_zip(tmp_path / "a.zip", {"good.txt": b"1", name: b"2"})
    with pytest.raises(InputError, match="not safe"):
        archives.unpack(archive, tmp_path / "out")
    assert not list(tmp_path.rglob("good.txt"))


def test_name_that_leaves_its_folder_is_refused_in_7z_too(tmp_path, monkeypatch):
    monkeypatch.setattr(
        py7zr.SevenZipFile, "_sanitize_archive_arcname", lambda self, name: name, raising=False
    )
    archive = tmp_path / "a.7z"
    with py7zr.SevenZipFile(archive, "w") as made:
        made.writestr(b"2", "good.txt")
        made.files.files_list[0]["filename"] = "../../x"
    with pytest.raises(InputError, match="not safe"):
        archives.unpack(archive, tmp_path / "out")


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_any_name_is_refused_or_stays_below_its_folder(name):
    try:
        safe = members.safe_name(name, Path("a.zip"))
    except InputError:
        return
    resolved = (Path("/folder") / safe).resolve()
    assert resolved != Path("/folder") and resolved.is_relative_to("/folder")


@given(
    st.lists(st.sampled_from(["..", ".", "", "a", "b", "/", "\\", "C:"]), max_size=6).map("/".join)
)
def test_names_made_of_tricks_stay_below_their_folder(name):
    test_any_name_is_refused_or_stays_below_its_folder.hypothesis.inner_test(name)


def test_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_link_in_a_7z_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as made:
        made.write(tmp_path / "link", "link")
    with pytest.raises(InputError, match="is a link"):
        archives.unpack(tmp_path / "a.7z", tmp_path / "out")


def test_folder_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pack").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leaves its folder"):
        archives.unpack(make_zip(tmp_path / "a.zip"), tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("x/a", "x//a"), ("x/a", "x\\a")])
def test_two_members_of_one_name_are_refused(tmp_path, names):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        for name in names:
            made.writestr(name, "1")
    with pytest.raises(InputError, match="share the name"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_archive_larger_than_the_disk_is_refused(archive, tmp_path, monkeypatch):
    usage = namedtuple("Usage", "free")(1000)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(InputError, match="room for 1,000"):
        archives.unpack(archive, tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_encrypted_archive_is_refused(tmp_path):
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w", password="x", header_encryption=True) as made:
        made.writestr(b"1", "a")
    with pytest.raises(InputError, match="encrypted"):
        archives.unpack(tmp_path / "a.7z", tmp_path / "out")


def test_text_named_zip_is_refused(tmp_path):
    for name in ("a.zip", "a.7z", "a.7z.001"):
        (tmp_path / name).write_bytes(b"<html>login</html>")
        with pytest.raises(InputError, match="neither zip nor 7z, it begins with b'<html>"):
            archives.list_members(tmp_path / name)


@given(
    kind=st.sampled_from([make_zip, make_7z]),
    damage=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=3),
    cut=st.sampled_from([0, 0, 1, 300]),
)
@settings(deadline=None, max_examples=80)
def test_damaged_archive_is_refused_or_unpacked_right(tmp_path_factory, kind, damage, cut):
    """Flipped and cut bytes: one message, or (where the damage is in what nobody reads) the right bytes."""
    folder = tmp_path_factory.mktemp("damage")
    archive = kind(
        folder / ("a.zip" if kind is make_zip else "a.7z"),
        {"a.txt": b"abc" * 50, "b/c": BODY[:500]},
    )
    content = bytearray(archive.read_bytes())
    for place, byte in damage:
        content[int(place * len(content))] = byte
    archive.write_bytes(content[: len(content) - cut])
    try:
        paths = archives.unpack(archive, folder / "out")
    except InputError:
        return
    assert {path.read_bytes() for path in paths} <= {b"abc" * 50, BODY[:500], b""}


def test_volumes_read_as_one_file(tmp_path):
    parts = [tmp_path / f"p{i}" for i in range(4)]
    for i, part in enumerate(parts):
        part.write_bytes(BODY[i * 100 : i * 100 + 100] if i != 2 else b"")
    whole = BODY[:200] + BODY[300:400]
    with io.BufferedReader(JoinedFiles(parts), 64) as file:
        assert file.read() == whole
        assert [file.seek(n) and file.read(150) for n in (1, 99, 100, 250)] == [
            whole[n : n + 150] for n in (1, 99, 100, 250)
        ]
        assert file.seek(-10, io.SEEK_END) == 290
