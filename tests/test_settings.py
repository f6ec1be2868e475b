"""Settings: overlays, assignments, and faults named all at once."""

import pytest

from urbancam import settings
from urbancam.errors import InputError
from urbancam.paths import CONFIG

RUNS = sorted(path.stem for path in CONFIG.glob("*.yaml"))


@pytest.mark.parametrize("run", RUNS)
def test_every_run_loads(run):
    assert settings.load(run).image_px >= 1


def test_overlay_changes_only_what_it_names():
    default, demo = settings.load("default"), settings.load("demo")
    assert demo.split.folds == 3 and demo.statistics == default.statistics


def test_assignment_wins_and_numbers_are_numbers():
    made = settings.load("demo", ["training.learning_rate=3e-4", "split.folds=4"])
    assert (made.training.learning_rate, made.split.folds) == (3e-4, 4)


def test_all_faults_are_named_at_once():
    with pytest.raises(InputError) as caught:
        settings.load("demo", ["split.method=hexagon", "split.folds=1", "training.epoch=3"])
    assert all(key in str(caught.value) for key in ("split.method", "split.folds", "training.epoch: unknown"))


def test_pixels_must_fill_the_cell():
    with pytest.raises(InputError, match="does not divide"):
        settings.load("demo", ["imagery.pixel_size_m=0.3"])


@pytest.mark.parametrize("bad", ["split.folds", "=3", "split.folds=[", "split=3", "split.folds=.nan"])
def test_bad_assignments_are_input_errors(bad):
    with pytest.raises(InputError):
        settings.load("demo", [bad])


def test_unknown_run_lists_the_known_ones():
    with pytest.raises(InputError, match="default, demo"):
        settings.load("nosuchrun")


def test_pick_takes_sections_and_keys():
    picked = settings.load("demo").pick("split", "image.size_px")
    split = {f"split.{key}" for key in ("method", "block_m", "folds", "trained_folds", "validation_fraction")}
    assert set(picked) == split | {"image.size_px"}
    with pytest.raises(KeyError):
        settings.load("demo").pick("image.size")


def test_every_setting_has_a_comment_with_unit_or_source():
    for line in (CONFIG / "default.yaml").read_text().splitlines():
        if line.strip() and not line.strip().endswith(":") and not line.startswith("#"):
            assert "#" in line, line
