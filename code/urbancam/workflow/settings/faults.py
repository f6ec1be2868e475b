"""What does not fit in the settings, in words."""

from typing import Any

from urbancam.workflow import names
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings import layers
from urbancam.workflow.settings.layers import Layer


def refusal(faults: list[Any], run_layers: list[Layer], known: list[str]) -> InputError:
    """One error that names all faults, and the files or arguments in which they stand.

    Args:
        faults: As pydantic tells them.
        run_layers: Layers of the settings, the last one on top.
        known: Full names of all sections and settings.
    """
    lines = [f"{len(faults)} setting{'s do' if len(faults) > 1 else ' does'} not fit:"]
    places = []
    for fault in faults:
        key = ".".join(str(part) for part in fault["loc"])
        place = layers.origin_of(key, run_layers) or run_layers[-1].origin
        lines.append(f"    {_tell(key, fault, known)}")
        places.append(place)
        if len(faults) > 1:
            lines[-1] += f" [{place}]"
    where = ", ".join(dict.fromkeys(places))
    return InputError("\n".join(lines), where, "see the comments in code/config/default.yaml")


def _tell(key: str, fault: Any, known: list[str]) -> str:
    """A fault of the settings in words."""
    if fault["type"] == "extra_forbidden":
        guess = _closest_key(key, known)
        return f"{key}: unknown setting" + (f"; did you mean {guess}?" if guess else "")
    if fault["type"] == "value_error":
        return fault["msg"].removeprefix("Value error, ")
    return f"{key}: {fault['msg']} (got {fault['input']!r})"


def _closest_key(key: str, known: list[str]) -> str:
    """The setting that an unknown one may have been meant to be: one of the same name in another
    section, else the most alike; "" where none is."""
    last = key.rpartition(".")[2]
    namesakes = [name for name in known if name.rpartition(".")[2] == last]
    return names.closest(key, namesakes, 0) or names.closest(key, known)
