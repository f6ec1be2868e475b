"""Which declared settings a step reads: never one that it does not declare, and those it never
reads are listed.

Reading an undeclared setting raises by itself (`Job.settings`). Here the scripts run over a matrix
of runs that covers their branches, and every setting that is read is noted.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from samples import run_script
from urbancam.workflow import catalogue
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running.job import Job
from urbancam.workflow.settings.section_types import Section
from urbancam.workflow.settings.settings import Settings

pytestmark = pytest.mark.slow

EVERYTHING = {  # a run with all comparisons and controls, on a dozen cells
    "census.cells": "all",
    "landcover.poor_classes": "[0, 1, 2]",
    "compare.splits": "[random]",
    "compare.seeds": "[1]",
    "compare.fold_draws": "[2]",
    "compare.shuffled_labels": "true",
    "compare.folds": "1",
    "controls.methods": "[layercam, integrated_gradients]",
    "controls.randomise_weights": "true",
    "controls.cells": "8",
    "controls.integrated_gradients_steps": "2",
    "controls.deletion_cells": "4",
    "training.epochs": "1",
    "planted.plants": "2",
    "planted.trained": "1",
}
OTHER_BRANCHES = EVERYTHING | {
    "model.head": "softmax",
    "landcover.key": "code",
    "samples.target": "density",
    "samples.thresholds": "national",
    "training.class_balanced": "drawn",
    "training.batch_size": "5",
    "training.batches_per_epoch": "2",
    "training.schedule": "plateau",
    "training.restarts": "true",
}
TOWNS = {
    "cities.demo.site_px": "160",
    "cities.stride_px": "80",
    "cities.patch_px": "80",
    "cities.training.epochs": "1",
    "cities.relevance.patches": "1",
}
INCOME = "00 01 02 03 04 05 06 07 10 11 12 13 14".split()
VARIANTS = ("split-random", "seed-1", "folds-2", "shuffled-labels", "planted-1")


class Reader:
    """Notes which settings are read while a script works."""

    def __init__(self) -> None:
        self.declared: dict[str, set[str]] = defaultdict(set)
        self.read: dict[str, set[str]] = defaultdict(set)
        self.script = ""
        self.prefixes: dict[int, str] = {}
        self.kept_alive: list[Section] = []

    def follow(self, section: Section, prefix: str) -> None:
        """Know a section, and those within it, by the names of their settings."""
        self.prefixes[id(section)] = prefix
        self.kept_alive.append(section)
        for name, value in section.__dict__.items():
            if isinstance(value, Section):
                self.follow(value, f"{prefix}{name}.")

    def begin(self, job: Job, settings: Settings) -> Settings:
        self.script = job.step.name
        self.follow(settings, "")
        return settings

    def note(self, section: Section, name: str) -> None:
        prefix = self.prefixes.get(id(section))
        if prefix is not None:
            self.read[self.script].add(f"{prefix}{name}")

    def never_read(self) -> dict[str, set[str]]:
        return {
            script: names - self.read[script]
            for script, names in self.declared.items()
            if names - self.read[script]
        }


@contextmanager
def reading(reader: Reader) -> Iterator[None]:
    """Every read of a setting by the work of a step reaches the reader."""
    plain_get, plain_copy, plain_pick = (
        Section.__getattribute__,
        Section.model_copy,
        Settings.pick,
    )
    plain_settings, plain_finish = Job.settings.func, Step.finish

    def get(self: Section, name: str) -> object:
        if not name.startswith("_") and name in type(self).model_fields:
            reader.note(self, name)
        return plain_get(self, name)

    def copy(self: Section, **options: object) -> Section:
        copied = plain_copy(self, **options)
        if id(self) in reader.prefixes:
            reader.follow(copied, reader.prefixes[id(self)])
        return copied

    def pick(self: Settings, *keys: str) -> dict[str, object]:
        values = plain_pick(self, *keys)
        if id(self) in reader.prefixes:
            reader.read[reader.script] |= set(values)
        return values

    def finish(self: Step, seconds: float, done: Done) -> None:
        reader.declared[self.name] |= set(self.settings)
        plain_finish(self, seconds, done)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Step, "finish", finish)
        patch.setattr(Section, "__getattribute__", get)
        patch.setattr(Section, "model_copy", copy)
        patch.setattr(Settings, "pick", pick)
        patch.setattr(Job, "settings", property(lambda job: reader.begin(job, plain_settings(job))))
        yield


def words(folder: Path, settings: dict[str, str], *more: str) -> list[str]:
    assignments = [word for pair in settings.items() for word in ("--set", "=".join(pair))]
    places = ["--data", str(folder / "data"), "--results", str(folder / "results")]
    return ["--run", "demo-tiny", *places, "--workers", "1", "--device", "cpu", *assignments, *more]


def run_income(folder: Path, settings: dict[str, str], scripts: list[str], *more: str) -> None:
    for script in scripts:
        entry = next(entry for entry in catalogue.STEPS if entry.number == script)
        city = ["--city", "Demo"] if entry.takes_city else []
        assert run_script(script, *city, *words(folder, settings, *more)) == 0, script


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Reader:
    """Reads of all steps over the matrix of runs."""
    folder, reader = tmp_path_factory.mktemp("matrix"), Reader()
    with reading(reader), pytest.MonkeyPatch.context() as monkeypatch:
        run_income(folder, EVERYTHING, INCOME)
        for variant in VARIANTS:
            steps = catalogue.steps_of("Demo", "demo-tiny", *catalogue.parts_of_variant(variant))
            numbers = [entry.number for entry in steps]
            run_income(folder, EVERYTHING, numbers, "--variant", variant)
        run_income(folder, EVERYTHING, ["15", "16", "17", "18", "19", "80", "91", "92", "97"])
        run_income(
            folder, OTHER_BRANCHES, ["10", "11", "12", "13", "14", "16", "17", "91"], "--force"
        )
        for script in ("20", "21", "22", "23"):
            assert run_script(script, *words(folder, TOWNS)) == 0
        for script in ("22", "23"):
            assert run_script(script, *words(folder, TOWNS, "--variant", "split-acquisition")) == 0
        for script in ("24", "25", "26", "27"):
            assert run_script(script, *words(folder, TOWNS)) == 0
        # Where nobody answers, what is read before is read all the same; and nobody is waited for.
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        nobody = {"imagery.source": "wms", "imagery.wms_url": "http://127.0.0.1:9/wms"}
        run_script("04", "--city", "Demo", *words(folder, EVERYTHING | nobody, "--force"))
        run_script("21", *words(folder, {"cities.source": "ign"}, "--force"))
    return reader


# Whole sections are declared where most of them is read, so that a record tells them together; and
# a few settings are read on roads that this matrix does not go.
BLOCK = "statistics.block_m"  # step 12 reads it, the others resample the blocks that it has chosen
OF_OTHER_STATISTICS = {"statistics.min_blocks", "statistics.false_discovery_rate"}
NEVER_READ = {
    "02_import_urban_atlas": {
        "landcover.source",
        "landcover.classes",
    },  # say which files are inputs
    "04_download_aerial": {"imagery.index_url"},  # read where a department is missing
    "05_cut_images": {"cells.year", "landcover.year"},  # of files of the user's
    "10_assign_folds": {
        "planted.plants",
        "planted.trained",
        "split.trained_folds",
        "split.validation_fraction",
    },
    # read of cells from a file, and where weights are not random
    "12_evaluate_income": {"cells.people_column", "model.backbone"},
    "13_project_activation": {"activation.method", "model.weights"},  # both maps are always made
    "14_landcover_statistics": {BLOCK},
    "15_compare_variants": {"split.block_m", BLOCK, "statistics.false_discovery_rate"},
    "16_control_attribution": {
        "activation.method",
        "landcover.min_joint_cells",
        "landcover.reference",
        BLOCK,
        "model.weights",
        "split.folds",  # says whose weights are inputs
        "split.trained_folds",
        "statistics.false_discovery_rate",
    },
    "17_transfer_income": {
        "samples.planted",
        "samples.shuffle_labels",
        BLOCK,
        "statistics.false_discovery_rate",
    },
    "18_recover_plants": {
        "model.weights",
        "split.folds",  # read where the city is left out of its own training
        BLOCK,
    },
    "91_make_figures": {  # not read where controls.methods is not empty, and where there are plants
        "controls.maps",
        "controls.randomise_weights",
        "compare.shuffled_labels",
        "planted.trained",
        # of files of the user's
        "imagery.files",
        "imagery.wms_url",
        "imagery.wms_layer",
        "landcover.file",
        "landcover.credit",
        "cells.file",
        "cells.credit",
        "cells.value_name",
        "cells.value_unit",
    },
    "23_train_cities": {
        "cities.model.drop_connect",  # no part of a ResNet
        "cities.training.frozen",  # refused in the cities experiment
        "cities.training.plateau_on",  # read with the plateau schedule
    },
    "24_evaluate_cities": {BLOCK, "statistics.false_discovery_rate"},
    "25_map_relevance": {
        "cities.model.drop_connect",
        "cities.model.weights",
        "statistics.draws",  # read, as is the confidence, where there is land cover
        "statistics.confidence",
        BLOCK,
        *OF_OTHER_STATISTICS,
    },
}


def test_settings_that_are_declared_and_never_read_are_these(reader):
    assert reader.never_read() == NEVER_READ


def test_every_step_was_looked_at(reader):
    steps = {entry.script for entry in catalogue.STEPS if entry.scope != catalogue.NO_RECORD}
    assert steps == set(reader.declared)
