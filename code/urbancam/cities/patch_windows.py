"""Windows of images: every patch that a site's image holds.

A patch is a square window; windows follow each other at a stride, row by row, from the north-west
corner, and only full ones count (published: 480 px every 240 px, 361 in an image of 4800 px, 171 in
half of one).
"""

import numpy as np
import pandas as pd


def window_corners(
    width_px: int,
    height_px: int,
    patch_px: int,
    stride_px: int,
) -> np.ndarray:
    """North-west corners of all full windows, row by row: (N, 2) x and y, px."""
    x = np.arange(0, width_px - patch_px + 1, stride_px)
    y = np.arange(0, height_px - patch_px + 1, stride_px)
    columns, rows = np.meshgrid(x, y)
    return np.column_stack([columns.ravel(), rows.ravel()])


def index_windows(
    images: pd.DataFrame,
    patch_px: int,
    stride_px: int,
    halves: bool,
) -> pd.DataFrame:
    """Every window of every image.

    Args:
        images: `city, site, image, acquisition, width_px, height_px`, a row per image.
        patch_px: Side of a window, px of the image.
        stride_px: Step from one window to the next, px.
        halves: Images of a city's last site, by string sort, are cut at round(width / 2), so that
            no window lies across (published).

    Returns:
        `patch_id, city, site, image, acquisition, part` ("whole", "left", "right"), `number`
        (row-major from 0 within the part), `row, column, x_px, y_px` (north-west corner in the
        image); sorted by city, site, image, part.
    """
    images = images.sort_values(["city", "site", "image"], ignore_index=True)
    last_site = images.groupby("city")["site"].transform("max")
    halved = (images["site"] == last_site) & halves

    tables = []
    for image, in_halves in zip(images.itertuples(), halved, strict=True):
        for part, left, right in _parts(image.width_px, in_halves):
            tables.append(_windows_of_part(image, part, left, right, patch_px, stride_px))
    table = pd.concat(tables, ignore_index=True).astype({"acquisition": "str"})

    # "Almaty (ALA)/site1/a.jpg#17", in a half "...#left17".
    image_id = table["city"] + "/" + table["site"] + "/" + table["image"]
    part = table["part"].where(table["part"] != "whole", "")
    number = part + table["number"].astype(str)
    table.insert(0, "patch_id", image_id + "#" + number)
    return table


def _parts(width_px: int, in_halves: bool) -> list[tuple[str, int, int]]:
    """Name, left and right edge of each part of an image, px."""
    if not in_halves:
        return [("whole", 0, width_px)]
    middle = round(width_px / 2)
    return [("left", 0, middle), ("right", middle, width_px)]


def _windows_of_part(
    image,
    part: str,
    left: int,
    right: int,
    patch_px: int,
    stride_px: int,
) -> pd.DataFrame:
    corners = window_corners(right - left, image.height_px, patch_px, stride_px)
    column, row = (corners // stride_px).T
    return pd.DataFrame(
        {
            "city": image.city,
            "site": image.site,
            "image": image.image,
            "acquisition": image.acquisition,
            "part": part,
            "number": np.arange(len(corners)),
            "row": row,
            "column": column,
            "x_px": left + corners[:, 0],
            "y_px": corners[:, 1],
        }
    )


def holds_windows(
    images: pd.DataFrame,
    patch_px: int,
    method: str,
) -> pd.Series:
    """Which images hold a full window, in each half under "published": (N,) bool."""
    needed_px = 2 * patch_px if method == "published" else patch_px
    return (images["width_px"] >= needed_px) & (images["height_px"] >= patch_px)
