"""What disk and time a run will still take: rates of the catalogue and of networks times counts;
orders of magnitude."""

from dataclasses import dataclass, field
from pathlib import Path

from urbancam.workflow import campaigns, catalogue, plan, variants
from urbancam.workflow.paths import Paths
from urbancam.workflow.sections import Model, Training
from urbancam.workflow.settings import Settings

USUAL_CELLS = 10_000  # of a city that what comparisons cost is told for
LOOK_SHARE = 0.3  # of the time to train on an image, to look at it; measured 0.21 to 0.34 (ResNets)

PLANT_LOOKS = 2.5  # of planted rules at each cell: features, maps, and half a look to sum these up


@dataclass(frozen=True)
class NetworkRate:
    """What a backbone costs.

    Attributes:
        train_s: Seconds of one core for a megapixel through the network and back.
        weights_bytes: Bytes of its weights.
    """

    train_s: float
    weights_bytes: float


# EfficientNet-B0 measured on 192 px; the others by the multiply-adds a pixel and the parameters of
# Tan & Le 2019, table 2. ResNet-18 and 50 measured on 224 px; 34 and 101 by the operations that
# torchvision gives.
B0_S = 0.06 / 0.192**2
NETWORKS = {
    "efficientnet-b0": NetworkRate(B0_S, 16e6),
    "efficientnet-b1": NetworkRate(1.6 * B0_S, 26e6),
    "efficientnet-b2": NetworkRate(1.9 * B0_S, 31e6),
    "efficientnet-b3": NetworkRate(2.6 * B0_S, 43e6),
    "efficientnet-b4": NetworkRate(3.7 * B0_S, 70e6),
    "efficientnet-b5": NetworkRate(6.1 * B0_S, 114e6),
    "efficientnet-b6": NetworkRate(8.8 * B0_S, 164e6),
    "efficientnet-b7": NetworkRate(13.2 * B0_S, 256e6),
    "resnet18": NetworkRate(0.07 / 0.224**2, 45e6),
    "resnet34": NetworkRate(0.14 / 0.224**2, 85e6),
    "resnet50": NetworkRate(0.25 / 0.224**2, 94e6),
    "resnet101": NetworkRate(0.48 / 0.224**2, 170e6),
}


@dataclass(frozen=True)
class Costs:
    """What is still to be written, and what is to be computed.

    Attributes:
        unit: What is counted: "cells" or "patches".
        count: How many of them the run has.
        image_px: Side of an image as the network sees it.
        disk_bytes: Still to be written, by what it is.
        networks: Still to be trained, of the run and its variants.
        trained_images: Passes through networks and back over all epochs, at most.
        training_s: Seconds of one core for these, for validating and for testing.
        comparisons: Networks of each variant among them.
        cutting_s: Seconds of one core for cutting images.
        plants_s: Seconds of one core for planted rules on frozen features.
    """

    unit: str
    count: int
    image_px: int
    networks: int
    trained_images: float
    training_s: float
    comparisons: dict[str, int] = field(default_factory=dict)
    cutting_s: float = 0
    plants_s: float = 0
    disk_bytes: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FoldSizes:
    """Images that train, validate and test in a fold, means over the folds."""

    train: float
    validation: float
    test: float


def of_income(settings: Settings, paths: Paths, cells: int) -> Costs:
    """The costs of a city's run and its variants.

    Args:
        settings: Settings of the run.
        paths: Paths of the city and run.
        cells: How many cells the city has.
    """
    split = settings.split
    in_training = cells * (1 - 1 / split.folds)
    validation = in_training * split.validation_fraction
    sizes = FoldSizes(in_training - validation, validation, cells / split.folds)
    names = plan.variants_of_income(settings, paths.images_table)
    folds = {"": settings.folds_trained}
    folds |= {name: _variant_folds(name, settings) for name in names}
    missing = _missing_networks(folds, paths)
    network_count, trained, training_s = _training(
        settings.model, settings.training, settings.image.size_px, sizes, sum(missing.values()), 1
    )

    cutting = catalogue.find("05_cut_images")
    megapixels = 0 if paths.images_table.is_file() else cells * (settings.image_px / 1000) ** 2
    images_bytes = megapixels * cutting.bytes_per_megapixel - _size_of(paths.images)
    cache_megapixels = cells * (settings.image.size_px / 1000) ** 2
    training = catalogue.find("11_train_income")
    cache_bytes = cache_megapixels * training.bytes_per_megapixel
    # A larger one is not kept (learning/images.py).
    is_kept = network_count and cache_bytes / 1e9 <= settings.cache_gb
    missing_cache_bytes = max(cache_bytes - _size_of(paths.cache), 0) if is_kept else 0
    plants_s = _frozen_plants_s(settings, cache_megapixels)
    return Costs(
        "cells",
        cells,
        settings.image.size_px,
        network_count,
        trained,
        training_s,
        {name: count for name, count in missing.items() if name},
        cutting_s=megapixels * cutting.core_s_per_megapixel,
        plants_s=0 if paths.table("recovery").is_file() else plants_s,
        disk_bytes={
            "images": max(images_bytes, 0),
            "cache": missing_cache_bytes,
            "weights": network_count * _rate(settings.model).weights_bytes,
        },
    )


def _variant_folds(name: str, settings: Settings) -> int:
    """How many networks a variant trains: as many as the run, but where campaigns are left out."""
    by_campaign = name == variants.split_name("campaign")
    folds = campaigns.SIDES if by_campaign else settings.folds_trained
    return min(settings.compare.folds or folds, folds)


