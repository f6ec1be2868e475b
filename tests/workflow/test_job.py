"""What a work may use: the settings that its step declared, and no others."""

import argparse
import pickle

import pytest

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.running.job import Job, Request, find_paths
from urbancam.workflow.settings import settings
from urbancam.workflow.settings.section_types import UndeclaredSettingError


@pytest.fixture
def request_of_12(tmp_path) -> Request:
    args = argparse.Namespace(script="12_evaluate_income", city="Paris", run="demo", fold=None)
    return Request(settings.load("demo"), Paths(tmp_path, tmp_path, "Paris", "demo"), args)


def job_with(request: Request, *keys: str) -> Job:
    return Job(request.step(1, request.paths.predictions, keys), request)


def test_declared_settings_are_read_as_they_are(request_of_12):
    job = job_with(request_of_12, "statistics", "split.folds", "cities.image")
    assert job.settings.statistics == request_of_12.settings.statistics
    assert job.settings.split.folds == 3
    assert job.settings.cities.image.size_px == 96


@pytest.mark.parametrize(
    "read",
    [
        lambda settings: settings.seed,
        lambda settings: settings.split.method,
        lambda settings: settings.cities.model,
        lambda settings: settings.image_px(200),
        lambda settings: settings.folds_trained,
    ],
)
def test_reading_an_undeclared_setting_is_an_error(request_of_12, read):
    job = job_with(request_of_12, "statistics", "split.folds", "cities.image")
    with pytest.raises(UndeclaredSettingError):
        read(job.settings)


def test_undeclared_settings_stay_so_in_other_processes_and_copies(request_of_12):
    restricted = job_with(request_of_12, "split.folds").settings
    sent = pickle.loads(pickle.dumps(restricted))
    copied = restricted.split.model_copy(update={"folds": 7})
    assert sent.split.folds == 3 and copied.folds == 7
    for split in (sent.split, copied):
        with pytest.raises(UndeclaredSettingError):
            _ = split.method


def test_step_takes_its_name_scope_and_makers_from_the_catalogue(request_of_12, tmp_path):
    paths, by_hand = request_of_12.paths, tmp_path / "weights.pt"
    step = request_of_12.step(
        1, paths.table("metrics"), ["seed"], [paths.samples], by_hand=[by_hand], fold=2
    )
    assert (step.name, step.scope, step.label) == ("12_evaluate_income", "run", "Paris fold 2")
    assert step.inputs == {paths.samples: "10_assign_folds", by_hand: "by hand"}


def test_folds_are_all_or_the_one_that_is_asked_for(request_of_12):
    assert request_of_12.folds(3) == [0, 1, 2]
    request_of_12.args.fold = 1
    assert request_of_12.folds(3) == [1]
    request_of_12.args.fold = 3
    with pytest.raises(InputError, match="no fold 3: folds are 0 .. 2"):
        request_of_12.folds(3)


def test_paths_know_what_room_the_cache_may_take(request_of_12):
    args = argparse.Namespace(**vars(request_of_12.args), data=None, results=None, variant="")
    assert find_paths(settings.load("demo", ["cache_gb=7"]), args).cache_limit_gb == 7
