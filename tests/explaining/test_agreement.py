"""Controls beside the published ratios: hand-made cities with a known answer."""

import numpy as np
import pandas as pd
import pytest

from urbancam.explaining import agreement
from urbancam.explaining.landcover.city import LandCover
from urbancam.workflow.settings import settings

NAMES = {
    "green ua": "Green urban areas",
    "comr_indst": "Industry",
    "roads": "Roads",
    "water": "Water",
}
SETTINGS = settings.load("default")
CELL_AREA_M2 = 40_000


# ---- the sample


def make_predictions(classes) -> pd.DataFrame:
    ids = [f"cell{i:03d}" for i in range(len(classes))]
    return pd.DataFrame(
        {"idINSPIRE": ids, "predicted_class": classes, "income_class": classes, "fold": 0}
    )


def test_sample_is_balanced_and_marks_the_rich():
    predictions = make_predictions([0] * 50 + [2] * 50 + [4] * 20)
    got = agreement.draw_cells(predictions, SETTINGS.landcover, 30, 1)
    assert len(got) == 30
    assert got["rich"].sum() == 15
    assert (got["rich"] == (got["predicted_class"] == 4)).all()
    assert got["idINSPIRE"].is_monotonic_increasing


def test_sample_is_seeded():
    predictions = make_predictions([0] * 50 + [2] * 50 + [4] * 20)
    first = agreement.draw_cells(predictions, SETTINGS.landcover, 30, 1)
    assert first.equals(agreement.draw_cells(predictions, SETTINGS.landcover, 30, 1))
    assert not first.equals(agreement.draw_cells(predictions, SETTINGS.landcover, 30, 2))


@pytest.mark.parametrize(
    ("count", "poor", "rich"), [(None, 50, 20), (60, 30, 20), (3, 1, 2), (0, 0, 0)]
)
def test_sample_gives_what_a_side_has(count, poor, rich):
    predictions = make_predictions([1] * 50 + [2] * 50 + [3] * 20)
    got = agreement.draw_cells(predictions, SETTINGS.landcover, count, 0)["rich"]
    assert (~got).sum() == poor
    assert got.sum() == rich


# ---- controls beside the published map

CELLS = agreement.draw_cells(make_predictions(np.arange(80) % 5), SETTINGS.landcover, None, 0)


def share(area: np.ndarray, gains: list[float]) -> np.ndarray:
    weighted = area * gains
    return (weighted / weighted.sum(1, keepdims=True)).ravel()


def make_shares() -> pd.DataFrame:
    """The published rich map lies on green and then industry, the poor one on water.

    `nothing` follows the area, and `mirror` has the published sides the other way round.
    """
    n = len(CELLS)
    area = np.random.default_rng(0).dirichlet([2, 2, 2, 2], n)
    poor = share(area, [1, 2, 3, 4])
    rich = share(area, [4, 3, 2, 1])
    return pd.DataFrame(
        {
            "fragment_id": [f"f{i}" for i in range(4 * n)],
            "idINSPIRE": np.repeat(CELLS["idINSPIRE"], 4),
            "class": list(NAMES) * n,
            "code": 1,
            "area_m2": area.ravel() * CELL_AREA_M2,
            "published_poor": poor,
            "published_rich": rich,
            "hirescam_poor": poor,
            "hirescam_rich": rich,
            "nothing_poor": area.ravel(),
            "nothing_rich": area.ravel(),
            "mirror_poor": rich,
            "mirror_rich": poor,
        }
    )


def make_city(activation: pd.DataFrame) -> LandCover:
    block_names = [f"block{i // 4}" for i in range(len(CELLS))]
    return LandCover(
        activation,
        CELLS,
        blocks=pd.Series(block_names, index=CELLS["idINSPIRE"]),
        names=NAMES,
        cell_area_m2=CELL_AREA_M2,
        settings=SETTINGS.landcover,
        statistics=SETTINGS.statistics,
        seed=0,
    )


def make_correlations(**values: float) -> pd.DataFrame:
    """The same correlation in every cell, by control; on the rich side it is 0.1 higher."""
    tables = []
    for name, value in values.items():
        table = {
            "idINSPIRE": CELLS["idINSPIRE"],
            "control": name,
            "poor": value,
            "rich": value + 0.1,
            "contrast": value,
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables)


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    correlations = make_correlations(published=1.0, hirescam=0.8)
    return agreement.compare(make_shares(), correlations, CELLS, make_city, ["hirescam"])


@pytest.fixture(scope="module")
def ratios(tables) -> pd.DataFrame:
    return tables[0]


