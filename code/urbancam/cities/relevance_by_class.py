"""Which land cover speaks for a city: relevance summed over Urban Atlas classes, sites resampled.

Maps scale with the surety of the network, so a patch enters by shares: of its relevance above zero (what speaks for
the city) and of its covered area. A class's ratio is the one over the other: 1 where the map does not care for it.
"""

import numpy as np
import pandas as pd

from urbancam.cities.patches import TEST, roles
from urbancam.explaining import projection
from urbancam.scoring import bootstrap
from urbancam.workflow.sections import Statistics

PATCH = ["patch_id", "city", "site"]
COLUMNS = [
    *PATCH,
    "layer",
    "class",
    "code",
    "area_m2",
    "pixel_count",
    "positive_share",
    "relevance",
]
TABLE = [
    "city",
    "layer",
    "class",
    "name",
    "n_patches",
    "n_sites",
    "area_share",
    "ratio",
    "ci_low",
    "ci_high",
    "relevance_mean",
]
ALL = "all"  # cities together


def draw_tested(patches: pd.DataFrame, folds: int, most: int, seed: int) -> pd.DataFrame:
    """Test patches of each city, by lot, each once, with the fold whose network never saw its site.

    Args:
        patches: rows of `patches.parquet`.
        folds: those that are trained: 0 .. folds - 1.
        most: of a city.
        seed: of the draw.

    Returns:
        (n,) rows, `fold` that of the network; sorted by city and patch.
    """
    tested = pd.concat(
        [patches[roles(patches, fold) == TEST].assign(fold=fold) for fold in range(folds)]
    )
    tested = tested.drop_duplicates("patch_id").sort_values(["city", "patch_id"])
    return (
        tested.sample(frac=1, random_state=seed)
        .groupby("city")
        .head(most)
        .sort_values(["city", "patch_id"])
    )


def project_patch(
    patch: dict[str, str], fragments: pd.DataFrame, labels: np.ndarray, maps: dict[str, np.ndarray]
) -> pd.DataFrame:
    """The rows of `relevance_fragments.parquet` of one patch, a row per layer and fragment.

    Args:
        patch: its `patch_id, city, site`.
        fragments: (n,) polygons cut by the patch: `class, code, area_m2`.
        labels: (H, W) int, row 0 = north, 0 = no fragment, i + 1 = row i of `fragments`.
        maps: layer -> (H, W) signed map laid on pixels.

    Returns:
        (layers * n,) rows. `positive_share` is of the relevance above zero on all fragments, NaN where there is
        none; `relevance` is the fragment's mean over the patch's mean size |relevance|, so that patches compare.
    """
    described = fragments[["class", "code", "area_m2"]].reset_index(drop=True)
    return pd.concat(
        [
            _project_layer(described, labels, values).assign(layer=layer, **patch)
            for layer, values in maps.items()
        ],
        ignore_index=True,
    )[COLUMNS]


def _project_layer(fragments: pd.DataFrame, labels: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    signed = projection.zonal_statistics(values, labels, len(fragments))
    positive = projection.zonal_statistics(np.maximum(values, 0), labels, len(fragments))["sum"]
    return fragments.assign(
        pixel_count=signed["pixel_count"],
        positive_share=bootstrap.divide(positive.to_numpy(), positive.sum()),
        relevance=bootstrap.divide(signed["mean"].to_numpy(), np.abs(values).mean(dtype=float)),
    )


def relevance_by_class(
    rows: pd.DataFrame, names: dict, key: str, statistics: Statistics, seed: int
) -> pd.DataFrame:
    """The table `relevance_by_class.csv`: each city, and all of them together (results/README.md says each column).

    Args:
        rows: of `relevance_fragments.parquet`; none gives an empty table.
        names: `{class: name}` in the order of the table.
        key: column of the class, "class" or "code".
        statistics: section `statistics`.
        seed: of the bootstrap.
    """
    rows = rows.dropna(subset="positive_share")
    names = names | {
        code: str(code) for code in sorted(set(rows[key]) - set(names))
    }  # of a finer edition: no name yet
    groups = [(city, part) for city, part in rows.groupby("city")]
    groups += [(ALL, rows)] if len(groups) > 1 else []
    tables = [
        _ratios(part, names, key, statistics, seed).assign(city=city, layer=layer)
        for city, of_city in groups
        for layer, part in of_city.groupby("layer")
    ]
    return pd.concat(tables, ignore_index=True)[TABLE] if tables else pd.DataFrame(columns=TABLE)


def _ratios(
    rows: pd.DataFrame, names: dict, key: str, statistics: Statistics, seed: int
) -> pd.DataFrame:
    """Rows of the table for one city and layer, patches weighed alike."""
    # ASSUME: sites of a city are independent of each other; patches of a site overlap and are resampled with it.
    classes = [name for name in names if name in set(rows[key])]
    covered_m2 = rows.groupby("patch_id")["area_m2"].transform("sum")
    rows = rows.assign(
        area_share=rows["area_m2"] / covered_m2, summed=rows["relevance"] * rows["area_m2"]
    )
    area, positive, area_m2, summed = (
        _by_patch(rows, key, column, classes)
        for column in ("area_share", "positive_share", "area_m2", "summed")
    )
    patches = rows.drop_duplicates("patch_id").sort_values("patch_id")
    sites = patches["city"] + "/" + patches["site"].astype(str)
    numbers, n_sites = bootstrap.number_blocks(sites)
    sums = [bootstrap.block_sums(part, numbers, n_sites) for part in (positive, area)]
    held = (bootstrap.block_sums(area > 0, numbers, n_sites) > 0).sum(0)
    draws = bootstrap.block_draws(sites, statistics.draws, seed)
    ends = bootstrap.ratio_interval(*sums, draws, statistics.confidence)
    low, high = np.where(held >= statistics.min_blocks, ends, np.nan)
    return pd.DataFrame(
        {
            "class": classes,
            "name": [names[name] for name in classes],
            "n_patches": (area > 0).sum(0),
            "n_sites": held,
            "area_share": area.sum(0) / len(area),
            "ratio": bootstrap.divide(positive.sum(0), area.sum(0)),
            "ci_low": low,
            "ci_high": high,
            "relevance_mean": bootstrap.divide(summed.sum(0), area_m2.sum(0)),
        }
    )


def _by_patch(rows: pd.DataFrame, key: str, column: str, classes: list) -> np.ndarray:
    """(patches, classes) sums of a column, patches in the order of their ids."""
    sums = rows.groupby(["patch_id", key])[column].sum().unstack(fill_value=0.0)
    return sums.sort_index().reindex(columns=classes, fill_value=0.0).to_numpy(float)
