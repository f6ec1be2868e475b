"""What a check finds: what there is, in words, and what keeps a city from being run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT


@dataclass
class Findings:
    """What is found of one of a city's parts.

    Args:
        part: "cells", "images" or "land cover".
        lines: What there is, a line each.
        faults: What keeps the city from being run.
    """

    part: str
    lines: list[str] = field(default_factory=list)
    faults: list[InputError] = field(default_factory=list)

    @contextmanager
    def noting_faults(self) -> Iterator[None]:
        """Keep a fault, and go on with the next part: all are told at once."""
        try:
            yield
        except InputError as fault:
            self.faults.append(fault)


def require_file(name: str, setting: str) -> Path:
    """The file that a setting names.

    Raises:
        InputError: There is none.
    """
    path = ROOT / name
    if not path.is_file():
        raise InputError("there is no such file", name, f"put it there, or mend {setting}")
    return path
