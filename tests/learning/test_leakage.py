"""What a split gives away: leaks, neighbours in training, and what coordinates reach."""

import numpy as np
import pandas as pd
import pytest

from samples import REAL_DATA
from urbancam.learning import leakage, place, splits
from urbancam.scoring import targets
from urbancam.scoring.vocabulary import PROBABILITIES
from urbancam.sources.census import incomes, layouts
from urbancam.tables import grid
from urbancam.workflow.settings import settings


@pytest.fixture(scope="module")
def run() -> settings.Settings:
    return settings.load("default", ["split.block_m=1000", "statistics.draws=50"])


@pytest.fixture(scope="module")
def samples(run) -> pd.DataFrame:
    """Twenty by twenty cells, richer eastwards, a fifth in imputation groups, split by blocks."""
    number = np.arange(400)
    north, east = np.divmod(number, 20)
    grouped = np.random.default_rng(0).random(400) < 0.2
    groups = np.where(grouped, number // 3, np.nan)
    columns = {
        "idINSPIRE": [
            grid.cell_id(3_600_000 + 200 * x, 2_800_000 + 200 * y, 200)
            for x, y in zip(east, north, strict=True)
        ],
        "income_class": east // 4,
        "used": True,
        "reason": "",
        "group": pd.Series(groups, dtype="Int64"),
    }
    table = splits.add_folds(pd.DataFrame(columns), run.split, seed=0)
    return table.astype({"fold": int, "income_class": int})


def leaks(samples, method, run) -> dict[str, float]:
    cells = leakage.split_again(samples, method, run)
    return leakage.count_leaks(cells, method, run, run.split.folds)


def test_t11_block_split_leaks_nothing(samples, run):
    got = leaks(samples, "block", run)
    assert got["leaks_cell"] == got["leaks_group"] == got["leaks_block"] == 0


def test_t11_random_split_leaks_groups_and_blocks(samples, run):
    got = leaks(samples, "random", run)
    assert got["leaks_cell"] == 0
    assert got["leaks_group"] > 5
    assert got["leaks_block"] == 16


@pytest.mark.slow
def test_group_split_keeps_groups_whole_but_not_blocks(samples, run):
    got = leaks(samples, "group", run)
    assert got["leaks_group"] == 0
    assert got["leaks_block"] > 0


def test_neighbours_of_test_cells_are_trained_on_where_the_split_leaks(samples, run):
    block = leaks(samples, "block", run)
    random = leaks(samples, "random", run)
    assert random["trained_neighbours"] == pytest.approx(0.8, abs=0.03)  # four of five folds
    assert block["trained_neighbours"] < 0.5


def test_neighbours_in_a_row_of_cells_by_hand():
    ids = pd.Series([grid.cell_id(200 * x, 0, 200) for x in range(4)])
    got = grid.neighbours(ids).toarray()
    assert got.tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]]


def test_city_left_out_shares_what_lies_in_both(samples):
    own = samples.iloc[:210]
    others = samples.iloc[200:]
    got = leakage.count_shared(own, others)
    shared_blocks = set(own["block"]) & set(others["block"])
    assert got["leaks_cell"] == 10
    assert got["leaks_block"] == len(shared_blocks) > 0
    assert 0 < got["trained_neighbours"] < 0.2  # along the border only


def test_city_far_from_the_others_shares_nothing(samples):
    ids = samples["idINSPIRE"].str.replace("mN2", "mN3")
    far = samples.assign(idINSPIRE=ids, group=pd.NA, block="elsewhere")
    assert set(leakage.count_shared(samples, far).values()) == {0}


