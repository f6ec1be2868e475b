"""Maps x labelled pixels -> one row per fragment."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import rel_entr

from urbancam.scoring.vocabulary import SIDES

FRAGMENT_COLUMNS = ("fragment_id", "idINSPIRE", "class", "code", "area_m2")
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


@dataclass
class LabelledPixels:
    """The pixels of a cell in the order of their fragments, found once for all of its maps.

    Attributes:
        order: (pixels,) places in the flattened image: those that no fragment covers, then those of
            the first fragment, each fragment's from north to south.
        ends: (count + 1,) where the pixels without a fragment end in `order`, and those of each.
    """

    order: np.ndarray
    ends: np.ndarray

    @classmethod
    def group(cls, labels: np.ndarray, count: int) -> "LabelledPixels":
        """Group the pixels of a label raster.

        Args:
            labels: (H, W) int, 0 = no fragment, i + 1 = fragment i.
            count: Number of fragments.
        """
        flat = labels.ravel()
        # A row crosses few fragments: runs of equal labels are far fewer than pixels.
        starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
        lengths = np.diff(starts, append=flat.size)
        runs = np.argsort(flat[starts], kind="stable")
        # Where a run's pixels come to lie, less where they are in the image.
        ends_of_runs = np.cumsum(lengths[runs])
        shift = starts[runs] - (ends_of_runs - lengths[runs])
        order = np.repeat(shift, lengths[runs])
        order += np.arange(flat.size)

        counts = np.bincount(flat[starts], weights=lengths, minlength=count + 1)
        return cls(order, np.cumsum(counts.astype(int)))

    @property
    def first(self) -> np.ndarray:
        """(count,) where each fragment's pixels begin in `order`."""
        return self.ends[:-1]

    @property
    def pixel_count(self) -> np.ndarray:
        """(count,) number of pixels of each fragment."""
        return np.diff(self.ends)

    def arrange(self, values: np.ndarray) -> np.ndarray:
        """(H, W) -> (pixels,) values in the order of the fragments."""
        return values.ravel()[self.order]

    def sums(self, arranged: np.ndarray) -> np.ndarray:
        """(count,) float64 sum of each fragment's `arranged` values; 0 where it has no pixel."""
        sums = np.zeros(len(self.first))
        filled = self.pixel_count > 0
        # Each sum runs to where the next begins: fragments without a pixel may not stand between.
        if filled.any():
            sums[filled] = np.add.reduceat(arranged, self.first[filled], dtype=float)
        return sums


def zonal_statistics(values: np.ndarray, pixels: LabelledPixels) -> dict[str, np.ndarray]:
    """Statistics of a map over the fragments of a cell.

    Args:
        values: (H, W) map.
        pixels: Pixels of the cell by fragment.

    Returns:
        `pixel_count, sum, min, max, median, mean` -> (count,); a fragment without a pixel has
        count 0, sum 0 and NaN else.
    """
    arranged = pixels.arrange(values)
    sums = pixels.sums(arranged)
    # The smallest, the middle and the largest of a fragment then stand at places that its count
    # tells.
    for first, end in itertools.pairwise(pixels.ends):
        arranged[first:end].sort()
    pixel_count = pixels.pixel_count
    filled = pixel_count > 0

    def value_at(places: np.ndarray) -> np.ndarray:
        """(count,) the values at these places, NaN for a fragment without a pixel."""
        values_at = np.full(len(filled), np.nan)
        values_at[filled] = arranged[places[filled]]
        return values_at

    lower_middle = value_at(pixels.first + (pixel_count - 1) // 2)
    upper_middle = value_at(pixels.first + pixel_count // 2)
    undefined = np.full(len(filled), np.nan)
    return {
        "pixel_count": pixel_count,
        "sum": sums,
        "min": value_at(pixels.first),
        "max": value_at(pixels.ends[1:] - 1),
        "median": (lower_middle + upper_middle) / 2,
        "mean": np.divide(sums, pixel_count, out=undefined, where=filled),
    }


def share_by_fragment(sums: np.ndarray) -> np.ndarray:
    """(count,) share of each fragment in a map's sum over all of them, NaN where that is zero.

    Args:
        sums: (count,) sum of a map >= 0 in each fragment.
    """
    total = sums.sum()
    if total > 0:
        return sums / total
    return np.full(len(sums), np.nan)


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
    # One frame, once all columns are there: for a dozen rows frames take longer than sums.
    columns = {name: fragments[name].array for name in FRAGMENT_COLUMNS}
    area_m2 = fragments["area_m2"].to_numpy()
    pixels = LabelledPixels.group(labels, len(fragments))
    columns["pixel_count"] = pixels.pixel_count
    # Published maps: statistics of the pixels, score per m2, share of the cell.
    published = {"poor": maps.poor, "rich": maps.rich}
    for side in SIDES:
        statistics = zonal_statistics(published[side], pixels)
        columns |= {f"{side}_{name}": statistics[name] for name in STATISTICS}
        columns[f"{side}_score"] = statistics["sum"] / area_m2
        columns[f"{side}_share"] = share_by_fragment(statistics["sum"])
    # Contributions have both signs: a share of their sum would mean nothing.
    columns["contribution"] = pixels.sums(pixels.arrange(maps.contribution))
    if overlap:
        distances = _distances(maps, pixels)
        columns["totvar"] = [total_variation for total_variation, _ in distances]
        columns["sym_kl"] = [divergence for _, divergence in distances]
    return pd.DataFrame(columns)


def _distances(maps: CellMaps, pixels: LabelledPixels) -> list[tuple[float, float]]:
    """`map_distance` of the two maps inside each fragment."""
    poor = pixels.arrange(maps.poor)
    rich = pixels.arrange(maps.rich)
    fragments = itertools.pairwise(pixels.ends)
    return [map_distance(poor[first:end], rich[first:end]) for first, end in fragments]


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
