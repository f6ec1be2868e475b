"""The published images from the hub, here a loopback server that answers as the hub does."""

import hashlib
import io
import json
import urllib.parse
import zipfile

import pytest

from loopback import Reply, serve
from urbancam.cities import hub
from urbancam.workflow.errors import InputError

COMMIT = "a" * 40


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


FILES = {
    "raw/Almaty (ALA)/site 1/a b.jpg": b"x" * 5000,
    "raw/Oslo (OSL)/site2/b.png": b"y" * 4000,
    "raw/Rome (FCO).zip": zipped("Rome (FCO)/s/c.jpg", b"z" * 100),
    "notes.docx": b"no image",
}


def git_id(body: bytes) -> str:
    return hashlib.sha1(body).hexdigest()


def as_json(content) -> Reply:
    return Reply(json.dumps(content).encode(), headers={"Content-Type": "application/json"})


class Hub:
    """Answers for one data set "o/d".

    The first `cuts` GETs of an image break off after 1000 bytes; where `refuse` is a status and its
    headers, that is the answer to everything.
    """

    def __init__(self) -> None:
        self.cuts = 0
        self.refuse = None
        self.address = None
        self.requests = None

    def __call__(self, handler, number: int) -> Reply:
        path = urllib.parse.unquote(urllib.parse.urlparse(handler.path).path)
        if self.refuse:
            status, headers = self.refuse
            return Reply(status=status, headers=headers)
        if path.startswith("/api/datasets/o/d/revision/"):
            return as_json(self.describe())
        if path.startswith("/api/datasets/o/d/tree/"):
            return as_json(self.list_files())
        return self.send(path.partition(f"/resolve/{COMMIT}/")[2], handler.command)

    def describe(self) -> dict:
        siblings = [{"rfilename": name} for name in FILES]
        return {"id": "o/d", "sha": COMMIT, "siblings": siblings}

    def list_files(self) -> list[dict]:
        rows = []
        for name, body in FILES.items():
            row = {"type": "file", "path": name, "size": len(body), "oid": git_id(body)}
            rows.append(row)
        return rows

    def send(self, name: str, command: str) -> Reply:
        if name not in FILES:
            return Reply(status=404, headers={"X-Error-Code": "RepoNotFound"})
        body = FILES[name]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{git_id(body)}"'}
        is_cut = self.cuts > 0 and command == "GET" and name.endswith(".png")
        self.cuts -= is_cut
        return Reply(body, headers=headers, cut=1000 if is_cut else None)


@pytest.fixture
def server():
    """A hub with its address and the requests that it got."""
    answers = Hub()
    with serve(answers) as (address, requests):
        answers.address = address
        answers.requests = requests
        yield answers


def count_requests(requests: list, name: str) -> int:
    return sum(urllib.parse.unquote(path).endswith(name) for path, _ in requests)


def test_images_come_in_their_folders_archives_unpacked_and_nothing_else(server, tmp_path):
    hub.fetch("o/d", "main", tmp_path, server.address)
    assert (tmp_path / "raw/Almaty (ALA)/site 1/a b.jpg").read_bytes() == b"x" * 5000
    assert (tmp_path / "raw/Rome (FCO)/s/c.jpg").read_bytes() == b"z" * 100
    assert not (tmp_path / "notes.docx").exists()


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    hub.fetch("o/d", "main", tmp_path, server.address)
    before = count_requests(server.requests, "a b.jpg")
    hub.fetch("o/d", "main", tmp_path, server.address)
    assert count_requests(server.requests, "a b.jpg") == before


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)


def test_fetching_that_breaks_off_goes_on_at_once(server, hasty, tmp_path):
    server.cuts = 2
    hub.fetch("o/d", "main", tmp_path, server.address)
    assert (tmp_path / "raw/Oslo (OSL)/site2/b.png").read_bytes() == b"y" * 4000


def test_fetching_that_was_given_up_goes_on_next_time(server, hasty, tmp_path):
    server.cuts = 100
    with pytest.raises(InputError, match="run the step again"):
        hub.fetch("o/d", "main", tmp_path, server.address)
    server.cuts = 0
    hub.fetch("o/d", "main", tmp_path, server.address)
    assert (tmp_path / "raw/Oslo (OSL)/site2/b.png").read_bytes() == b"y" * 4000


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "RepoNotFound", "no data set"),
        (404, "RevisionNotFound", "no data set"),
        (403, "GatedRepo", "HF_TOKEN"),
        (500, "", "run the step again"),
    ],
)
def test_refusals_say_what_to_do(server, tmp_path, status, code, expected):
    server.refuse = (status, {"X-Error-Code": code})
    with pytest.raises(InputError, match=expected):
        hub.fetch("o/d", "main", tmp_path, server.address)


def test_hub_that_is_away_is_named(tmp_path):
    with serve(Hub()) as (address, _):
        pass
    with pytest.raises(InputError, match="does not give"):
        hub.fetch("o/d", "main", tmp_path, address)


def test_a_folder_with_something_in_it_is_not_taken_for_the_data_set(server, tmp_path):
    (tmp_path / "stray.txt").write_text("of the user's own")
    server.refuse = (500, {})
    with pytest.raises(InputError, match="run the step again"):
        hub.fetch("o/d", "main", tmp_path, server.address)
