"""How soon a script shows its help, or says that there is nothing to do."""

import atexit
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from benchmarks.measuring import Target, Ways, benchmark, cpu_seconds
from samples import ROOT
from urbancam.workflow import catalogue
from urbancam.workflow.planning.plan import calls
from urbancam.workflow.records.steps import Done
from urbancam.workflow.running import runner

SCRIPTS = sorted((ROOT / "code").glob("[0-9][0-9]_*.py"))
DEMO_CELLS = 304
CITY_CELLS = 70_000
PARTS = ("main", "compare", "show")  # of the plan, as `run.sh` goes through them
FIXED = ("00_make_demo_city", "90_show_status")  # takes no city's files; calls all the others


@benchmark("help of the slowest script", Target(cap=0.5), "s")
def help_of_a_script(tiny: bool) -> Ways:
    """`--help` of the script that takes longest to show it, a process of its own."""
    scripts = SCRIPTS[:2] if tiny else SCRIPTS
    asked = [[str(script), "--help"] for script in scripts]
    return Ways(_slowest([_call(words) for words in asked]))


@benchmark("up to date, slowest script of a city of 304 cells", Target(cap=0.5), "s")
def up_to_date_small(tiny: bool) -> Ways:
    """A city as large as the demo; see `_up_to_date`."""
    return _up_to_date(10 if tiny else DEMO_CELLS)


@benchmark("up to date, slowest script of a city of 70,000 cells", Target(cap=2), "s")
def up_to_date_large(tiny: bool) -> Ways:
    """A city of Paris's size; see `_up_to_date`."""
    return _up_to_date(10 if tiny else CITY_CELLS)


def _up_to_date(cells: int) -> Ways:
    """Every script of the plan beside results that are up to date, of which the slowest is timed.

    Files are empty but for their records; every folder, dropped or made, holds one for each cell.
    """
    folder = Path(tempfile.mkdtemp(prefix="urbancam-start-up-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    entries = [call.entry for part in PARTS for call in calls(part, "Made", "demo", [])]
    scripts = [entry.script for entry in entries if entry.script not in FIXED]
    return Ways(_slowest([_call(_finished(script, folder, cells)) for script in scripts]))


def _finished(script: str, folder: Path, cells: int) -> list[str]:
    """The command line of a script whose steps are done."""
    module = _load(script)
    words = ["--run", "demo", "--data", str(folder / "data"), "--results", str(folder / "results")]
    if catalogue.find(script).takes_city:
        words += ["--city", "Made"]
    declared = module.declare(runner.read_request(module.parse_args(words)))
    for step in declared if isinstance(declared, list) else [declared]:
        for path in [*step.inputs, *step.all_outputs]:
            _fill(path, cells)
        for path in step.listings:
            _fill(path, cells, is_folder=True)
        step.finish(0, Done({}))
    return [str(ROOT / "code" / f"{script}.py"), *words]


def _fill(path: Path, cells: int, is_folder: bool = False) -> None:
    """An empty file, or a folder of as many as there are cells, where there is none."""
    if path.exists():
        return
    if path.suffix and not is_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return
    path.mkdir(parents=True)
    for number in range(cells):
        (path / f"{number}.png").touch()


def _load(script: str) -> ModuleType:
    """A numbered script as a module."""
    place = importlib.util.spec_from_file_location(script, ROOT / "code" / f"{script}.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def _call(words: list[str]) -> Callable[[], str]:
    """A call of a script in a process of its own, which must end well; what it says."""
    command = [sys.executable, *words]
    return lambda: subprocess.run(command, check=True, capture_output=True, text=True).stderr


def _slowest(ways: list[Callable[[], str]]) -> Callable[[], str]:
    """The call that takes most CPU time."""
    seconds = []
    for way in ways:
        start = cpu_seconds()
        way()
        seconds.append(cpu_seconds() - start)
    return ways[seconds.index(max(seconds))]
