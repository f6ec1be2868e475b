"""The arguments that the numbered scripts share, and the words that call another script alike."""

import argparse
import os
import shlex
from pathlib import Path

from urbancam.workflow import catalogue
from urbancam.workflow.folder_names import variant_of
from urbancam.workflow.settings.variants import OF_CITIES

INCOME_VARIANTS = "split-random, split-group, split-city, seed-N, planted-N, shuffled-labels"


def parser(script: str, doc: str | None) -> argparse.ArgumentParser:
    """The arguments of a numbered script, as its row in the catalogue has them.

    Args:
        script: File of the script, its `__file__`.
        doc: Its docstring, which says what it reads and writes.
    """
    entry = catalogue.find(script)
    arguments = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    experiment = catalogue.EXPERIMENT if entry.experiment == catalogue.CITIES else ""
    arguments.set_defaults(script=script, city=experiment, variant="", fold=None)
    if entry.takes_city:
        arguments.add_argument(
            "--city",
            required=True,
            metavar="NAME",
            help="city, as Urban Atlas names it (Paris)",
        )
    arguments.add_argument(
        "--run",
        default="default",
        metavar="NAME",
        help="a file in code/config/ (default: default)",
    )
    if entry.takes_variant:
        _add_variant(arguments, entry)
    if entry.takes_fold:
        arguments.add_argument(
            "--fold",
            type=int,
            metavar="K",
            help="one fold only, 0 .. folds-1 (default: all)",
        )
        arguments.add_argument(
            "--cache-only",
            action="store_true",
            help="only fetch the weights and decode the images of all folds: before a GPU is taken",
        )
    _add_common(arguments)
    return arguments


def _add_variant(arguments: argparse.ArgumentParser, entry: catalogue.Entry) -> None:
    of_cities = entry.experiment == catalogue.CITIES
    names = ", ".join(OF_CITIES) if of_cities else INCOME_VARIANTS
    arguments.add_argument(
        "--variant",
        default="",
        metavar="NAME",
        choices=[*OF_CITIES] if of_cities else None,
        type=str if of_cities else _income_variant,
        help=f"the run with one thing changed: {names}",
    )


def _income_variant(name: str) -> str:
    if name in OF_CITIES:  # it would change nothing here
        raise argparse.ArgumentTypeError(
            f"{name!r} is a variant of the cities experiment, of steps 22 and 23"
        )
    return name


def _add_common(arguments: argparse.ArgumentParser) -> None:
    add = arguments.add_argument
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting, e.g. split.folds=3",
    )
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of what came from outside (default: data_dir)",
    )
    add(
        "--results",
        type=Path,
        metavar="DIR",
        help="folder of what is computed (default: results)",
    )
    add(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: all)",
    )
    add(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where networks run",
    )
    add(
        "--force",
        action="store_true",
        help="do it again; accept changed settings and tables",
    )
    add(
        "--status",
        action="store_true",
        help="say whether the result is up to date, as JSON; do nothing",
    )


def words(args: argparse.Namespace, script: str, **changed: str) -> list[str]:
    """The arguments that another script is called with for the same city and run.

    Args:
        args: Arguments of this script.
        script: Name of the other one.
        changed: Another `city` or `variant`.
    """
    entry = catalogue.find(script)
    city, variant = changed.get("city", args.city), changed.get("variant", args.variant)
    called_with = ["--city", city] if entry.takes_city and city else []
    called_with += ["--run", args.run] if args.run != "default" else []
    called_with += ["--variant", variant] if entry.takes_variant and variant else []
    for assignment in args.set:
        called_with += ["--set", assignment]
    called_with += ["--data", str(args.data)] if args.data else []
    called_with += ["--results", str(args.results)] if args.results else []
    return called_with


def command_line(args: argparse.Namespace, script: str, path: Path) -> str:
    """The arguments with which a script makes a file, which may be of a variant or of another
    city, as one text."""
    changed = {}
    if args.city == catalogue.EXPERIMENT:
        changed["city"] = path.parent.name
    if variant := variant_of(path):
        changed["variant"] = variant
    return shlex.join(words(args, script, **changed))
