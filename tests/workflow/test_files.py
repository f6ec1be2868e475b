"""Drop folders as users have them: links, other disks, names of other systems."""

import errno
import json
import os

import pytest

from urbancam.workflow import files
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import files_below, listing, write_json
from urbancam.workflow.machine import locks

LATIN_1 = os.fsdecode("orthophoto-\xe9t\xe9.jp2".encode("latin-1"))


@pytest.fixture
def drop(tmp_path):
    """A drop folder, empty, beside which there is another disk with a file."""
    (tmp_path / "disk" / "pack").mkdir(parents=True)
    (tmp_path / "disk" / "pack" / "a.jp2").write_bytes(b"image")
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


def names(folder):
    return [name for name, *_ in listing(folder)]


def everything(folder):
    return files_below(folder, lambda name: True)


def test_folder_on_another_disk_is_read_through_its_link(drop):
    (drop / "mine").symlink_to(drop.parent / "disk")
    assert names(drop) == ["mine/pack/a.jp2"]
    assert everything(drop) == [drop / "mine/pack/a.jp2"]


def test_drop_folder_may_be_a_link_itself(drop):
    (drop.parent / "link").symlink_to(drop.parent / "disk")
    assert names(drop.parent / "link") == ["pack/a.jp2"]


@pytest.mark.parametrize("target", [".", "..", "../..", "/", "sub", "a"])
def test_links_that_go_round_end(drop, target):
    (drop / "sub").mkdir()
    (drop / "sub" / "b.jp2").touch()
    (drop / "a").symlink_to(target)
    assert names(drop) == ["sub/b.jp2"]


def test_link_that_leads_nowhere_is_passed_over_and_said_where_it_was_wanted(drop, caplog):
    caplog.set_level("INFO")
    (drop / "gone.jp2").symlink_to("/no/such/disk/gone.jp2")
    (drop / "b.jp2").touch()
    assert names(drop) == ["b.jp2"]
    assert everything(drop) == [drop / "b.jp2"]
    assert "gone.jp2 is not read: it is a link that leads nowhere" in caplog.text


def test_hidden_and_partial_files_are_left_out_through_links_too(drop):
    (drop / ".hidden").symlink_to(drop.parent / "disk")
    (drop / "c.7z.part").symlink_to(drop.parent / "disk/pack/a.jp2")
    assert names(drop) == []


def test_name_of_another_encoding_is_listed_and_refused_only_where_it_is_wanted(drop):
    (drop / LATIN_1).touch()
    (drop / "b.csv").touch()
    assert len(listing(drop)) == 2
    assert files_below(drop, lambda name: name.endswith(".csv")) == [drop / "b.csv"]
    with pytest.raises(InputError, match=r"udce9t.udce9.jp2 is not UTF-8[\s\S]*rename"):
        everything(drop)


def test_record_holds_a_name_of_another_encoding(drop):
    (drop / LATIN_1).touch()
    write_json(drop / "record.json", {"listing": listing(drop)})
    assert json.loads((drop / "record.json").read_text("utf-8"))["listing"][0][0] == LATIN_1


def test_what_a_dead_process_of_this_machine_left_is_swept_up_and_nothing_else(drop):
    dead, alive = 999_999_999, os.getpid()
    kept = [f".a.csv.{files.machine_mark()}-{alive}.tmp.csv", f".unpacked.01234567-{dead}.tmp"]
    gone = [f".a.csv.{files.machine_mark()}-{dead}.tmp.csv", f".b.csv.{dead}.tmp.csv"]
    for name in [*kept, *gone]:
        (drop / name).touch()
    scratch = drop / f".unpacked.{files.machine_mark()}-{dead}.tmp" / "a.zip"
    scratch.mkdir(parents=True)
    locks.sweep(drop)
    assert sorted(path.name for path in drop.iterdir()) == sorted(kept)


def test_what_another_machine_left_is_swept_up_when_it_has_given_it_up(drop):
    old, young = drop / ".a.csv.01234567-1.tmp.csv", drop / ".b.csv.01234567-1.tmp.csv"
    for path, age_s in ((old, locks.GIVEN_UP_S + 60), (young, 60)):
        path.touch()
        then = path.stat().st_mtime - age_s
        os.utime(path, (then, then))
    locks.sweep(drop)
    assert list(drop.iterdir()) == [young]


def test_a_disk_without_locks_is_named(drop, monkeypatch):
    def refuse(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(InputError, match="has no locks"), locks.hold(drop / ".lock", "a step"):
        pass


def test_scratch_folder_goes_with_what_is_in_it(drop):
    with files.scratch_folder(drop) as scratch:
        (scratch / "a").mkdir(parents=True)
        assert names(drop) == []
    assert list(drop.iterdir()) == []
