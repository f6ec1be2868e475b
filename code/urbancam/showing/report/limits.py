"""What must be kept in mind when a run's results are read."""

import pandas as pd

LIMITS = (
    "Everything here is about cells as a whole, nothing about the people in them. "
    "Do not use it to judge persons or households, or to decide about them.",
    "The intervals come from resampling blocks of this city with the models as they were trained: "
    "they say how the scores would vary over other neighbourhoods, not over other trainings or "
    "other cities.",
    "An activation ratio says where the network looks, not what makes a place poor or rich. "
    "The published map is a product of a coarse map and an edge-seeking gradient, and its zero is "
    "a convention; the contribution adds up to the logit exactly, at the resolution of the "
    "network's last layer, which is wider than most roads.",
    "Ratios of different cities come from different models.",
)
MAP_OF_TOKENS = (
    "The map's positions are tokens of a vision transformer, laid where their patches lie. Every "
    "token has attended to the whole image: a contribution says where it is read off, not that "
    "what speaks for it lies there."
)
OF_INSEE = "Only inhabited cells are in the data."
OF_FILE = (
    "Poor and rich are the names of the two ends of the cells' values: read lowest for poor, "
    "highest for rich, whatever that says of a place."
)
OTHER_YEARS = "Images, incomes and land cover were taken in different years."
YEARS_FROM = {  # columns of `images.csv`
    "years_from_income": "the incomes",
    "years_from_land_cover": "the land cover",
}
RENDERED_CITY = (
    "This city is rendered: what is found here is true of the renderer's rule and of no real place."
)
DENSITY_CLASSES = (
    "The classes are quintiles of people per cell, not of income: "
    "read fewest for poor, most for rich. Population density, which is the target itself, is no "
    "baseline here."
)


QUINTILES = {
    "city": "Classes are quintiles of this city: the same class is another income elsewhere.",
    "national": "Classes are quintiles of all cells of the census table, each counted once: one is "
    "the same income in every city, and a city may hold few cells of it, or none.",
}


def name_limits(
    metrics: pd.DataFrame,
    images: pd.DataFrame,
    rendered: bool,
    target: str = "income",
    thresholds: str = "city",
    max_void_fraction: float = 0.01,
    has_tokens: bool = False,
    of_insee: bool = True,
) -> list[str]:
    """What must be kept in mind of a run: of its city, its target, its imputed cells, and `LIMITS`.

    Args:
        metrics: `metrics.csv`, for the share of imputed cells.
        images: `images.csv`, for void shares, and years from incomes and land cover to images.
        rendered: Whether the city is the rendered demo.
        target: What the classes are quintiles of.
        thresholds: Of which cells they are quintiles, "city" or "national".
        max_void_fraction: Share of an image that may be void, 0..1.
        has_tokens: Whether the network's positions are tokens of a transformer.
        of_insee: Whether the cells are those of the census, not of a file of the user's.
    """
    limits = [MAP_OF_TOKENS] if has_tokens else []
    if rendered:
        limits.append(RENDERED_CITY)
    if target != "income":
        limits.append(DENSITY_CLASSES)
    limits += _imputed_words(metrics, of_insee)
    has_image = images["path"].notna()
    limits.append(_void_words(images.loc[has_image, "void_fraction"], max_void_fraction))
    # Not all are in what an older version of step 05 wrote.
    years = {column: images.loc[has_image, column] for column in YEARS_FROM if column in images}
    limits += [_years_words(apart, YEARS_FROM[column]) for column, apart in years.items()]
    if any((apart.dropna() != 0).any() for apart in years.values()):
        limits.append(OTHER_YEARS)
    return [*limits, QUINTILES[thresholds], OF_INSEE if of_insee else OF_FILE, *LIMITS]


def _void_words(void_fractions: pd.Series, most: float) -> str:
    """How much of the images shows nothing.

    Args:
        void_fractions: Share of each image that is void, 0..1.
        most: Above which a cell is not used, 0..1.
    """
    left_out = void_fractions > most
    mean = void_fractions[~left_out].mean()
    words = f"of the others' images {mean:.2%} is void on average" if mean else "no other has any"
    return (
        f"Void, outside every tile or blank in it, is more than {most:.3g} of the image of "
        f"{left_out.sum():,} of {len(left_out):,} cells, which are not used; {words}."
    )


def _years_words(years_of_images: pd.Series, source: str) -> str:
    """How far images lie apart from incomes, or from land cover.

    Args:
        years_of_images: Years from the source to each image; empty where unknown.
        source: What they are counted from.
    """
    years = years_of_images.dropna()
    if years.empty:
        return f"How many years lie between the images and {source} is not known."
    low, high, median = years.min(), years.max(), years.median()
    words = f"Images were taken {low:+.0f} years from {source}"
    if low != high:
        words = f"Images were taken {low:+.0f} to {high:+.0f} years from {source}"
        words += f" (median {median:+.0f})"
    unknown = 1 - len(years) / len(years_of_images)
    if unknown:
        words += f"; of {unknown:.0%} of the cells the year is not known"
    return f"{words}. Above zero the image is newer."


def _imputed_words(metrics: pd.DataFrame, of_insee: bool) -> list[str]:
    """The share of cells whose income is imputed, and what that means; of a file only where there
    are such cells."""
    overall = metrics[metrics["fold"].astype(str) == "all"]
    cells = overall.drop_duplicates("subset").set_index("subset")["n_cells"]
    share = cells["imputed"] / cells["all"]
    apart = "The table of scores has a part without them."
    if of_insee:
        return [
            f"The income of {share:.0%} of the cells is imputed by INSEE: cells with few "
            f"households get the mean of a group of cells, so neighbours share one value. {apart}"
        ]
    words = f"The income of {share:.0%} of the cells is an estimate, as their file says. {apart}"
    return [words] if share else []
