"""What disk and time a run will still take: rates of the catalogue and of networks times counts;
orders of magnitude. `cost_words` tells them."""

from dataclasses import dataclass, field
from pathlib import Path

from urbancam.workflow import catalogue
from urbancam.workflow.files import read_json
from urbancam.workflow.paths import Paths
from urbancam.workflow.planning import plan, rates
from urbancam.workflow.records.steps import record_path
from urbancam.workflow.settings import campaigns, feature_sets, variants
from urbancam.workflow.settings.sections import Model, Training
from urbancam.workflow.settings.settings import Settings

TEST_LOOKS = 3  # in the cities experiment a test patch is shown as it is, jittered and grey
USUAL_CELLS = 10_000  # of a city that what comparisons cost is told for


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
        measuring_s: Seconds of one core for features of images.
        maps_s: Seconds of one core for activation maps, laid on land cover, of the run and its
            variants.
        controls_s: Seconds of one core for the controls of the maps.
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
    measuring_s: float = 0
    maps_s: float = 0
    controls_s: float = 0
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
    split, sizes = settings.split, _fold_sizes(settings, cells)
    names = plan.variants_of_income(settings, paths.images_table)
    folds = {"": settings.folds_trained}
    folds |= {name: _variant_folds(name, settings) for name in names}
    missing = _missing_networks(folds, paths)
    network_count, trained, training_s = _training(
        settings.model, settings.training, settings.image.size_px, sizes, sum(missing.values()), 1
    )

    cutting = catalogue.find("05_cut_images")
    megapixels = (
        0 if paths.images_table.is_file() else cells * (image_px(settings, paths) / 1000) ** 2
    )
    images_bytes = megapixels * cutting.bytes_per_megapixel - _size_of(paths.images)
    cache_megapixels = cells * (settings.image.size_px / 1000) ** 2
    training = catalogue.find("11_train_income")
    cache_bytes = cache_megapixels * training.bytes_per_megapixel
    # A larger one is not kept (learning/inputs/images.py).
    is_kept = network_count and cache_bytes / 1e9 <= settings.cache_gb
    missing_cache_bytes = max(cache_bytes - _size_of(paths.cache), 0) if is_kept else 0
    plants_s = _frozen_plants_s(settings, cache_megapixels)
    image_megapixels = (settings.image.size_px / 1000) ** 2
    controls_s = rates.controls_s(settings.controls, settings.model, cells, image_megapixels)
    mapped = _mapped_cells(folds, paths, cells, split.folds)
    return Costs(
        "cells",
        cells,
        settings.image.size_px,
        network_count,
        trained,
        training_s,
        {name: count for name, count in missing.items() if name},
        cutting_s=megapixels * cutting.core_s_per_megapixel,
        measuring_s=_measuring_s(settings, paths, cells),
        maps_s=mapped * rates.maps_s(settings.model, image_megapixels),
        controls_s=0 if paths.table("attribution_controls").is_file() else controls_s,
        plants_s=0 if paths.table("recovery").is_file() else plants_s,
        disk_bytes={
            "images": max(images_bytes, 0),
            "cache": missing_cache_bytes,
            "weights": network_count * rates.rate_of(settings.model).weights_bytes,
        },
    )


def _measuring_s(settings: Settings, paths: Paths, cells: int) -> float:
    """Seconds of one core for the features of images that are not there yet."""
    megapixels = (settings.image.size_px / 1000) ** 2
    missing = [
        features
        for features in feature_sets.of_run(settings)
        if not paths.features(features.name).is_file()
    ]
    return cells * sum(rates.features_s(features, megapixels) for features in missing)


def image_px(settings: Settings, paths: Paths) -> int:
    """Pixels a side of a cell's image on disk: of the cells that are selected, else as settings
    expect them."""
    record = read_json(record_path(paths.cells)) or {}
    side_m = record.get("facts", {}).get("side_m", settings.expected_side_m)
    return settings.image_px(side_m)


def _fold_sizes(settings: Settings, cells: int) -> FoldSizes:
    split = settings.split
    in_training = cells * (1 - 1 / split.folds)
    validation = in_training * split.validation_fraction
    return FoldSizes(in_training - validation, validation, cells / split.folds)


def fold_s(settings: Settings, count: int, of_cities: bool) -> float:
    """Seconds of one core for one fold: of cells, or of the patches of the cities experiment."""
    if not of_cities:
        sizes, looks, section = _fold_sizes(settings, count), 1, settings
    else:
        part = count / settings.cities.folds
        sizes, looks, section = FoldSizes(count - 2 * part, part, part), TEST_LOOKS, settings.cities
    return _training(section.model, section.training, section.image.size_px, sizes, 1, looks)[2]


def _mapped_cells(folds: dict[str, int], paths: Paths, cells: int, all_folds: int) -> float:
    """Cells whose maps are not there yet, of the run and of the variants that are explained.

    Args:
        folds: Variant ("" for the run itself) -> folds that are trained.
        paths: Paths of the run.
        cells: How many cells the city has.
        all_folds: In how many folds they lie.
    """
    return sum(
        cells * count / all_folds
        for name, count in folds.items()
        if catalogue.EXPLAIN in catalogue.parts_of_variant(name)
        and not paths.of_variant(name).activation.is_file()
    )


def _variant_folds(name: str, settings: Settings) -> int:
    """How many networks a variant trains: as many as the run, but where campaigns are left out."""
    by_campaign = name == variants.split_name("campaign")
    folds = campaigns.FOLDS if by_campaign else settings.folds_trained
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
    missing = _missing_networks(folds, paths)
    network_count, trained, training_s = _training(
        cities.model, training, cities.image.size_px, sizes, sum(missing.values()), TEST_LOOKS
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
            "weights": network_count * rates.rate_of(cities.model).weights_bytes,
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
    train_s = rates.rate_of(model).train_s * (size_px / 1000) ** 2
    if training.frozen:  # each image is looked at once
        looked = (sizes.train + sizes.validation + sizes.test) * bool(networks)
        return networks, looked, rates.LOOK_SHARE * looked * train_s
    virtual = training.batch_size * (training.batches_per_epoch or 0)
    epoch = virtual or sizes.train
    trained = networks * training.epochs * epoch
    looked = networks * (training.epochs * sizes.validation + test_looks * sizes.test)
    return networks, trained, (trained + rates.LOOK_SHARE * looked) * train_s


def _frozen_plants_s(settings: Settings, megapixels: float) -> float:
    """Seconds of one core for planted rules on the features of one network.

    Every cell is looked at twice, whatever their number; that the maps of 20 rules are summed up
    by class took half as long as a look (512 px).
    """
    if not settings.planted.plants:
        return 0.0
    return rates.PLANT_LOOKS * rates.LOOK_SHARE * rates.rate_of(settings.model).train_s * megapixels


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


def _size_of(folder: Path) -> int:
    """Bytes of the files in a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0
