"""What disk and time a run of the cities experiment will take; orders of magnitude, known once patches are indexed."""

import csv
from dataclasses import dataclass

from urbancam.cities import pixels
from urbancam.workflow import variants
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import Settings

# s of one core for a patch of 224 px through the network and back, and bytes of its weights; 18 and 50 measured, 34 and
# 101 by torchvision's operations of each
TRAIN_S = {"resnet18": 0.07, "resnet34": 0.14, "resnet50": 0.25, "resnet101": 0.48}
WEIGHTS_BYTES = {"resnet18": 45e6, "resnet34": 85e6, "resnet50": 94e6, "resnet101": 170e6}
LOOK_SHARE = 0.3  # of that time, for a patch that is only looked at; measured 0.21 (ResNet-50) to 0.34 (ResNet-18)
TEST_LOOKS = 3  # each test patch is shown as it is, jittered and grey


@dataclass(frozen=True)
class Costs:
    """What is still to be written, and all that is to be trained.

    Args:
        patches: in the run.
        cache_bytes: of decoded images that are not in the cache yet.
        weights_bytes: of networks that are not there yet.
        networks: of the run and its variants.
        trained_patches: passes through the networks and back, at most, over all epochs.
        core_s: seconds of one core for these, for validating and for testing.
    """

    patches: int
    cache_bytes: int
    weights_bytes: float
    networks: int
    trained_patches: float
    core_s: float


def expected_costs(settings: Settings, paths: Paths) -> Costs:
    """The costs of a run and its variants, whose folds are taken to be as large as the run's.

    Args:
        settings: of the run.
        paths: of the run; steps 21 and 22 have been done.
    """
    cities = settings.cities
    patches, train, validation, test = _count_patches(paths)
    made = {
        name: cities.of_variant(name).folds_trained
        for name in ("", *variants.names_of_cities(settings, paths.sites))
    }
    missing = sum(
        not paths.of_variant(name).weights(fold).is_file()
        for name in made
        for fold in range(made[name])
    )
    networks, backbone, epochs = sum(made.values()), cities.model.backbone, cities.training.epochs
    if cities.training.batches_per_epoch:
        train = cities.training.batches_per_epoch * cities.training.batch_size * cities.folds_split
    if cities.checkpoint:
        epochs = 0
    trained, looked = epochs * train, epochs * validation + TEST_LOOKS * test
    patch_s = TRAIN_S[backbone] * (cities.image.size_px / 224) ** 2
    share = networks / cities.folds_split  # counts are sums over the folds that the split has
    cache_bytes = pixels.missing_cache_bytes(paths, cities.patch_px, cities.image)
    return Costs(
        patches,
        cache_bytes,
        missing * WEIGHTS_BYTES[backbone],
        networks,
        share * trained,
        share * (trained + LOOK_SHARE * looked) * patch_s,
    )


def _count_patches(paths: Paths) -> list[int]:
    """All patches; those that train, validate and test, summed over folds."""
    with paths.cities_used.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    return [
        sum(int(row[column]) for row in rows)
        for column in ("patches", "train", "validation", "test")
    ]