@pytest.fixture(scope="module")
def agreements(tables) -> pd.DataFrame:
    return tables[1].set_index(["control", "side"])


def test_published_map_agrees_with_itself(ratios, agreements):
    own = ratios[ratios["control"] == "published"]
    assert own["value"].equals(own["published_value"])
    assert set(own["kind"]) == {"published"}
    rows = agreements.loc["published"]
    assert rows["rank_correlation"].tolist() == pytest.approx([1, 1, 1])
    assert rows["n_classes"].tolist() == [4, 4, 4]


def test_kinds_and_sides_are_complete(tables):
    ratios, agreements = tables
    kinds = dict(zip(agreements["control"], agreements["kind"], strict=True))
    assert kinds == {
        "published": "published",
        "hirescam": "method",
        "nothing": "control",
        "mirror": "control",
    }
    assert len(ratios) == 4 * 3 * 4
    assert agreements["side"].tolist() == ["poor", "rich", "contrast"] * 4


def test_map_that_follows_the_area_has_ratios_of_one_and_no_contrast(ratios):
    rows = ratios.query("control == 'nothing'").set_index(["side", "class"])
    assert rows.loc["poor", "value"].tolist() == pytest.approx([1] * 4)
    assert rows.loc["contrast", "value"].tolist() == pytest.approx([0] * 4, abs=1e-9)
    assert rows.loc[("contrast", "green ua"), "published_value"] > 0.5


def test_contrast_is_the_logarithm_of_the_quotient(ratios):
    published = ratios.query("control == 'published'")
    by_side = published.pivot(index="class", columns="side", values="value")
    expected = np.log(by_side["rich"] / by_side["poor"])
    assert by_side["contrast"].to_numpy() == pytest.approx(expected.to_numpy())


def test_mirrored_map_turns_the_order_of_the_classes_round(agreements):
    contrast = agreements.loc[("mirror", "contrast")]
    assert contrast["rank_correlation"] == pytest.approx(-1)
    assert contrast["ci_high"] < 0


def test_kept_is_one_for_the_same_map_none_for_the_area_and_turned_round_in_the_mirror(agreements):
    assert agreements.loc["hirescam", "kept"].tolist() == pytest.approx([1, 1, 1])
    assert agreements.loc["nothing", "kept"].tolist() == pytest.approx([0, 0, 0], abs=1e-9)
    assert agreements.loc[("mirror", "contrast"), "kept_ci_low":"kept_ci_high"].lt(-0.5).all()


def test_kept_is_the_slope_through_the_origin(ratios, agreements):
    rows = ratios.query("control == 'mirror' and side == 'poor'")
    own = np.log(rows["value"]).to_numpy()
    published = np.log(rows["published_value"]).to_numpy()
    (slope,), *_ = np.linalg.lstsq(published[:, None], own, rcond=None)
    assert agreements.loc[("mirror", "poor"), "kept"] == pytest.approx(slope)


def test_map_correlation_is_the_mean_over_the_cells_of_the_side(agreements):
    got = agreements["map_correlation"]
    assert got["hirescam"].tolist() == pytest.approx([0.8, 0.9, 0.8])
    assert got["mirror"].isna().all()


def test_cells_without_a_control_s_map_leave_the_published_ratio_too():
    shares = make_shares()
    without_map = shares["idINSPIRE"].isin(CELLS["idINSPIRE"][:30])
    shares.loc[without_map, ["hirescam_poor", "hirescam_rich"]] = np.nan
    correlations = make_correlations(published=1.0)
    ratios, _ = agreement.compare(shares, correlations, CELLS, make_city, ["hirescam"])
    rows = ratios.query("control == 'hirescam'")
    assert rows["value"].equals(rows["published_value"])
    n_cells = ratios.query("side == 'contrast'").groupby("control")["n_cells"].first()
    assert n_cells["hirescam"] == n_cells["published"] - 30


def test_shares_of_another_run_come_by_fragment():
    shares = make_shares()
    other = pd.DataFrame(
        {"fragment_id": ["f2", "f0", "elsewhere"], "poor_share": [0.2, 0.1, 0.5], "rich_share": 0.3}
    )
    got = agreement.add_shares(shares, "shuffled_labels", other)
    first = got["shuffled_labels_poor"].head(3).tolist()
    assert first == pytest.approx([0.1, np.nan, 0.2], nan_ok=True)
    assert len(got) == len(shares)
    assert agreement.control_names(got)[-1] == "shuffled_labels"
