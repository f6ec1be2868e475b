"""How much of a machine a task asks a cluster for: cores, memory, time, disk, a GPU.

Rates of the cost model times a city's own counts, with room: a queue ends what takes longer than it
asked for, and what then is tried again asks for more.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from urbancam.workflow import catalogue
from urbancam.workflow.files import read_json
from urbancam.workflow.folder_names import folder_name
from urbancam.workflow.machine.memory import CUTTING_MB
from urbancam.workflow.paths import ROOT, Paths
from urbancam.workflow.planning import costs, rates
from urbancam.workflow.records.steps import record_path
from urbancam.workflow.settings import feature_sets
from urbancam.workflow.settings.cities_sections import Cities
from urbancam.workflow.settings.settings import Settings

TABLES_S = 0.01  # of a core for a cell's tables
COUNTS = ROOT / "cluster" / "functional_urban_areas.csv"
ROOM = 3  # times the estimate: rates are orders of magnitude
LEAST_MINUTES = 10
DOWNLOAD_MINUTES = 480  # ASSUME: of one that fetches; servers set its pace, and may take a night
BASE_MB = 2_000  # libraries, settings and small tables
TABLES_KB = 30  # a cell's part of all tables in memory
DOWNLOAD_MB = 2_000  # more of one that fetches: the census of all France took 2,600 in all
NETWORK_MB = 6_000  # of a process that runs networks
DECODING_MB = 1_000  # of a process that decodes images: rows of the cache that are not written yet
CORES = 4  # of a job that has several processes
GPU_SPEED = 20  # ASSUME: times a core's speed at networks; not measured


@dataclass(frozen=True)
class Resources:
    """What a job asks for, in the words of Snakemake.

    Attributes:
        cores: Cores, and processes of the script.
        mem_mb: Memory.
        runtime: Minutes.
        disk_mb: Written to the results.
        gpu: GPUs, 0 or 1.
        downloads: Places in the queue of those that fetch, 0 or 1.
    """

    cores: int
    mem_mb: int
    runtime: int
    disk_mb: int
    gpu: int
    downloads: int


GROWS = ("mem_mb", "runtime")  # what a task asks more of when it is tried again


def count_cells(paths: Paths, settings: Settings) -> int:
    """Cells of a city: its own where they are selected, those of the list of cities else. Of the
    cities experiment its patches."""
    if catalogue.experiment_of(paths.city) == catalogue.CITIES:
        return _count_patches(paths, settings.cities)
    record = read_json(record_path(paths.cells)) or {}
    if counted := record.get("counts", {}).get("cells"):
        return counted
    return listed_cells().get(folder_name(paths.city), costs.USUAL_CELLS)


def _count_patches(paths: Paths, cities: Cities) -> int:
    """Patches as they are indexed, else as many as the images of the sites hold."""
    record = read_json(record_path(paths.patches)) or {}
    if counted := record.get("counts", {}).get("patches"):
        return counted
    if not paths.sites.is_file():
        return costs.USUAL_CELLS
    with paths.sites.open(encoding="utf-8", newline="") as file:
        sizes = [(int(row["width_px"]), int(row["height_px"])) for row in csv.DictReader(file)]
    steps = [[(px - cities.patch_px) // cities.stride_px + 1 for px in size] for size in sizes]
    return sum(max(across, 0) * max(down, 0) for across, down in steps)


def listed_cells(table: Path = COUNTS) -> dict[str, int]:
    """Cells of the functional urban areas, by folder name."""
    with table.open(encoding="utf-8", newline="") as file:
        return {folder_name(row["city"]): int(row["n_cells"]) for row in csv.DictReader(file)}


def of_step(
    entry: catalogue.Entry, settings: Settings, cells: int, image_px: int, with_gpu: bool
) -> Resources:
    """What one call of a step asks for.

    Args:
        entry: The step; of one with folds, one fold.
        settings: Settings of the run.
        cells: Of the city; of the cities experiment, patches.
        image_px: Pixels a side of a cell's image on disk.
        with_gpu: Whether there are GPUs to ask for.
    """
    gpu = int(with_gpu and entry.takes_gpu)
    seconds = core_seconds(entry, settings, cells, image_px)
    several = entry.takes_gpu or entry.core_s_per_megapixel > 0
    cores = CORES if several else 1
    speed = cores * (GPU_SPEED if gpu else 1)
    memory = BASE_MB + cells * TABLES_KB / 1000
    memory += DOWNLOAD_MB if entry.downloads else 0
    memory += _network_mb(entry, settings, gpu)
    memory += cores * CUTTING_MB if entry.core_s_per_megapixel else 0
    return Resources(
        cores=cores,
        mem_mb=math.ceil(memory),
        runtime=_least_minutes(entry.downloads) + math.ceil(ROOM * seconds / speed / 60),
        disk_mb=math.ceil(disk_bytes(entry, settings, cells, image_px) / 1e6),
        gpu=gpu,
        downloads=int(entry.downloads),
    )


def _least_minutes(downloads: bool) -> int:
    return DOWNLOAD_MINUTES if downloads else LEAST_MINUTES


def _network_mb(entry: catalogue.Entry, settings: Settings, gpu: int) -> float:
    """Memory of the process that runs a step's networks; on cores a training holds its batch."""
    if not entry.takes_gpu:
        return 0
    if gpu or not entry.takes_fold:
        return NETWORK_MB
    section = settings.cities if entry.experiment == catalogue.CITIES else settings
    return max(NETWORK_MB, rates.training_mb(section.training, section.image))


