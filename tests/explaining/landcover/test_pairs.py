"""Pairs of classes: directed, counted, and the same under other names."""

import numpy as np
import pandas as pd
import pytest

from land_cover_cities import cells_of_draw, green_sliver_in_half, make_city, random_city
from urbancam.explaining.landcover import pairs
from urbancam.explaining.landcover.pairs import coactivation, observed_coassociation

KEY = ["side", "object", "neighbour"]


def test_t7_swapping_the_pair_swaps_the_statistic(city):
    table = coactivation(city).set_index(KEY)["value"]
    side = city.side("rich")
    both = (side.area[:, 0] > 0) & (side.area[:, 1] > 0)
    for object_, neighbour in ((0, 1), (1, 0)):
        joint = side.activation[both, object_].sum() / side.area[both, object_].sum()
        alone = side.activation[:, object_].sum() / side.area[:, object_].sum()
        got = table["rich", city.classes[object_], city.classes[neighbour]]
        assert got == pytest.approx(joint / alone)


def test_neighbour_that_raises_the_object_is_found():
    def green_shines_beside_roads(area, rich):
        # Roads stand in every other cell.
        area[::2, 2] = 0
        rich[::2, 2] = 0
        rich[1::2, 0] *= 4

    table = coactivation(make_city(200, change=green_shines_beside_roads)).set_index(KEY)
    assert table.loc[("rich", "green ua", "roads"), "ci_low"] > 1


def test_slivers_are_no_presence_for_pairs():
    city = make_city(change=green_sliver_in_half)
    table = observed_coassociation(city).set_index(KEY)
    assert table.loc[("rich", "roads", "green ua"), "n_cells"] == 30


def test_draws_of_pairs_against_cells_written_down_one_by_one(mixed):
    side = mixed.side("poor")
    estimate = pairs._quotients(mixed, side.activation, side.area, side.present, side.blocks)
    got = estimate.draws[7]
    rows = cells_of_draw(mixed, 7, side.blocks)
    activation = side.activation[rows]
    area = side.area[rows]
    present = side.present[rows]
    for object_, neighbour in np.ndindex(got.shape):
        alone = present[:, object_]
        both = alone & present[:, neighbour]
        joint_ratio = activation[both, object_].sum() / area[both, object_].sum()
        ratio = activation[alone, object_].sum() / area[alone, object_].sum()
        assert got[object_, neighbour] == pytest.approx(joint_ratio / ratio)


def test_observed_pairs_count_cells(mixed):
    table = observed_coassociation(mixed).set_index(KEY)
    poor = mixed.predictions["income_class"].isin([0, 1]).to_numpy()
    has_b = mixed.present[:, mixed.classes.index("b")]
    has_c = mixed.present[:, mixed.classes.index("c")]
    joint = poor[has_b & has_c].mean()
    beside_c = table.loc[("poor", "b", "c")]
    beside_b = table.loc[("poor", "c", "b")]
    assert beside_c["value"] == pytest.approx(joint / poor[has_b].mean())
    assert beside_b["published_value"] == pytest.approx(poor[has_b].mean() / poor[has_c].mean())
    assert beside_c["n_cells"] == (has_b & has_c).sum()


@pytest.mark.parametrize("make_table", [coactivation, observed_coassociation])
def test_t7_published_value_is_the_quotient_of_the_two_directions(mixed, make_table):
    table = make_table(mixed).set_index(KEY)
    swapped = table["value"].rename_axis(["side", "neighbour", "object"])
    other_direction = swapped.reorder_levels([0, 2, 1]).reindex(table.index)
    assert len(table) > 40
    assert np.allclose(table["published_value"], table["value"] / other_direction)


@pytest.mark.parametrize("make_table", [coactivation, observed_coassociation])
@pytest.mark.parametrize("seed", range(3))
def test_t7_other_names_and_columns_permute_the_table_and_change_no_value(make_table, seed):
    names = "".join(np.random.default_rng(seed).permutation(list("abcdef")))
    other_name = dict(zip("abcdef", names, strict=True))
    expected = make_table(random_city(seed=seed))
    expected = expected.replace({"object": other_name, "neighbour": other_name})
    got = make_table(random_city(seed=seed, names=names))
    pd.testing.assert_frame_equal(
        got.sort_values(KEY, ignore_index=True),
        expected.sort_values(KEY, ignore_index=True),
    )
