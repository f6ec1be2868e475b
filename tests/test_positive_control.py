"""The positive control: a demo city whose incomes follow a known rule, from packed archives to
figures."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import norm

from houses import edit_settings, make_house, run_sh

pytestmark = pytest.mark.slow


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
    from urban_atlas_classes import classify

    rule = json.loads((demo / "data" / "demo" / "truth.json").read_text())
    codes = pd.Series([rule[part]["code"] for part in ("raises", "lowers", "inert")])
    return dict(zip(("raises", "lowers", "inert"), classify(codes), strict=True))


def table(demo: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(demo / "results" / "Demo" / "demo" / "tables" / f"{name}.csv")


def score(demo: Path, predictor: str, metric: str) -> pd.Series:
    metrics = table(demo, "metrics").set_index(["subset", "fold", "predictor", "metric"])
    return metrics.loc[("all", "all", predictor, metric)]


def test_positive_control_model_beats_the_coordinates(demo):
    assert score(demo, "model", "spearman")["value"] >= 0.5
    assert score(demo, "coordinates", "spearman")["difference_ci_low"] > 0


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


def test_positive_control_local_effects_call_the_rule_and_not_the_inert_class(demo, truth):
    local = table(demo, "local_effect").set_index("class")
    assert local.loc[truth["raises"], "significant"] and local.loc[truth["raises"], "value"] > 0
    assert local.loc[truth["lowers"], "significant"] and local.loc[truth["lowers"], "value"] < 0
    assert not local.loc[truth["inert"], "significant"]
    inert = local.drop(index=[truth["raises"], truth["lowers"]])
    assert inert["significant"].sum() <= 2  # of nine or so; forest looks like a park


def test_positive_control_baselines_without_an_image_lie_below_the_model(demo):
    for baseline in ("coordinates", "population_density"):
        assert score(demo, baseline, "spearman")["difference_ci_low"] > 0
    assert score(demo, "constant", "rps")["difference_ci_high"] < 0  # errors: lower is better


def test_positive_control_planted_rules_are_in_the_incomes_and_inert_classes_are_not(demo):
    """Of what is planted on this very city, the regression of incomes finds most, at its level."""
    summary = table(demo, "recovery_summary").set_index("attribution")
    incomes = summary.loc["adjusted_income"]
    assert incomes["n_plants"] == 20 and incomes["n_inert"] > 100
    assert incomes["power"] >= 0.8 and incomes["wrong_sign"] == 0
    assert incomes["false_positives"] <= 0.1


@pytest.fixture(scope="module")
def full(demo) -> Path:
    """The same run with the controls and (one fold of) the shuffled labels of `demo-full`."""
    sections = yaml.safe_load((demo / "code" / "config" / "demo-full.yaml").read_text())
    sections["compare"]["splits"] = []
    sections["controls"]["deletion_cells"] = 30  # half of them
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


def called(ratios: pd.DataFrame) -> pd.Series:
    """Ratios that differ from 1 when as many are asked at once as there are rows (Bonferroni).

    The tables' intervals hold 95 % each: of four under the null, one leaves 1 out every sixth time.
    """
    half_width = np.log(ratios["ci_high"] / ratios["ci_low"]) / 2
    asked_at_once = norm.ppf(1 - 0.025 / len(ratios)) / norm.ppf(0.975)
    return np.log(ratios["value"]).abs() > half_width * asked_at_once


def test_positive_control_shuffled_labels_call_no_ratio_of_the_rule(full, truth):
    controls = table(full, "attribution_controls").set_index("control")
    controls = controls[
        controls["class"].isin([truth["raises"], truth["lowers"]])
        & controls["side"].isin(["poor", "rich"])
    ]
    shuffled = controls.loc["shuffled_labels"].dropna(subset="ci_low")
    assert len(shuffled) >= 2 and not called(shuffled).any()
    # The same question can be answered with yes: of each class of the rule on one side at least.
    published = controls.loc["published"]
    assert called(published).groupby(published["class"].to_numpy()).any().all()
    contrasts = kept(full, "contrast").loc["shuffled_labels"]
    assert contrasts["kept_ci_low"] < 0 < contrasts["kept_ci_high"] and contrasts["kept"] < 0.25


def test_positive_control_what_the_map_marks_moves_the_logit(full):
    area = table(full, "deletion_area").set_index(["order", "curve"])
    assert area.loc[("published", "deletion"), "above_random_ci_high"] < 0
    assert area.loc[("published", "insertion"), "above_random_ci_low"] > 0


def test_demo_has_the_size_the_readme_tells(demo):
    cells = pd.read_csv(demo / "results" / "Demo" / "images.csv")
    assert len(cells) >= 250 and cells["path"].notna().all()
    assert cells["tiles"].str.contains(";").sum() >= 10  # cells across tile and pack borders
