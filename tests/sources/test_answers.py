"""Answers of a server that is absent, busy or confused, and how long it is borne with."""

import time
from collections import namedtuple

import pytest

from loopback import HASTY, Reply, serve
from urbancam.sources.download import answers, fetching
from urbancam.workflow.errors import InputError


def always(reply):
    return lambda request, n: reply


# patience


def test_retry_after_is_obeyed():
    patience = answers.Patience(tries=3, first_wait_s=0.0, longest_wait_s=2.0)
    replies = [Reply(status=429, headers={"Retry-After": "1"}), Reply(b"fine")]
    with serve(lambda request, n: replies[n]) as (url, _):
        start_s = time.monotonic()
        assert fetching.get(url, patience=patience).content == b"fine"
        assert time.monotonic() - start_s >= 1.0


def test_retry_after_beyond_patience_is_said():
    reply = Reply(status=429, headers={"Retry-After": "3600"})
    with serve(always(reply)) as (url, requests):
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
    with serve(always(Reply(status=503))) as (url, requests):
        with pytest.raises(InputError, match="given up after 4 tries"):
            fetching.get(url, patience=HASTY)
    assert len(requests) == HASTY.tries


# answers without a file


def test_nobody_listens():
    with serve(always(Reply())) as (url, _):
        pass
    with pytest.raises(InputError, match="refused"):
        fetching.get(url, patience=HASTY)


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/file", "http://", "http://[::1"])
def test_address_that_is_none_is_bad_input(url):
    with pytest.raises(InputError):
        fetching.get(url, patience=HASTY)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_absent_is_said_at_once(tmp_path, status):
    with serve(always(Reply(status=status))) as (url, requests):
        with pytest.raises(answers.AbsentError, match=str(status)):
            fetching.fetch(f"{url}/a.bin", tmp_path / "a.bin", patience=HASTY)
    assert len(requests) == 1


# user info


def test_user_info_never_shows(tmp_path, caplog):
    caplog.set_level("INFO")
    replies = [Reply(bytes(50_000), cut=9_000)] + [Reply(status=500)] * 9
    with serve(lambda request, n: replies[n]) as (url, requests):
        secret = url.replace("http://", "http://jean:p%40ss@")
        with pytest.raises(InputError) as raised:
            fetching.fetch(f"{secret}/a.bin", tmp_path / "a.bin", patience=HASTY)
    assert requests[0][1]["Authorization"].startswith("Basic ")

    hidden_files = [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    records = "".join(path.read_text("latin-1") for path in hidden_files)
    everything = caplog.text + str(raised.value) + records
    assert hidden_files
    assert "p%40ss" not in everything
    assert "jean" not in everything


def test_user_info_is_taken_out_of_any_text():
    got = answers.without_user_info("see https://me:se:cr@et@host/a@b and //x@y")
    assert got == "see https://host/a@b and //y"
