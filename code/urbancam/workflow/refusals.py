"""What a step refuses before it works: changed settings of a finished result, damaged inputs."""

import argparse
from typing import Any

from urbancam.workflow.arguments import _words_for
from urbancam.workflow.errors import InputError


def _refuse_changed_settings(step: Any, args: argparse.Namespace) -> None:
    """Facts of a city never change silently, and `--set` never overwrites a run made with other settings."""
    built_from, now = set(step.record.get("listings", {})), set(step.current["listings"])
    if step.scope == "city" and built_from and built_from != now:
        raise InputError(
            f"this city was built from {', '.join(sorted(built_from))}, not {', '.join(sorted(now))}",
            step.record_path,
            "use another --results folder, or --force where data moved",
        )
    known = step.record.get(
        "settings", {}
    )  # what an older version did not know, the step's version tells
    changed = {key: pair for key, pair in step.changed_settings().items() if key in known}
    if not changed:
        return
    differ = ", ".join(f"{key} is {then!r}, asked {now!r}" for key, (then, now) in changed.items())
    if step.scope == "city":
        raise InputError(
            f"this city was built with other settings: {differ}",
            step.record_path,
            "use another --results folder, or --force to build the city again",
        )
    keys = {assignment.partition("=")[0].strip() for assignment in args.set}
    if any(key == k or key.startswith(k + ".") for key in changed for k in keys):
        raise InputError(
            f"run {args.run!r} was made with other settings: {differ}",
            step.record_path,
            "write an overlay file in code/config/ and name it with --run, or --force",
        )


def _refuse_damaged_inputs(step: Any, args: argparse.Namespace) -> None:
    """A table cut short or changed by hand still reads well; only the record of the step that wrote it tells."""
    from urbancam.workflow.paths import shown

    for path, maker in step.damaged_inputs():
        raise InputError(
            f"{path.name} is not as {maker} left it: damaged, or changed by hand",
            shown(path),
            f"delete it and run: python code/{maker}.py {_words_for(args, maker, path)}; "
            "or use it as it is with --force",
        )
