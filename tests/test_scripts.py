"""Every numbered script: help at once, a docstring that tells reads and writes, clean refusals."""

import ast
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from samples import run_script
from timing import cpu_seconds
from urbancam.workflow import catalogue
from urbancam.workflow.running import scripts
from urbancam.workflow.settings import settings

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "code").glob("[0-9][0-9]_*.py"))
STEPS = [path for path in SCRIPTS if catalogue.find(path).scope != catalogue.NO_RECORD]
BY_CITY = [path for path in SCRIPTS if catalogue.find(path).takes_city]
SPLITS, STATUS, TELLS = (
    next((ROOT / "code").glob(f"{number}_*.py")) for number in ("10", "90", "93")
)


def call(path: Path, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess:
    words = [sys.executable, str(path), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_help_comes_at_once_from_any_folder(path, tmp_path):
    before = cpu_seconds()
    done = call(path, "--help", cwd=tmp_path)
    assert cpu_seconds() - before < 0.5
    assert done.returncode == 0
    assert "--run NAME" in done.stdout


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_exit_status_is_what_main_returns(path):
    """So the refusals below need no process of their own."""
    last = ast.parse(path.read_text()).body[-1]
    assert ast.unparse(last) == "if __name__ == '__main__':\n    raise SystemExit(main())"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_docstring_tells_what_it_reads_writes_and_how_to_run_it(path):
    doc = ast.get_docstring(ast.parse(path.read_text()))
    assert all(f"\n{word} " in doc for word in ("Reads", "Writes", "Run")) and path.name in doc


def test_messages_of_a_script_itself_reach_the_terminal(tmp_path):
    script = tmp_path / "said.py"
    script.write_text(
        f"import sys, logging; sys.path.insert(0, {str(ROOT / 'code')!r})\n"
        "from urbancam.workflow.running import runner\n"
        "runner.guard(lambda: logging.getLogger(__name__).info('drops 3 cells'))\n"
    )
    assert call(script).stdout == "drops 3 cells\n"


# ---- refusals: a message of three parts and exit status 2, never a traceback


def refusal(capsys, path: Path, *words: object) -> str:
    """What a script says when it refuses these words, called in this process."""
    assert run_script(path.stem[:2], *words) == 2
    message = capsys.readouterr().err
    assert "what to do:" in message
    assert "Traceback" not in message
    return message


def folders(top: Path) -> list[object]:
    return ["--data", top / "data", "--results", top / "results"]


def test_refusal_of_a_process_ends_it_with_status_2(tmp_path):
    done = call(BY_CITY[0], "--city", "Nowhere", *folders(tmp_path))
    assert done.returncode == 2
    assert "what to do:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", sorted({*BY_CITY} - {STATUS}), ids=lambda p: p.name)
def test_city_without_data_is_refused_with_what_to_do(path, tmp_path, capsys):
    refusal(capsys, path, "--city", "Nowhere", *folders(tmp_path))


@pytest.mark.parametrize("number", ["11", "23"])
def test_images_of_folds_that_are_not_there_cannot_be_decoded(number, tmp_path, capsys):
    path = next(path for path in SCRIPTS if path.name.startswith(number))
    city = ["--city", "Nowhere"] if path in BY_CITY else []
    assert "is missing" in refusal(capsys, path, *city, "--cache-only", *folders(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "reads", "section"),
    [("11_train_income", "read_cells", ""), ("23_train_cities", "read_patches", "cities.")],
)
def test_weights_are_fetched_before_images_are_decoded_so_that_no_fold_fetches_them(
    script, reads, section, monkeypatch
):
    loaded, events = scripts.load(script), []
    monkeypatch.setattr(loaded, reads, lambda job: events.append("images"))
    load = "urbancam.learning.models.networks.load_pretrained"
    monkeypatch.setattr(load, lambda *_: events.append("weights"))
    for weights in ("pretrained", "random"):
        asked = settings.load("default", [f"{section}model.weights={weights}"])
        loaded.prepare_folds(SimpleNamespace(settings=asked))
    assert events == ["weights", "images", "images"]


@pytest.mark.slow
def test_status_of_a_city_without_data_is_that_it_is_missing(tmp_path):
    done = call(STATUS, "--city", "Nowhere", *folders(tmp_path))
    assert done.returncode == 0
    assert "missing" in done.stdout


@pytest.mark.parametrize(("city", "results"), [("Demo", "file"), ("a" * 300, "results")])
def test_impossible_folder_is_refused(tmp_path, city, results, capsys):
    (tmp_path / "file").touch()
    words = ["--data", tmp_path / "data", "--results", tmp_path / results]
    refusal(capsys, BY_CITY[0], "--city", city, *words)


@pytest.mark.parametrize("path", STEPS, ids=lambda p: p.name)
@pytest.mark.parametrize(
    "bad", [["--run", "nosuchrun"], ["--set", "split.fold=3"], ["--set", "split.folds"]]
)
def test_unknown_settings_are_refused(path, bad, tmp_path, capsys):
    city = ["--city", "Demo"] if path in BY_CITY else []
    refusal(capsys, path, *city, *bad, *folders(tmp_path))


def test_python_without_the_packages_is_sent_to_run_sh(tmp_path):
    done = subprocess.run(
        [sys.executable, "-S", "-E", str(SCRIPTS[2]), "--city", "Demo"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "run ./run.sh first" in done.stderr


def test_variant_of_the_cities_experiment_is_refused_where_it_would_change_nothing(tmp_path):
    done = call(SPLITS, "--city", "Demo", "--variant", "colour-grey", cwd=tmp_path)
    assert done.returncode == 2
    assert "of the cities experiment" in done.stderr


HEADER = "subset,fold,predictor,metric,value,ci_low,ci_high\n"


@pytest.mark.parametrize("content", ["", "hello\nworld\n", f"{HEADER}all,all,mo\n"])
def test_damaged_scores_are_refused_not_told(tmp_path, content, capsys):
    table = tmp_path / "Demo" / "default" / "tables" / "metrics.csv"
    table.parent.mkdir(parents=True)
    table.write_text(content)
    assert "damaged" in refusal(capsys, TELLS, "--city", "Demo", "--results", tmp_path)
