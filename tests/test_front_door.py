"""The front door without its rooms: which calls it plans, which words it refuses."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from houses import ROOT, make_house, run_sh
from urbancam.workflow import names
from urbancam.workflow.running import scripts

pytestmark = pytest.mark.slow


def test_dry_run_only_prints_the_calls(tmp_path):
    house = make_house(tmp_path)
    said = run_sh(house, "Paris", "--dry-run").stdout.splitlines()
    assert ".venv/bin/python code/05_cut_images.py --city Paris --run default" in said
    assert not (house / "results").exists()


@pytest.mark.parametrize(
    "words", [["--run"], ["--set"], ["--set="], ["../x"], [""], ["--dry=x"], ["quick"]]
)
def test_words_that_make_no_sense_are_refused_before_anything_runs(tmp_path, words):
    done = run_sh(make_house(tmp_path), *words)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and not done.stdout


def test_check_looks_at_each_city_and_does_nothing_else(tmp_path):
    house = make_house(tmp_path)
    said = run_sh(house, "check", "Paris", "Lyon", "--dry-run").stdout.splitlines()
    calls = [f".venv/bin/python code/08_check_city.py --city {name}" for name in ("Paris", "Lyon")]
    assert said == [f"{call} --run default" for call in calls]
    assert not (house / "results").exists()


def test_figures_of_several_cities_are_drawn_after_all_of_them_were_tested_on_each_other(tmp_path):
    lines = run_sh(make_house(tmp_path), "Paris", "Lyon", "Nice", "--dry-run").stdout.splitlines()
    scripts = [line.split()[1] for line in lines if line.startswith(".venv/bin/python")]
    last_transfer = max(place for place, script in enumerate(scripts) if "17_transfer" in script)
    after = [script[5:7] for script in scripts[last_transfer + 1 :]]
    assert after == ["18", "19"] + ["80", "91", "92", "97", "93"] * 3


def test_demo_city_is_made_whether_it_is_named_or_not(tmp_path):
    house = make_house(tmp_path)
    named, not_named = (run_sh(house, *words, "--dry-run").stdout for words in (["Demo"], []))
    assert named == not_named and ".venv/bin/python code/00_make_demo_city.py --run demo\n" in named


@pytest.mark.parametrize(
    "words", [["Demo", "Metz"], ["cities"], ["all"], ["Demo", "--run", "paper"]]
)
def test_the_cluster_takes_the_same_cities_and_runs_for_the_same_words(tmp_path, words):
    lines = run_sh(make_house(tmp_path), *words, "--dry-run").stdout
    told = dict(re.findall(r"^== ([^ ,]+), run (\S+)$", lines, re.MULTILINE))
    cluster = scripts.load("98_start_cluster").parse_args(words)
    cities = names.listed_cities(cluster.city, None)
    assert told == {city: names.run_of(city, cluster.run) for city in cities}


def test_python_without_ensurepip_is_told_what_to_install(tmp_path):
    house = make_house(tmp_path)
    shutil.rmtree(house / ".venv")  # links: what they lead to stays
    poor = tmp_path / "python"
    poor.write_text('#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n')
    poor.chmod(0o755)
    done = run_sh(house, env={"PYTHON": str(poor)})
    assert done.returncode == 2 and "python3.11-venv" in done.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    """A copy of the project in which nothing was run, and nothing may be written."""
    return make_house(tmp_path_factory.mktemp("house"))


# Whoever asks the network is refused at once, by this machine.
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
NO_NETWORK = dict.fromkeys(PROXIES, "http://127.0.0.1:9")


def refusal(house: Path, *words: str) -> str:
    """What the front door says when it refuses these words: one message, and nothing is done."""
    done = run_sh(house, *words, env=NO_NETWORK)
    assert done.returncode == 2 and done.stderr.count("error: ") == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "python code/" not in done.stdout
    assert not (house / "results").exists() and not (house / "data").exists()
    return done.stderr


# ---- words


@pytest.mark.parametrize(
    ("word", "meant"), [("stauts", "status"), ("setings", "settings"), ("citys", "cities")]
)
def test_misspelt_command_is_no_city(house, word, meant):
    assert f"did you mean ./run.sh {meant}?" in refusal(house, word)
    assert f"did you mean ./run.sh {meant}?" in refusal(house, "Paris", word, "--dry-run")


def test_city_of_which_something_is_there_is_no_misspelt_command(tmp_path):
    house = make_house(tmp_path)
    product = house / "data" / "UA_data" / "FR999L1_STATUSA.zip"
    product.parent.mkdir(parents=True)
    product.touch()
    assert run_sh(house, "Statusa", "--dry-run").returncode == 0


def test_city_with_a_file_of_its_own_is_known(tmp_path):
    house = make_house(tmp_path)
    for city in ("Setings", "Poznan"):
        file = house / "data" / "cities" / city / "city.yaml"
        file.parent.mkdir(parents=True)
        file.touch()
    assert run_sh(house, "Setings", "--dry-run").returncode == 0
    misspelt = run_sh(house, "Poznna", "--dry-run")
    assert misspelt.returncode == 2 and "did you mean ./run.sh Poznan?" in misspelt.stderr


def test_settings_of_a_city_are_shown_with_its_file(tmp_path):
    house = make_house(tmp_path)
    file = house / "data" / "cities" / "Poznan" / "city.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("imagery: {year: 2018}")
    lines = run_sh(house, "settings", "Poznan").stdout.splitlines()
    (line,) = [line for line in lines if line.endswith("Poznan/city.yaml")]
    section = [line for line in lines[: lines.index(line)] if not line.startswith(" ")][-1]
    assert line.split("#")[0].strip() == "year: 2018" and section.startswith("imagery:")


def test_misspelt_command_is_told_before_the_set_up(tmp_path):
    house = make_house(tmp_path)
    shutil.rmtree(house / ".venv")
    assert "did you mean" in refusal(house, "stauts")
    assert not (house / ".venv").exists()


def test_city_without_land_cover_is_refused_before_insee_is_asked(tmp_path):
    done = run_sh(make_house(tmp_path), "Nowhere", env=NO_NETWORK)
    assert done.returncode == 2 and "Urban Atlas 2012 of Nowhere" in done.stderr
    assert "01_download_census" not in done.stdout + done.stderr


def test_unknown_tests_are_refused_with_those_there_are(house):
    message = refusal(house, "test", "fast")
    assert "'fast'" in message and "./run.sh test quick" in message and "long" in message


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("dmo", "did you mean demo?"),
        ("../x", "without folder and .yaml"),
        ("demo.yaml", "did you mean demo?"),
    ],
)
def test_unknown_run_is_refused_before_any_call_is_printed(house, run, words):
    message = refusal(house, "--run", run, "--dry-run")
    assert words in message and "write code/config/../" not in message
    assert ".yaml.yaml" not in message


@pytest.mark.parametrize("task", ["cities", "settings", "status", "export"])
def test_no_task_takes_an_unknown_run(house, task):
    message = refusal(house, task, "--run", "dmo", "--dry-run")
    assert "did you mean demo?" in message


def test_cities_experiment_is_a_name_where_a_city_is_asked_for(house):
    done = run_sh(house, "export", "cities", "--dry-run")
    assert done.returncode == 0 and "--city cities --run demo" in done.stdout, done.stderr


def test_options_take_their_value_after_an_equals_sign_too(house):
    joined = run_sh(house, "Paris", "--run=paper", "--set=split.folds=3", "--dry-run")
    apart = run_sh(house, "Paris", "--run", "paper", "--set", "split.folds=3", "--dry-run")
    assert joined.returncode == 0 and joined.stdout == apart.stdout
    assert "--run paper --set split.folds=3" in joined.stdout


@pytest.mark.parametrize("city", ["Saint Étienne", "L'Isle d'Abeau", "Aix $HOME"])
def test_calls_of_a_dry_run_may_be_pasted_into_a_shell(house, city):
    lines = run_sh(house, city, "--dry-run").stdout.splitlines()
    (line,) = [line for line in lines if "05_cut_images" in line]
    shown = subprocess.run(["bash", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True)
    assert shown.stdout.splitlines()[3] == city and shown.stdout.startswith(".venv/bin/python\n")


# ---- what the terminal shows


def test_a_reader_that_goes_away_ends_it_without_a_word(house):
    words = "code/90_show_status.py --city Paris --plan main"
    script = f"{sys.executable} {words} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=house)
    assert done.returncode == 141 and done.stderr == ""


def test_a_reader_that_goes_away_ends_a_step_too(tmp_path):
    script = tmp_path / "talks.py"
    script.write_text(
        f"import sys, logging, time; sys.path.insert(0, {str(ROOT / 'code')!r})\n"
        "from urbancam.workflow.running import runner\n"
        "def talk():\n"
        "    for _ in range(100):\n"
        "        logging.getLogger(__name__).info('drops 3 cells')\n"
        "        time.sleep(0.05)\n"
        "    return 0\n"
        "raise SystemExit(runner.guard(talk))\n"
    )
    piped = f"{sys.executable} {script} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (141, "drops 3 cells\n", "")


WORKERS = """
import sys, time
from pathlib import Path
sys.path.insert(0, {code!r})
from urbancam.sources.imagery.processes import Processes
from urbancam.workflow.running import runner

def work(seconds):
    Path(__file__).with_name(f"begun_{{seconds}}").touch()
    time.sleep(seconds)

def main():
    with Processes(2) as processes:
        list(processes.run(work, [(0,), (60,)], 2, "sleeping"))
    return 0

if __name__ == "__main__":
    raise SystemExit(runner.guard(main))
"""


def test_interrupted_workers_leave_one_line(tmp_path):
    """One worker is busy, and one waits for work, which is when it would speak."""
    script = tmp_path / "works.py"
    script.write_text(WORKERS.format(code=str(ROOT / "code")))
    with subprocess.Popen(
        [sys.executable, script],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        for name in ("begun_0", "begun_60"):
            while not (tmp_path / name).exists():
                time.sleep(0.1)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        said = process.communicate(timeout=50)[1]
    assert process.returncode == 130, said
    assert re.fullmatch("interrupted; .*\n", said)


def test_no_other_module_draws_progress_bars():
    """So that none is drawn into a file or pipe."""
    users = [path.name for path in (ROOT / "code").rglob("*.py") if "tqdm" in path.read_text()]
    assert users == ["progress.py"]
