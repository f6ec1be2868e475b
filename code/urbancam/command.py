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
import re
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from urbancam.errors import InputError
from urbancam.variants import OF_CITIES

log = logging.getLogger("urbancam")

WITHOUT_CITY = ("00", "01", "2")  # how the names of scripts begin that take no --city
OF_VARIANTS, OF_VARIANTS_OF_CITIES = ("10", "11", "12", "13", "14"), ("22", "23")  # scripts that take --variant


def parser(doc: str, city: bool = False, variant: bool = False, experiment: str = "") -> argparse.ArgumentParser:
    """The arguments common to all scripts; `city` adds --city, `variant` adds --variant; `experiment` names the folder
    of `results/` where a step works that serves many cities."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if experiment:
        made.set_defaults(city=experiment, experiment=experiment)
    if city:
        made.add_argument("--city", required=True, metavar="NAME", help="city, as Urban Atlas names it (Paris)")
    made.add_argument("--run", default="default", metavar="NAME", help="a file in code/config/ (default: default)")
    if variant:
        known = ", ".join(OF_CITIES) if experiment else "split-random, split-group, split-city, seed-N, shuffled-labels"
        made.add_argument("--variant", default="", metavar="NAME", choices=[*OF_CITIES] if experiment else None,
                          type=str if experiment else _variant_of_incomes,
                          help=f"the run with one thing changed: {known}")  # fmt: skip
    made.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting, e.g. split.folds=3")
    made.add_argument("--data", type=Path, metavar="DIR", help="folder of what came from outside (default: data_dir)")
    made.add_argument("--results", type=Path, metavar="DIR", help="folder of what is computed (default: results)")
    made.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: all)")
    made.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where networks run")
    made.add_argument("--force", action="store_true", help="do it again; accept changed settings and tables")
    made.add_argument("--status", action="store_true", help="say whether the result is up to date, as JSON; do nothing")
    return made


def run(args: argparse.Namespace, declare: Callable, work: Callable) -> int:
    """Run the step (or steps) that `declare` names, each only if it must be; returns the exit status."""
    return guard(lambda: _run(args, declare, work))


def run_folds(args: argparse.Namespace, declare: Callable, work: Callable, script: str, count: Callable,
              extra: Sequence[str] = ()) -> int:  # fmt: skip
    """Run a step of several folds: where there are several GPUs, one process a fold, on each GPU one at a time.

    Args:
        args: with `fold`, None for all.
        declare: as for `run`.
        work: as for `run`.
        script: file of the script.
        count: `count(settings)`, how many folds there are.
        extra: further words that the script is called with.
    """
    from urbancam import gpus

    if args.fold is not None or args.device == "cpu" or args.status or len(devices := gpus.visible()) < 2:
        return run(args, declare, work)

    def side_by_side() -> int:
        from urbancam import settings

        folds = count(settings.load(args.run, args.set, getattr(args, "variant", "")))
        words = [*arguments(args, Path(script).stem), "--device", args.device, *extra] + ["--force"] * args.force
        words += ["--workers", str(max(1, args.workers // len(devices)))]
        commands = [[sys.executable, script, *words, "--fold", str(fold)] for fold in range(folds)]
        return gpus.run_side_by_side(commands, devices)

    return guard(side_by_side)


def _variant_of_incomes(name: str) -> str:
    if name in OF_CITIES:  # it would change nothing here
        raise argparse.ArgumentTypeError(f"{name!r} is a variant of the cities experiment, of steps 22 and 23")
    return name


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
        log.error("error: this Python (%s) has no package %r\n  what to do: run ./run.sh first, then use "
                  ".venv/bin/python", sys.executable, error.name)  # fmt: skip
        return 2
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        log.error("error: %s\n  where: %s\n  what to do: %s; what is finished is kept, run the step again",
                  error.strerror, error.filename2 or error.filename or "a folder of --data or --results",
                  _DISK_ERRORS[error.errno])  # fmt: skip
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
    from urbancam.paths import ROOT, Paths, folder_name

    city = getattr(args, "city", "")
    if hasattr(args, "city") and not folder_name(city):
        raise InputError(f"{city!r} is not a city's name", "--city", "e.g. --city Paris")
    data = (args.data or ROOT / settings.data_dir).resolve()
    return Paths(data, (args.results or ROOT / "results").resolve(), city, args.run, getattr(args, "variant", ""))


def _run(args: argparse.Namespace, declare: Callable, work: Callable) -> int:
    from urbancam import settings as settings_module

    settings = settings_module.load(args.run, args.set, getattr(args, "variant", ""))
    if args.workers < 1:
        raise InputError(f"--workers {args.workers} is not a number of processes", "--workers", "give 1 or more")
    paths = find_paths(settings, args)
    declared = declare(settings, paths, args)
    for step in declared if isinstance(declared, list) else [declared]:
        if args.status:
            _print_status(step, getattr(args, "variant", ""))
        else:
            _run_step(step, settings, paths, args, work)
    return 0


def _run_step(step: Any, settings: Any, paths: Any, args: argparse.Namespace, work: Callable) -> None:
    from urbancam.records import require

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


def _refuse_changed_settings(step: Any, args: argparse.Namespace) -> None:
    """Facts of a city never change silently, and `--set` never overwrites a run made with other settings."""
    built_from, now = set(step.record.get("listings", {})), set(step.current["listings"])
    if step.scope == "city" and built_from and built_from != now:
        raise InputError(f"this city was built from {', '.join(sorted(built_from))}, not {', '.join(sorted(now))}",
                         step.record_path, "use another --results folder, or --force where data moved")  # fmt: skip
    known = step.record.get("settings", {})  # what an older version did not know, the step's version tells
    changed = {key: pair for key, pair in step.changed_settings().items() if key in known}
    if not changed:
        return
    differ = ", ".join(f"{key} is {then!r}, asked {now!r}" for key, (then, now) in changed.items())
    if step.scope == "city":
        raise InputError(f"this city was built with other settings: {differ}", step.record_path,
                         "use another --results folder, or --force to build the city again")  # fmt: skip
    keys = {assignment.partition("=")[0].strip() for assignment in args.set}
    if any(key == k or key.startswith(k + ".") for key in changed for k in keys):
        raise InputError(f"run {args.run!r} was made with other settings: {differ}", step.record_path,
                         "write an overlay file in code/config/ and name it with --run, or --force")  # fmt: skip


def _refuse_damaged_inputs(step: Any, args: argparse.Namespace) -> None:
    """A table cut short or changed by hand still reads well; only the record of the step that wrote it tells."""
    from urbancam.paths import shown

    for path, maker in step.damaged_inputs():
        raise InputError(f"{path.name} is not as {maker} left it: damaged, or changed by hand", shown(path),
                         f"delete it and run: python code/{maker}.py {_words_for(args, maker, path)}; "
                         "or use it as it is with --force")  # fmt: skip


def _words_for(args: argparse.Namespace, maker: str, path: Path) -> str:
    """The arguments with which `maker` makes a file: of a variant, or of one of the cities of an experiment of many."""
    changed = {"city": path.parent.name} if getattr(args, "experiment", "") else {}
    if found := re.search(r"/variants/([^/]+)/", path.as_posix()):
        changed["variant"] = found[1]
    return shlex.join(arguments(argparse.Namespace(**vars(args) | changed), maker))


def arguments(args: argparse.Namespace, script: str) -> list[str]:
    """The arguments that another script is called with for the same city and run."""
    words = ["--city", args.city] if getattr(args, "city", "") and not script.startswith(WITHOUT_CITY) else []
    words += ["--run", args.run] if args.run != "default" else []
    variant = getattr(args, "variant", "")
    words += ["--variant", variant] if variant and script[:2] in OF_VARIANTS + OF_VARIANTS_OF_CITIES else []
    words += [word for assignment in args.set for word in ("--set", assignment)]
    words += ["--data", str(args.data)] if args.data else []
    words += ["--results", str(args.results)] if args.results else []
    return words


def chosen_folds(fold: int | None, folds: int) -> list[int]:
    """The folds that `--fold` names: one, or all."""
    if fold is None:
        return list(range(folds))
    if not 0 <= fold < folds:
        raise InputError(f"there is no fold {fold}: folds are 0 .. {folds - 1}", "--fold",
                         "see split.folds, cities.folds")  # fmt: skip
    return [fold]


def _print_status(step: Any, variant: str) -> None:
    reason = step.stale_because()
    state = "done" if not reason else "missing" if not step.record else "stale"
    outputs = [step.result, *step.outputs]
    print(json.dumps({"step": step.name, "label": f"{step.label} {variant}".strip(), "state": state, "reason": reason,
                      "counts": step.record.get("counts", {}), "seconds": step.record.get("seconds"),
                      "inputs": [str(p) for p in step.inputs], "outputs": [str(p) for p in outputs]}))  # fmt: skip


def join_counts(counts: dict[str, Any]) -> str:
    """`{"images": 12000, "void share": 0.01234}` -> "12,000 images, 0.0123 void share"."""
    words = []
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            words.append(f"{name} {value}")
        else:
            words.append(f"{value:,} {name}" if isinstance(value, int) else f"{name} {value:.3g}")
    return ", ".join(words)


def _log_to_terminal() -> None:
    """Messages to stdout, errors to stderr; handlers of an earlier run in this process go."""
    log.setLevel(logging.INFO)
    log.propagate = False
    logging.getLogger("__main__").parent = log  # the name of a script's own logger: its messages too
    for old in list(log.handlers):
        log.removeHandler(old)
        old.close()
    out, err = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    out.addFilter(lambda record: record.levelno < logging.ERROR)
    err.setLevel(logging.ERROR)
    log.addHandler(out)
    log.addHandler(err)


def _log_to_file(path: Path) -> None:
    """Messages and errors also to a file, with the time."""
    if any(getattr(handler, "baseFilename", None) == str(path) for handler in log.handlers):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    log.addHandler(handler)
