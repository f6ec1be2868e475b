"""The numbered scripts as modules: what each would make, asked without starting a process."""

import argparse
import importlib.util
from functools import cache
from types import ModuleType

from urbancam.workflow.paths import ROOT
from urbancam.workflow.records.steps import Step
from urbancam.workflow.running import runner


@cache
def load(script: str) -> ModuleType:
    """A numbered script as a module; the libraries of its work are not imported.

    Args:
        script: Name of its file in `code/`, without `.py`.
    """
    place = ROOT / "code" / f"{script}.py"
    found = importlib.util.spec_from_file_location(f"step_{script}", place)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def declared(script: str, words: list[str]) -> tuple[argparse.Namespace, list[Step]]:
    """What a script called with these words is asked for, and the steps it would carry out.

    Raises:
        InputError: As the script itself would.
    """
    module = load(script)
    args = module.parse_args(words)
    steps = module.declare(runner.read_request(args))
    return args, steps if isinstance(steps, list) else [steps]
