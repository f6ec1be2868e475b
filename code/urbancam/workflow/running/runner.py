"""The run of a numbered script, which is

    def parse_args(argv: list[str] | None = None) -> Namespace:
        return arguments.parser(__file__, __doc__).parse_args(argv)

    def declare(request: Request) -> Step:      # light: no heavy import; what the result depends on
        paths = request.paths
        return request.step(1, paths.images_table, ["imagery"], [paths.cells, paths.tiles])

    def work(job: Job) -> Done:                 # heavy imports here: read, compute, write
        from urbancam.sources import imagery
        ...
        return Done({"images": 270})            # counts of the summary line

    def main(argv: list[str] | None = None) -> int:
        return runner.run(parse_args(argv), declare, work)

    if __name__ == "__main__":
        raise SystemExit(main())

`run` says "up to date" or does the work, writes the record and one summary line. Exit status: 0
done, 2 bad input (one message, no traceback), 1 a bug (traceback), 130 interrupted, 141 nobody
reads any more what it says.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable

from urbancam.workflow import messages
from urbancam.workflow.catalogue import find
from urbancam.workflow.errors import InputError
from urbancam.workflow.machine import gpus, memory
from urbancam.workflow.messages import join_counts, log
from urbancam.workflow.records import reuse
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import side_by_side
from urbancam.workflow.running.job import Job, Request, find_paths
from urbancam.workflow.running.refusals import (
    refuse_changed_settings,
    refuse_damaged_inputs,
    refuse_missing_inputs,
)
from urbancam.workflow.running.states import describe

Declare = Callable[[Request], Step | list[Step]]
Work = Callable[[Job], Done]

WHAT_TO_DO = {  # about errors of the system, by their number
    13: "make the folder writable, or name another with --data / --results",  # EACCES
    17: "remove the file that stands where a folder belongs",  # EEXIST
    20: "name folders with --data / --results: this is a file",  # ENOTDIR
    21: "remove the folder that stands where a file belongs",  # EISDIR
    28: "free some disk",  # ENOSPC
    30: "name a folder that can be written with --data / --results",  # EROFS
    36: "give the city or folder a shorter name",  # ENAMETOOLONG
    122: "free some of your quota",  # EDQUOT
}


def run(args: argparse.Namespace, declare: Declare, work: Work) -> int:
    """Run the step (or steps) that `declare` names, each only if it must be.

    Args:
        args: Arguments of the script.
        declare: What each result depends on.
        work: Makes a result.

    Returns:
        The exit status.
    """
    return guard(lambda: _run(args, declare, work))


def fill_cache(args: argparse.Namespace, declare: Declare, read: Callable[[Job], object]) -> int:
    """Read once what every fold reads, which leaves weights fetched and images decoded in caches.

    No record tells of it: a cache may be deleted, and a fold that lacks it fills it.

    Args:
        args: Arguments of the script.
        declare: As for `run`.
        read: Reads what a fold reads.

    Returns:
        The exit status.
    """

    def fill() -> int:
        request = read_request(args)
        step = declare(request)[0]
        refuse_missing_inputs(step, args)
        read(Job(step, request))
        log.info("%s %s: the images of its folds are decoded", step.name, request.city)
        return 0

    return guard(fill)


def guard(action: Callable[[], int]) -> int:
    """Do something; turn the faults that a user can mend into one message and exit status 2."""
    # Threads that wait for each other shall sleep, not spin: on a machine that other work keeps
    # busy, spinning made a training step about ten times slower. Must stand before torch is
    # imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    messages.to_terminal()
    try:
        status = action()
        sys.stdout.flush()
        return status
    except InputError as error:
        log.error("error: %s", error)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("urbancam"):
            raise
        log.error(
            "error: this Python (%s) has no package %r\n"
            "  what to do: run ./run.sh first, then use .venv/bin/python",
            sys.executable,
            error.name,
        )
        return 2
    except BrokenPipeError:
        if not messages.reader_went_away():
            raise
        return 141
    except OSError as error:
        if error.errno not in WHAT_TO_DO:
            raise
        log.error(
            "error: %s\n  where: %s\n"
            "  what to do: %s; what is finished is kept, run the step again",
            error.strerror,
            error.filename2 or error.filename or "a folder of --data or --results",
            WHAT_TO_DO[error.errno],
        )
        return 2
    except KeyboardInterrupt:
        log.error("interrupted; what is finished is kept, run the step again to go on")
        return 130


def read_request(args: argparse.Namespace) -> Request:
    """What the arguments ask for, with the settings of the run.

    Raises:
        InputError: The settings, the city's name or the number of processes do not fit.
    """
    from urbancam.workflow.settings import settings

    city = args.city if find(args.script).takes_city else ""
    run_settings = settings.load(args.run, args.set, args.variant, city, args.data)
    if args.workers < 1:
        raise InputError(
            f"--workers {args.workers} is not a number of processes", "--workers", "give 1 or more"
        )
    return Request(run_settings, find_paths(run_settings, args), args)


def _run(args: argparse.Namespace, declare: Declare, work: Work) -> int:
    request = read_request(args)
    declared = declare(request)
    steps = declared if isinstance(declared, list) else [declared]
    if args.status:
        for step in steps:
            print(json.dumps(describe(step, args)))
        return 0
    if len(steps) > 1 and request.entry.takes_fold:
        shared = side_by_side.share(request, len(steps))
        if shared.at_once > 1:
            return _run_side_by_side(steps, request, shared)
    for step in steps:
        _run_step(step, request, work)
    return 0


def _run_side_by_side(steps: list[Step], request: Request, shared: side_by_side.Share) -> int:
    """Train the folds that must be; what would stop all of them is told once, before any starts."""
    args = request.args
    stale = [step for step in steps if args.force or step.stale_because()]
    for step in stale:
        refuse_missing_inputs(step, args)
        if not args.force:
            refuse_changed_settings(step, args)
            refuse_damaged_inputs(step, args)
    for step in steps:
        if step not in stale:
            log.info(_up_to_date(step, args))
    return side_by_side.train(request, [step.fold for step in stale], shared) if stale else 0


def _run_step(step: Step, request: Request, work: Work) -> None:
    started = time.monotonic()
    args = request.args
    title = _title(step, args)
    messages.to_file(request.paths.logs / f"{step.name}.log")
    refuse_missing_inputs(step, args)
    with step.lock() as step:
        reason = step.stale_because()
        if not reason and not args.force:
            log.info(_up_to_date(step, args))
            return
        if not args.force:
            refuse_changed_settings(step, args)
            refuse_damaged_inputs(step, args)
        log.info("%s: %s", title, reason or "again, as --force asks")
        done = _copy_from_other_run(step, request) or _work(Job(step, request), work)
        seconds = time.monotonic() - started
        step.finish(seconds, done)
    log.info("%s: done, %s, %.1f s", title, join_counts(done.counts), seconds)


def _title(step: Step, args: argparse.Namespace) -> str:
    return " ".join(part for part in (step.name, step.label, args.variant) if part)


def _up_to_date(step: Step, args: argparse.Namespace) -> str:
    counts = join_counts(step.record.get("counts", {}))
    return f"{_title(step, args)}: up to date ({counts})"


def _work(job: Job, work: Work) -> Done:
    if job.request.entry.takes_gpu:
        gpus.claim(job.device)
        memory.keep_large_pieces()
    return work(job)


def _copy_from_other_run(step: Step, request: Request) -> Done | None:
    """The same result of another run or variant of the city, copied; None where there is none."""
    if request.args.force or not step.may_be_copied:
        return None
    return reuse.take_over(step, request.paths.in_other_runs(step.result))
