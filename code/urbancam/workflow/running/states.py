"""What a result is beside what it would be made from now: done, missing, stale and so on."""

import argparse
from typing import Any

from urbancam.workflow.errors import InputError
from urbancam.workflow.records.steps import Step
from urbancam.workflow.running.refusals import refuse_changed_settings, refuse_damaged_inputs


def describe(step: Step, args: argparse.Namespace) -> dict[str, Any]:
    """All that is told of a step where nothing is done; fit for JSON."""
    state, reason = _state(step, args)
    return {
        "step": step.name,
        "label": f"{step.label} {args.variant}".strip(),
        "variant": args.variant,
        "fold": step.fold,
        "state": state,
        "reason": reason,
        "counts": step.record.get("counts", {}),
        "seconds": step.record.get("seconds"),
        "inputs": [str(path) for path in step.inputs],
        "outputs": [str(path) for path in step.all_outputs],
    }


def _state(step: Step, args: argparse.Namespace) -> tuple[str, str]:
    """What a step is, and why: "done", "missing", "stale" (it would be done again), "refused" (it
    would not, for other settings) or "damaged" (it would not, unless its inputs are made again)."""
    reason = step.stale_because()
    if not reason:
        return "done", ""
    if not step.record:
        return "missing", reason
    if step.missing_inputs():
        return "stale", reason
    for state, refuse in (("refused", refuse_changed_settings), ("damaged", refuse_damaged_inputs)):
        try:
            refuse(step, args)
        except InputError as error:
            return state, f"{error.what}; {error.do}"
    return "stale", reason


def spread_staleness(states: list[dict[str, Any]]) -> None:
    """Change states in place: a result made from a stale or missing one is stale too, even where
    its inputs have not changed yet, and where they are damaged: they are made again before.

    Args:
        states: Of a city and run, in the order they are made.
    """
    maker_of_stale: dict[str, str] = {}
    for state in states:
        older = [maker_of_stale[path] for path in state["inputs"] if path in maker_of_stale]
        if state["state"] in ("done", "damaged") and older:
            state["state"], state["reason"] = "stale", f"{older[0]} comes first"
        if state["state"] != "done":
            maker_of_stale |= dict.fromkeys(state["outputs"], state["step"])
