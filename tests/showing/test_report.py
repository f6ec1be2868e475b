"""The report says what the tables say, and is one page that needs nothing else."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from urbancam.showing.report import page, sentences


def metric_row(predictor, metric, value, low, high, subset="all", fold="all", n=200) -> dict:
    return {
        "subset": subset,
        "fold": fold,
        "predictor": predictor,
        "metric": metric,
        "value": value,
        "ci_low": low,
        "ci_high": high,
        "n": n,
    }


def metrics(difference=(0.28, 0.1, 0.4)) -> pd.DataFrame:
    return pd.DataFrame(
        [
            metric_row("model", "spearman", 0.76, 0.7, 0.81),
            metric_row("coordinates", "spearman", 0.48, 0.4, 0.55),
            metric_row("model - coordinates", "spearman", *difference),
            metric_row("model", "accuracy", 0.51, 0.45, 0.57),
            metric_row("model", "accuracy_within_1", 0.86, 0.8, 0.9),
            metric_row("constant", "accuracy", 0.2, 0.1, 0.25),
            metric_row("model", "spearman", 0.5, 0.1, 0.7, subset="imputed", n=50),
            metric_row("model", "spearman", -0.9, None, None, fold="0", n=70),
        ]
    )


@pytest.fixture
def ratios() -> pd.DataFrame:
    rows = [
        ("roads", "Other roads", "poor", 40, 1.8, 1.2, 2.4),
        ("roads", "Other roads", "rich", 38, 0.7, 0.5, 0.9),
        ("water", "Water", "poor", 9, 0.6, 0.2, 1.1),
        ("water", "Water", "rich", 7, 1.3, 0.8, 2.0),
    ]
    table = pd.DataFrame(
        rows, columns=["class", "name", "side", "n_cells", "ratio", "ci_low", "ci_high"]
    )
    return table.assign(q_value=[0.01, 0.2, 0.3, None], significant=[True, False, False, False])


@pytest.fixture
def contrast() -> pd.DataFrame:
    rows = [
        ("roads", "Other roads", 78, -0.94, -1.4, -0.4),
        ("water", "Water", 16, 0.77, -0.1, 1.6),
    ]
    table = pd.DataFrame(
        rows, columns=["class", "name", "n_cells", "log_ratio", "ci_low", "ci_high"]
    )
    return table.assign(q_value=[0.01, 0.1], significant=[True, False])


@pytest.fixture
def leakage() -> pd.DataFrame:
    rows = [
        ("random", "coordinates", 0.7, 0.6, 0.8, 12, 30),
        ("block", "coordinates", 0.5, 0.4, 0.6, 0, 0),
        ("block", "model", 0.7, 0.6, 0.8, 0, 0),
        ("block", "model - coordinates", 0.2, 0.1, 0.3, 0, 0),
        ("city", "model", 0.4, 0.3, 0.5, None, None),
    ]
    columns = ["split", "predictor", "value", "ci_low", "ci_high", "leaks_group", "leaks_block"]
    table = pd.DataFrame(rows, columns=columns).assign(
        metric="spearman", folds=3, leaks_cell=0, n=200
    )
    return table.assign(trained_neighbours=None)


def agreement(rows: dict[str, tuple]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["kind", "rank_correlation", "ci_low", "ci_high"]
    )
    return table.rename_axis("control").reset_index().assign(side="contrast")


def ordering(low: float, high: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "measure": ["activation_contrast"],
            "observed": ["mean income"],
            "n_classes": [12],
            "spearman": [(low + high) / 2],
            "ci_low": [low],
            "ci_high": [high],
        }
    )


def autocorrelation(p_value: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "subset": "all",
            "variable": ["observed_rank", "residual_rank"],
            "moran_i": [0.6, 0.1],
            "p_value": [0.001, p_value],
        }
    )


@pytest.fixture
def made_page(ratios, contrast) -> str:
    tables = {"metrics": metrics(), "activation_ratio": ratios, "activation_contrast": contrast}
    record = {
        "step": "12_evaluate_income",
        "date": "2026-01-01",
        "seconds": 3.2,
        "commit": "abc",
        "counts": {"cells": 200},
        "packages": {"numpy": "2.4"},
    }
    said = {"Scores & more": ["r < 1"], "nothing": []}
    return page.render_page(
        "A & B, run <demo>",
        said,
        {"scores": b"PNG"},
        tables,
        {"seed": 0},
        [record],
        ["not for persons"],
    )


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        ((0.28, 0.1, 0.4), "tell more than the place"),
        ((-0.2, -0.3, -0.1), "tell less than the place"),
        ((0.02, -0.1, 0.1), "leaves open"),
        ((0.02, float("nan"), float("nan")), "leaves open"),
    ],
)
def test_verdict_follows_the_interval_of_the_difference(difference, expected):
    assert expected in sentences.summarise_scores(metrics(difference))[0]


def test_sentences_give_the_scores_over_all_cells_and_folds():
    first, second = sentences.summarise_scores(metrics())
    assert "0.76 [0.70, 0.81] over 200 cells" in first and "reach 0.48" in first
    assert "51%" in second and "86%" in second and "20%" in second


def test_a_city_left_out_of_its_own_training_has_scores_without_baselines():
    alone = metrics().query("predictor == 'model'")
    first, second = sentences.summarise_scores(alone)
    assert first.endswith("over 200 cells.") and second.endswith("or its neighbour.")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.3, -0.1, "worse than a ridge regression on land cover"),
        (0.1, 0.3, "better than each"),
        (-0.1, 0.1, "open"),
    ],
)
def test_ridge_regressions_above_the_network_are_said(low, high, expected):
    ridge = pd.DataFrame(
        [
            metric_row("land_cover", "spearman", 0.81, 0.75, 0.86),
            metric_row("model - land_cover", "spearman", (low + high) / 2, low, high),
        ]
    )
    *_, last = sentences.summarise_scores(pd.concat([metrics(), ridge]))
    assert "0.81 [0.75, 0.86] on land cover" in last and expected in last


def test_strongest_class_of_each_side_is_named(ratios, contrast):
    poor, rich, *_ = sentences.summarise_land_cover(ratios, contrast)
    assert "other roads: ratio 1.80 [1.20, 2.40], in 40 cells" in poor
    assert "water: ratio 1.30" in rich


def test_a_rare_class_with_a_high_ratio_is_not_the_clearest(ratios, contrast):
    ratios.loc[ratios["class"] == "water", ["ratio", "ci_low", "ci_high"]] = [9.0, 0.1, 80.0]
    assert "other roads" in sentences.summarise_land_cover(ratios, contrast)[0]


def test_only_classes_whose_interval_leaves_zero_are_told_apart(ratios, contrast):
    last = sentences.summarise_land_cover(ratios, contrast)[2]
    assert "above 0: none" in last and "says poor: other roads" in last


def test_a_side_without_cells_is_said(ratios, contrast):
    got = sentences.summarise_land_cover(ratios[ratios["side"] == "rich"], contrast)
    assert "Too few cells are predicted poor" in got[0]


def test_significance_counts_what_was_tested(ratios, contrast):
    got = sentences.summarise_land_cover(ratios, contrast)[-1]
    assert "1 of 2 contrasts, 1 of 2 poor ratios and 0 of 1 rich ratios" in got
    untested = sentences.summarise_land_cover(
        ratios.assign(q_value=None), contrast.assign(q_value=None)
    )
    assert len(untested) == 3


def test_each_split_has_a_sentence_with_what_is_known_of_it(leakage):
    random, block, city = sentences.summarise_leakage(leakage)
    assert "(12 groups and 30 blocks leak)" in random and "no model was trained" in random
    assert (
        "reach a Spearman r of 0.50 [0.40, 0.60], the model 0.70" in block
        and "adds 0.20 [0.10, 0.30]" in block
    )
    assert city == "Split by a city left out: the model 0.40 [0.30, 0.50]."


def test_calibration_is_told_before_and_after_scaling():
    table = pd.DataFrame(
        {
            "subset": "all",
            "predictor": ["model", "model, temperature scaled"],
            "metric": "ece",
            "value": [0.2, 0.05],
            "ci_low": [0.1, 0.01],
            "ci_high": [0.3, 0.1],
        }
    )
    (got,) = sentences.summarise_calibration(table)
    assert "off by 0.20 [0.10, 0.30]" in got and "by 0.05 [0.01, 0.10]" in got


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.9, "follows the other"),
        (-0.9, -0.1, "against the other"),
        (-0.5, 0.5, "leaves that open"),
        (float("nan"), float("nan"), None),
    ],
)
def test_orders_are_compared_by_their_interval(low, high, expected):
    got = sentences.summarise_ordering(ordering(low, high))
    assert [expected in sentence for sentence in got] == ([True] if expected else [])


@pytest.mark.parametrize(
    ("p_value", "expected"), [(0.001, "still alike"), (0.4, "no more than chance")]
)
def test_what_the_model_leaves_is_alike_or_not(p_value, expected):
    assert expected in sentences.summarise_space(autocorrelation(p_value))[0]


def test_controls_that_keep_the_order_are_named():
    table = agreement(
        {
            "published": ("published", 1.0, 1.0, 1.0),
            "hirescam": ("method", 0.9, 0.8, 1.0),
            "edges": ("control", 0.5, 0.2, 0.7),
            "weights_1": ("control", 0.9, 0.8, 1.0),
            "weights_2": ("control", 0.0, -0.3, 0.3),
            "shifted": ("control", 0.8, 0.7, 0.9),
        }
    )
    methods, blind = sentences.summarise_controls(table)
    assert "0.90 [0.80, 1.00] (HiResCAM)" in methods
    assert "image edges keep" in blind and "(all weights random)" in blind
    assert "weights 1" not in blind and "shifted" not in blind


def test_size_that_is_kept_without_what_was_learnt_is_said():
    table = agreement(
        {
            "edges": ("control", 0.9, 0.8, 1.0),
            "shuffled_labels": ("control", None, None, None),
            "weights_1": ("control", 0.9, 0.8, 1.0),
            "weights_2": ("control", 0.0, -0.3, 0.3),
        }
    )
    table = table.assign(
        kept=[0.01, 0.03, 0.5, 0.04], kept_low=[0, -0.12, 0.4, None], kept_high=0.6, n_classes=7
    )
    last = sentences.summarise_controls(table)[-1]
    assert (
        "3% [-12%, 60%] (labels shuffled, 7 classes) and 4% (all weights random, 7 classes)" in last
    )
    assert "50%" not in last


def test_without_controls_nothing_is_said_of_them():
    assert (
        sentences.summarise_controls(agreement({"published": ("published", 1.0, 1.0, 1.0)})) == []
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.5, -0.1, "marks what the logit hangs on."),
        (0.1, 0.5, "less than chance"),
        (-0.1, 0.1, "leaves that open"),
    ],
)
def test_deletion_below_random_is_what_the_map_promises(low, high, expected):
    area = pd.DataFrame(
        {
            "order": ["published"],
            "curve": ["deletion"],
            "area": [-1.0],
            "ci_low": [-1.2],
            "ci_high": [-0.8],
            "above_random": [(low + high) / 2],
            "above_random_low": [low],
            "above_random_high": [high],
        }
    )
    assert expected in sentences.summarise_deletion(area)[0]
    assert sentences.summarise_deletion(area[:0]) == []


def test_leakage_table_has_a_column_a_metric_and_no_split_is_lost(leakage):
    got = page.tabulate_leakage(leakage)
    assert got["split"].tolist() == ["random", "block", "block", "block", "city"]
    assert got["spearman"].iloc[-1] == "0.40 [0.30, 0.50]"


def test_limits_give_the_share_of_imputed_cells_and_tell_a_rendered_city():
    assert "25%" in sentences.name_limits(metrics(), rendered=False)[0]
    assert "rendered" in sentences.name_limits(metrics(), rendered=True)[0]
    assert (
        "quintiles of people"
        in sentences.name_limits(metrics(), rendered=False, target="density")[0]
    )


def test_scores_table_has_a_column_a_metric():
    got = page.tabulate_scores(metrics()).set_index(["subset", "predictor"])
    assert got.loc[("all", "model"), "spearman"] == "0.76 [0.70, 0.81]"
    assert got.loc[("imputed", "model"), "spearman"] == "0.50 [0.10, 0.70]"


def test_seeds_are_shown_where_there_are_several():
    table = pd.DataFrame(
        {"quantity": "metrics", "name": ["accuracy"], "n_seeds": [1], "sd": [None]}
    )
    assert (
        page.tabulate_seeds(table).empty and len(page.tabulate_seeds(table.assign(n_seeds=3))) == 1
    )


def test_page_needs_no_other_file_and_no_script(made_page):
    assert not re.search(r"<script|<link|https?://|src=\"(?!data:)", made_page)
    assert 'src="data:image/png;base64,UE5H"' in made_page


def test_page_is_well_formed_and_escapes_what_it_is_given(made_page):
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "img"):
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Checker().feed(made_page)
    assert not open_tags
    assert "A &amp; B, run &lt;demo&gt;" in made_page and "r &lt; 1" in made_page
    assert (
        "Scores &amp; more" in made_page and "nothing" not in made_page
    )  # a topic without sentences


def test_page_shows_settings_records_and_packages(made_page):
    for words in ("seed", "12_evaluate_income", "200 cells", "numpy", "not for persons"):
        assert words in made_page