def of_cities(
    settings: Settings,
    paths: Paths,
    patches: int,
    sizes: FoldSizes,
    variant_names: list[str],
    cache_bytes: int,
) -> Costs:
    """The costs of a run of the cities experiment and its variants, whose folds are taken to be as
    large as the run's.

    Args:
        settings: Settings of the run.
        paths: Paths of the run.
        patches: How many patches the run has.
        sizes: Sizes of its folds.
        variant_names: Variants that are trained too.
        cache_bytes: Bytes of decoded images that are not in the cache yet.
    """
    cities = settings.cities
    folds = {name: cities.of_variant(name).folds_trained for name in ("", *variant_names)}
    training = cities.training
    if cities.checkpoint:
        training = training.model_copy(update={"epochs": 0})
    test_looks = 3  # each test patch is shown as it is, jittered and grey
    missing = _missing_networks(folds, paths)
    network_count, trained, training_s = _training(
        cities.model, training, cities.image.size_px, sizes, sum(missing.values()), test_looks
    )
    return Costs(
        "patches",
        patches,
        cities.image.size_px,
        network_count,
        trained,
        training_s,
        {name: count for name, count in missing.items() if name},
        disk_bytes={
            "cache": cache_bytes,
            "weights": network_count * _rate(cities.model).weights_bytes,
        },
    )


def _training(
    model: Model,
    training: Training,
    size_px: int,
    sizes: FoldSizes,
    networks: int,
    test_looks: int,
) -> tuple[int, float, float]:
    """Networks, passes through them and back, and seconds of one core for all that they see."""
    epoch = sizes.train
    if training.batches_per_epoch:
        epoch = training.batches_per_epoch * training.batch_size
    trained = networks * training.epochs * epoch
    looked = networks * (training.epochs * sizes.validation + test_looks * sizes.test)
    megapixels = (size_px / 1000) ** 2
    train_s = _rate(model).train_s * megapixels
    return networks, trained, (trained + LOOK_SHARE * looked) * train_s


def _frozen_plants_s(settings: Settings, megapixels: float) -> float:
    """Seconds of one core for planted rules on the features of one network.

    Every cell is looked at twice, whatever their number; that the maps of 20 rules are summed up
    by class took half as long as a look (512 px).
    """
    if not settings.planted.plants:
        return 0.0
    return PLANT_LOOKS * LOOK_SHARE * _rate(settings.model).train_s * megapixels


def _missing_networks(folds: dict[str, int], paths: Paths) -> dict[str, int]:
    """How many networks are still to be trained: variant -> those whose weights are not there.

    Args:
        folds: Variant ("" for the run itself) -> folds that are trained.
        paths: Paths of the run.
    """
    missing = {
        name: sum(not paths.of_variant(name).weights(fold).is_file() for fold in range(count))
        for name, count in folds.items()
    }
    return {name: count for name, count in missing.items() if count}


def _rate(model: Model) -> NetworkRate:
    """The rate of a backbone; of one that was not measured that of EfficientNet-B0."""
    return NETWORKS.get(model.backbone, NETWORKS["efficientnet-b0"])


def _size_of(folder: Path) -> int:
    """Bytes of the files in a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0


def in_words(costs: Costs, workers: int, free_bytes: int) -> list[str]:
    """The costs in two sentences, and in a third what each comparison has of them.

    Args:
        costs: To be told.
        workers: Processes that share the work.
        free_bytes: Free bytes of the disk.
    """
    if not (costs.networks or costs.cutting_s or costs.plants_s or sum(costs.disk_bytes.values())):
        return [f"expects nothing more for {costs.count:,} {costs.unit}: all is cut and trained"]
    disk = ", ".join(
        f"{size / 1e9:.1f} GB more of {what}" for what, size in costs.disk_bytes.items()
    )
    work = [f"cutting {duration(costs.cutting_s / workers)}"] if costs.cutting_s else []
    if costs.networks:
        work.append(
            f"training {costs.networks} networks on at most {costs.trained_images:,.0f} images of "
            f"{costs.image_px} px, {duration(costs.training_s / workers)}"
        )
    if costs.plants_s:
        work.append(f"rules on frozen features {duration(costs.plants_s / workers)}")
    compared = [_comparison_words(costs, workers)] if costs.comparisons else []
    return [
        f"expects for {costs.count:,} {costs.unit}: {disk}; {free_bytes / 1e9:.0f} GB are free"
        + " (imagery archives come on top)" * bool(costs.cutting_s),
        f"expects with {workers} processes: {'; '.join(work)} on this CPU (a GPU is far faster)"
        if work
        else "expects no network to train",
        *compared,
    ]


def _comparison_words(costs: Costs, workers: int) -> str:
    """What each variant costs, and what it would cost a city of `USUAL_CELLS`: training grows with
    the cells."""
    network_s = costs.training_s / costs.networks / workers
    parts = []
    for name, count in costs.comparisons.items():
        noun = "network" if count == 1 else "networks"
        words = f"{name} {count} {noun}, {duration(count * network_s)}"
        if costs.unit == "cells" and costs.count not in (0, USUAL_CELLS):
            usual_s = count * network_s * USUAL_CELLS / costs.count
            words += f" ({duration(usual_s)} for a city of {USUAL_CELLS:,} cells)"
        parts.append(words)
    return f"expects of these for each comparison: {'; '.join(parts)}"


def duration(seconds: float) -> str:
    """A time in words: "40 s", "12 min", "31 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
