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
        logit, bias: logit of the network for this cell, and its bias.
        flat: Whether the centred map is constant: there is no published map.
        positions: Number of positions of the layer, down as across.
    """

    poor: np.ndarray
    rich: np.ndarray
    contribution: np.ndarray
    logit: float
    bias: float
    flat: bool
    positions: int


def zonal_statistics(
    values: np.ndarray,
    labels: np.ndarray,
    count: int,
) -> pd.DataFrame:
    """Statistics of a map over labelled pixels.

    Args:
        values: (H, W) map.
        labels: (H, W) int, 0 = no fragment, i + 1 = fragment i.
        count: Number of fragments.

    Returns:
        (count,) rows `pixel_count, sum, min, max, median, mean`; a fragment without a pixel has
        count 0, sum 0 and NaN else.
    """
    # The pixels in the order of their labels, and within a label of their values: the smallest,
    # the middle and the largest of a fragment then stand at places that its count tells.
    order = np.lexsort((values.ravel(), labels.ravel()))
    sorted_values = values.ravel()[order].astype(float)
    counts = np.bincount(labels.ravel(), minlength=count + 1)
    ends = np.cumsum(counts)
    first = ends[:-1]
    last = ends[1:] - 1
    pixel_count = counts[1:]
    filled = pixel_count > 0

    def value_at(places: np.ndarray) -> np.ndarray:
        """(count,) the values at these places, NaN for a fragment without a pixel."""
        values_at = np.full(count, np.nan)
        values_at[filled] = sorted_values[places[filled]]
        return values_at

    lower_middle = value_at(first + (pixel_count - 1) // 2)
    upper_middle = value_at(first + pixel_count // 2)
    sums = _sums(values, labels, count)
    undefined = np.full(count, np.nan)
    return pd.DataFrame(
        {
            "pixel_count": pixel_count,
            "sum": sums,
            "min": value_at(first),
            "max": value_at(last),
            "median": (lower_middle + upper_middle) / 2,
            "mean": np.divide(sums, pixel_count, out=undefined, where=filled),
        }
    )


def _sums(
    values: np.ndarray,
    labels: np.ndarray,
    count: int,
) -> np.ndarray:
    """(count,) sum of a map in each fragment; arguments as in `zonal_statistics`."""
    weights = values.ravel().astype(float)
    sums = np.bincount(labels.ravel(), weights=weights, minlength=count + 1)
    return sums[1:]  # without what no fragment covers


def share_by_fragment(
    values: np.ndarray,
    labels: np.ndarray,
    count: int,
) -> np.ndarray:
    """(count,) share of each fragment in a map's sum over all fragments, NaN where that is zero.

    Args:
        values: (H, W) map, >= 0.
        labels: (H, W) int, 0 = no fragment, i + 1 = fragment i.
        count: Number of fragments.
    """
    sums = _sums(values, labels, count)
    total = sums.sum()
    if total > 0:
        return sums / total
    return np.full(count, np.nan)


def project_cell(
    fragments: pd.DataFrame, labels: np.ndarray, maps: CellMaps, overlap: bool = False
) -> pd.DataFrame:
    """The rows of `activation.parquet` of one cell.

    Args:
        fragments: (n,) rows of the cell with `fragment_id, idINSPIRE, class, code, area_m2`.
        labels: (H, W) int, row 0 = north, 0 = no fragment, i + 1 = row i of `fragments`.
        maps: Maps of the cell.
        overlap: Whether the two maps can overlap (softmax head): adds their distance in each
            fragment, `totvar, sym_kl`.

    Returns:
        (n,) rows. `poor_share` and `rich_share` are shares of the sum over all fragments, NaN
        where that is zero; `poor_score` and `rich_score` are sums per m2, as published, and do
        not compare between cells.
    """
    columns = ["fragment_id", "idINSPIRE", "class", "code", "area_m2"]
    table = fragments[columns].reset_index(drop=True)
    count = len(table)
    # Published maps: statistics of the pixels, score per m2, share of the cell.
    published = {"poor": maps.poor, "rich": maps.rich}
    for side in SIDES:
        values = published[side]
        statistics = zonal_statistics(values, labels, count)
        table["pixel_count"] = statistics["pixel_count"]
        table[[f"{side}_{name}" for name in STATISTICS]] = statistics[list(STATISTICS)]
        table[f"{side}_score"] = statistics["sum"] / table["area_m2"]
        table[f"{side}_share"] = share_by_fragment(values, labels, count)
    # Contributions have both signs: a share of their sum would mean nothing.
    table["contribution"] = _sums(maps.contribution, labels, count)
    if overlap:
        distances = _distances(maps, labels, count)
        table["totvar"] = [total_variation for total_variation, _ in distances]
        table["sym_kl"] = [divergence for _, divergence in distances]
    return table


def _distances(
    maps: CellMaps,
    labels: np.ndarray,
    count: int,
) -> list[tuple[float, float]]:
    """`map_distance` of the two maps inside each fragment."""
    distances = []
    for label in range(1, count + 1):
        inside = labels == label
        distances.append(map_distance(maps.poor[inside], maps.rich[inside]))
    return distances


def describe_cell(labels: np.ndarray, maps: CellMaps) -> dict[str, float | bool]:
    """The row of `cell_activation.csv` of one cell, without its id.

    results/README.md says each column; `labels` and `maps` are those of `project_cell`.
    """
    # What no polygon covers is stated apart, so that all adds up to the logit.
    covered = labels > 0
    contribution = maps.contribution
    return {
        "logit": maps.logit,
        "bias": maps.bias,
        "contribution": float(contribution[covered].sum(dtype=float)),
        "uncovered_contribution": float(contribution[~covered].sum(dtype=float)),
        "covered_share": float(covered.mean()),
        "poor_sum": float(maps.poor.sum(dtype=float)),
        "rich_sum": float(maps.rich.sum(dtype=float)),
        "flat": maps.flat,
    }


def map_distance(poor: np.ndarray, rich: np.ndarray) -> tuple[float, float]:
    """Distance of two maps inside one fragment, each normalised to sum 1: P and Q.

    Total variation 1/2 sum |P - Q|, and KL(P||Q) + KL(Q||P) in nats (infinite where one is zero
    and the other not). With one logit the supports are disjoint by construction: 1 and infinite,
    always.

    Args:
        poor: (n,) values of the fragment's pixels.
        rich: (n,) the same of the other map.

    Returns:
        total variation and symmetric divergence; NaN where a map is zero in all the fragment.
    """
    if not (poor.sum() > 0 and rich.sum() > 0):
        return np.nan, np.nan
    # Distributions over the pixels of the fragment.
    p = poor.astype(float) / poor.sum()
    q = rich.astype(float) / rich.sum()
    total_variation = np.abs(p - q).sum() / 2
    divergence = (rel_entr(p, q) + rel_entr(q, p)).sum()
    return float(total_variation), float(divergence)


def signed_thumbnail(
    poor: np.ndarray,
    rich: np.ndarray,
    size_px: int,
) -> np.ndarray:
    """One small grey picture of both maps.

    128 is zero, 255 the cell's strongest rich pixel, 1 its strongest poor one. Each side is
    scaled by its own maximum, since the published maps scale with |dy_c/dz|.

    Args:
        poor: (H, W) published poor map.
        rich: (H, W) published rich map.
        size_px: Side of the picture (at most H); each of its pixels is the mean of those it
            covers.

    Returns:
        (size_px, size_px) uint8.
    """
    height_px = len(poor)
    count = min(size_px, height_px)
    # Edges at whole pixels; squares may differ by one in their sides.
    edges = np.linspace(0, height_px, count + 1).astype(int)
    difference = _peak_scaled_means(rich, edges) - _peak_scaled_means(poor, edges)
    return (128 + np.round(127 * difference)).astype(np.uint8)


def _peak_scaled_means(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Means of a map between the edges, both ways, over the largest of them."""
    sides_px = np.diff(edges)
    area_px = sides_px[:, None] * sides_px[None, :]
    rows = np.add.reduceat(values, edges[:-1], 0)
    means = np.add.reduceat(rows, edges[:-1], 1) / area_px
    peak = means.max()
    return means / peak if peak > 0 else means
