"""The demo city from end to end: the same bytes each time, made once, kept out of real data."""

import runpy
from pathlib import Path

import pytest

from urbancam.demo import city
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT, Paths
from urbancam.workflow.settings import settings


@pytest.fixture
def main():
    return runpy.run_path(str(ROOT / "code" / "00_make_demo_city.py"))["main"]


@pytest.mark.slow
def test_same_seed_gives_the_same_bytes(packed, tiny, tmp_path):
    again = Paths(tmp_path, Path("unused"))
    city.make_city(tiny, again, workers=2)
    files = [path for path in sorted(packed.data.rglob("*")) if path.is_file()]
    assert len(files) == 9  # two zips, two packs of three volumes, the truth
    for path in files:
        twin = again.data / path.relative_to(packed.data)
        assert twin.read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_script_makes_the_city_once(main, tmp_path, capsys):
    data = tmp_path / "data"
    words = ["--run", "demo-tiny", "--data", str(data), "--results", str(tmp_path)]
    words += ["--workers", "1"]
    assert main(words) == 0
    assert "inhabited cells" in capsys.readouterr().out
    assert main(words) == 0
    assert "up to date" in capsys.readouterr().out
    next((data / "aerial_data").glob("*.7z.002")).unlink()
    assert main([*words, "--status"]) == 0
    assert "7z.002 is missing" in capsys.readouterr().out


def test_script_keeps_the_demo_out_of_real_data(main, capsys):
    assert main(["--run", "default"]) == 2
    assert "among real data" in capsys.readouterr().err


def test_city_that_does_not_fit_its_tiles_is_refused():
    with pytest.raises(InputError, match="at most 880 fit"):
        settings.load("demo-tiny", ["demo.radius_m=900"])
