"""A run that trains the linear unit alone, on a vision transformer: every later step holds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from samples import run_script
from urbancam.workflow.records import provenance

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SETS = [
    "model.backbone=timm/test_vit",
    "training.frozen=true",
    "training.augment=none",
    "controls.cells=6",
    "controls.methods=[layercam, integrated_gradients]",
    "controls.integrated_gradients_steps=2",
    "controls.randomise_weights=true",
    "controls.deletion_cells=2",
]


def run(folder: Path, step: str, *words: str) -> int:
    city = [] if step in ("00", "01") else ["--city", "Demo"]
    places = ["--data", folder / "data", "--results", folder / "results"]
    sets = [word for value in SETS for word in ("--set", value)]
    return run_script(step, *city, "--run", "demo-tiny", "--workers", 1, *places, *sets, *words)


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> Path:
    """The demo's dozen cells, through training, scores, maps, statistics and controls."""
    folder = tmp_path_factory.mktemp("frozen")
    steps = ("00", "01", "02", "03", "04", "05", "06", "07", "10", "11")
    assert [run(folder, step) for step in steps] == [0] * len(steps)
    return folder / "results" / "Demo" / "demo-tiny"


def test_folds_share_one_cache_of_features(city):
    assert len(list((city.parent / "cache").glob("embeddings_*.npy"))) == 1


def test_record_tells_of_tokens_licence_and_colours(city):
    facts = json.loads((city / "fold_0" / "test_predictions.csv.json").read_text())["facts"]
    assert provenance.has_tokens(provenance.read_records([city]))
    assert facts["mean"] == [0.5, 0.5, 0.5]
    assert "licence" not in facts  # of weights that it does not have


def test_maps_add_up_to_the_logits_of_the_folds(city):
    assert run(city.parents[2], "13") == 0
    cells = pd.read_csv(city / "cell_activation.csv")
    tested = pd.concat(pd.read_csv(file) for file in city.glob("fold_*/test_predictions.csv"))
    both = cells.merge(tested, on="idINSPIRE", suffixes=("", "_of_fold"))
    assert len(both) == len(cells) > 5
    np.testing.assert_allclose(both["logit"], both["logit_of_fold"], rtol=1e-3, atol=1e-4)


def test_later_steps_hold(city):
    for step in ("12", "14", "15", "16", "18", "19"):
        assert run(city.parents[2], step) == 0, step
