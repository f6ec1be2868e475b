"""Say for each step of a city and run whether it is done, stale or missing, and why; compute nothing.

Reads   the record beside each result, by asking every numbered script with --status
Writes  nothing
Run     python code/90_show_status.py --city Demo --run demo [--expect | --variants | --left-out]
"""

import argparse
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from urbancam.workflow import arguments, errors, messages, runner

HERE = Path(__file__).resolve().parent
IMAGE_BYTES = 2.3e6  # PNG of a cell at 1000 px; IGN imagery compresses about that well (published: 2 to 2.5 MB)
CUT_S = 0.3  # s of one core for a cell of 1000 px, measured on the demo city
TRAIN_S = 0.06  # s of one core for an image of 192 px through EfficientNet-B0 and back, measured on the demo city
NO_STEP = ("90", "93", "94")  # they compute nothing, so nothing of theirs can be stale
EXPERIMENT = "cities"  # what --city names where the steps 20 .. 26 are meant


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = arguments.parser(__doc__, city=True)
    parser.add_argument(
        "--expect",
        action="store_true",
        help="say only what disk and time the city, or the cities experiment, will take",
    )
    parser.add_argument(
        "--variants",
        action="store_true",
        help="list only the variants that section compare asks for",
    )
    parser.add_argument(
        "--left-out", action="store_true", help="the same, of the city left out, where others are"
    )
    return parser.parse_args(argv)


def ask(script: Path, args: argparse.Namespace) -> list[dict]:
    """What one script says of its results; an error that it reports is passed on."""
    words = arguments.arguments(args, script.name)
    asked = subprocess.run(
        [sys.executable, script, *words, "--status"], capture_output=True, text=True
    )
    if asked.returncode:
        raise errors.InputError(asked.stderr.strip().removeprefix("error: "), script.name)
    return [json.loads(line) for line in asked.stdout.splitlines()]


def spread_staleness(states: list[dict]) -> None:
    """A result made from a stale or missing one is stale too, even where its inputs have not changed yet."""
    behind: dict[str, str] = {}
    for state in states:
        older = [behind[path] for path in state["inputs"] if path in behind]
        if state["state"] == "done" and older:
            state["state"], state["reason"] = "stale", f"{older[0]} comes first"
        if state["state"] != "done":
            behind |= dict.fromkeys(state["outputs"], state["step"])


def show(args: argparse.Namespace) -> int:
    scripts = [
        script for script in sorted(HERE.glob("[0-9][0-9]_*.py")) if script.name[:2] not in NO_STEP
    ]
    scripts = [
        script for script in scripts if script.name.startswith("2") == (args.city == EXPERIMENT)
    ]
    if not args.run.startswith("demo"):
        scripts = [script for script in scripts if script.name[:2] not in ("00", "20")]
    asked = [(script, args) for script in scripts]
    for name in [*list_variants(args), *list_left_out(args)]:
        varied = argparse.Namespace(**vars(args), variant=name)
        asked += [
            (script, varied) for script in scripts if script.name[:2] in steps_of_variant(name)
        ]
    with ThreadPoolExecutor(2) as pool:
        states = [state for answer in pool.map(lambda pair: ask(*pair), asked) for state in answer]
    spread_staleness(states)
    for state in states:
        title = f"{state['step']} {state['label'].removeprefix(args.city).strip()}".strip()
        print(
            f"{state['state']:8}{title:44}{state['reason'] or messages.join_counts(state['counts'])}"
        )
    done = sum(state["state"] == "done" for state in states)
    print(f"{args.city}, run {args.run}: {done} of {len(states)} results are up to date")
    return 0


def list_variants(args: argparse.Namespace) -> list[str]:
    """The variants of the run that section `compare` (or `cities`) asks for."""
    from urbancam.workflow import settings, variants

    made = settings.load(args.run, args.set)
    if args.city == EXPERIMENT:
        return variants.names_of_cities(made, runner.find_paths(made, args).sites)
    return variants.names(made)


def list_left_out(args: argparse.Namespace) -> list[str]:
    """The variant that leaves the city out, where it is asked for and other cities are at hand to learn from."""
    from urbancam.workflow import settings, variants

    made = settings.load(args.run, args.set)
    wanted = (
        "city" in made.compare.splits and made.split.method != "city" and args.city != EXPERIMENT
    )
    return (
        [variants.split_name("city")]
        if wanted and runner.find_paths(made, args).other_cities()
        else []
    )


