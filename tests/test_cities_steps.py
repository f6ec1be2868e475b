"""Steps 22 to 26 of the cities experiment on a few small squares of colour: files, resume,
refusals."""

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from PIL import Image

from samples import run_script
from urbancam.learning.models import networks
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings

pytestmark = pytest.mark.slow
CITIES = ["Green (GGG)", "Red (RRR)"]


def draw_sites(paths: Paths) -> None:
    """Two cities of four sites in two acquisitions: noise with another mean colour; sites.csv as
    step 21 writes it."""
    random, rows = np.random.default_rng(0), []
    for number, city in enumerate(CITIES):
        for site in range(4):
            name = f"site{site}.png"
            pixels = random.normal(90, 20, (64, 96, 3)) + 60 * np.eye(3)[1 - number]
            path = paths.cities_data / city / f"site{site}" / name
            path.parent.mkdir(parents=True)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
            rows.append(
                (
                    city,
                    f"site{site}",
                    name,
                    "files",
                    f"{city}/site{site}/{name}",
                    "AB"[site % 2],
                    96,
                    64,
                )
            )
    columns = ["city", "site", "image", "source", "path", "acquisition", "width_px", "height_px"]
    paths.sites.parent.mkdir(parents=True)
    pd.DataFrame(rows, columns=columns).to_csv(paths.sites, index=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Paths, list[str]]:
    """The paths of a run that steps 22 to 24 went through, and the arguments."""
    folder = tmp_path_factory.mktemp("cities")
    paths = Paths(folder / "data", folder / "results", "cities", "demo-tiny")
    draw_sites(paths)
    words = [
        "--run",
        "demo-tiny",
        "--data",
        folder / "data",
        "--results",
        folder / "results",
        "--device",
        "cpu",
    ]
    for step in ("22", "23"):
        assert run_script(step, *words) == 0
        assert run_script(step, *words, "--variant", "split-acquisition") == 0
    assert run_script("24", *words) == 0
    return paths, words


def test_every_patch_is_predicted_by_the_network_that_never_saw_its_site(made):
    paths, _ = made
    predictions, patches = pd.read_csv(paths.predictions), pd.read_parquet(paths.patches)
    assert sorted(predictions["patch_id"]) == sorted(patches["patch_id"]) and len(patches) == 48
    merged = predictions.merge(patches, on="patch_id", suffixes=("", "_of_index"))
    assert (merged["fold"] == merged["fold_of_index"]).all()
    assert (
        predictions["probability"].between(0.5, 1).all()
        and predictions["predicted_city"].isin(CITIES).all()
    )


def test_accuracy_is_told_for_run_and_variant_on_changed_patches(made):
    table = pd.read_csv(made[0].table("accuracy"))
    networks = table[table["predictor"] == "network"]
    kinds = set(map(tuple, networks[["trained_on", "tested_on"]].drop_duplicates().to_numpy()))
    assert kinds == {
        (a, b) for a in ("run", "split-acquisition") for b in ("as_is", "jitter", "grey")
    }
    assert set(table.loc[table["grouping"] == "city", "subset"]) == set(CITIES)
    assert networks["value"].between(0, 1).all()


def test_baselines_are_scored_on_the_same_patches_as_the_network(made):
    table = pd.read_csv(made[0].table("accuracy"))
    rows = table[(table["grouping"] == "all") & (table["metric"] == "accuracy")]
    rows = rows[(rows["trained_on"] == "run") & (rows["tested_on"] == "as_is")]
    rows = rows.set_index("predictor")
    # Green and red noise: colours tell them apart.
    assert rows.loc["colour_histogram", "value"] == 1
    difference = rows.loc["network", "value"] - 1
    assert rows.loc["colour_histogram", "difference"] == pytest.approx(difference)
    assert {"grey_histogram", "grey_statistics"} <= set(rows.index)
    assert rows["n_patches"].eq(48).all()


def test_matrices_name_their_cities(made):
    paths, _ = made
    for name in ("confusion_matrix", "similarity_embedding", "similarity_confusion"):
        table = pd.read_csv(paths.table(name))
        assert table.columns.tolist() == ["city", *CITIES] and table["city"].tolist() == CITIES
    assert pd.read_csv(paths.table("confusion_matrix"))[CITIES].to_numpy().sum() == 48
    for name in ("most_confused", "city_similarity", "city_tree", "city_map"):
        assert paths.table(name).is_file()


def test_figures_are_drawn_of_the_tables(made):
    paths, words = made
    assert run_script("26", *words) == 0
    assert len(list(paths.figures.glob("*.p[nd][gf]"))) == 10


def test_nothing_is_done_twice(made, capsys):
    _, words = made
    for step in ("22", "23", "24"):
        assert run_script(step, *words) == 0
    assert capsys.readouterr().out.count("up to date") == 5


def test_weights_are_those_of_the_fold(made):
    paths, _ = made
    network = networks.load(paths.weights(0), settings.load("demo-tiny").cities.model, outputs=2)
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 2)
    assert (
        len(pd.read_csv(paths.history(0))) == 2 and not (paths.fold(0) / "checkpoint.pt").exists()
    )


def test_predictions_of_another_split_are_refused(made, capsys):
    paths, words = made
    file = paths.test_predictions(0)
    whole = file.read_text()
    file.write_text("\n".join(whole.splitlines()[:-1]) + "\n")
    assert run_script("24", *words, "--force") == 2
    assert "23_train_cities" in capsys.readouterr().err
    file.write_text(whole)


def test_published_split_is_one_fold_and_its_one_test_site_a_city_has_no_interval(made):
    paths, _ = made
    there = Paths(paths.data, paths.results.with_name("published"), "cities", "demo-tiny")
    there.sites.parent.mkdir(parents=True)
    there.sites.write_bytes(paths.sites.read_bytes())
    words = [
        "--run",
        "demo-tiny",
        "--data",
        paths.data,
        "--results",
        there.results,
        "--device",
        "cpu",
        "--set",
        "cities.split=published",
    ]
    assert [run_script(step, *words) for step in ("22", "23", "24", "26")] == [0, 0, 0, 0]
    table = pd.read_csv(there.table("accuracy")).query("subset == 'city'")
    assert (
        table["ci_low"].isna().all()
        and (table["n_sites"] == 1).all()
        and (table["n_patches"] == 2).all()
    )


def test_published_checkpoint_needs_the_flag_and_is_not_trained(made, tmp_path, capsys):
    _, words = made
    torch.save(
        torch.nn.DataParallel(torchvision.models.resnet18(num_classes=2)), tmp_path / "model_80.pth"
    )
    words = [
        *words,
        "--force",
        "--fold",
        1,
        "--set",
        f"cities.checkpoint={tmp_path / 'model_80.pth'}",
    ]
    assert run_script("23", *words) == 2 and "--unpickle" in capsys.readouterr().err
    assert run_script("23", *words, "--unpickle") == 0
    assert "epochs" not in capsys.readouterr().out.splitlines()[-1]
