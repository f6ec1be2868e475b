"""What every numbered script shares: arguments, messages, and the run of a step.

A script is

    def parse_args(argv=None):
        return command.parser(__doc__, city=True).parse_args(argv)

    def declare(settings, paths, args):              # light: no heavy import; what the result depends on
        return Step("05_cut_images", 1, paths.images_table, "city", settings.pick("imagery"), {...})

    def work(step, settings, paths, args):           # heavy imports here; returns the counts of the summary line
        from urbancam import imagery
        ...
        return {"images": 270}

    def main(argv=None):
        return command.run(parse_args(argv), declare, work)

    if __name__ == "__main__":
        raise SystemExit(main())

`run` says "up to date" or does the work, writes the record and one summary line. Exit status: 0 done, 2 bad input
(one message, no traceback), 1 a bug (traceback), 130 interrupted.
"""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from urbancam.workflow.arguments import _words_for, arguments
from urbancam.workflow.errors import InputError
from urbancam.workflow.messages import _log_to_file, _log_to_terminal, join_counts
from urbancam.workflow.refusals import _refuse_changed_settings, _refuse_damaged_inputs

log = logging.getLogger("urbancam")


def run(args: argparse.Namespace, declare: Callable, work: Callable) -> int:
    """Run the step (or steps) that `declare` names, each only if it must be; returns the exit status."""
    return guard(lambda: _run(args, declare, work))


def run_folds(
    args: argparse.Namespace,
    declare: Callable,
    work: Callable,
    script: str,
    count: Callable,
    extra: Sequence[str] = (),
) -> int:
    """Run a step of several folds: where there are several GPUs, one process a fold, on each GPU one at a time.

    Args:
        args: with `fold`, None for all.
        declare: as for `run`.
        work: as for `run`.
        script: file of the script.
        count: `count(settings)`, how many folds there are.
        extra: further words that the script is called with.
    """
    from urbancam.workflow import gpus

    if (
        args.fold is not None
        or args.device == "cpu"
        or args.status
        or len(devices := gpus.visible()) < 2
    ):
        return run(args, declare, work)

    def side_by_side() -> int:
        from urbancam.workflow import settings as settings_module

        folds = count(settings_module.load(args.run, args.set, getattr(args, "variant", "")))
        words = [*arguments(args, Path(script).stem), "--device", args.device, *extra] + [
            "--force"
        ] * args.force
        words += ["--workers", str(max(1, args.workers // len(devices)))]
        commands = [[sys.executable, script, *words, "--fold", str(fold)] for fold in range(folds)]
        return gpus.run_side_by_side(commands, devices)

    return guard(side_by_side)


def guard(action: Callable[[], int]) -> int:
    """Do something; turn the faults that a user can mend into one message and exit status 2."""
    # Threads that wait for each other shall sleep, not spin: on a machine that other work keeps busy, spinning made a
    # training step about ten times slower. Must stand before torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _log_to_terminal()
    try:
        return action()
    except InputError as error:
        log.error("error: %s", error)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("urbancam"):
            raise
        log.error(
            "error: this Python (%s) has no package %r\n  what to do: run ./run.sh first, then use "
            ".venv/bin/python",
            sys.executable,
            error.name,
        )
        return 2
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        log.error(
            "error: %s\n  where: %s\n  what to do: %s; what is finished is kept, run the step again",
            error.strerror,
            error.filename2 or error.filename or "a folder of --data or --results",
            _DISK_ERRORS[error.errno],
        )
        return 2
    except KeyboardInterrupt:
        log.error("interrupted; what is finished is kept, run the step again to go on")
        return 130


_DISK_ERRORS = {
    13: "make the folder writable, or name another with --data / --results",  # EACCES
    17: "remove the file that stands where a folder belongs",  # EEXIST
    20: "name folders with --data / --results: this is a file",  # ENOTDIR
    21: "remove the folder that stands where a file belongs",  # EISDIR
    28: "free some disk",  # ENOSPC
    30: "name a folder that can be written with --data / --results",  # EROFS
    36: "give the city or folder a shorter name",  # ENAMETOOLONG
    122: "free some of your quota",  # EDQUOT
}


def find_paths(settings: Any, args: argparse.Namespace) -> Any:
    """The `Paths` of the city and run that the arguments name."""
    from urbancam.workflow.paths import ROOT, Paths, folder_name

    city = getattr(args, "city", "")
    if hasattr(args, "city") and not folder_name(city):
        raise InputError(f"{city!r} is not a city's name", "--city", "e.g. --city Paris")
    data = (args.data or ROOT / settings.data_dir).resolve()
    return Paths(
        data,
        (args.results or ROOT / "results").resolve(),
        city,
        args.run,
        getattr(args, "variant", ""),
    )


def _run(args: argparse.Namespace, declare: Callable, work: Callable) -> int:
    from urbancam.workflow import settings as settings_module

    settings = settings_module.load(args.run, args.set, getattr(args, "variant", ""))
    if args.workers < 1:
        raise InputError(
            f"--workers {args.workers} is not a number of processes", "--workers", "give 1 or more"
        )
    paths = find_paths(settings, args)
    declared = declare(settings, paths, args)
    for step in declared if isinstance(declared, list) else [declared]:
        if args.status:
            _print_status(step, getattr(args, "variant", ""))
        else:
            _run_step(step, settings, paths, args, work)
    return 0


def _run_step(
    step: Any, settings: Any, paths: Any, args: argparse.Namespace, work: Callable
) -> None:
    from urbancam.workflow.records import require

    started = time.monotonic()
    title = " ".join(part for part in (step.name, step.label, getattr(args, "variant", "")) if part)
    _log_to_file(paths.logs / f"{step.name}.log")
    for path, maker in step.missing_inputs():
        require(path, maker, _words_for(args, maker, path))
    with step.lock():
        reason = step.stale_because()
        if not reason and not args.force:
            log.info("%s: up to date (%s)", title, join_counts(step.record.get("counts", {})))
            return
        if not args.force:
            _refuse_changed_settings(step, args)
            _refuse_damaged_inputs(step, args)
        log.info("%s: %s", title, reason or "again, as --force asks")
        counts = work(step, settings, paths, args)
        seconds = time.monotonic() - started
        step.finish(seconds, counts)
        if step.afterwards:
            step.afterwards()
    log.info("%s: done, %s, %.1f s", title, join_counts(counts), seconds)


def _print_status(step: Any, variant: str) -> None:
    reason = step.stale_because()
    state = "done" if not reason else "missing" if not step.record else "stale"
    outputs = [step.result, *step.outputs]
    print(
        json.dumps(
            {
                "step": step.name,
                "label": f"{step.label} {variant}".strip(),
                "state": state,
                "reason": reason,
                "counts": step.record.get("counts", {}),
                "seconds": step.record.get("seconds"),
                "inputs": [str(p) for p in step.inputs],
                "outputs": [str(p) for p in outputs],
            }
        )
    )
