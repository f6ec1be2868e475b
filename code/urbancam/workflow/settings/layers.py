"""The layers that the settings of a run are laid from: `default.yaml`, overlays, a city's own file,
`--set`; and which of them a value comes from."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from urbancam.workflow import names
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

BASE = "base"  # the key by which an overlay names the run that it lies on
LOWEST = "default"
# The parser in C where PyYAML has it: six times as fast.
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Layer:
    """Some settings, and where they stand.

    Attributes:
        origin: A file, an argument, or a variant; for messages.
        values: Settings by key, sections within sections.
    """

    origin: str
    values: dict[str, Any]


def of_run(run: str, folder: Path, above: tuple[str, ...] = ()) -> list[Layer]:
    """The layers of a run, the lowest first: `default`, the runs that it lies on, its own.

    Args:
        run: Name of the run.
        folder: Folder of the settings files.
        above: Runs that lie on it.

    Raises:
        InputError: A file is missing or cannot be read, or a run is its own base.
    """
    overlay = folder / f"{run}.yaml"
    if above:
        upper = display_path(folder / f"{above[-1]}.yaml")
        names.require_run(run, folder, f"{upper}, its `{BASE}`")
    else:
        names.require_run(run, folder)
    if run in above:
        chain = " on ".join([*above, run])
        raise InputError(
            f"run {run!r} is its own base: {chain}", display_path(overlay), f"mend its `{BASE}`"
        )
    values = read(overlay)
    if run == LOWEST:
        return [Layer(display_path(overlay), values)]
    base = values.pop(BASE, LOWEST)
    if not isinstance(base, str):
        raise InputError(
            f"`{BASE}: {'' if base is None else base}` names no run",
            display_path(overlay),
            f"name one of {', '.join(names.runs(folder))}, or leave the line out to lie on "
            f"{LOWEST}",
        )
    return [*of_run(base, folder, (*above, run)), Layer(display_path(overlay), values)]


def of_assignment(assignment: str) -> Layer:
    """The layer of one `--set key.sub=value`; the value is read as YAML.

    Raises:
        InputError: It is no assignment.
    """
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise InputError(
            f"--set takes key.sub=value, not {assignment!r}", "--set", "e.g. --set split.folds=3"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(
            f"the value of {assignment!r} is not readable as YAML", "--set", "quote it"
        ) from None
    if isinstance(value, str):  # YAML 1.1 reads 3e-4 as text
        try:
            value = float(value)
        except ValueError:
            pass
    for part in reversed(key.strip().split(".")):
        value = {part: value}
    without_user = re.sub(r"//[^/ ]*@", "//", assignment)  # no user and password in messages
    return Layer(f"--set {without_user}", value)


def merge(layers: Iterable[Layer]) -> dict[str, Any]:
    """The values of all layers; later ones win."""
    values: dict[str, Any] = {}
    for layer in layers:
        _lay(values, layer.values)
    return values


def origin_of(key: str, layers: Sequence[Layer]) -> str:
    """Where the value of a key stands, or that of the section around it; "" where in none.

    Args:
        key: Full name, "section.key".
        layers: The lowest first.
    """
    parts = key.split(".")
    while parts:
        for layer in reversed(layers):
            if _holds(layer.values, parts):
                return layer.origin
        parts.pop()
    return ""


def _holds(values: dict[str, Any], parts: list[str]) -> bool:
    """Whether a layer says something of a key: of itself, or by a value in a section's place."""
    value: Any = values
    for part in parts:
        if not isinstance(value, dict):
            return True
        if part not in value:
            return False
        value = value[part]
    return True


def read(path: Path) -> dict[str, Any]:
    """What a settings file says.

    Raises:
        InputError: It is no YAML, or holds no settings.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), YAML)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"not readable as YAML: {error}", display_path(path), "mend the file"
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(
            "a settings file holds `key: value` lines", display_path(path), "mend the file"
        )
    return values


def _lay(values: dict[str, Any], overlay: dict[str, Any]) -> None:
    for key, value in overlay.items():
        if isinstance(value, dict):
            section = values.get(key)
            values[key] = section if isinstance(section, dict) else {}
            _lay(values[key], value)
        else:
            values[key] = value
