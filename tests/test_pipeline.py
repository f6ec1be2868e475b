"""The whole pipeline by its front door: the machinery at a dozen cells, and the positive control
on the demo city."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

import column_dictionary

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


def make_house(folder: Path) -> Path:
    """A copy of the project with the same Python environment, so that settings may be edited in
    it."""
    shutil.copytree(ROOT / "code", folder / "code", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "environment", folder / "environment")
    shutil.copy(ROOT / "run.sh", folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def run_sh(house: Path, *words: str, env: dict | None = None) -> subprocess.CompletedProcess:
    command = ["bash", str(house / "run.sh"), *words]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | (env or {}), cwd=house
    )


def edit_settings(house: Path, run: str, **sections: dict) -> None:
    overlay = house / "code" / "config" / f"{run}.yaml"
    values = yaml.safe_load(overlay.read_text())
    for section, changes in sections.items():
        values.setdefault(section, {}).update(changes)
    overlay.write_text(yaml.safe_dump(values))


def worked(output: str) -> list[str]:
    """Numbers of the steps that did their work."""
    return [line[:2] for line in output.splitlines() if line[:2].isdigit() and ": done," in line]


TINY = ("Demo", "--run", "demo-tiny")


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """The tiny demo city, run once from archives to report."""
    house = make_house(tmp_path_factory.mktemp("clean"))
    done = run_sh(house, "--run", "demo-tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    return house


@pytest.fixture
def house(clean, tmp_path) -> Path:
    """A copy of the finished house; dates are kept, so everything in it is up to date."""
    return Path(shutil.copytree(clean, tmp_path / "house", symlinks=True))


def results(house: Path) -> dict[str, bytes]:
    """Every result of the tiny city that must come out the same, byte for byte."""
    city = house / "results" / "Demo"
    files = [
        city / "images.csv",
        city / "fragments.parquet",
        city / "demo-tiny" / "predictions.csv",
    ]
    files += [
        city / "demo-tiny" / "activation.parquet",
        *(city / "demo-tiny" / "tables").glob("*.csv"),
    ]
    files += [*(city / "images").glob("*.png"), *(city / "demo-tiny" / "maps").glob("*.png")]
    return {str(path.relative_to(city)): path.read_bytes() for path in sorted(files)}


def test_second_run_is_up_to_date_within_15_seconds_and_says_what_came_out(clean):
    started = time.monotonic()
    done = run_sh(clean, "--run", "demo-tiny")
    seconds = time.monotonic() - started
    steps = [line for line in done.stdout.splitlines() if line[:2].isdigit()]
    assert done.returncode == 0 and len(steps) >= 15
    assert all("up to date" in line for line in steps) and seconds < 15
    assert all(
        words in done.stdout
        for words in ("Spearman r", "coordinates", "accuracy", "read as poor", "tables:")
    )


def test_columns_are_those_that_the_dictionary_tells(clean):
    folders = clean / "results" / "Demo", clean / "data" / "demo-tiny" / "census_data"
    assert column_dictionary.faults("income", *folders) == []


def test_one_setting_redoes_what_depends_on_it_and_nothing_else(house):
    edit_settings(house, "demo-tiny", landcover={"min_joint_cells": 1})
    assert worked(run_sh(house, *TINY).stdout) == [
        "14",
        "16",
        "91",
        "92",
    ]  # 16 by the same rule; chords show pairs


def test_new_file_in_a_drop_folder_is_noticed_and_status_spreads_it(house):
    (house / "data" / "demo-tiny" / "UA_data" / "note.txt").write_text("new")
    said = run_sh(house, "status", *TINY).stdout
    states = {
        line.split()[1]: line.split()[0]
        for line in said.splitlines()
        if line.split()[1][:2].isdigit()
    }
    assert (
        states["02_import_urban_atlas"] == "stale" and states["14_landcover_statistics"] == "stale"
    )
    assert states["01_download_census"] == "done"
    assert "02" in worked(run_sh(house, *TINY).stdout)


def test_status_says_what_is_missing(house):
    shutil.rmtree(house / "results" / "Demo" / "demo-tiny")
    said = run_sh(house, "status", *TINY).stdout
    assert "missing 10_assign_folds" in " ".join(said.split()) and "done 05_cut_images" in " ".join(
        said.split()
    )


def kill_at(house: Path, line: str, seconds: float) -> None:
    """Start the pipeline and kill all of it, as a power cut would, some time after a line
    appears."""
    command = ["bash", str(house / "run.sh"), "--run", "demo-tiny"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        cwd=house,
    ) as process:
        for said in process.stdout:
            if said.startswith(line):
                break
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)


def test_killed_anywhere_it_goes_on_to_the_same_results(clean, tmp_path):
    house = make_house(tmp_path)
    kill_at(house, "00_make_demo_city: not done yet", 1.0)
    kill_at(house, "05_cut_images Demo: not done yet", 1.5)
    kill_at(house, "11_train_income Demo fold 1: not done yet", 4.0)
    kill_at(house, "13_project_activation Demo: not done yet", 2.5)
    done = run_sh(house, "--run", "demo-tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    got, expected = results(house), results(clean)
    assert (
        got.keys() == expected.keys()
        and [name for name in got if got[name] != expected[name]] == []
    )


def test_damaged_image_and_weights_are_made_again(house, clean):
    image = next((house / "results" / "Demo" / "images").glob("*.png"))
    image.write_bytes(image.read_bytes()[:-100])
    (house / "results" / "Demo" / "images.csv").unlink()
    (house / "results" / "Demo" / "demo-tiny" / "fold_1" / "weights.pt").write_bytes(b"damaged")
    assert run_sh(house, *TINY).returncode == 0
    assert results(house) == results(clean)


def test_city_that_fails_does_not_stop_the_others(clean):
    done = run_sh(clean, "Nowhere", *TINY)
    assert done.returncode == 2 and "Nowhere: stopped at 02_import_urban_atlas" in done.stdout
    assert "Demo, run demo-tiny: what the out-of-fold predictions" in done.stdout


def make_twin(house: Path) -> None:
    """A second city, 100 km to the north of the tiny one, otherwise the same."""
    twin = Path(shutil.copytree(house / "results" / "Demo", house / "results" / "Twin"))
    for path in [
        twin / "cells.parquet",
        twin / "fragments.parquet",
        twin / "images.csv",
        *(twin / "demo-tiny").glob("*.csv"),
    ]:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        if "idINSPIRE" in table:
            north = table["idINSPIRE"].str.extract(r"mN(\d+)E", expand=False).astype(int) + 100_000
            table["idINSPIRE"] = [
                cell.split("mN")[0] + f"mN{n}E" + cell.split("E")[-1]
                for cell, n in zip(table["idINSPIRE"], north, strict=True)
            ]
            table.to_parquet(path) if path.suffix == ".parquet" else table.to_csv(path, index=False)
    transfer = twin / "demo-tiny" / "tables" / "transfer.csv"
    transfer.write_text(transfer.read_text().replace("Demo", "Twin"))


def test_several_cities_are_left_out_and_predicted_by_each_other(house):
    edit_settings(house, "demo-tiny", compare={"splits": ["city"]}, training={"epochs": 1})
    make_twin(house)
    done = run_sh(house, *TINY)
    assert done.returncode == 0, done.stdout + done.stderr
    tables = house / "results" / "Demo" / "demo-tiny" / "tables"
    leakage, transfer = pd.read_csv(tables / "leakage.csv"), pd.read_csv(tables / "transfer.csv")
    told = set(leakage.loc[leakage["split"] == "city", "predictor"])
    assert {"model", "land_cover", "population_density"} <= told and "coordinates" not in told
    assert {"Demo", "Twin"} <= set(transfer["trained_on"]) and (
        tables.parent / "figures" / "transfer.png"
    ).exists()


def test_variants_are_trained_beside_the_run_and_status_shows_them(house):
    edit_settings(house, "demo-tiny", compare={"splits": ["random"], "seeds": [3], "folds": 1})
    done = run_sh(house, *TINY)
    assert done.returncode == 0, done.stdout + done.stderr
    run = house / "results" / "Demo" / "demo-tiny"
    leakage, seeds = (
        pd.read_csv(run / "tables" / "leakage.csv"),
        pd.read_csv(run / "tables" / "seeds.csv"),
    )
    assert (
        "model" in set(leakage.loc[leakage["split"] == "random", "predictor"])
        and (seeds["n_seeds"] == 2).all()
    )
    states = run_sh(house, "status", *TINY).stdout.splitlines()
    assert sum("split-random" in line or "seed-3" in line for line in states) == 3 + 5
    assert all(line.startswith("done") for line in states[:-1])


def test_cities_experiment_runs_from_rendered_towns_to_relevance_and_then_is_up_to_date(tmp_path):
    house = make_house(tmp_path)
    edit_settings(
        house,
        "demo-tiny",
        cities={"demo": {"sites": 4, "site_px": 320}, "patch_px": 80, "stride_px": 80},
    )
    done = run_sh(house, "cities", "--run", "demo-tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    run = house / "results" / "cities" / "demo-tiny"
    accuracy = pd.read_csv(run / "tables" / "accuracy.csv")
    assert set(accuracy["trained_on"]) == {"run", "split-acquisition"}
    assert (
        len(list(run.glob("relevance/*/sheet_*.png"))) == 5
        and (run / "figures" / "city_tree.png").exists()
    )
    assert column_dictionary.faults("cities", run) == []
    steps = [
        line
        for line in run_sh(house, "cities", "--run", "demo-tiny").stdout.splitlines()
        if line[:2].isdigit()
    ]
    assert len(steps) >= 9 and all("up to date" in line for line in steps)


def test_dry_run_only_prints_the_calls(tmp_path):
    house = make_house(tmp_path)
    said = run_sh(house, "Paris", "--dry-run").stdout.splitlines()
    assert "python code/05_cut_images.py --city Paris --run default" in said
    assert not (house / "results").exists()


@pytest.mark.parametrize("words", [["--run"], ["--set"], ["../x"], [""], ["--data=x/y"]])
def test_words_that_make_no_sense_are_refused_before_anything_runs(tmp_path, words):
    done = run_sh(make_house(tmp_path), *words)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and not done.stdout


def test_figures_of_several_cities_are_drawn_after_all_of_them_were_tested_on_each_other(tmp_path):
    lines = run_sh(make_house(tmp_path), "Paris", "Lyon", "Nice", "--dry-run").stdout.splitlines()
    scripts = [line.split()[1] for line in lines if line.startswith("python")]
    last_transfer = max(place for place, script in enumerate(scripts) if "17_transfer" in script)
    assert [script[5:7] for script in scripts[last_transfer + 1 :]] == ["91", "92"] * 3


def test_demo_city_is_made_whether_it_is_named_or_not(tmp_path):
    house = make_house(tmp_path)
    named, not_named = (run_sh(house, *words, "--dry-run").stdout for words in (["Demo"], []))
    assert named == not_named and "python code/00_make_demo_city.py --run demo\n" in named


def test_python_without_ensurepip_is_told_what_to_install(tmp_path):
    house = make_house(tmp_path)
    (house / ".venv").unlink()
    poor = tmp_path / "python"
    poor.write_text('#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n')
    poor.chmod(0o755)
    done = run_sh(house, env={"PYTHON": str(poor)})
    assert done.returncode == 2 and "python3.11-venv" in done.stderr


# ---- the positive control: a city whose incomes follow a known rule


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    """The demo city, from packed archives to figures, by the README's first command."""
    house = make_house(tmp_path_factory.mktemp("demo"))
    done = run_sh(house)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return house


