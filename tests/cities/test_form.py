"""Whether the tables may say that a network reads form: towns that differ by nothing else, and
towns that differ by all else."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage

from samples import run_script
from urbancam.showing.figures.cities import what_remains
from urbancam.workflow.paths import Paths

TOWNS = ["Ahaus", "Borken", "Coesfeld"]
SITES = 10
LIGHTS = {"A": (1.0, 0.0), "B": (0.9, 8.0)}  # gain and offset of the levels
SETTINGS = [
    "cities.variants=[split-acquisition-colour-grey]",
    "cities.variant_folds=null",
    "cities.trained_folds=1",
    "cities.training.epochs=12",
    "cities.training.learning_rate=0.003",
    "statistics.draws=200",
]


def ground(random: np.random.Generator, form: int) -> np.ndarray:
    """(64, 96) standard normal levels, in spots (0), streaks (1) or without any neighbourhood (2).

    The levels are the same, drawn at random; only their places differ.
    """
    blur = [(3, 3), (0.5, 6), (0, 0)][form]
    field = ndimage.gaussian_filter(random.normal(size=(64, 96)), blur)
    order = field.ravel().argsort()
    levels = np.empty(field.size)
    levels[order] = np.sort(random.normal(size=field.size))
    return levels.reshape(field.shape)


def by_level(random: np.random.Generator, town: int) -> np.ndarray:
    """Towns of one form, the one darker, the other of less contrast."""
    mean, sd = [(85, 30), (125, 30), (125, 12)][town]
    return mean + sd * ground(random, form=0)


def by_form(random: np.random.Generator, town: int) -> np.ndarray:
    """Towns of the same levels."""
    return 110 + 30 * ground(random, form=town)


def draw_sites(paths: Paths, draw) -> None:
    random, rows = np.random.default_rng(0), []
    for number, town in enumerate(TOWNS):
        for site in range(SITES):
            light = "AB"[site % 2]
            gain, offset = LIGHTS[light]
            levels = gain * draw(random, number) + offset
            path = paths.cities_data / town / f"site{site}" / "0.png"
            path.parent.mkdir(parents=True)
            grey = levels.clip(0, 255).astype(np.uint8)
            Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(path)
            file = f"{town}/site{site}/0.png"
            rows.append((town, f"site{site}", "0.png", "files", file, light, 96, 64))
    columns = ["city", "site", "image", "source", "path", "acquisition", "width_px", "height_px"]
    paths.sites.parent.mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).to_csv(paths.sites, index=False)


def accuracies(folder, draw) -> pd.DataFrame:
    """`accuracy.csv` of towns drawn so."""
    paths = Paths(folder / "data", folder / "results", "cities", "demo-tiny")
    draw_sites(paths, draw)
    words = ["--run", "demo-tiny", "--data", paths.data, "--results", paths.results]
    words += ["--device", "cpu", *(word for key in SETTINGS for word in ("--set", key))]
    for step in ("22", "23"):
        assert run_script(step, *words) == 0
        assert run_script(step, *words, "--variant", "split-acquisition-colour-grey") == 0
    assert run_script("24", *words) == 0
    return pd.read_csv(paths.table("accuracy"))


def accuracy_of(table: pd.DataFrame, predictor: str) -> float:
    rows = table[(table["subset"] == "all") & (table["metric"] == "accuracy")]
    rows = rows[rows["trained_on"] == "split-acquisition-colour-grey"]
    rows = rows[(rows["predictor"] == predictor) & (rows["tested_on"] == "as_is")]
    return rows["value"].item()


@pytest.mark.slow
def test_towns_that_differ_by_grey_level_alone_show_no_form(tmp_path):
    table = accuracies(tmp_path, by_level)
    assert accuracy_of(table, "network") > 0.6  # it names them on grey patches of another light
    assert accuracy_of(table, "grey_statistics") > 0.8
    assert "is not shown" in what_remains(table)


@pytest.mark.slow
def test_towns_that_differ_by_form_alone_show_it(tmp_path):
    table = accuracies(tmp_path, by_form)
    assert accuracy_of(table, "grey_statistics") < 0.5
    assert accuracy_of(table, "network") > 0.7
    assert "texture or form adds" in what_remains(table)
