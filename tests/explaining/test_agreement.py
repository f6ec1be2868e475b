"""Controls beside the published ratios, deletion curves: hand-made cities with a known answer."""

import numpy as np
import pandas as pd
import pytest

from urbancam.explaining import agreement, deletion_curves
from urbancam.explaining.landcover.city import LandCover
from urbancam.workflow import settings

NAMES = {
    "green ua": "Green urban areas",
    "comr_indst": "Industry",
    "roads": "Roads",
    "water": "Water",
}
SETTINGS = settings.load("default")
N = 80


def make_predictions(classes) -> pd.DataFrame:
    ids = [f"cell{i:03d}" for i in range(len(classes))]
    return pd.DataFrame(
        {"idINSPIRE": ids, "predicted_class": classes, "income_class": classes, "fold": 0}
    )


CELLS = agreement.draw_cells(make_predictions(np.arange(N) % 5), SETTINGS.landcover, None, 0)


def share(area: np.ndarray, gains: list[float]) -> np.ndarray:
    weighted = area * gains
    return (weighted / weighted.sum(1, keepdims=True)).ravel()


def make_shares() -> pd.DataFrame:
    """The published rich map lies on green and then industry, the poor one on water; `nothing` follows the area."""
    n = len(CELLS)
    area = np.random.default_rng(0).dirichlet([2, 2, 2, 2], n)
    published = {
        "published_poor": share(area, [1, 2, 3, 4]),
        "published_rich": share(area, [4, 3, 2, 1]),
    }
    return pd.DataFrame(
        {
            "fragment_id": [f"f{i}" for i in range(4 * n)],
            "idINSPIRE": np.repeat(CELLS["idINSPIRE"], 4),
            "class": list(NAMES) * n,
            "code": 1,
            "area_m2": area.ravel() * 40_000,
            **published,
            "hirescam_poor": published["published_poor"],
            "hirescam_rich": published["published_rich"],
            "nothing_poor": area.ravel(),
            "nothing_rich": area.ravel(),
            "mirror_poor": published["published_rich"],
            "mirror_rich": published["published_poor"],
        }
    )


def make_city(activation: pd.DataFrame) -> LandCover:
    blocks = pd.Series([f"block{i // 4}" for i in range(len(CELLS))], index=CELLS["idINSPIRE"])
    return LandCover(
        activation, CELLS, blocks, NAMES, 40_000, SETTINGS.landcover, SETTINGS.statistics, 0
    )


def make_correlations(**values: float) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "idINSPIRE": CELLS["idINSPIRE"],
                    "control": name,
                    "poor": value,
                    "rich": value + 0.1,
                    "contrast": value,
                }
            )
            for name, value in values.items()
        ]
    )


@pytest.fixture(scope="module")
def compared() -> tuple[pd.DataFrame, pd.DataFrame]:
    correlations = make_correlations(published=1.0, hirescam=0.8)
    return agreement.compare(make_shares(), correlations, CELLS, make_city, ["hirescam"])


def test_sample_is_balanced_seeded_and_marks_the_rich():
    predictions = make_predictions([0] * 50 + [2] * 50 + [4] * 20)
    got = agreement.draw_cells(predictions, SETTINGS.landcover, 30, 1)
    assert got["rich"].sum() == 15 and len(got) == 30 and got["idINSPIRE"].is_monotonic_increasing
    assert (got["rich"] == (got["predicted_class"] == 4)).all()
    assert got.equals(agreement.draw_cells(predictions, SETTINGS.landcover, 30, 1))
    assert not got.equals(agreement.draw_cells(predictions, SETTINGS.landcover, 30, 2))


@pytest.mark.parametrize(
    ("count", "poor", "rich"), [(None, 50, 20), (60, 30, 20), (3, 1, 2), (0, 0, 0)]
)
def test_sample_gives_what_a_side_has(count, poor, rich):
    predictions = make_predictions([1] * 50 + [2] * 50 + [3] * 20)
    got = agreement.draw_cells(predictions, SETTINGS.landcover, count, 0)["rich"]
    assert ((~got).sum(), got.sum()) == (poor, rich)


def test_published_map_agrees_with_itself(compared):
    controls, agreed = compared
    own = controls[controls["control"] == "published"]
    assert own["ratio"].equals(own["published_ratio"]) and set(own["kind"]) == {"published"}
    rows = agreed[agreed["control"] == "published"]
    assert rows["rank_correlation"].tolist() == pytest.approx([1, 1, 1]) and rows[
        "n_classes"
    ].tolist() == [4, 4, 4]


def test_kinds_and_sides_are_complete(compared):
    controls, agreed = compared
    kinds = dict(zip(agreed["control"], agreed["kind"], strict=True))
    assert kinds == {
        "published": "published",
        "hirescam": "method",
        "nothing": "control",
        "mirror": "control",
    }
    assert (
        len(controls) == 4 * 3 * 4 and agreed["side"].tolist() == ["poor", "rich", "contrast"] * 4
    )


def test_map_that_follows_the_area_has_ratios_of_one_and_no_contrast(compared):
    rows = compared[0].query("control == 'nothing'").set_index(["side", "class"])
    assert rows.loc["poor", "ratio"].tolist() == pytest.approx([1] * 4)
    assert rows.loc["contrast", "ratio"].tolist() == pytest.approx([0] * 4, abs=1e-9)
    assert rows.loc[("contrast", "green ua"), "published_ratio"] > 0.5


