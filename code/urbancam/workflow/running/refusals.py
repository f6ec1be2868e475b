"""What a step refuses before it works: changed settings of a finished result, damaged inputs."""

import argparse

from urbancam.workflow.catalogue import BY_HAND
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.records.steps import Step, require
from urbancam.workflow.running import arguments


def refuse_missing_inputs(step: Step, args: argparse.Namespace) -> None:
    """What an earlier step makes, or the user puts there, must be there.

    Raises:
        InputError: An input is missing.
    """
    for path, maker in step.missing_inputs():
        by_hand = maker == BY_HAND
        require(path, maker, "" if by_hand else arguments.command_line(args, maker, path))


def refuse_changed_settings(step: Step, args: argparse.Namespace) -> None:
    """Facts of a city never change silently, and `--set` never overwrites a run made with other
    settings.

    Raises:
        InputError: They would.
    """
    if step.scope == "city":
        _refuse_other_folders(step)
    changed = {key: pair for key, pair in step.changed_settings().items() if key not in step.ways}
    if not changed:
        return
    pairs = (f"{key} is {then!r}, asked {now!r}" for key, (then, now) in changed.items())
    differences = ", ".join(pairs)
    if step.scope == "city":
        raise InputError(
            f"this city was built with other settings: {differences}",
            step.record_path,
            "use another --results folder, or --force to build the city again",
        )
    if _sets_one_of(args.set, changed):
        raise InputError(
            f"run {args.run!r} was made with other settings: {differences}",
            step.record_path,
            "write an overlay file in code/config/ and name it with --run, or --force",
        )


def _refuse_other_folders(step: Step) -> None:
    """A city that was built from one data folder is not silently built again from another."""
    folders_then = set(step.record.get("listings", {}))
    folders_now = set(step.current["listings"])
    if folders_then and folders_then != folders_now:
        before, now = ", ".join(sorted(folders_then)), ", ".join(sorted(folders_now))
        raise InputError(
            f"this city was built from {before}, not {now}",
            step.record_path,
            "use another --results folder, or --force where data moved",
        )


def _sets_one_of(assignments: list[str], changed: dict) -> bool:
    """Whether `--set` names one of the settings that differ, or a section that holds one."""
    keys = {assignment.partition("=")[0].strip() for assignment in assignments}
    return any(name == key or name.startswith(f"{key}.") for name in changed for key in keys)


def refuse_damaged_inputs(step: Step, args: argparse.Namespace) -> None:
    """A table cut short or changed by hand still reads well; only the record of the step that wrote
    it tells.

    Raises:
        InputError: An input is not as its maker left it.
    """
    for path, maker in step.damaged_inputs():
        command = f"python code/{maker}.py {arguments.command_line(args, maker, path)}"
        raise InputError(
            f"{path.name} is not as {maker} left it: damaged, or changed by hand",
            display_path(path),
            f"delete it and run: {command}; or use it as it is with --force",
        )
