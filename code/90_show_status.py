"""Say for each step of a city and run whether it is done, stale or missing, and why; compute
nothing.

Reads   the record beside each result, by asking every numbered script with --status
Writes  nothing
Run     python code/90_show_status.py --city Demo --run demo [--expect | --plan PART]
"""

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

from urbancam.workflow import catalogue, names
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import read_json
from urbancam.workflow.folder_names import city_file
from urbancam.workflow.messages import join_counts
from urbancam.workflow.paths import ROOT, Paths
from urbancam.workflow.planning import plan
from urbancam.workflow.records.steps import record_path, require
from urbancam.workflow.running import arguments, runner, states
from urbancam.workflow.running.job import Request

NOTHING = "-"  # in a line of the plan, which has four words


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = arguments.parser(__file__, __doc__)
    parser.add_argument(
        "--expect",
        action="store_true",
        help="say only what disk and time the city, or the cities experiment, will take",
    )
    parser.add_argument(
        "--plan",
        choices=[*plan.PARTS, plan.EXPECT, plan.EXPORT, plan.NAMES],
        metavar="PART",
        help="list only the calls of a part of the plan: "
        "script, whether it takes the city, variant, option",
    )
    return parser.parse_args(argv)


def show_status(request: Request) -> int:
    """A line for every result, in the order they are made."""
    from urbancam.workflow.cluster import tasks

    args = request.args
    calls = tasks.calls_with_record(request)
    found = [state for call in calls for state in tasks.states_of(call, args)]
    states.spread_staleness(found)
    print(f"== {args.city}, run {args.run}")
    for state in found:
        label = state["label"].removeprefix(args.city).strip()
        title = f"{state['step']} {label}".strip()
        words = state["reason"] or join_counts(state["counts"])
        print(f"{state['state']:8}{title:44}{words}")
    up_to_date = sum(state["state"] == "done" for state in found)
    print(f"{args.city}, run {args.run}: {up_to_date} of {len(found)} results are up to date")
    return 0


def show_plan(calls: Iterable[plan.Call]) -> int:
    """A line for every call: script, "city" where it takes one, variant, option."""
    for call in calls:
        takes_city = "city" if call.entry.takes_city else NOTHING
        print(call.entry.script, takes_city, call.variant or NOTHING, call.option or NOTHING)
    return 0


def show_costs(request: Request) -> int:
    """What disk and time the city, or the cities experiment, will take."""
    from urbancam.workflow.planning import cost_words, costs

    args, settings, paths = request.args, request.settings, request.paths
    if catalogue.experiment_of(args.city) == catalogue.CITIES:
        require_counts(paths.cities_used, args)
        from urbancam.cities import counts

        expected = counts.expected_costs(settings, paths)
    else:
        require_counts(paths.cells, args)
        record = read_json(record_path(paths.cells)) or {}
        cells = record.get("counts", {}).get("cells", 0)
        expected = costs.of_income(settings, paths, cells)
    free_bytes = shutil.disk_usage(paths.results).free
    print(*cost_words.in_words(expected, args.workers, free_bytes), sep="\n")
    if free_bytes < 0.9 * sum(expected.disk_bytes.values()):
        raise InputError(
            "the disk is too small for this run",
            paths.results,
            "free some of it, name another folder with --results, or write an overlay with smaller "
            "images (image.size_px, cities.image.size_px) or fewer variants",
        )
    return 0


def require_counts(path: Path, args: argparse.Namespace) -> None:
    """Raise if what is counted is not there yet."""
    maker = catalogue.maker_of(path, catalogue.experiment_of(args.city))
    require(path, maker, " ".join(arguments.words(args, maker)))


def answer(args: argparse.Namespace) -> int:
    names.require_run(args.run)
    data, results = args.data or ROOT / "data", args.results or ROOT / "results"
    paths = Paths(data, results, args.city)
    if args.plan == plan.NAMES:
        names.refuse_misspelt(args.city, paths)
    # A city that says where its cells come from has other steps than one of INSEE's. Its folder may
    # lie in the run's own data folder, which only the settings tell.
    own_files = [city_file(folder, args.city) for folder in (data, *data.glob("*"))]
    has_file = any(file.is_file() for file in own_files) and args.plan != plan.NAMES
    if args.plan and not (plan.needs_settings(args.plan) or has_file):
        return show_plan(plan.calls(args.plan, args.city, args.run, []))
    request = runner.read_request(args)
    if args.plan:
        from urbancam.workflow.cluster import tasks

        return show_plan(tasks.calls_of(args.plan, request))
    return show_costs(request) if args.expect else show_status(request)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: answer(args))


if __name__ == "__main__":
    raise SystemExit(main())
