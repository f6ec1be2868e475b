"""Maps on polygons: counts, orientation, statistics against an obvious slow oracle."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import shapely

from urbancam.explaining import projection
from urbancam.sources.landcover import fragments
from urbancam.tables import grid

CELL = "CRS3035RES200mN2888000E3760000"
WEST, SOUTH = 3_760_000, 2_888_000  # m, EPSG:3035


def make_fragments(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fragment_id": [f"f{i}" for i in range(count)],
            "idINSPIRE": "cell",
            "class": "water",
            "code": 50000,
            "area_m2": 40_000 / count,
        }
    )


def make_maps(poor, rich, contribution) -> projection.CellMaps:
    logit = float(contribution.sum())
    return projection.CellMaps(poor, rich, contribution, logit, 0.0, flat=False, positions=1)


def part_of_cell(west_m: float, south_m: float, east_m: float, north_m: float):
    """A rectangle of the cell, by distances from its south-western corner."""
    return shapely.box(WEST + west_m, SOUTH + south_m, WEST + east_m, SOUTH + north_m)


def statistics_of(values: np.ndarray, labels: np.ndarray, count: int) -> pd.DataFrame:
    pixels = projection.LabelledPixels.group(labels, count)
    return pd.DataFrame(projection.zonal_statistics(values, pixels))


def test_zonal_statistics_equal_the_slow_oracle():
    random = np.random.default_rng(0)
    values = random.random((40, 40))
    labels = random.integers(0, 6, (40, 40))
    got = statistics_of(values, labels, 7)
    for i in range(5):
        inside = values[labels == i + 1]
        expected = [inside.sum(), inside.min(), inside.max(), np.median(inside), inside.mean()]
        assert got.loc[i, list(projection.STATISTICS)].tolist() == pytest.approx(expected)
        assert got.loc[i, "pixel_count"] == len(inside)


def test_sums_and_medians_of_float32_maps_have_the_digits_of_float64():
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 300)).astype(np.float32)
    labels = np.sort(random.integers(0, 5, (300, 300)), axis=1)
    got = statistics_of(values, labels, 4)
    inside = [values[labels == i + 1].astype(float) for i in range(4)]
    error = got["sum"] - [math.fsum(fragment) for fragment in inside]
    # The tolerance is of what was added up: positive and negative values cancel.
    sizes = [np.abs(fragment).sum() for fragment in inside]
    assert (error.abs() <= 1e-14 * np.array(sizes)).all()
    assert got["median"].tolist() == [np.median(fragment) for fragment in inside]


def test_a_fragment_without_a_pixel_among_others_takes_nothing_from_them():
    labels = np.array([[3, 3, 0], [1, 3, 1]])
    pixels = projection.LabelledPixels.group(labels, 4)
    assert pixels.order.tolist() == [2, 3, 5, 0, 1, 4]
    assert pixels.sums(pixels.arrange(np.arange(6.0))).tolist() == [8, 0, 5, 0]


def test_fragments_without_a_pixel_have_no_statistics_but_counts_and_sums():
    random = np.random.default_rng(0)
    values = random.random((40, 40))
    labels = random.integers(0, 6, (40, 40))
    got = statistics_of(values, labels, 7).loc[5:]  # labels 6 and 7
    assert got["pixel_count"].tolist() == [0, 0]
    assert got["sum"].tolist() == [0, 0]
    assert got[["min", "max", "median", "mean"]].isna().all(axis=None)


def test_t4_map_in_the_north_west_is_summed_in_the_north_western_polygon():
    south_east = part_of_cell(100, 0, 200, 100)
    north_west = part_of_cell(0, 100, 100, 200)
    labels = fragments.label_raster([south_east, north_west], grid.bounds(CELL), 80)
    bright = np.zeros((80, 80))
    bright[:40, :40] = 1  # row 0 in the north, column 0 in the west
    got = projection.project_cell(make_fragments(2), labels, make_maps(1 - bright, bright, bright))
    assert got["rich_sum"].tolist() == [0, 1600]
    assert got["poor_sum"].tolist() == [1600, 0]
    assert got["contribution"].tolist() == [0, 1600]


def test_t6_counts_add_up_where_land_cover_covers_the_cell():
    edges_m = [0, 13.7, 55.1, 131.9, 200]  # none on a pixel's edge
    strips = [part_of_cell(west, 0, east, 200) for west, east in itertools.pairwise(edges_m)]
    labels = fragments.label_raster(strips, grid.bounds(CELL), 800)
    ones = np.ones((800, 800))
    got = projection.project_cell(make_fragments(4), labels, make_maps(ones, ones, ones))
    assert got["pixel_count"].sum() == 640_000
    assert got["contribution"].sum() == 640_000

    # Columns of 0.25 m belong to the strip of their centres.
    edges_px = [round(4 * edge) for edge in edges_m]
    expected = [800 * (east - west) for west, east in itertools.pairwise(edges_px)]
    assert got["pixel_count"].tolist() == expected


def test_shares_are_of_the_cells_fragments_and_scores_per_m2():
    labels = np.array([[0, 1], [2, 2]])
    poor = np.array([[9.0, 1], [1, 2]])
    rich = np.zeros((2, 2))
    got = projection.project_cell(make_fragments(2), labels, make_maps(poor, rich, poor))
    assert got["poor_share"].tolist() == [0.25, 0.75]
    assert got["poor_score"].tolist() == [1 / 20_000, 3 / 20_000]
    assert got["rich_share"].isna().all()


def test_total_variation_and_divergence():
    same = projection.map_distance(np.array([1.0, 3]), np.array([2.0, 6]))
    apart = projection.map_distance(np.array([1.0, 0]), np.array([0.0, 1]))
    assert same == pytest.approx((0, 0))
    assert apart == (1, np.inf)


def test_thumbnail_marks_rich_above_and_poor_below_the_middle():
    poor = np.zeros((8, 8))
    poor[4:, 4:] = 5
    rich = np.zeros((8, 8))
    rich[:4, :4] = 1e-9
    got = projection.signed_thumbnail(poor, rich, 2)
    assert got.tolist() == [[255, 128], [128, 1]]


def test_cell_row_divides_the_contribution_into_covered_and_not():
    labels = np.array([[0, 1], [1, 1]])
    ones = np.ones((2, 2))
    got = projection.describe_cell(labels, make_maps(ones, ones, ones))
    assert got["contribution"] == 3
    assert got["uncovered_contribution"] == 1
    assert got["covered_share"] == 0.75
