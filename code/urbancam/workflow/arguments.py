"""The arguments that the numbered scripts share, and the words that call another script alike."""

import argparse
import os
import re
import shlex
from pathlib import Path

from urbancam.workflow.errors import InputError
from urbancam.workflow.variants import OF_CITIES

WITHOUT_CITY = ("00", "01", "2")  # how the names of scripts begin that take no --city
OF_VARIANTS, OF_VARIANTS_OF_CITIES = (
    ("10", "11", "12", "13", "14"),
    ("22", "23"),
)  # scripts that take --variant


def parser(
    doc: str, city: bool = False, variant: bool = False, experiment: str = ""
) -> argparse.ArgumentParser:
    """The arguments common to all scripts; `city` adds --city, `variant` adds --variant; `experiment` names the folder
    of `results/` where a step works that serves many cities."""
    made = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if experiment:
        made.set_defaults(city=experiment, experiment=experiment)
    if city:
        made.add_argument(
            "--city", required=True, metavar="NAME", help="city, as Urban Atlas names it (Paris)"
        )
    made.add_argument(
        "--run", default="default", metavar="NAME", help="a file in code/config/ (default: default)"
    )
    if variant:
        known = (
            ", ".join(OF_CITIES)
            if experiment
            else "split-random, split-group, split-city, seed-N, shuffled-labels"
        )
        made.add_argument(
            "--variant",
            default="",
            metavar="NAME",
            choices=[*OF_CITIES] if experiment else None,
            type=str if experiment else _variant_of_incomes,
            help=f"the run with one thing changed: {known}",
        )
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting, e.g. split.folds=3",
    )
    made.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of what came from outside (default: data_dir)",
    )
    made.add_argument(
        "--results", type=Path, metavar="DIR", help="folder of what is computed (default: results)"
    )
    made.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: all)",
    )
    made.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="where networks run"
    )
    made.add_argument(
        "--force", action="store_true", help="do it again; accept changed settings and tables"
    )
    made.add_argument(
        "--status",
        action="store_true",
        help="say whether the result is up to date, as JSON; do nothing",
    )
    return made


def _variant_of_incomes(name: str) -> str:
    if name in OF_CITIES:  # it would change nothing here
        raise argparse.ArgumentTypeError(
            f"{name!r} is a variant of the cities experiment, of steps 22 and 23"
        )
    return name


def _words_for(args: argparse.Namespace, maker: str, path: Path) -> str:
    """The arguments with which `maker` makes a file: of a variant, or of one of the cities of an experiment of many."""
    changed = {"city": path.parent.name} if getattr(args, "experiment", "") else {}
    if found := re.search(r"/variants/([^/]+)/", path.as_posix()):
        changed["variant"] = found[1]
    return shlex.join(arguments(argparse.Namespace(**vars(args) | changed), maker))


def arguments(args: argparse.Namespace, script: str) -> list[str]:
    """The arguments that another script is called with for the same city and run."""
    words = (
        ["--city", args.city]
        if getattr(args, "city", "") and not script.startswith(WITHOUT_CITY)
        else []
    )
    words += ["--run", args.run] if args.run != "default" else []
    variant = getattr(args, "variant", "")
    words += (
        ["--variant", variant]
        if variant and script[:2] in OF_VARIANTS + OF_VARIANTS_OF_CITIES
        else []
    )
    words += [word for assignment in args.set for word in ("--set", assignment)]
    words += ["--data", str(args.data)] if args.data else []
    words += ["--results", str(args.results)] if args.results else []
    return words


def chosen_folds(fold: int | None, folds: int) -> list[int]:
    """The folds that `--fold` names: one, or all."""
    if fold is None:
        return list(range(folds))
    if not 0 <= fold < folds:
        raise InputError(
            f"there is no fold {fold}: folds are 0 .. {folds - 1}",
            "--fold",
            "see split.folds, cities.folds",
        )
    return [fold]
