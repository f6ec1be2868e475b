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


class Hub:
    """Answers for one data set "o/d"; the first `cuts` GETs of an image break off after 1000 bytes."""

    def __init__(self) -> None:
        self.cuts = 0
        self.refuse = None

    def __call__(self, handler, number: int) -> Reply:
        path = urllib.parse.unquote(urllib.parse.urlparse(handler.path).path)
        if self.refuse:
            return Reply(status=self.refuse[0], headers=self.refuse[1])
        if path.startswith("/api/datasets/o/d/revision/"):
            return self._json(
                {"id": "o/d", "sha": COMMIT, "siblings": [{"rfilename": name} for name in FILES]}
            )
        if path.startswith("/api/datasets/o/d/tree/"):
            return self._json(
                [
                    {
                        "type": "file",
                        "path": name,
                        "size": len(body),
                        "oid": hashlib.sha1(body).hexdigest(),
                    }
                    for name, body in FILES.items()
                ]
            )
        name = path.partition(f"/resolve/{COMMIT}/")[2]
        if name not in FILES:
            return Reply(status=404, headers={"X-Error-Code": "RepoNotFound"})
        body = FILES[name]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(body).hexdigest()}"'}
        broken = self.cuts > 0 and handler.command == "GET" and name.endswith(".png")
        self.cuts -= broken
        return Reply(body, headers=headers, cut=1000 if broken else None)

    @staticmethod
    def _json(content) -> Reply:
        return Reply(json.dumps(content).encode(), headers={"Content-Type": "application/json"})


@pytest.fixture
def server():
    answers = Hub()
    with serve(answers) as (address, requests):
        yield answers, requests, address


def bodies(requests: list, name: str) -> int:
    return sum(urllib.parse.unquote(path).endswith(name) for path, _ in requests)


def test_images_come_in_their_folders_archives_unpacked_and_nothing_else(server, tmp_path):
    hub.fetch("o/d", "main", tmp_path, server[2])
    assert (tmp_path / "raw/Almaty (ALA)/site 1/a b.jpg").read_bytes() == b"x" * 5000
    assert (tmp_path / "raw/Rome (FCO)/s/c.jpg").read_bytes() == b"z" * 100
    assert not (tmp_path / "notes.docx").exists()


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    hub.fetch("o/d", "main", tmp_path, server[2])
    before = bodies(server[1], "a b.jpg")
    hub.fetch("o/d", "main", tmp_path, server[2])
    assert bodies(server[1], "a b.jpg") == before


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)


def test_fetching_that_breaks_off_goes_on_at_once(server, hasty, tmp_path):
    server[0].cuts = 2
    hub.fetch("o/d", "main", tmp_path, server[2])
    assert (tmp_path / "raw/Oslo (OSL)/site2/b.png").read_bytes() == b"y" * 4000


def test_fetching_that_was_given_up_goes_on_next_time(server, hasty, tmp_path):
    server[0].cuts = 100
    with pytest.raises(InputError, match="run the step again"):
        hub.fetch("o/d", "main", tmp_path, server[2])
    server[0].cuts = 0
    hub.fetch("o/d", "main", tmp_path, server[2])
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
    server[0].refuse = (status, {"X-Error-Code": code})
    with pytest.raises(InputError, match=expected):
        hub.fetch("o/d", "main", tmp_path, server[2])


def test_hub_that_is_away_is_named(tmp_path):
    with serve(Hub()) as (address, _):
        pass
    with pytest.raises(InputError, match="does not give"):
        hub.fetch("o/d", "main", tmp_path, address)


def test_a_folder_with_something_in_it_is_not_taken_for_the_data_set(server, tmp_path):
    (tmp_path / "stray.txt").write_text("of the user's own")
    server[0].refuse = (500, {})
    with pytest.raises(InputError, match="run the step again"):
        hub.fetch("o/d", "main", tmp_path, server[2])