def make_targets(samples: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    """Rows of `predictions.csv` of the samples, all classes alike probable."""
    alike = dict.fromkeys(PROBABILITIES, 0.2)
    return samples.assign(target=target, **alike)


def score_coordinates(samples, targets, run) -> pd.DataFrame:
    blocks = targets["block"].to_numpy()
    table = leakage.score_coordinates(samples, targets, blocks, run)
    return table.set_index("metric")


def test_coordinates_score_higher_where_neighbours_leak(samples, run):
    rows = make_targets(samples, samples["income_class"] * 1.0)
    accuracy = {}
    for method in ("random", "block"):
        cells = leakage.split_again(samples, method, run)
        accuracy[method] = score_coordinates(cells, rows, run).loc["accuracy"]
    random = accuracy["random"]
    assert random["value"] > accuracy["block"]["value"]
    assert random["ci_low"] <= random["value"] <= random["ci_high"]


def test_coordinates_learn_from_all_cells_also_where_few_folds_are_scored(samples, run):
    rows = make_targets(samples, samples["income_class"] * 1.0)
    first_fold = rows[rows["fold"] == 0]
    got = score_coordinates(samples, first_fold, run)
    assert got.loc["spearman", "value"] > 0.5
    assert got["n_cells"].eq(len(first_fold)).all()


def make_values(value: float) -> pd.DataFrame:
    columns = {"quantity": ["metrics"], "metric": ["rps"], "class": [None], "value": [value]}
    return pd.DataFrame(columns)


def test_spread_over_seeds():
    got = leakage.spread_over_seeds([make_values(1.0), make_values(3.0)]).iloc[0]
    assert got[["n_seeds", "mean", "min", "max"]].tolist() == [2, 2.0, 1.0, 3.0]
    assert got["sd"] == pytest.approx(2**0.5)


def test_single_seed_has_no_spread():
    assert leakage.spread_over_seeds([make_values(0.2)])["sd"].isna().all()


@pytest.fixture(scope="module")
def bordeaux(tmp_path_factory) -> pd.DataFrame:
    """The real census: 6,735 cells in blocks of 2 km, with their incomes."""
    source = REAL_DATA / "filosofi2015_bordeaux.gpkg"
    if not source.is_file():
        pytest.skip("no real samples here")
    census = layouts.read_source(source, 2015, tmp_path_factory.mktemp("scratch"))
    cells = incomes.clean(census, "bordeaux")
    cells = cells.assign(value=cells["ind_snv"] / cells["ind"], used=True, reason="")
    cells["income_class"] = targets.quintiles(cells["value"])
    folds = splits.add_folds(cells, settings.load("default").split, seed=0)
    cells = cells.drop(columns=["group", "income_class", "used", "reason"])
    return cells.merge(folds, on="idINSPIRE")


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("method", "expected"), [("random", 0.705), ("group", 0.645), ("block", 0.52)]
)
def test_bordeaux_neighbours_reach_much_without_any_image_where_the_split_leaks(
    bordeaux, method, expected
):
    run = settings.load("default", ["statistics.draws=20"])
    cells = leakage.split_again(bordeaux, method, run).astype({"income_class": int})
    table = score_coordinates(cells, make_targets(cells, cells["value"]), run)
    assert table.loc["spearman", "value"] == pytest.approx(expected, abs=0.01)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize(("method", "expected"), [("random", {100}), ("block", {500, 1000})])
def test_bordeaux_classes_reach_farther_where_blocks_are_tested(bordeaux, method, expected):
    run = settings.load("default")
    cells = leakage.split_again(bordeaux, method, run)
    corners = grid.corners(cells["idINSPIRE"])
    classes, folds = cells["income_class"].to_numpy(int), cells["fold"].to_numpy(int)
    reaches_m = run.baselines.reaches_m
    reaches = place.chosen_reaches(corners, classes, folds, range(5), reaches_m, cells["unit"])
    assert set(reaches.values()) == expected


@pytest.mark.real_data
def test_bordeaux_random_split_tests_cells_among_their_trained_neighbours(bordeaux):
    run = settings.load("default")
    random = leaks(bordeaux, "random", run)
    block = leaks(bordeaux, "block", run)
    assert random["trained_neighbours"] > 0.75
    assert block["trained_neighbours"] < 0.25
