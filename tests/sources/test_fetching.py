"""Files fetched from a server that cuts, swaps, lies and is busy, as the providers' do."""

import hashlib
import random
import threading
import time
from collections import namedtuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopback import HASTY, Reply, serve
from small_archives import BODY, make_zip
from urbancam.sources.download import archives, fetching, partial_file
from urbancam.sources.download.partial_file import OVERLAP_BYTES
from urbancam.workflow.errors import InputError

MD5 = hashlib.md5(BODY).hexdigest()
NOBODY = "http://127.0.0.1:9"  # a port at which no server listens


def fetch(url, path, **options):
    return fetching.fetch(url, path, patience=HASTY, **options)


def in_turn(*replies):
    """The replies one after another; the last one from then on."""
    return lambda request, n: replies[min(n, len(replies) - 1)]


# files in place


def test_file_is_fetched_whole_with_a_browsers_agent(tmp_path):
    folder = tmp_path / "new"
    with serve(in_turn(Reply(BODY))) as (url, requests):
        path = fetch(f"{url}/a.zip", folder / "a.zip", size_bytes=len(BODY), md5=MD5)
    assert path.read_bytes() == BODY
    assert requests[0][1]["User-Agent"].startswith("Mozilla/5.0")
    assert [path.name for path in folder.iterdir()] == ["a.zip"]


def test_file_in_place_is_not_fetched_again(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"dropped in")
    assert fetch(f"{NOBODY}/a.zip", tmp_path / "a.zip").read_bytes() == b"dropped in"
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_file_in_place_of_another_size_is_named(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"another")
    with pytest.raises(InputError, match="7 bytes, not the 4"):
        fetch(f"{NOBODY}/a.zip", tmp_path / "a.zip", size_bytes=4)


