"""What a run of the cities experiment is expected to take, before it trains."""

import shutil
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from samples import run_script
from urbancam.cities import counts, pixels
from urbancam.workflow.paths import Paths
from urbancam.workflow.planning import costs, rates
from urbancam.workflow.settings import settings

SET = [
    "cities.folds=3",
    "cities.patch_px=48",
    "cities.stride_px=24",
    "cities.image.size_px=32",
    "cities.variants=[]",
    "cities.training.epochs=2",
    "cities.training.batches_per_epoch=null",
]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory) -> Paths:
    """Two cities of three sites of 96 x 72 px: 3 x 2 patches each, through step 22."""
    folder = tmp_path_factory.mktemp("costs")
    paths = Paths(folder / "data", folder / "results", "cities", "demo")
    for number in range(6):
        path = paths.cities_data / "ab"[number % 2] / f"site{number}" / "0.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(
            np.random.default_rng(number).integers(0, 256, (72, 96, 3), dtype=np.uint8)
        ).save(path)
    for step in ("21", "22"):
        assert run_script(step, *words(paths)) == 0
    return paths


def words(paths: Paths, *more: str) -> list:
    asked = [word for assignment in [*SET, *more] for word in ("--set", assignment)]
    return [
        "--run",
        "demo",
        "--data",
        paths.data,
        "--results",
        paths.results,
        "--workers",
        "1",
        *asked,
    ]


def expected_costs(paths: Paths, *more: str) -> costs.Costs:
    return counts.expected_costs(settings.load("demo", [*SET, *more]), paths)


def test_training_passes_every_patch_that_trains_in_every_epoch_of_every_fold(indexed):
    got = expected_costs(indexed)
    roles = pd.read_parquet(indexed.patches).filter(regex="^role_")
    assert got.count == 36 and got.networks == 3
    assert got.trained_images == 2 * (roles == "train").sum().sum()
    looked = 2 * (roles == "validation").sum().sum() + 3 * (roles == "test").sum().sum()
    passes = got.trained_images + rates.LOOK_SHARE * looked
    megapixels = 0.032**2
    assert got.training_s == pytest.approx(passes * rates.NETWORKS["resnet18"].train_s * megapixels)


def test_variants_train_their_own_folds(indexed):
    one = expected_costs(indexed)
    got = expected_costs(
        indexed, "cities.variants=[colour-grey, colour-jitter]", "cities.variant_folds=2"
    )
    assert got.networks == 7 and got.trained_images == pytest.approx(one.trained_images * 7 / 3)
    weights = [costs_of.disk_bytes["weights"] for costs_of in (got, one)]
    assert weights[0] == pytest.approx(weights[1] * 7 / 3)


def test_drawn_batches_are_an_epoch_and_a_network_of_others_is_not_trained(indexed):
    drawn = expected_costs(
        indexed, "cities.training.batches_per_epoch=5", "cities.training.batch_size=4"
    )
    assert drawn.trained_images == 3 * 2 * 5 * 4
    assert expected_costs(indexed, "cities.checkpoint=model_80.pth").trained_images == 0


def test_cache_is_what_opening_the_patches_writes(indexed):
    cities = settings.load("demo", SET).cities
    expected = expected_costs(indexed).disk_bytes["cache"]
    pixels.open_patches(indexed, pd.read_parquet(indexed.patches), cities.patch_px, cities.image, 1)
    (cache,) = indexed.cache.glob("*.npy")
    assert np.load(cache, mmap_mode="r").nbytes == expected
    assert expected_costs(indexed).disk_bytes["cache"] == 0


def expect(paths: Paths, *more: str) -> int:
    return run_script("90", "--city", "cities", "--expect", *words(paths, *more))


def test_disk_and_time_are_told_before_training(indexed, capsys):
    assert expect(indexed) == 0
    told = capsys.readouterr().out
    assert "36 patches" in told and "GB are free" in told and "3 networks" in told


def test_disk_too_small_is_refused_with_what_to_do(indexed, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(1000))
    assert expect(indexed) == 2 and "name another folder with --results" in capsys.readouterr().err


def test_nothing_indexed_is_told(tmp_path, capsys):
    assert expect(Paths(tmp_path, tmp_path)) == 2 and "22_index_patches" in capsys.readouterr().err
