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
from pathlib import Path

from urbancam.workflow import catalogue, cluster, locks, names, profiles, runner, scripts, tasks
from urbancam.workflow.job import Request
from urbancam.workflow.paths import ROOT

STATUS = "90_show_status"  # takes the words that all scripts take


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("city", nargs="*", help="cities; cities: the experiment that tells them apart")
    add("--cities", type=Path, metavar="FILE", help="a CSV with a column city: further cities")
    add("--profile", default="local", metavar="NAME", help="a folder of cluster/ or a path")
    add("--run", default="default", metavar="NAME", help="a file in code/config/")
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
    words = ["--run", args.run]
    for assignment in args.set:
        words += ["--set", assignment]
    words += ["--data", str(args.data.resolve())] if args.data else []
    return words + (["--results", str(args.results.resolve())] if args.results else [])


def request_of(city: str, args: argparse.Namespace) -> Request:
    """What a script would be asked for if it were called for a city.

    Raises:
        InputError: The run is none, or the city's name looks like a command.
    """
    names.require_run(args.run)
    words = ["--city", city, *common_words(args)]
    request = runner.read_request(scripts.load(STATUS).parse_args(words))
    paths = request.paths
    if catalogue.experiment_of(city) == catalogue.INCOME:
        names.refuse_misspelt(city, paths)
    return request


def carry_out(args: argparse.Namespace) -> int:
    """What there is to do, said or done, and what it left."""
    folder = cluster.folder_of(args.results or ROOT / "results")
    with_gpu = profiles.has_gpus(profiles.find(args.profile))
    if args.ask:
        request = request_of(args.ask, args)
        cluster.write_down(request, cluster.ask(request, with_gpu, args.round), folder)
        return 0
    requests = [request_of(city, args) for city in cluster.listed_cities(args.city, args.cities)]
    if args.dry_run:  # beside another one that works
        cluster.tell({each.city: cluster.bill(each, requests, with_gpu) for each in requests})
        return 0
    with locks.hold(folder / ".lock", "the cluster's work on these results"):
        listed = {each.city: cluster.bill(each, requests, with_gpu) for each in requests}
        cluster.tell(listed)
        if not any(map(cluster.to_do, listed.values())):
            return 0
        profiles.require_queue(profiles.find(args.profile))
        carry_out_rounds(requests, args)
        done = cluster.tell_end(requests, folder, with_gpu)
    # The page over all cities and runs is made once, when they are done.
    compare = [sys.executable, ROOT / "code" / "97_compare_runs.py", *common_words(args)]
    return subprocess.run(compare).returncode if done else 1


def carry_out_rounds(requests: list[Request], args: argparse.Namespace) -> None:
    """Each round once the one before it is done for all cities; one city needs but one."""
    folder = cluster.folder_of(args.results or ROOT / "results")
    for request in requests if args.scratch else ():
        cluster.lay_on(args.scratch, request.paths)
    for number in (tasks.ALONE, tasks.COMPARED) if len(requests) > 1 else ():
        carry_out_round(requests, args, number)
        # A city that stopped is not waited for by the others.
        requests = [request for request in requests if cluster.is_done(request, folder)]
    carry_out_round(requests, args, tasks.SHOWN)


def carry_out_round(requests: list[Request], args: argparse.Namespace, number: int) -> None:
    """What there is to do for some cities up to the end of a round."""
    folder = cluster.folder_of(args.results or ROOT / "results")
    profile = profiles.find(args.profile)
    for request in requests:
        listed = cluster.ask(request, profiles.has_gpus(profile), number)
        cluster.write_down(request, listed, folder)
        cluster.set_marks(request, listed, folder)
    again = [sys.executable, __file__, *common_words(args), "--profile", str(profile)]
    if requests:
        cluster.snakemake(requests, folder, profile, [*again, "--round", str(number), "--ask"])


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: carry_out(args))


if __name__ == "__main__":
    raise SystemExit(main())