@pytest.mark.parametrize("etag", [{}, {"ETag": '"x"'}])
def test_file_in_place_that_is_cut_short_is_gone_on_with(tmp_path, etag):
    (tmp_path / "a.zip").write_bytes(BODY[:30_000])
    with serve(lambda *_: Reply(BODY, headers=etag)) as (url, requests):
        path = fetch(f"{url}/a.zip", tmp_path / "a.zip", size_bytes=len(BODY))
    assert path.read_bytes() == BODY
    assert [headers["Range"] for _, headers in requests] == [f"bytes={30_000 - OVERLAP_BYTES}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_file_in_place_that_is_another_one_is_fetched_afresh(tmp_path):
    (tmp_path / "a.zip").write_bytes(bytes(30_000))
    with serve(lambda *_: Reply(BODY)) as (url, _):
        path = fetch(f"{url}/a.zip", tmp_path / "a.zip", size_bytes=len(BODY))
    assert path.read_bytes() == BODY


def test_announced_bytes_cost_no_body():
    with serve(lambda *_: Reply(BODY)) as (url, _):
        assert fetching.announced_bytes(f"{url}/a.zip", HASTY) == len(BODY)


def test_two_processes_fetch_once(tmp_path):
    """Threads stand for processes: a lock of flock belongs to the open file, not the process."""

    def answer(request, n):
        time.sleep(0.05)
        return Reply(BODY)

    path = tmp_path / "a.bin"
    with serve(answer) as (url, requests):
        arguments = (f"{url}/a.bin", path)
        threads = [threading.Thread(target=fetch, args=arguments) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert path.read_bytes() == BODY
    assert len(requests) == 1


# resuming


@given(cuts=st.lists(st.integers(0, len(BODY) - 1), max_size=6))
@settings(deadline=None, max_examples=15)
def test_download_cut_anywhere_goes_on(tmp_path_factory, cuts):
    """Every answer but the last is cut after some bytes that are new."""
    path = tmp_path_factory.mktemp("cut") / "a.bin"
    replies = [Reply(BODY, cut=cut + OVERLAP_BYTES + 100) for cut in cuts]
    with serve(in_turn(*replies, Reply(BODY))) as (url, _):
        assert fetch(f"{url}/a.bin", path, md5=MD5).read_bytes() == BODY


def test_second_run_goes_on_where_the_first_gave_up(tmp_path):
    path = tmp_path / "a.bin"
    with serve(in_turn(Reply(BODY, cut=30_000), Reply(status=500))) as (url, _):
        with pytest.raises(InputError, match="given up after"):
            fetch(f"{url}/a.bin", path)
    assert (tmp_path / "a.bin.part").stat().st_size == 30_000

    # The second server stands for the first, at another port.
    state = tmp_path / ".a.bin.part.json"
    with serve(in_turn(Reply(BODY))) as (other_url, requests):
        state.write_text(state.read_text().replace(url, other_url))
        assert fetch(f"{other_url}/a.bin", path).read_bytes() == BODY
    assert requests[0][1]["Range"] == f"bytes={30_000 - OVERLAP_BYTES}-"


def test_range_ignored_means_from_the_start(tmp_path):
    replies = [Reply(BODY, cut=20_000, ranges=False), Reply(BODY, ranges=False)]
    with serve(in_turn(*replies)) as (url, _):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_busy_then_fine(tmp_path, status):
    busy = Reply(status=status)
    with serve(in_turn(busy, busy, Reply(BODY))) as (url, requests):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin").read_bytes() == BODY
    assert len(requests) == 3


# a file that changes between two requests


@pytest.mark.parametrize("tags", [("", ""), ('"a"', '"b"'), ('W/"a"', 'W/"b"'), ('"a"', '"a"')])
def test_body_swapped_between_two_requests_is_fetched_afresh(tmp_path, tags):
    headers_before, headers_after = [{"ETag": tag} if tag else {} for tag in tags]
    other_body = random.Random(1).randbytes(len(BODY))
    first = Reply(BODY, cut=20_000, headers=headers_before)
    with serve(in_turn(first, Reply(other_body, headers=headers_after))) as (url, _):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin").read_bytes() == other_body


def test_swap_that_only_the_md5_shows_is_fetched_afresh(tmp_path):
    before = BODY[:10_000] + bytes(10_000) + BODY[20_000:]  # equal where the two downloads overlap
    with serve(in_turn(Reply(before, cut=30_000), Reply(BODY))) as (url, _):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin", md5=MD5).read_bytes() == BODY


def test_server_file_grown_shorter_is_fetched_afresh(tmp_path):
    shorter = BODY[:9_000]
    with serve(in_turn(Reply(BODY, cut=40_000), Reply(shorter))) as (url, _):
        assert fetch(f"{url}/a.bin", tmp_path / "a.bin").read_bytes() == shorter


# files that are not what was promised


def test_length_that_lies_is_given_up(tmp_path):
    reply = Reply(BODY, length=len(BODY) + 5, ranges=False)
    with serve(in_turn(reply)) as (url, requests):
        with pytest.raises(InputError, match="given up after"):
            fetch(f"{url}/a.bin", tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()
    assert len(requests) <= HASTY.tries + 1


def test_length_other_than_the_indexs_is_refused_at_once(tmp_path):
    with serve(in_turn(Reply(BODY))) as (url, requests):
        with pytest.raises(InputError, match="not the 7 announced"):
            fetch(f"{url}/a.bin", tmp_path / "a.bin", size_bytes=7)
    assert len(requests) == 1


def test_wrong_md5_is_refused_and_nothing_stays(tmp_path):
    with serve(in_turn(Reply(BODY[::-1]))) as (url, _):
        with pytest.raises(InputError, match="MD5"):
            fetch(f"{url}/a.bin", tmp_path / "a.bin", md5=MD5)
    assert not list(tmp_path.glob("a.bin*"))


def test_check_of_the_caller_can_refuse(tmp_path):
    def refuse(path):
        raise InputError("a page, not an archive", path)

    with serve(in_turn(Reply(b"<html>"))) as (url, _):
        with pytest.raises(InputError, match="a page"):
            fetch(f"{url}/a.zip", tmp_path / "a.zip", check=refuse)
    assert not (tmp_path / "a.zip").exists()


def test_archive_is_checked_before_it_takes_its_name(tmp_path):
    body = make_zip(tmp_path / "whole.zip").read_bytes()
    page = Reply(b"<html>please log in</html>")
    path = tmp_path / "a.zip"
    with serve(in_turn(page, Reply(body))) as (url, _):
        with pytest.raises(InputError, match="a server may have sent a page"):
            fetch(f"{url}/a.zip", path, check=archives.list_members)
        fetch(f"{url}/a.zip", path, check=archives.list_members)
    assert path.read_bytes() == body


def test_no_room_is_said_before_the_download(tmp_path, monkeypatch):
    usage = namedtuple("Usage", "free")(10)
    monkeypatch.setattr(partial_file.shutil, "disk_usage", lambda path: usage)
    with serve(in_turn(Reply(BODY))) as (url, _):
        with pytest.raises(InputError, match="room for 10"):
            fetch(f"{url}/a.bin", tmp_path / "a.bin")
