"""Names on the command line: the cities that a call names, and names that stand for nothing, as
runs without a file and misspelt commands.

Standard library only: a name is looked at before anything is installed.
"""

import csv
import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from urbancam.workflow.catalogue import DEMO_CITY, EXPERIMENT
from urbancam.workflow.errors import InputError
from urbancam.workflow.folder_names import folder_name
from urbancam.workflow.paths import CONFIG, Paths, display_path

COMMANDS = (
    "all",
    "check",
    "cities",
    "cluster",
    "export",
    "new",
    "settings",
    "status",
    "test",
)
STUDY = ("Paris", "Lyon", "Marseille", "Nice", "Lille")  # `all`, as run.sh has it
LEAST_ALIKE = 0.7  # of difflib's ratio; "stauts" and "status" have 0.83


def closest(word: str, known: Iterable[str], least_alike: float = LEAST_ALIKE) -> str:
    """The known word that is most like a word; "" where none is like it."""
    matches = difflib.get_close_matches(word, known, 1, least_alike)
    return matches[0] if matches else ""


def listed_cities(named: list[str], table: Path | None) -> list[str]:
    """The cities that are named and those of a file, each once: spellings of one folder are one.

    Args:
        named: On the command line; `all` are those of the study.
        table: CSV with a column `city`; rows without a city count for nothing.

    Raises:
        InputError: There is none, or the file has no column `city`.
    """
    cities = [city.strip() for word in named for city in (STUDY if word == "all" else [word])]
    cities += _cities_of(table) if table else []
    if not cities:
        place = display_path(table) if table else "./run.sh cluster"
        raise InputError("no city is named", place, "e.g. ./run.sh cluster Paris Lyon")
    by_folder: dict[str, str] = {}
    for city in cities:
        by_folder.setdefault(folder_name(city) or city, city)
    return [*by_folder.values()]


def _cities_of(table: Path) -> list[str]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:  # as spreadsheets write it
            reader = csv.DictReader(file)
            if "city" not in (reader.fieldnames or ()):
                raise KeyError("city")
            cities = [(row["city"] or "").strip() for row in reader]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            "no cities can be read from it",
            table,
            "name a CSV with a column city, as cluster/functional_urban_areas.csv",
        ) from error
    return [city for city in cities if city]


def run_of(city: str, named: str) -> str:
    """The run of a city, as run.sh has it: the one that is named, else that of the demo for the
    demo city and the cities experiment."""
    return named or ("demo" if city in (DEMO_CITY, EXPERIMENT) else "default")


def runs(folder: Path) -> list[str]:
    """Names of all runs: the settings files in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def require_run(run: str, folder: Path = CONFIG, named_in: str = "--run") -> None:
    """Raise if a run has no settings file.

    Args:
        run: Name of the run.
        folder: Folder of the settings files.
        named_in: Where it is named: the option, or the overlay whose `base` it is.

    Raises:
        InputError: There is no such run, or its name could not be a file's.
    """
    if run in runs(folder):
        return
    known = ", ".join(runs(folder))
    if not re.fullmatch(r"[\w-][\w.-]*", run):
        raise InputError(
            f"{run!r} is no run: a run is the name of a file in {display_path(folder)}/, "
            "without folder and .yaml",
            named_in,
            f"name one of {known}",
        )
    name = run.removesuffix(".yaml")
    guess = closest(name, runs(folder))
    hint = f"did you mean {guess}? Else " if guess else ""
    raise InputError(
        f"there is no run {run!r}",
        named_in,
        f"{hint}name one of {known}, or write {display_path(folder / f'{name}.yaml')}",
    )


def refuse_misspelt(city: str, paths: Paths) -> None:
    """Raise if nothing of a city is here, and its name looks like a command or a city that is.

    Args:
        city: Name of the city.
        paths: Its paths; the folders count.

    Raises:
        InputError: It does.
    """
    if city == EXPERIMENT or paths.city_folder.is_dir() or paths.city_file.is_file():
        return
    own_cities = [file.parent.name for file in paths.data.glob("cities/*/city.yaml")]
    known = {word.casefold(): word for word in (*COMMANDS, *own_cities)}
    guess = closest(city.casefold(), known)
    if not guess or _is_named(city, paths.urban_atlas_data):
        return
    raise InputError(
        f"{city!r} is no command, and nothing of a city of that name is here",
        display_path(paths.urban_atlas_data),
        f"did you mean ./run.sh {known[guess]}? For a city, put its Urban Atlas product there "
        "first; for one from files of your own see docs/own-data.md",
    )


def _is_named(city: str, folder: Path) -> bool:
    """Whether the name of a file or folder below a drop folder holds the city's name."""
    name = folder_name(city).casefold()
    return any(name in path.name.casefold() for path in folder.rglob("*"))