def test_mirrored_map_turns_the_order_of_the_classes_round(compared):
    rows = compared[1].set_index(["control", "side"])
    assert rows.loc[("mirror", "contrast"), "rank_correlation"] == pytest.approx(-1)
    assert rows.loc[("mirror", "contrast"), "ci_high"] < 0


def test_kept_is_one_for_the_same_map_none_for_the_area_and_turned_round_in_the_mirror(compared):
    rows = compared[1].set_index(["control", "side"])
    assert rows.loc["hirescam", "kept"].tolist() == pytest.approx([1, 1, 1])
    assert rows.loc["nothing", "kept"].tolist() == pytest.approx([0, 0, 0], abs=1e-9)
    assert rows.loc[("mirror", "contrast"), "kept_low":"kept_high"].lt(-0.5).all()


def test_kept_is_the_slope_through_the_origin(compared):
    table, agreed = compared
    rows = table.query("control == 'mirror' and side == 'poor'")
    own, published = np.log(rows["ratio"]), np.log(rows["published_ratio"])
    expected = np.linalg.lstsq(published.to_numpy()[:, None], own.to_numpy(), rcond=None)[0][0]
    assert agreed.set_index(["control", "side"]).loc[("mirror", "poor"), "kept"] == pytest.approx(
        expected
    )


def test_contrast_is_the_logarithm_of_the_quotient(compared):
    rows = (
        compared[0]
        .query("control == 'published'")
        .pivot(index="class", columns="side", values="ratio")
    )
    assert np.log(rows["rich"] / rows["poor"]).to_numpy() == pytest.approx(
        rows["contrast"].to_numpy()
    )


def test_map_correlation_is_the_mean_over_the_cells_of_the_side(compared):
    rows = compared[1].set_index(["control", "side"])["map_correlation"]
    assert (
        rows["hirescam"].tolist() == pytest.approx([0.8, 0.9, 0.8]) and rows["mirror"].isna().all()
    )


def test_cells_without_a_control_s_map_leave_the_published_ratio_too():
    shares = make_shares()
    first = shares["idINSPIRE"].isin(CELLS["idINSPIRE"][:30])
    shares.loc[first, ["hirescam_poor", "hirescam_rich"]] = np.nan
    controls, _ = agreement.compare(
        shares, make_correlations(published=1.0), CELLS, make_city, ["hirescam"]
    )
    rows = controls.query("control == 'hirescam'")
    assert rows["ratio"].equals(rows["published_ratio"])
    n_cells = controls.query("side == 'contrast'").groupby("control")["n_cells"].first()
    assert n_cells["hirescam"] == n_cells["published"] - 30


def test_shares_of_another_run_come_by_fragment():
    shares = make_shares()
    other = pd.DataFrame(
        {"fragment_id": ["f2", "f0", "elsewhere"], "poor_share": [0.2, 0.1, 0.5], "rich_share": 0.3}
    )
    got = agreement.add_shares(shares, "shuffled_labels", other)
    assert got["shuffled_labels_poor"].head(3).tolist() == pytest.approx(
        [0.1, np.nan, 0.2], nan_ok=True
    )
    assert len(got) == len(shares) and agreement.control_names(got)[-1] == "shuffled_labels"


def make_curves(slopes: dict[str, float]) -> pd.DataFrame:
    """Straight deletion curves, each cell's slope a little different."""
    ids, at = [f"cell{i:03d}" for i in range(40)], np.linspace(0, 1, 5)
    return pd.DataFrame(
        [
            {
                "idINSPIRE": cell,
                "order": order,
                "curve": "deletion",
                "fraction": f,
                "value": (slope + 0.01 * (i % 3 - 1)) * f,
            }
            for order, slope in slopes.items()
            for i, cell in enumerate(ids[:39])
            for f in at
        ]
    )


BLOCKS = pd.Series([f"block{i // 3}" for i in range(40)], index=[f"cell{i:03d}" for i in range(40)])


def test_deletion_curve_and_area_of_straight_lines():
    curves = make_curves({"published": -2.0, "random": -1.0})
    table, area = deletion_curves.deletion_tables(curves, BLOCKS, SETTINGS.statistics, 0)
    rows, areas = table.set_index(["order", "fraction"]), area.set_index("order")
    assert rows.loc["published", "value"].tolist() == pytest.approx([0, -0.5, -1, -1.5, -2])
    assert rows["n_cells"].eq(39).all() and (rows["ci_low"] <= rows["value"]).all()
    assert areas.loc["published", ["area", "above_random"]].tolist() == pytest.approx([-1, -0.5])
    assert (
        areas.loc["published", "above_random_high"] < 0 and areas.loc["random", "above_random"] == 0
    )


def test_no_curves_give_empty_tables_with_their_columns():
    none = make_curves({"random": 1}).iloc[:0]
    table, area = deletion_curves.deletion_tables(none, BLOCKS, SETTINGS.statistics, 0)
    assert table.empty and list(table) == [
        "order",
        "curve",
        "fraction",
        "n_cells",
        "value",
        "ci_low",
        "ci_high",
    ]
    assert area.empty and list(area)[:6] == [
        "order",
        "curve",
        "n_cells",
        "area",
        "ci_low",
        "ci_high",
    ]
