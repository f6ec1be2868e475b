"""What a split gives away: leaks, neighbours in training, and what coordinates reach."""

import numpy as np
import pandas as pd
import pytest

from samples import REAL_DATA
from urbancam.learning import leakage, splits
from urbancam.scoring import targets
from urbancam.scoring.predictions import PROBABILITIES
from urbancam.sources.census import incomes, layouts
from urbancam.workflow import settings


@pytest.fixture(scope="module")
def made() -> settings.Settings:
    return settings.load("default", ["split.block_m=1000", "statistics.draws=50"])


@pytest.fixture(scope="module")
def samples(made) -> pd.DataFrame:
    """Twenty by twenty cells whose class grows to the east, a fifth in imputation groups, split by blocks."""
    east, north = (values.ravel() for values in np.meshgrid(np.arange(20), np.arange(20)))
    ids = [
        f"CRS3035RES200mN{2_800_000 + 200 * n}E{3_600_000 + 200 * e}"
        for n, e in zip(north, east, strict=True)
    ]
    cells = pd.DataFrame({"idINSPIRE": ids, "income_class": east // 4, "used": True, "reason": ""})
    grouped = np.random.default_rng(0).random(400) < 0.2
    cells["group"] = pd.Series(np.where(grouped, np.arange(400) // 3, np.nan), dtype="Int64")
    return splits.add_folds(cells, made.split, seed=0).astype({"fold": int, "income_class": int})


def leaks(samples, method, made):
    return leakage.count_leaks(
        leakage.split_again(samples, method, made), method, made, made.split.folds
    )


def test_t11_block_split_leaks_nothing_and_random_split_leaks_groups_and_blocks(samples, made):
    block, random = leaks(samples, "block", made), leaks(samples, "random", made)
    assert [block[f"leaks_{name}"] for name in ("cell", "group", "block")] == [0, 0, 0]
    assert random["leaks_cell"] == 0 and random["leaks_group"] > 5 and random["leaks_block"] == 16


def test_group_split_keeps_groups_whole_but_not_blocks(samples, made):
    got = leaks(samples, "group", made)
    assert got["leaks_group"] == 0 and got["leaks_block"] > 0


def test_neighbours_of_test_cells_are_trained_on_where_the_split_leaks(samples, made):
    block, random = leaks(samples, "block", made), leaks(samples, "random", made)
    assert random["trained_neighbours"] == pytest.approx(0.8, abs=0.03)  # four of five folds
    assert block["trained_neighbours"] < 0.5


def test_trained_neighbours_by_hand(made):
    ids = [f"CRS3035RES200mN0E{200 * e}" for e in range(4)]
    row = pd.DataFrame(
        {"idINSPIRE": ids, "income_class": 0, "group": pd.NA, "block": ids, "fold": [0, 0, 1, 1]}
    )
    got = leakage.grid.neighbours(row["idINSPIRE"], 200).toarray()
    assert got.tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]


def test_city_left_out_shares_what_lies_in_both(samples):
    own, others = samples.iloc[:210], samples.iloc[200:]
    got = leakage.count_shared(own, others, 200)
    assert (
        got["leaks_cell"] == 10
        and got["leaks_block"] == len(set(own["block"]) & set(others["block"])) > 0
    )
    assert 0 < got["trained_neighbours"] < 0.2  # along the border only


def test_city_far_from_the_others_shares_nothing(samples):
    far = samples.assign(
        idINSPIRE=samples["idINSPIRE"].str.replace("mN2", "mN3"), group=pd.NA, block="elsewhere"
    )
    assert set(leakage.count_shared(samples, far, 200).values()) == {0}


def test_coordinates_score_higher_where_neighbours_leak(samples, made):
    targets = samples.assign(
        income_eur=20_000.0 + samples["income_class"], target=samples["income_class"] * 1.0
    )
    targets[PROBABILITIES] = 0.2
    blocks = samples["block"].to_numpy()
    by_method = {}
    for method in ("random", "block"):
        cells = leakage.split_again(samples, method, made)
        table = leakage.score_coordinates(cells, targets, blocks, made).set_index("metric")
        by_method[method] = table.loc["accuracy"]
    assert by_method["random"]["value"] > by_method["block"]["value"]
    assert (
        by_method["random"]["ci_low"]
        <= by_method["random"]["value"]
        <= by_method["random"]["ci_high"]
    )


def test_coordinates_learn_from_all_cells_also_where_few_folds_are_scored(samples, made):
    targets = samples.assign(income_eur=20_000.0, target=samples["income_class"] * 1.0)
    targets[PROBABILITIES] = 0.2
    first = targets[targets["fold"] == 0]
    got = leakage.score_coordinates(samples, first, first["block"].to_numpy(), made).set_index(
        "metric"
    )
    assert got.loc["spearman", "value"] > 0.5 and got["n"].eq(len(first)).all()


def test_spread_over_seeds():
    values = {
        seed: pd.DataFrame({"quantity": "metrics", "name": ["rps"], "value": [float(seed)]})
        for seed in (1, 3)
    }
    got = leakage.spread(values).iloc[0]
    assert (got["n_seeds"], got["mean"], got["min"], got["max"]) == (2, 2.0, 1.0, 3.0)
    assert got["sd"] == pytest.approx(2**0.5)


def test_single_seed_has_no_spread():
    values = {0: pd.DataFrame({"quantity": ["metrics"], "name": ["rps"], "value": [0.2]})}
    assert np.isnan(leakage.spread(values)["sd"]).all()


# ---- the real census of Bordeaux: what the image must beat


@pytest.fixture(scope="module")
def bordeaux(tmp_path_factory) -> pd.DataFrame:
    """6,735 real cells, in blocks of 2 km, with their incomes."""
    if not (source := REAL_DATA / "filosofi2015_bordeaux.gpkg").is_file():
        pytest.skip("no real samples here")
    cells = incomes.clean(
        layouts.read_source(source, 2015, tmp_path_factory.mktemp("scratch")), "bordeaux"
    )
    cells = cells.assign(income_eur=cells["ind_snv"] / cells["ind"], used=True, reason="")
    cells["income_class"] = targets.quintiles(cells["income_eur"])
    folds = splits.add_folds(cells, settings.load("default").split, seed=0)
    return cells.drop(columns=["group", "income_class", "used", "reason"]).merge(
        folds, on="idINSPIRE"
    )


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("method", "expected"), [("random", 0.70), ("group", 0.64), ("block", 0.48)]
)
def test_bordeaux_neighbours_reach_much_without_any_image_where_the_split_leaks(
    bordeaux, method, expected
):
    made = settings.load("default", ["statistics.draws=20"])
    cells = leakage.split_again(bordeaux, method, made).astype({"income_class": int})
    targets_of = cells.assign(target=cells["income_eur"], **dict.fromkeys(PROBABILITIES, 0.2))
    table = leakage.score_coordinates(cells, targets_of, cells["block"].to_numpy(), made).set_index(
        "metric"
    )
    assert table.loc["spearman", "value"] == pytest.approx(expected, abs=0.02)


@pytest.mark.real_data
def test_bordeaux_random_split_tests_cells_among_their_trained_neighbours(bordeaux):
    made = settings.load("default")
    shares = {
        method: leaks(bordeaux, method, made)["trained_neighbours"]
        for method in ("random", "block")
    }
    assert shares["random"] > 0.75 and shares["block"] < 0.25
