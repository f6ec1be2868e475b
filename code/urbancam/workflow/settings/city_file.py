"""What a city of one's own says of itself: `data/cities/<name>/city.yaml`, a layer of the settings.

It lies above the runs and below `--set`, so that every run of the city knows its facts.
"""

from pathlib import Path
from typing import Any

from urbancam.workflow import names
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.settings import layers
from urbancam.workflow.settings.layers import Layer

# What it may say: facts of the city. Its cells decide which blocks can be made of them.
FACTS = (
    "baselines.tables",
    "cells",
    "imagery",
    "landcover",
    "split.block_m",
    "statistics.block_m",
    "urban_atlas",
)
# Files that it names: relative to its folder.
FILES = ("baselines.tables", "cells.file", "imagery.files", "landcover.classes", "landcover.file")


def read_layer(file: Path) -> Layer:
    """The settings that a city's file says; paths in it as `display_path` tells them.

    Raises:
        InputError: It cannot be read, or says what is no fact of a city.
    """
    values = layers.read(file)
    refuse_other_than_facts(values, file)
    for key in FILES:
        section, name = key.split(".")
        facts = values.get(section)
        if isinstance(facts, dict) and name in facts:
            facts[name] = _beside(facts[name], file.parent)
    return Layer(display_path(file), values)


def refuse_other_than_facts(values: dict[str, Any], file: Path) -> None:
    """Raise if a city's file says what is for a run to say, or nothing that is known.

    Raises:
        InputError: It does.
    """
    others = [key for key in _keys(values) if not _is_fact(key)]
    if not others:
        return
    sections = sorted({fact.partition(".")[0] for fact in FACTS})
    told = []
    for key in others:
        section = key.partition(".")[0]
        guess = "" if section in sections else names.closest(section, sections)
        told.append(f"{key} (did you mean {guess}?)" if guess else key)
    raise InputError(
        f"no fact of a city: {', '.join(told)}",
        display_path(file),
        f"leave here {', '.join(FACTS)}; what holds for a run stands in code/config/",
    )


def _keys(values: dict[str, Any]) -> list[str]:
    """The settings that a file says: `section.key`, or `key` where no section stands."""
    return [
        f"{section}.{key}" if key else str(section)
        for section, facts in values.items()
        for key in (facts if isinstance(facts, dict) else [""])
    ]


def _is_fact(key: str) -> bool:
    return any(key == fact or key.startswith(f"{fact}.") for fact in FACTS)


def _beside(value: Any, folder: Path) -> Any:
    """A file, or each of a list, named relative to a folder.

    A bare word that is no file there stays: it may name something that the project holds.
    """
    if isinstance(value, list):
        return [_beside(one, folder) for one in value]
    if not isinstance(value, str):
        return value
    place = folder / Path(value).expanduser()
    is_word = not place.suffix and "/" not in value and not place.exists()
    return value if is_word else display_path(place)