@pytest.fixture(scope="module")
def truth(demo) -> dict[str, str]:
    """Land-cover class that raises income, that lowers it, and an inert one."""
    from urbancam.sources.urban_atlas import classes

    rule = json.loads((demo / "data" / "demo" / "truth.json").read_text())
    codes = pd.Series([rule[part]["code"] for part in ("raises", "lowers", "inert")])
    return dict(
        zip(("raises", "lowers", "inert"), classes.classify(codes, "truth.json"), strict=True)
    )


def table(demo: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(demo / "results" / "Demo" / "demo" / "tables" / f"{name}.csv")


def score(demo: Path, predictor: str, metric: str) -> pd.Series:
    metrics = table(demo, "metrics").set_index(["subset", "fold", "predictor", "metric"])
    return metrics.loc[("all", "all", predictor, metric)]


def test_positive_control_model_beats_the_coordinates(demo):
    assert score(demo, "model", "spearman")["value"] >= 0.5
    assert score(demo, "model - coordinates", "spearman")["ci_low"] > 0


def test_positive_control_published_attribution_tells_the_rule(demo, truth):
    contrast = table(demo, "activation_contrast").set_index("class")
    assert contrast.loc[truth["raises"], "ci_low"] > 0
    assert contrast.loc[truth["lowers"], "ci_high"] < 0
    inert = contrast.loc[truth["inert"], "log_ratio"]
    assert (
        contrast.loc[truth["lowers"], "log_ratio"]
        < inert
        < contrast.loc[truth["raises"], "log_ratio"]
    )


def test_positive_control_contributions_tell_the_rule(demo, truth):
    contribution = table(demo, "contribution").set_index("class")
    assert (
        contribution.loc[truth["raises"], "ci_low"] > 0
        and contribution.loc[truth["lowers"], "ci_high"] < 0
    )
    inert = contribution.loc[truth["inert"], "value"]
    assert (
        contribution.loc[truth["lowers"], "value"]
        < inert
        < contribution.loc[truth["raises"], "value"]
    )


def test_positive_control_baselines_without_an_image_lie_below_the_model(demo):
    for baseline in ("coordinates", "population_density"):
        assert score(demo, f"model - {baseline}", "spearman")["ci_low"] > 0
    assert score(demo, "model - constant", "rps")["ci_high"] < 0  # errors: lower is better


@pytest.fixture(scope="module")
def full(demo) -> Path:
    """The same run with the controls and (one fold of) the shuffled labels of `demo-full`."""
    sections = yaml.safe_load((demo / "code" / "config" / "demo-full.yaml").read_text())
    sections["compare"]["splits"] = []
    edit_settings(demo, "demo", **{name: sections[name] for name in ("compare", "controls")})
    done = run_sh(demo)
    assert done.returncode == 0, done.stdout + done.stderr
    return demo


def kept(full: Path, side: str) -> pd.DataFrame:
    """How much of the published ratios (or contrasts) each control keeps."""
    agreement = table(full, "attribution_agreement")
    return agreement[agreement["side"] == side].set_index("control")


def test_positive_control_nothing_leaks_from_blocks_and_much_from_a_random_split(full):
    leakage = (
        table(full, "leakage")
        .groupby("split")[["leaks_cell", "leaks_group", "leaks_block"]]
        .first()
    )
    assert leakage.loc["block"].tolist() == [0, 0, 0]
    assert leakage.loc["random", "leaks_group"] > 0 and leakage.loc["random", "leaks_block"] > 0


@pytest.mark.parametrize("control", ["edges", "rotated", "weights_7"])
def test_positive_control_controls_without_signal_keep_little_of_the_contrasts(full, control):
    contrasts = kept(full, "contrast")
    assert contrasts.loc["published", "kept"] == pytest.approx(1)
    assert abs(contrasts.loc[control, "kept"]) < 0.25


def test_positive_control_shuffled_labels_have_intervals_that_cover_1(full, truth):
    controls = table(full, "attribution_controls").set_index("control").loc["shuffled_labels"]
    of_the_rule = controls["class"].isin([truth["raises"], truth["lowers"]]) & controls[
        "side"
    ].isin(["poor", "rich"])
    known = controls[of_the_rule].dropna(subset="ci_low")
    assert len(known) >= 2 and (known["ci_low"] < 1).all() and (known["ci_high"] > 1).all()
    contrasts = kept(full, "contrast").loc["shuffled_labels"]
    assert contrasts["kept_low"] < 0 < contrasts["kept_high"] and contrasts["kept"] < 0.25


def test_positive_control_what_the_map_marks_moves_the_logit(full):
    area = table(full, "deletion_area").set_index(["order", "curve"])
    assert area.loc[("published", "deletion"), "above_random_high"] < 0
    assert area.loc[("published", "insertion"), "above_random_low"] > 0


def test_demo_has_the_size_the_readme_tells(demo):
    cells = pd.read_csv(demo / "results" / "Demo" / "images.csv")
    assert len(cells) >= 250 and cells["path"].notna().all()
    assert cells["tiles"].str.contains(";").sum() >= 10  # cells across tile and pack borders
