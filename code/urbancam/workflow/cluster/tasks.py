"""The work of a city as tasks, a call of a script each: what an engine of a cluster puts in order.

A task is named by its mark, a path `city/run/variant/script/fold` ("-" where there is none), which
is also the file that says it was done. In place of a fold stands `CACHE` where a script only
decodes the images that its folds read: on cores, so that nothing holds a GPU meanwhile. Which tasks
there are and which are done the scripts are asked; the engine decides only when and where each
runs.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from urbancam.workflow import catalogue
from urbancam.workflow.planning import plan
from urbancam.workflow.planning.resources import Resources
from urbancam.workflow.running import arguments, scripts, states
from urbancam.workflow.running.job import Request
from urbancam.workflow.settings.settings import Settings

NONE = "-"  # in a mark
CACHE = "cache"  # in place of a fold
REFUSED = ("refused", "damaged")  # states that only the user can mend

# Rounds of several cities; one waits until the round before it is done for all of them.
ALONE = 1  # what concerns each city alone
COMPARED = 2  # what reads what the first round left of the others
SHOWN = 3  # what is drawn, also from what the second round left of the others


@dataclass(frozen=True)
class Task:
    """One call of a script.

    Attributes:
        mark: `city/run/variant/script/fold`.
        words: Arguments of the script.
        state: As in `states`.
        reason: Why it is not done.
        needs: Marks of the tasks of the same city that must be done before.
        resources: What it asks a cluster for; None before that is known.
    """

    mark: str
    words: tuple[str, ...]
    state: str
    reason: str
    needs: tuple[str, ...] = ()
    resources: Resources | None = None

    @property
    def script(self) -> str:
        return self.mark.split("/")[3]

    @property
    def variant(self) -> str:
        return self.mark.split("/")[2].removeprefix(NONE)

    @property
    def fold(self) -> str:
        return self.mark.split("/")[4].removeprefix(NONE)

    @property
    def fills_cache(self) -> bool:
        return self.fold == CACHE

    @property
    def is_done(self) -> bool:
        return self.state == "done"

    @property
    def is_refused(self) -> bool:
        """Whether its script would refuse to do it, however often it is called."""
        return self.state in REFUSED

    @property
    def entry(self) -> catalogue.Entry:
        return catalogue.find(self.script)


def states_of(call: plan.Call, args: argparse.Namespace) -> list[dict[str, Any]]:
    """What one script says of its results, as `states.describe` has it.

    Args:
        call: A call of the plan.
        args: Arguments that name city, run and folders.
    """
    script = call.entry.script
    asked, steps = scripts.declared(script, arguments.words(args, script, variant=call.variant))
    return [states.describe(step, asked) for step in steps]


def calls_of(part: str, request: Request) -> list[plan.Call]:
    """The calls of a part of the plan of a city and run, as things stand now."""
    city, run = request.args.city, request.args.run
    names = plan.variants_of(part, city, request.settings, request.paths)
    from_insee = request.settings.cells.source == "insee"
    return list(plan.calls(part, city, run, names, from_insee))


def calls_with_record(request: Request) -> list[plan.Call]:
    """The calls of the whole plan that leave a result."""
    calls = [call for part in plan.PARTS for call in calls_of(part, request)]
    return [call for call in calls if call.entry.scope != catalogue.NO_RECORD]


def list_tasks(request: Request) -> list[Task]:
    """The tasks of a city and run as they stand now, in order.

    What serves both experiments is none: it comes once all cities are done.
    """
    calls = [call for call in calls_with_record(request) if call.entry.experiment != catalogue.BOTH]
    answers = [(call, state) for call in calls for state in states_of(call, request.args)]
    states.spread_staleness([state for _, state in answers])
    listed = [_task(call, state, request) for call, state in _one_a_task(answers)]
    return _with_needs(_with_caches(listed))


def of_city_left_out(request: Request) -> list[Task]:
    """The tasks of a city left out, which there are once other cities are at hand."""
    args = request.args
    state = {"state": "missing", "reason": "other cities come first"}
    return [  # it has one fold: the whole city is tested
        _task(call, state | {"fold": 0 if call.entry.takes_fold else None}, request)
        for call in plan.calls("left-out", args.city, args.run, [plan.CITY_LEFT_OUT])
    ]


def is_of_city_left_out(task: Task) -> bool:
    return task.variant == plan.CITY_LEFT_OUT


def _one_a_task(answers: list[tuple[plan.Call, dict]]) -> list[tuple[plan.Call, dict]]:
    """One state of each call and fold: of several results that one call makes, the first that it
    would refuse, else the first that is not done."""
    by_task: dict[tuple[plan.Call, int | None], dict] = {}
    for call, state in answers:
        task = (call, state["fold"])
        if task not in by_task or _hinders(state) > _hinders(by_task[task]):
            by_task[task] = state
    return [(call, state) for (call, _), state in by_task.items()]


def _hinders(state: dict[str, Any]) -> int:
    """How far a result is from done: 0 done, 1 to be made, 2 refused."""
    return 2 if state["state"] in REFUSED else int(state["state"] != "done")


def _task(call: plan.Call, state: dict[str, Any], request: Request) -> Task:
    entry, fold = call.entry, state["fold"]
    words = arguments.words(request.args, entry.script, variant=call.variant)
    words += ["--fold", str(fold)] if fold is not None else []
    # What serves all cities is one task, whichever city asks for it.
    city = NONE if entry.scope == "data" else request.paths.city_folder.name
    number = NONE if fold is None else str(fold)
    mark = "/".join([city, request.args.run, call.variant or NONE, entry.script, number])
    return Task(mark, tuple(words), state["state"], state["reason"])


def _with_caches(tasks: list[Task]) -> list[Task]:
    """The same tasks, and before the first fold of a script what decodes the images of all."""
    listed: list[Task] = []
    for task in tasks:
        folds = [other for other in tasks if other.script == task.script and other.fold]
        if folds and task == folds[0]:
            mark = "/".join([*task.mark.split("/")[:4], CACHE])
            # A cache may be deleted at any time, and one that is there is found at once.
            state = "done" if all(fold.is_done for fold in folds) else "missing"
            words = (*task.words[:-2], "--cache-only")
            listed.append(Task(mark, words, state, "folds are not done" * (state != "done")))
        listed.append(task)
    return listed


def _with_needs(tasks: list[Task]) -> list[Task]:
    """The same tasks, each with the marks of those it reads from."""
    return [
        replace(task, needs=tuple(other.mark for other in tasks if _is_needed(other, task)))
        for task in tasks
    ]


def _is_needed(other: Task, task: Task) -> bool:
    """Whether a task waits for another one of its city."""
    made, reads = other.entry, task.entry.reads
    if other.fills_cache:  # all that runs networks looks at the same images
        same = made.experiment == task.entry.experiment
        return same and task.entry.takes_gpu and not task.fills_cache
    if made.part == catalogue.MAKE:  # renders what the steps of data find
        return task.entry.part == catalogue.DATA
    if made.number not in reads:
        return False
    # A variant reads its own results; what compares or shows reads those of all variants.
    return not (task.entry.takes_variant and made.takes_variant) or other.variant == task.variant


def up_to_round(tasks: list[Task], last: int, settings: Settings) -> list[Task]:
    """The tasks that may be done by the end of a round: none waits for one of a later round."""
    later: set[str] = set()
    kept = []
    for task in tasks:  # in order, so that what is needed comes before
        if _round_of(task, settings) > last or later.intersection(task.needs):
            later.add(task.mark)
        else:
            kept.append(task)
    return kept


def _round_of(task: Task, settings: Settings) -> int:
    """The first round in which what a task reads of other cities is there."""
    if task.entry.part == catalogue.SHOW:
        return SHOWN
    # The sites of the cities experiment may be cut from the tiles of all cities.
    from_tiles = task.entry.number == "21" and settings.cities.source == "ign"
    looks_at_others = task.entry.reads_other_cities or is_of_city_left_out(task) or from_tiles
    return COMPARED if looks_at_others else ALONE


def without_needs_of_done(tasks: list[Task]) -> list[Task]:
    """The same tasks; one that is done waits for nothing, else the engine would start it anew
    whenever something before it is, as the cache of images, though its script finds it done."""
    return [replace(task, needs=()) if task.is_done else task for task in tasks]


def keep_marks(tasks: Iterable[Task], marks: Path) -> None:
    """Let marks stand for the tasks that are done, and for no others.

    Args:
        tasks: As they stand now.
        marks: Folder of the marks.
    """
    for task in tasks:
        mark = marks / task.mark
        if task.is_done:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        else:
            mark.unlink(missing_ok=True)