def of_cache(entry: catalogue.Entry, settings: Settings, cells: int, image_px: int) -> Resources:
    """What decoding the images that all folds of a step read asks for; arguments as of `of_step`.

    Images that would take more than `cache_gb` are not kept: they are decoded by the folds.
    """
    section = settings.cities if entry.experiment == catalogue.CITIES else settings
    kept = cells * (section.image.size_px / 1000) ** 2 * entry.bytes_per_megapixel
    is_kept = kept / 1e9 <= settings.cache_gb
    seconds = is_kept * cells * (image_px / 1000) ** 2 * rates.DECODE_S
    return Resources(
        cores=CORES,
        mem_mb=math.ceil(BASE_MB + DECODING_MB + cells * TABLES_KB / 1000),
        runtime=LEAST_MINUTES + math.ceil(ROOM * seconds / CORES / 60),
        disk_mb=math.ceil(is_kept * kept / 1e6),
        gpu=0,
        downloads=0,
    )


def on_attempt(wanted: int, attempt: int, at_most: int | None) -> int:
    """What a task asks for when it is tried for the first, second, .. time, of what grows.

    Args:
        wanted: What it asks for at first.
        attempt: 1, 2, ..
        at_most: What the cluster gives one job; None where the profile does not say.
    """
    more = wanted * attempt
    return more if at_most is None else min(more, at_most)


def core_seconds(entry: catalogue.Entry, settings: Settings, cells: int, image_px: int) -> float:
    """Seconds of one core for one call of a step, by the cost model; orders of magnitude."""
    of_cities = entry.experiment == catalogue.CITIES
    if entry.takes_fold:
        return costs.fold_s(settings, cells, of_cities)
    section = settings.cities if of_cities else settings
    megapixels = (section.image.size_px / 1000) ** 2
    look_s = rates.LOOK_SHARE * rates.rate_of(section.model).train_s * megapixels
    cut_s = (image_px / 1000) ** 2 * entry.core_s_per_megapixel
    cell_s = {
        "07": sum(rates.features_s(each, megapixels) for each in feature_sets.of_run(settings)),
        "13": rates.maps_s(settings.model, megapixels),
        "17": look_s,
        "18": rates.PLANT_LOOKS * look_s,
        "25": rates.maps_s(settings.cities.model, megapixels),
    }
    seconds = cells * (TABLES_S + cut_s + cell_s.get(entry.number, 0))
    if entry.number == "16":
        seconds += rates.controls_s(settings.controls, settings.model, cells, megapixels)
    return seconds


def disk_bytes(entry: catalogue.Entry, settings: Settings, cells: int, image_px: int) -> float:
    """Bytes that one call of a step leaves, images, cache and weights; tables are small."""
    if entry.takes_fold:
        of_cities = entry.experiment == catalogue.CITIES
        return rates.rate_of(settings.cities.model if of_cities else settings.model).weights_bytes
    return cells * (image_px / 1000) ** 2 * entry.bytes_per_megapixel


def in_words(asked: list[Resources]) -> str:
    """What tasks take together: jobs, hours, gigabytes, all computed."""
    gpu_hours = sum(_hours(task) for task in asked if task.gpu)
    core_hours = sum(task.cores * _hours(task) for task in asked if not task.gpu)
    gigabytes = sum(task.disk_mb for task in asked) / 1000
    words = [f"{len(asked):,} jobs", f"{core_hours:,.0f} core hours"]
    words += [f"{gpu_hours:,.0f} GPU hours"] if gpu_hours else []
    disk = f"{gigabytes:,.1f} GB" if gigabytes < 1000 else f"{gigabytes / 1000:,.1f} TB"
    return ", ".join([*words, f"{disk} of images, cache and weights"])


def _hours(asked: Resources) -> float:
    """The estimate of a job, without the room it has and the time it may wait for servers."""
    waits = _least_minutes(bool(asked.downloads)) - LEAST_MINUTES
    return (asked.runtime - waits) / ROOM / 60
