"""The work of cities over an engine that puts it in order: what it is told, and what it left.

All of it lies in `results/.cluster/`, on the disk that all machines share: `tasks/<city>.json`,
`marks/` (see `tasks`) and `logs/`. The engine's rules and profiles are in `cluster/`.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from urbancam.workflow import catalogue
from urbancam.workflow.cluster import profiles, tasks
from urbancam.workflow.cluster.tasks import Task
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.machine import interrupts
from urbancam.workflow.messages import log
from urbancam.workflow.paths import ROOT, Paths, display_path
from urbancam.workflow.planning import costs, plan, resources
from urbancam.workflow.running.job import Request
from urbancam.workflow.settings import other_cities

SNAKEMAKE = ROOT / ".venv-cluster" / "bin" / "snakemake"


@contextlib.contextmanager
def leaving_out(city: str) -> Iterator[None]:
    """What is at fault with a city is told and ends its part alone: the others go on."""
    try:
        yield
    except InputError as error:
        log.error("error: %s is left out: %s", city, error)


def folder_of(results: Path) -> Path:
    """Where tasks, marks and logs lie."""
    return results.resolve() / ".cluster"


def lay_on(scratch: Path | None, paths: Paths) -> None:
    """Let a city's images and cache lie on another disk, behind links in the results.

    Those that are in the results already stay there.

    Args:
        scratch: Folder that all machines see; None for the results themselves.
        paths: The city's paths.
    """
    for folder in (paths.images, paths.cache):
        if folder.is_symlink():  # of an earlier call; such disks are emptied from time to time
            folder.resolve().mkdir(parents=True, exist_ok=True)
        elif scratch and not folder.exists():
            # Below the whole path, so that two folders of results share nothing.
            place = scratch.resolve().joinpath(*folder.resolve().parts[1:])
            place.mkdir(parents=True, exist_ok=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.symlink_to(place)


def ask(request: Request, with_gpu: bool, last: int = tasks.SHOWN) -> list[Task]:
    """The tasks of a city as they stand now, with what each asks for.

    Args:
        request: For the city.
        with_gpu: Whether there are GPUs to ask for.
        last: The round up to which they are wanted.
    """
    listed = tasks.up_to_round(tasks.list_tasks(request), last, request.settings)
    listed = tasks.without_needs_of_done(listed)
    left_out = any(map(tasks.is_of_city_left_out, listed))
    others = other_cities.of_same_value(request.paths) if left_out else []
    return _with_resources(listed, request, others, with_gpu)


def bills(requests: list[Request], with_gpu: bool) -> dict[str, list[Task]]:
    """City -> its tasks, of all that may be taken on; a city at fault is told and left out.

    Args:
        requests: One for each city of the call.
        with_gpu: Whether there are GPUs to ask for.
    """
    listed = {}
    for request in requests:
        with leaving_out(request.city):
            of_city = bill(request, requests, with_gpu)
            _refuse_what_no_job_makes(of_city, request)
            listed[request.city] = of_city
    return listed


def bill(request: Request, requests: list[Request], with_gpu: bool) -> list[Task]:
    """The tasks of a city, with those that come once the other cities of the call are at hand.

    Args:
        request: For the city.
        requests: One for each city of the call.
        with_gpu: Whether there are GPUs to ask for.
    """
    listed = ask(request, with_gpu)
    income = catalogue.experiment_of(request.city) == catalogue.INCOME
    if not (income and plan.wants_city_left_out(request.settings)):
        return listed
    to_come = other_cities.to_come(request.paths, [other.paths for other in requests])
    if not to_come:
        return listed
    # What is done stays: a city that never comes would have it told as missing at every call.
    kept = [task for task in listed if task.is_done or not tasks.is_of_city_left_out(task)]
    done = {task.mark for task in kept}
    left_out = [task for task in tasks.of_city_left_out(request) if task.mark not in done]
    others = [*other_cities.of_same_value(request.paths), *to_come]
    return kept + _with_resources(left_out, request, others, with_gpu)


def _refuse_what_no_job_makes(listed: list[Task], request: Request) -> None:
    """Raise if a job would fail, however often it is tried, since its script refuses the work."""
    refused = [task for task in listed if task.is_refused]
    if not refused:
        return
    raise InputError(
        f"no job would make again {len(refused)} of its results, first: {refused[0].reason}",
        refused[0].mark,
        f"./run.sh status {request.city} --run {request.args.run} tells of all",
    )


def _with_resources(
    listed: list[Task], request: Request, others: list[Paths], with_gpu: bool
) -> list[Task]:
    """The tasks with what each asks for; that of a city left out looks at all others too."""
    settings = request.settings
    cells = resources.count_cells(request.paths, settings)
    of_all = cells + sum(resources.count_cells(city, settings) for city in others)
    image_px = costs.image_px(settings, request.paths)

    def asked_for(task: Task) -> resources.Resources:
        seen = of_all if tasks.is_of_city_left_out(task) else cells
        city = (task.entry, settings, seen, image_px)
        return resources.of_cache(*city) if task.fills_cache else resources.of_step(*city, with_gpu)

    return [replace(task, resources=asked_for(task)) for task in listed]


def write_down(request: Request, listed: list[Task], folder: Path) -> None:
    """Write the tasks of a city where Snakemake reads them."""
    with atomic(folder / "tasks" / f"{request.paths.city_folder.name}.json") as path:
        path.write_text(json.dumps([asdict(task) for task in listed]))


def set_marks(request: Request, listed: list[Task], folder: Path) -> None:
    """Let the marks of a city say how its tasks stand; not while Snakemake runs, lest a job that
    ends meanwhile lose its own."""
    tasks.keep_marks(listed, folder / "marks")
    of_city = folder / "marks" / request.paths.city_folder.name
    of_city.mkdir(parents=True, exist_ok=True)
    (of_city / "all").unlink(missing_ok=True)
    # Once images are cut the variants are known, and Snakemake need not ask again.
    settled = all(task.is_done for task in listed if task.entry.settles_variants)
    (of_city / "settled").unlink(missing_ok=True)
    if settled:
        (of_city / "settled").touch()


def snakemake(requests: list[Request], folder: Path, profile: Path, ask_again: list[str]) -> None:
    """Let Snakemake put the tasks of cities in order; what fails does not stop the others.

    Args:
        requests: One for each city.
        folder: Where tasks, marks and logs are.
        profile: Folder of the profile.
        ask_again: Command that, with a city's name behind it, asks for its tasks once more.

    Raises:
        InputError: Snakemake is not installed.
        KeyboardInterrupt: The call was to end; Snakemake has ended.
    """
    if not SNAKEMAKE.is_file():
        raise InputError("there is no Snakemake", SNAKEMAKE, "call ./run.sh cluster, which has it")
    config = {
        "cities": {request.paths.city_folder.name: request.city for request in requests},
        "python": sys.executable,
        "ask": ask_again,
        "jobs": profiles.of_jobs(profile),
    }
    with atomic(folder / "config.json") as path:
        path.write_text(json.dumps(config))
    command = [SNAKEMAKE, "--snakefile", profiles.HERE / "Snakefile", "--directory", folder]
    # What the profile says to our Snakefile lies in that file. An empty `--config` stands for its
    # section: Snakemake would write it into each call of sbatch, whose shell reads $ and ".
    command += ["--profile", profile, "--configfile", folder / "config.json", "--config"]
    # Marks tell what is done; the lock of this call, which it holds too, keeps a second one away.
    command += ["--keep-going", "--rerun-incomplete", "--rerun-triggers", "mtime", "--nolock"]
    command += profiles.limits_at_once(profile)
    interrupts.run_to_its_end(command, profiles.environment(profile))


def to_do(listed: list[Task]) -> list[Task]:
    return [task for task in listed if not task.is_done]


def tell(listed: dict[str, list[Task]]) -> None:
    """What there is to do for each city, and all together.

    Args:
        listed: Tasks by city.
    """
    for city, of_city in listed.items():
        asked = [task.resources for task in to_do(of_city)]
        log.info("%s: %s", city, resources.in_words(asked) if asked else "nothing to do")
    # What serves all cities is done once.
    once = {task.mark: task.resources for of_city in listed.values() for task in to_do(of_city)}
    if len(listed) > 1 and once:
        log.info("all %d cities: %s", len(listed), resources.in_words([*once.values()]))
    if once:
        log.info("(computed from the counts of cells and the rates of docs/performance.md;")
        log.info(" archives of imagery, where any are fetched, come on top)")


def tell_end(requests: list[Request], folder: Path, with_gpu: bool) -> bool:
    """What is done, and where a city stopped.

    Returns:
        Whether every city is done.
    """
    done = {}
    for request in requests:
        with leaving_out(request.city):
            done[request.city] = _tell_end_of(request, folder, with_gpu)
    return len(done) == len(requests) and all(done.values())


def _tell_end_of(request: Request, folder: Path, with_gpu: bool) -> bool:
    missing = to_do(ask(request, with_gpu))
    logs = [place for task in missing for place in logs_of(task, folder)]
    if not missing:
        log.info("%s: done, %s", request.city, display_path(request.paths.run_folder))
    elif logs:
        log.error("%s: stopped, see %s", request.city, " and ".join(map(display_path, logs[:2])))
    else:
        log.error("%s: %d jobs are left; start again to go on", request.city, len(missing))
    return not missing


def logs_of(task: Task, folder: Path) -> list[Path]:
    """What is written about a task that was not done: its own lines, and those of the queue that
    ended it."""
    own = folder / "logs" / f"{task.mark}.log"
    _, rule = task.script.split("_", 1)
    city, run, variant, _, fold = task.mark.split("/")
    # As the executor for Slurm names them; it keeps those of jobs that failed.
    of_rule = folder / ".snakemake" / "slurm_logs" / f"rule_{rule}"
    of_queue = [*(of_rule / "_".join([city, run, variant, fold])).glob("*.log")]
    # That of a group of steps names the lines of those that it began.
    of_groups = of_rule.parent.glob("group_*/**/*.log")
    of_queue += [
        place for place in of_groups if f"logs/{task.mark}.log" in place.read_text(errors="replace")
    ]
    last = sorted(of_queue, key=lambda place: place.stat().st_mtime)[-1:]
    return [own, *last] if own.is_file() else last


def is_done(request: Request, folder: Path) -> bool:
    """Whether all of a city that was to be done in the round before was done."""
    return (folder / "marks" / request.paths.city_folder.name / "all").exists()
