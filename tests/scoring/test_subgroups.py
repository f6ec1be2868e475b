"""Scores within parts of a city, by people, and by distance, against scores of the parts alone."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from score_oracles import make_predictions, slow_scores
from urbancam.scoring import subgroups
from urbancam.tables import grid
from urbancam.workflow.settings import settings

N = 400
PARTS = np.array(["75", "92"], dtype=object)[(np.arange(N) % 3 > 0).astype(int)]
STATISTICS = settings.load("demo", ["statistics.draws=60"]).statistics


def make_table(
    model: pd.DataFrame, groups: np.ndarray = PARTS, people: np.ndarray | None = None
) -> pd.DataFrame:
    people = np.ones(len(model)) if people is None else people
    blocks = np.arange(len(model)) // 8
    predictors = {"model": model, "coordinates": model.assign(p=model["p"].to_numpy()[::-1])}
    table = subgroups.subgroup_table(
        predictors, {"department": groups}, people, blocks, STATISTICS, seed=0
    )
    return table.set_index(["grouping", "subset", "weighting", "predictor", "metric"]).sort_index()


def test_scores_of_a_part_are_those_of_its_cells_alone():
    model = make_predictions(N)
    got = make_table(model).loc["department", "92", "cells", "model"]
    expected = slow_scores(model[PARTS == "92"])
    assert got["value"].to_dict() == pytest.approx({m: expected[m] for m in subgroups.METRICS})
    assert (got["ci_low"] < got["value"]).all() and (got["value"] < got["ci_high"]).all()
    assert set(got["n_cells"]) == {(PARTS == "92").sum()}


def test_a_cell_of_many_people_counts_as_so_many_cells():
    model = make_predictions(N)
    people = np.random.default_rng(0).integers(1, 5, N)
    got = make_table(model, people=people).loc["city", "all", "people", "model"]
    expected = slow_scores(model.loc[model.index.repeat(people)])
    assert got["value"].to_dict() == pytest.approx({m: expected[m] for m in subgroups.METRICS})


def test_what_lies_between_departments_alone_is_gone_within_them():
    random = np.random.default_rng(1)
    richer = (PARTS == "75") * 1.0
    model = make_predictions(N).assign(
        p=0.4 + 0.2 * richer + random.uniform(-0.1, 0.1, N),
        target=20_000 + 9_000 * richer + random.uniform(-3000, 3000, N),
    )
    got = make_table(model)["value"].xs("spearman", level="metric")
    assert got["city", "all", "cells", "model"] > 0.6
    assert abs(got["department", "within", "cells", "model"]) < 0.15


def test_within_is_the_mean_of_the_parts_by_their_cells():
    got = make_table(make_predictions(N))["value"].loc["department", :, "cells", "model"]
    spearman = got.xs("spearman", level="metric")
    sizes = pd.Series(PARTS).value_counts()
    expected = (spearman[sizes.index] * sizes).sum() / N
    assert spearman["within"] == pytest.approx(expected)


def test_a_part_of_few_blocks_has_no_interval_and_an_unknown_part_no_row():
    groups = np.where(np.arange(N) < 40, "01", np.where(np.arange(N) < 300, "02", None))
    got = make_table(make_predictions(N), groups).loc["department"]
    assert got.loc["01", "ci_low"].isna().all() and got.loc["01", "value"].notna().all()
    assert got.loc["02", "ci_low"].notna().all()
    assert set(got.index.get_level_values("subset")) == {"01", "02", "within"}


def test_parts_of_few_blocks_are_not_in_the_mean_over_the_parts():
    groups = np.where(np.arange(N) < 40, "01", np.where(np.arange(N) < 240, "02", "03"))
    got = make_table(make_predictions(N), groups).loc["department", :, "cells", "model"]
    values = got["value"].xs("spearman", level="metric")
    assert values["within"] == pytest.approx((200 * values["02"] + 160 * values["03"]) / 360)
    assert set(got.loc["within", "n_cells"]) == {360} and set(got.loc["within", "n_blocks"]) == {45}


def test_where_no_part_has_blocks_enough_the_mean_over_the_parts_has_no_interval():
    """Ten parts of five blocks each: fifty blocks, of which no part's own score is known."""
    got = make_table(make_predictions(N), np.arange(N) // 40).loc["department", "within", "cells"]
    assert got["value"].notna().all() and got["ci_low"].isna().all()
    assert set(got["n_blocks"]) == {5}


def test_many_cells_at_the_shortest_distance_leave_bins_for_the_others():
    """Four in five cells lie beside one learned from: quantiles would make two bins."""
    distances_m = np.where(np.arange(N) % 5 > 0, 200.0, 200.0 * (2 + np.arange(N) % 3))
    got = subgroups.distance_table(
        {"model": make_predictions(N)}, distances_m, np.arange(N) // 8, STATISTICS, seed=0
    )
    bins = got[got["metric"] == "spearman"]
    assert bins["from_m"].tolist() == bins["to_m"].tolist() == [200, 400, 600, 800]
    assert bins["n_cells"].tolist() == [320, 27, 26, 27]


def line_of_cells(n: int, folds: list[int]) -> pd.DataFrame:
    ids = [grid.cell_id(3_600_000 + 200 * i, 2_800_000, 200) for i in range(n)]
    return pd.DataFrame({"idINSPIRE": ids, "fold": folds})


def test_distance_to_the_nearest_cell_learned_from_by_hand():
    samples = line_of_cells(6, [0, 0, 0, 1, 1, 1])
    tested = samples["idINSPIRE"].iloc[[2, 0, 5]]
    assert subgroups.nearest_training_m(samples, tested).tolist() == [200, 600, 600]
    alone = line_of_cells(3, [0, 0, 0])
    assert np.isinf(subgroups.nearest_training_m(alone, alone["idINSPIRE"])).all()


def test_scores_fall_with_distance_where_they_were_made_to():
    random = np.random.default_rng(2)
    distances_m = 200.0 * random.integers(1, 9, N)
    truth = random.normal(size=N)
    model = make_predictions(N).assign(
        p=stats.norm.cdf(truth + distances_m / 400 * random.normal(size=N)), target=truth
    )
    got = subgroups.distance_table(
        {"model": model}, distances_m, np.arange(N) // 8, STATISTICS, seed=0
    )
    spearman = got[got["metric"] == "spearman"]
    assert spearman["n_cells"].sum() == N
    assert spearman["value"].iloc[0] > spearman["value"].iloc[-1] + 0.2
    assert spearman["from_m"].iloc[0] == 200 and spearman["to_m"].iloc[-1] == 1600
    assert (spearman["to_m"].to_numpy()[:-1] < spearman["from_m"].to_numpy()[1:]).all()
