"""The front door without its rooms: which calls it plans, which words it refuses."""

import shutil

import pytest

from houses import make_house, run_sh

pytestmark = pytest.mark.slow


def test_dry_run_only_prints_the_calls(tmp_path):
    house = make_house(tmp_path)
    said = run_sh(house, "Paris", "--dry-run").stdout.splitlines()
    assert "python code/05_cut_images.py --city Paris --run default" in said
    assert not (house / "results").exists()


@pytest.mark.parametrize("words", [["--run"], ["--set"], ["../x"], [""], ["--data=x/y"]])
def test_words_that_make_no_sense_are_refused_before_anything_runs(tmp_path, words):
    done = run_sh(make_house(tmp_path), *words)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and not done.stdout


def test_figures_of_several_cities_are_drawn_after_all_of_them_were_tested_on_each_other(tmp_path):
    lines = run_sh(make_house(tmp_path), "Paris", "Lyon", "Nice", "--dry-run").stdout.splitlines()
    scripts = [line.split()[1] for line in lines if line.startswith("python")]
    last_transfer = max(place for place, script in enumerate(scripts) if "17_transfer" in script)
    after = [script[5:7] for script in scripts[last_transfer + 1 :]]
    assert after == ["18", "19"] + ["91", "92"] * 3


def test_demo_city_is_made_whether_it_is_named_or_not(tmp_path):
    house = make_house(tmp_path)
    named, not_named = (run_sh(house, *words, "--dry-run").stdout for words in (["Demo"], []))
    assert named == not_named and "python code/00_make_demo_city.py --run demo\n" in named


def test_python_without_ensurepip_is_told_what_to_install(tmp_path):
    house = make_house(tmp_path)
    shutil.rmtree(house / ".venv")  # links: what they lead to stays
    poor = tmp_path / "python"
    poor.write_text('#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n')
    poor.chmod(0o755)
    done = run_sh(house, env={"PYTHON": str(poor)})
    assert done.returncode == 2 and "python3.11-venv" in done.stderr
