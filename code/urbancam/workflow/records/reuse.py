"""A result that another run of the city already has is taken over, not computed again.

Runs that differ only in what comes later (land cover, statistics, controls) train the same
networks: the same settings, the same inputs byte for byte, the same version of the step.
"""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from urbancam.workflow.files import atomic, digest, read_json
from urbancam.workflow.paths import ROOT, display_path
from urbancam.workflow.records.steps import Done, Step, record_path

log = logging.getLogger(__name__)


def take_over(step: Step, results: Iterable[Path]) -> Done | None:
    """Copy the outputs of the first of these results that was made from the same things as `step`
    would be.

    Args:
        step: The step, which is not up to date.
        results: The same result in other runs, in the order they are looked at.

    Returns:
        The counts and facts that its record tells; None where there is no such result, and nothing
        was copied.
    """
    for result in results:
        record = read_json(record_path(result)) or {}
        if result == step.result or _made_of(record) != _made_of(step.current):
            continue
        sources = {path.name: ROOT / path for path in map(Path, record["sha256"])}
        outputs = [*step.all_outputs[1:], step.result]  # the result closes the copy
        if not all(_is_whole(sources.get(path.name), record) for path in outputs):
            continue
        for path in outputs:
            with atomic(path) as temporary:
                shutil.copyfile(sources[path.name], temporary)
        log.info("takes over what %s has: same settings, same inputs", display_path(result.parent))
        return Done(record["counts"], record["facts"] | {"taken_from": display_path(result)})
    return None


def _made_of(record: dict[str, Any]) -> tuple:
    """Step, version, settings and inputs of a record, the inputs by name and content, wherever
    they stand."""
    inputs = sorted(
        (Path(path).name, stamp["sha256"]) for path, stamp in record.get("inputs", {}).items()
    )
    return (
        record.get("step"),
        record.get("version"),
        record.get("settings"),
        inputs,
        record.get("listings"),
    )


def _is_whole(path: Path | None, record: dict[str, Any]) -> bool:
    """Whether a file is there, byte for byte as its record says."""
    return (
        path is not None
        and path.is_file()
        and digest(path) == record["sha256"].get(display_path(path))
    )
