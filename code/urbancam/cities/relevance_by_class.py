"""Which land cover speaks for a city: relevance summed over its classes, sites resampled.

Maps scale with the surety of the network, so a patch enters by shares: of its relevance above zero
(what speaks for the city) and of its covered area. A class's ratio is the one over the other: 1
where the map does not care for it.
"""

import numpy as np
import pandas as pd

from urbancam.cities.patches import TEST, roles
from urbancam.explaining import projection
from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate
from urbancam.workflow.settings.sections import Statistics

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
ALL = "all"  # the cities together


def draw_tested(
    patches: pd.DataFrame,
    folds: int,
    most: int,
    seed: int,
) -> pd.DataFrame:
    """Test patches of each city, by lot, each once, with the fold whose network never saw its site.

    Args:
        patches: Rows of `patches.parquet`.
        folds: Number of folds that are trained: 0 .. folds - 1.
        most: Number of patches of a city at most.
        seed: Seed of the lot.

    Returns:
        (n,) rows, `fold` that of the network; sorted by city and patch.
    """
    order = ["city", "patch_id"]
    parts = []
    for fold in range(folds):
        tested = patches[roles(patches, fold) == TEST]
        parts.append(tested.assign(fold=fold))
    tested = pd.concat(parts).drop_duplicates("patch_id").sort_values(order)

    # Shuffled whole, so that the first of each city are a lot.
    shuffled = tested.sample(frac=1, random_state=seed)
    return shuffled.groupby("city").head(most).sort_values(order)


def project_patch(
    patch: dict[str, str],
    fragments: pd.DataFrame,
    labels: np.ndarray,
    maps: dict[str, np.ndarray],
) -> pd.DataFrame:
    """The rows of `relevance_fragments.parquet` of one patch, a row per layer and fragment.

    Args:
        patch: Its `patch_id, city, site`.
        fragments: (n,) polygons cut by the patch: `class, code, area_m2`.
        labels: (H, W) int, row 0 = north, 0 = no fragment, i + 1 = row i of `fragments`.
        maps: Layer -> (H, W) signed map laid on pixels.

    Returns:
        (layers * n,) rows. `positive_share` is of the relevance above zero on all fragments, NaN
        where there is none; `relevance` is the fragment's mean over the patch's mean size
        |relevance|, so that patches compare.
    """
    fragments = fragments[["class", "code", "area_m2"]].reset_index(drop=True)
    pixels = projection.LabelledPixels.group(labels, len(fragments))
    tables = []
    for layer, values in maps.items():
        table = _project_layer(fragments, pixels, values)
        tables.append(table.assign(layer=layer, **patch))
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def _project_layer(
    fragments: pd.DataFrame,
    pixels: projection.LabelledPixels,
    values: np.ndarray,
) -> pd.DataFrame:
    signed = projection.zonal_statistics(values, pixels)
    positive = pixels.sums(pixels.arrange(np.maximum(values, 0)))
    mean_size = np.abs(values).mean(dtype=float)
    return fragments.assign(
        pixel_count=signed["pixel_count"],
        positive_share=bootstrap.divide(positive, positive.sum()),
        relevance=bootstrap.divide(signed["mean"], mean_size),
    )


def relevance_by_class(
    rows: pd.DataFrame,
    names: dict,
    key: str,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """The table `relevance_by_class.csv`: each city, and all of them together.

    results/README.md says each column.

    Args:
        rows: Rows of `relevance_fragments.parquet`; none gives an empty table.
        names: `{class: name}` in the order of the table.
        key: Column of the class, "class" or "code".
        statistics: Section `statistics`.
        seed: Seed of the bootstrap.
    """
    # A patch with nothing that speaks for the city has no shares.
    rows = rows.dropna(subset="positive_share")
    names = _add_codes(names, rows[key])
    groups = list(rows.groupby("city"))
    if len(groups) > 1:
        groups.append((ALL, rows))

    tables = []
    for city, rows_of_city in groups:
        for layer, rows_of_layer in rows_of_city.groupby("layer"):
            ratios = _ratios(rows_of_layer, names, key, statistics, seed)
            tables.append(ratios.assign(city=city, layer=layer))
    if not tables:
        return pd.DataFrame(columns=TABLE)
    return pd.concat(tables, ignore_index=True)[TABLE]


def _add_codes(names: dict, classes: pd.Series) -> dict:
    """The names, and at their end the codes of a finer edition, which have no name yet."""
    codes = sorted(set(classes) - set(names))
    return names | {code: str(code) for code in codes}


def _ratios(
    rows: pd.DataFrame,
    names: dict,
    key: str,
    statistics: Statistics,
    seed: int,
) -> pd.DataFrame:
    """Rows of the table for one city and layer, patches weighed alike."""
    present = set(rows[key])
    classes = [name for name in names if name in present]
    covered_m2 = rows.groupby("patch_id")["area_m2"].transform("sum")
    area_share = rows["area_m2"] / covered_m2
    relevance_m2 = rows["relevance"] * rows["area_m2"]
    rows = rows.assign(area_share=area_share, relevance_m2=relevance_m2)

    # Sums of each patch (rows) and class (columns).
    area = _by_patch(rows, key, "area_share", classes)
    positive = _by_patch(rows, key, "positive_share", classes)
    area_m2 = _by_patch(rows, key, "area_m2", classes)
    relevance_m2 = _by_patch(rows, key, "relevance_m2", classes)

    # ASSUME: sites of a city are independent of each other; patches of a site overlap and are
    # resampled with it.
    patches = rows.drop_duplicates("patch_id").sort_values("patch_id")
    sites = patches["city"] + "/" + patches["site"].astype(str)
    numbers, n_sites = bootstrap.number_blocks(sites)
    positive_of_sites = bootstrap.block_sums(positive, numbers, n_sites)
    area_of_sites = bootstrap.block_sums(area, numbers, n_sites)
    draws = bootstrap.block_draws(sites, statistics.draws, seed)
    ratios = bootstrap.ratio_draws(positive_of_sites, area_of_sites, draws)

    # No interval for a class that too few sites hold.
    patches_with_class = bootstrap.block_sums(area > 0, numbers, n_sites)
    ratio = bootstrap.divide(positive.sum(0), area.sum(0))
    estimate = Estimate(ratio, ratios, bootstrap.effective_blocks(patches_with_class))
    low, high = estimate.interval(statistics)
    return pd.DataFrame(
        {
            "class": classes,
            "name": [names[name] for name in classes],
            "n_patches": (area > 0).sum(0),
            "n_sites": (patches_with_class > 0).sum(0),
            "area_share": area.sum(0) / len(area),
            "ratio": ratio,
            "ci_low": low,
            "ci_high": high,
            "relevance_mean": bootstrap.divide(relevance_m2.sum(0), area_m2.sum(0)),
        }
    )


def _by_patch(
    rows: pd.DataFrame,
    key: str,
    column: str,
    classes: list,
) -> np.ndarray:
    """(patches, classes) sums of a column, patches in the order of their ids."""
    sums = rows.groupby(["patch_id", key])[column].sum()
    table = sums.unstack(fill_value=0.0).sort_index()
    return table.reindex(columns=classes, fill_value=0.0).to_numpy(float)