def steps_of_variant(name: str) -> tuple[str, ...]:
    """Numbers of the scripts that a variant goes through; another split is scored, not explained."""
    from urbancam.workflow import variants

    if name in variants.OF_CITIES:
        return arguments.OF_VARIANTS_OF_CITIES
    return arguments.OF_VARIANTS[:3] if name.startswith("split-") else arguments.OF_VARIANTS


def tell(names: list[str]) -> int:
    print("\n".join(names))
    return 0


def expect(args: argparse.Namespace) -> int:
    """What disk and time the city will take, from its number of cells; orders of magnitude."""
    from urbancam.workflow import files, records, settings, variants

    made = settings.load(args.run, args.set)
    paths = runner.find_paths(made, args)
    records.require(
        paths.cells, "03_select_cells", " ".join(arguments.arguments(args, "03_select_cells"))
    )
    record = files.read_json(paths.cells.with_name(paths.cells.name + ".json")) or {}
    cells = record.get("counts", {}).get("cells", 0)
    images = cells * IMAGE_BYTES * (made.image_px / 1000) ** 2 - size_of(paths.images)
    cache = cells * made.image.size_px**2 * 3 - size_of(paths.cache)
    images, cache = max(images, 0), max(cache, 0)  # what is still to come
    free = shutil.disk_usage(paths.results).free
    print(
        f"expects for {cells:,} cells: {images / 1e9:.1f} GB more of images, {cache / 1e9:.1f} GB of cache at "
        f"{made.image.size_px} px, besides the imagery archives; {free / 1e9:.0f} GB are free"
    )
    epoch = cells * (1 - 1 / made.split.folds) * (1 - made.split.validation_fraction)
    if made.training.batches_per_epoch:
        epoch = made.training.batches_per_epoch * made.training.batch_size
    folds = made.folds_trained + len(variants.names(made)) * (
        made.compare.folds or made.folds_trained
    )
    passes = folds * made.training.epochs * epoch
    cutting = cells * CUT_S * (made.image_px / 1000) ** 2 / args.workers
    training = passes * TRAIN_S * (made.image.size_px / 192) ** 2 / args.workers
    print(
        f"expects with {args.workers} processes: cutting {hours(cutting)}; training at most {passes:,.0f} images, "
        f"{hours(training)} on this CPU (a GPU is far faster)"
    )
    if free < 0.9 * (images + cache):
        raise errors.InputError(
            "the disk is too small for this city", paths.results, "name another with --results"
        )
    return 0


def expect_cities(args: argparse.Namespace) -> int:
    """What disk and time the cities experiment will take, from its number of images and patches."""
    from urbancam.cities import costs
    from urbancam.workflow import records, settings

    made = settings.load(args.run, args.set)
    paths = runner.find_paths(made, args)
    records.require(
        paths.cities_used,
        "22_index_patches",
        " ".join(arguments.arguments(args, "22_index_patches")),
    )
    cost = costs.expected_costs(made, paths)
    free = shutil.disk_usage(paths.results).free
    print(
        f"expects for {cost.patches:,} patches: {cost.cache_bytes / 1e9:.1f} GB more of cache (images at "
        f"{made.cities.image.size_px} px a patch), {cost.weights_bytes / 1e9:.1f} GB more of weights; "
        f"{free / 1e9:.0f} GB are free"
    )
    print(
        f"expects with {args.workers} processes: training {cost.networks} networks on at most "
        f"{cost.trained_patches:,.0f} patches, {hours(cost.core_s / args.workers)} "
        "on this CPU (a GPU is far faster)"
    )
    if free < 0.9 * (cost.cache_bytes + cost.weights_bytes):
        raise errors.InputError(
            "the disk is too small for this run",
            paths.results,
            "free some of it, name another folder with --results, or write an overlay with "
            "smaller cities.image.size_px or fewer cities.variants",
        )
    return 0


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0


def hours(seconds: float) -> str:
    """A time in words: "40 s", "12 min", "31 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.variants or args.left_out:
        return runner.guard(
            lambda: tell(list_variants(args) if args.variants else list_left_out(args))
        )
    if args.expect:
        return runner.guard(
            lambda: expect_cities(args) if args.city == EXPERIMENT else expect(args)
        )
    return runner.guard(lambda: show(args))


if __name__ == "__main__":
    raise SystemExit(main())
