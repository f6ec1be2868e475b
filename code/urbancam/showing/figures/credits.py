"""The lines that name the data's providers, as their licences ask."""

SITE_CREDITS = {
    "files": "images as dropped into data/cities_data",
    "hub": "images of DL-SLICER (Bissarinova et al. 2024)",
    "ign": "images © IGN, BD ORTHO",
}


def credit_line(
    values: str,
    land_cover: str,
    years: list[int],
    rendered: bool,
    target: str = "income",
    images: str = "© IGN, BD ORTHO",
) -> str:
    """The line that names the data's providers, as their licences ask.

    Args:
        values: Whose incomes, or other values of the cells, they are.
        land_cover: Whose land cover it is.
        years: Campaign years of the images, [] where they are unknown.
        rendered: Whether the city is the rendered demo, in the providers' packaging but with none
            of their data.
        target: What the classes are quintiles of; the line says so where it is not income.
        images: Whose images they are.
    """
    note = ""
    if target != "income":
        note = "Classes are quintiles of people per cell: read fewest for poor, most for rich. "
    if rendered:
        return f"{note}Data: rendered demo city (no real place, incomes or images)."
    return (
        f"{note}Data: images {with_years(images, years)}; "
        f"incomes {values}; "
        f"land cover {land_cover}."
    )


def with_years(credit: str, years: list[int]) -> str:
    """A name with its years: "IGN, BD ORTHO 2014-2017", or as it is where it says them itself."""
    if not years:
        return credit
    first, last = min(years), max(years)
    span = f"{first}" if first == last else f"{first}-{last}"
    return credit if span in credit else f"{credit} {span}"


def site_credit_line(sources: set[str], rendered: bool) -> str:
    """The line that names the data's providers, for the cities experiment.

    Args:
        sources: Column `source` of sites.csv.
        rendered: Whether the sites are the rendered demo towns.
    """
    if rendered:
        return "Data: rendered demo towns (no real places)."
    credits = [words for source, words in SITE_CREDITS.items() if source in sources]
    return f"Data: {'; '.join(credits)}."
