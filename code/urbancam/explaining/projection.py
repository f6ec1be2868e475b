"""Maps x labelled pixels -> one row per fragment."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import rel_entr

from urbancam.scoring.vocabulary import SIDES

STATISTICS = ("sum", "min", "max", "median", "mean")


@dataclass
class CellMaps:
    """Maps of one cell at the image's size, row 0 = north.

    Attributes:
        poor, rich: (H, W) published maps, >= 0.
        contribution: (H, W) logit units per pixel; they add up to logit - bias.
        logit, bias: of the network for this cell.
        flat: the centred map is constant, there is no published map.
    """

    poor: np.ndarray
    rich: np.ndarray
    contribution: np.ndarray
    logit: float
    bias: float
    flat: bool


def zonal_statistics(values: np.ndarray, labels: np.ndarray, count: int) -> pd.DataFrame:
    """Statistics of a map over labelled pixels.

    Args:
        values: (H, W) map.
        labels: (H, W) int, 0 = no fragment, i + 1 = fragment i.
        count: number of fragments.

    Returns:
        (count,) rows `pixel_count, sum, min, max, median, mean`; without a pixel: 0, 0 and NaN else.
    """
    order = np.lexsort((values.ravel(), labels.ravel()))  # by label, then by value
    sorted_values = values.ravel()[order].astype(float)
    pixel_count = np.bincount(labels.ravel(), minlength=count + 1)
    ends = np.cumsum(pixel_count)
    first, last, pixel_count = ends[:-1], ends[1:] - 1, pixel_count[1:]
    table = pd.DataFrame({"pixel_count": pixel_count})
    sums = np.bincount(labels.ravel(), weights=values.ravel().astype(float), minlength=count + 1)[
        1:
    ]
    filled = pixel_count > 0

    def pick(at: np.ndarray) -> np.ndarray:
        picked = np.full(count, np.nan)
        picked[filled] = sorted_values[at[filled]]
        return picked

    table["sum"], table["min"], table["max"] = sums, pick(first), pick(last)
    table["median"] = (pick(first + (pixel_count - 1) // 2) + pick(first + pixel_count // 2)) / 2
    table["mean"] = np.divide(sums, pixel_count, out=np.full(count, np.nan), where=filled)
    return table


def share_by_fragment(values: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """(count,) share of each fragment in a map's sum over all fragments, NaN where that is zero.

    Args:
        values: (H, W) map, >= 0.
        labels: (H, W) int, 0 = no fragment, i + 1 = fragment i.
        count: number of fragments.
    """
    sums = np.bincount(labels.ravel(), weights=values.ravel().astype(float), minlength=count + 1)[
        1:
    ]
    return sums / sums.sum() if sums.sum() > 0 else np.full(count, np.nan)


def project_cell(
    fragments: pd.DataFrame, labels: np.ndarray, maps: CellMaps, overlap: bool = False
) -> pd.DataFrame:
    """The rows of `activation.parquet` of one cell.

    Args:
        fragments: (n,) rows of the cell with `fragment_id, idINSPIRE, class, code, area_m2`.
        labels: (H, W) int, row 0 = north, 0 = no fragment, i + 1 = row i of `fragments`.
        maps: of the cell.
        overlap: the two maps can overlap (softmax head): add their distance in each fragment, `totvar, sym_kl`.

    Returns:
        (n,) rows. `poor_share` and `rich_share` are of the sum over all fragments, NaN where that is zero;
        `poor_score` and `rich_score` are sums per m2, as published, and do not compare between cells.
    """
    table = fragments[["fragment_id", "idINSPIRE", "class", "code", "area_m2"]].reset_index(
        drop=True
    )
    for side, values in zip(SIDES, (maps.poor, maps.rich), strict=True):
        statistics = zonal_statistics(values, labels, len(table))
        table["pixel_count"] = statistics["pixel_count"]
        table[[f"{side}_{name}" for name in STATISTICS]] = statistics[list(STATISTICS)]
        table[f"{side}_score"] = statistics["sum"] / table["area_m2"]
        table[f"{side}_share"] = share_by_fragment(values, labels, len(table))
    sums = np.bincount(
        labels.ravel(), weights=maps.contribution.ravel().astype(float), minlength=len(table) + 1
    )
    table["contribution"] = sums[1:]
    if overlap:
        pairs = [
            map_distance(maps.poor[labels == i + 1], maps.rich[labels == i + 1])
            for i in range(len(table))
        ]
        table["totvar"], table["sym_kl"] = zip(*pairs, strict=True) if pairs else ((), ())
    return table


def describe_cell(labels: np.ndarray, maps: CellMaps) -> dict[str, float | bool]:
    """The row of `cell_activation.csv` of one cell, without its id (results/README.md says each column)."""
    covered = labels > 0
    return {
        "logit": maps.logit,
        "bias": maps.bias,
        "contribution": float(maps.contribution[covered].sum(dtype=float)),
        "uncovered_contribution": float(maps.contribution[~covered].sum(dtype=float)),
        "covered_share": float(covered.mean()),
        "poor_sum": float(maps.poor.sum(dtype=float)),
        "rich_sum": float(maps.rich.sum(dtype=float)),
        "flat": maps.flat,
    }


def map_distance(poor: np.ndarray, rich: np.ndarray) -> tuple[float, float]:
    """Distance of two maps inside one fragment, each normalised to sum 1: P and Q.

    Total variation 1/2 sum |P - Q|, and KL(P||Q) + KL(Q||P) in nats (infinite where one is zero and the other not).
    With one logit the supports are disjoint by construction: 1 and infinite, always.

    Args:
        poor: (n,) values of the fragment's pixels.
        rich: (n,) the same of the other map.

    Returns:
        total variation and symmetric divergence; NaN where a map is zero in all the fragment.
    """
    if not (poor.sum() > 0 and rich.sum() > 0):
        return np.nan, np.nan
    p, q = poor.astype(float) / poor.sum(), rich.astype(float) / rich.sum()
    return float(np.abs(p - q).sum() / 2), float((rel_entr(p, q) + rel_entr(q, p)).sum())


def signed_thumbnail(poor: np.ndarray, rich: np.ndarray, size_px: int) -> np.ndarray:
    """One small grey picture of both maps: 128 is zero, 255 the cell's strongest rich pixel, 1 its strongest poor one.

    Each side is scaled by its own maximum, since the published maps scale with |dy_c/dz|.

    Args:
        poor: (H, W).
        rich: (H, W).
        size_px: side of the picture (at most H); each of its pixels is the mean of those it covers.

    Returns:
        (size_px, size_px) uint8.
    """
    edges = np.linspace(0, len(poor), min(size_px, len(poor)) + 1).astype(int)
    area = np.diff(edges)[:, None] * np.diff(edges)[None, :]
    poor, rich = (
        _scaled(np.add.reduceat(np.add.reduceat(side, edges[:-1], 0), edges[:-1], 1) / area)
        for side in (poor, rich)
    )
    return (128 + np.round(127 * (rich - poor))).astype(np.uint8)


def _scaled(values: np.ndarray) -> np.ndarray:
    peak = values.max()
    return values / peak if peak > 0 else values
