"""Windows of images: as published (T8), full, row by row, in halves."""

import pytest

from city_images import make_images
from urbancam.cities import patch_windows


def slow_windows(
    width_px: int,
    height_px: int,
    patch_px: int,
    stride_px: int,
) -> list[tuple[int, int]]:
    corners = []
    for y in range(0, height_px, stride_px):
        for x in range(0, width_px, stride_px):
            if x + patch_px <= width_px and y + patch_px <= height_px:
                corners.append((x, y))
    return corners


@pytest.mark.parametrize(("width_px", "expected"), [(4800, 361), (2400, 171), (480, 19), (479, 0)])
def test_published_counts_of_patches(width_px, expected):
    assert len(patch_windows.window_corners(width_px, 4800, 480, 240)) == expected


@pytest.mark.parametrize("size", [(40, 30, 8, 4), (41, 33, 7, 3), (9, 9, 8, 4), (20, 50, 6, 6)])
def test_windows_are_full_and_row_by_row(size):
    got = [tuple(corner) for corner in patch_windows.window_corners(*size)]
    assert got == slow_windows(*size)


def test_published_halves_number_their_own_rows_and_never_cross_the_middle():
    images = make_images(sites=2, per_site=1, size_px=4800)
    got = patch_windows.index_windows(images, 480, 240, halves=True)
    right = got[(got["city"] == "city 0") & (got["part"] == "right")]
    assert right["number"].tolist() == list(range(171))
    assert (right["row"] * 9 + right["column"]).tolist() == list(range(171))
    assert right["x_px"].min() == 2400
    assert (got.loc[got["part"] == "left", "x_px"] + 480).max() == 2400
    assert (got["part"] == "whole").sum() == 3 * 361
    assert got["patch_id"].is_unique
