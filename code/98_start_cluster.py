"""Start the work of cities on a cluster, or on the GPUs of one machine, and say what it will take.

Asks every script what there is to do, lets marks stand for what is done, and leaves order and
place to Snakemake, in three rounds: what concerns each city alone, then what compares it with the
others at hand, then what is drawn of all. A city that fails does not stop the others.
`./run.sh cluster` calls it.

Reads   cluster/Snakefile, cluster/<profile>/config.yaml, the record beside each result
Writes  results/.cluster/: tasks, marks and logs
Run     python code/98_start_cluster.py Paris Lyon --profile slurm [--dry-run]
"""

import argparse
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from urbancam.workflow import catalogue, names
from urbancam.workflow.cluster import engine, profiles, tasks
from urbancam.workflow.machine import locks
from urbancam.workflow.paths import ROOT
from urbancam.workflow.running import runner, scripts
from urbancam.workflow.running.job import Request
from urbancam.workflow.settings import settings

STATUS = "90_show_status"  # takes the words that all scripts take


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "city",
        nargs="*",
        help="cities, as for ./run.sh; cities: the experiment that tells them apart",
    )
    add("--cities", type=Path, metavar="FILE", help="a CSV with a column city: further cities")
    add("--profile", default="local", metavar="NAME", help="a folder of cluster/ or a path")
    add("--run", default="", metavar="NAME", help="a file in code/config/, as for ./run.sh")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting")
    add("--data", type=Path, metavar="DIR", help="folder of what came from outside")
    add("--results", type=Path, metavar="DIR", help="folder of what is computed")
    add("--scratch", type=Path, metavar="DIR", help="where images and cache lie instead")
    add("--dry-run", action="store_true", help="say only which jobs, hours and gigabytes")
    add("--ask", metavar="CITY", help=argparse.SUPPRESS)  # by Snakemake, when images are cut
    add("--round", type=int, default=tasks.SHOWN, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def common_words(args: argparse.Namespace) -> list[str]:
    """The words that every script is called with; folders in full, since jobs stand elsewhere."""
    words = ["--run", args.run] if args.run else []
    for assignment in args.set:
        words += ["--set", assignment]
    words += ["--data", str(args.data.resolve())] if args.data else []
    return words + (["--results", str(args.results.resolve())] if args.results else [])


def request_of(city: str, args: argparse.Namespace) -> Request:
    """What a script would be asked for if it were called for a city.

    Raises:
        InputError: The city's settings do not fit, or its name looks like a command.
    """
    words = ["--city", city, *common_words(args), "--run", names.run_of(city, args.run)]
    request = runner.read_request(scripts.load(STATUS).parse_args(words))
    paths = request.paths
    if catalogue.experiment_of(city) == catalogue.INCOME:
        names.refuse_misspelt(city, paths)
    return request


def requests_of(cities: list[str], args: argparse.Namespace) -> list[Request]:
    """What is asked for each city; one at fault is told and left out.

    Raises:
        InputError: Run or settings fit no city.
    """
    for run in dict.fromkeys(names.run_of(city, args.run) for city in cities):
        names.require_run(run)
        settings.load(run, args.set, data=args.data)  # what is at fault for all is told once
    requests = []
    for city in cities:
        with engine.leaving_out(city):
            requests.append(request_of(city, args))
    return requests


def carry_out(args: argparse.Namespace) -> int:
    """What there is to do, said or done, and what it left."""
    folder = engine.folder_of(args.results or ROOT / "results")
    with_gpu = profiles.has_gpus(profiles.find(args.profile))
    if args.ask:
        request = request_of(args.ask, args)
        engine.write_down(request, engine.ask(request, with_gpu, args.round), folder)
        return 0
    cities = names.listed_cities(args.city, args.cities)
    requests = requests_of(cities, args)
    if args.dry_run:  # beside another one that works
        listed = engine.bills(requests, with_gpu)
        engine.tell(listed)
        return status_of(cities, listed)
    doing = "the cluster's work on these results"
    with locks.hold(folder / ".lock", doing, for_children=True):
        listed = engine.bills(requests, with_gpu)
        engine.tell(listed)
        if not any(map(engine.to_do, listed.values())):
            return status_of(cities, listed)
        profiles.require_queue(profiles.find(args.profile))
        requests = [request for request in requests if request.city in listed]
        carry_out_rounds(requests, args)
        done = engine.tell_end(requests, folder, with_gpu)
    if not done or len(listed) < len(cities):
        return 1
    # The page over all cities and runs is made once, when they are done.
    compare = [sys.executable, ROOT / "code" / "97_compare_runs.py", *common_words(args)]
    return subprocess.run(compare).returncode


def status_of(cities: list[str], taken_on: Collection[str]) -> int:
    """Exit status where nothing is started: 0, 1 where a city was left out, 2 where all were."""
    return 2 if not taken_on else int(len(taken_on) < len(cities))


def carry_out_rounds(requests: list[Request], args: argparse.Namespace) -> None:
    """Each round once the one before it is done for all cities; one city needs but one."""
    for request in requests:
        engine.lay_on(args.scratch, request.paths)
    for number in (tasks.ALONE, tasks.COMPARED) if len(requests) > 1 else ():
        # A city that stopped is not waited for by the others.
        requests = carry_out_round(requests, args, number)
    carry_out_round(requests, args, tasks.SHOWN)


def carry_out_round(
    requests: list[Request], args: argparse.Namespace, number: int
) -> list[Request]:
    """What there is to do for some cities up to the end of a round; those that came to it."""
    folder = engine.folder_of(args.results or ROOT / "results")
    profile = profiles.find(args.profile)
    begun = []
    for request in requests:
        with engine.leaving_out(request.city):
            listed = engine.ask(request, profiles.has_gpus(profile), number)
            engine.write_down(request, listed, folder)
            engine.set_marks(request, listed, folder)
            begun.append(request)
    again = [sys.executable, __file__, *common_words(args), "--profile", str(profile)]
    if begun:
        engine.snakemake(begun, folder, profile, [*again, "--round", str(number), "--ask"])
    return [request for request in begun if engine.is_done(request, folder)]


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: carry_out(args))


if __name__ == "__main__":
    raise SystemExit(main())
