"""The texts of an export: what it is, how it is cited, whose data it holds, what changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True)
class Sources:
    """Where the data behind a run come from.

    Attributes:
        rendered: Whether all is rendered, in the providers' packaging but with none of their data.
        census_vintage: Year of INSEE's incomes; None where there are none.
        values: Whose values of the cells a file holds; "" where there is none.
        atlas_edition: Year of the Urban Atlas; None where there is none.
        land_cover: Whose land cover a file holds; "" where there is none.
        image_years: Campaign years of the images in words, "" where they are not known.
        images: Whose the images are.
    """

    rendered: bool
    census_vintage: int | None = None
    values: str = ""
    atlas_edition: int | None = None
    land_cover: str = ""
    image_years: str = ""
    images: str = "IGN, BD ORTHO, Licence Ouverte 2.0"


def credits(sources: Sources) -> str:
    """Whose data the export holds or is made of, under which licences."""
    lines = ["# Credits", ""]
    if sources.rendered:
        lines.append("A rendered demo: no real place, no real incomes, no real images.")
    else:
        flown = f", campaigns of {sources.image_years}" if sources.image_years else ""
        lines.append(f"- Images: © {sources.images}{flown}.")
        if sources.census_vintage:
            lines.append(
                f"- Incomes: INSEE, Filosofi {sources.census_vintage}, gridded data, Licence "
                "Ouverte. INSEE smooths and imputes them to protect people; the column `imputed` "
                "says where."
            )
        if sources.values:
            lines.append(f"- Values of the cells: {sources.values}.")
        if sources.atlas_edition:
            lines.append(
                "- Land cover: European Union, Copernicus Land Monitoring Service, Urban Atlas "
                f"{sources.atlas_edition}."
            )
        if sources.land_cover:
            lines.append(f"- Land cover: {sources.land_cover}.")
    lines += [
        "- Code: UrbanCAM, MIT (LICENSE).",
        "",
        "Whoever passes this on names these sources and says that the data were processed.",
        "",
    ]
    return "\n".join(lines)


def readme(title: str, version: int, names: Sequence[str]) -> str:
    """What the archive holds, and what it must not be used for."""
    pages = ", ".join(name for name in names if name.endswith(".html"))
    return "\n".join(
        [
            f"# {title}, version {version}",
            "",
            f"Open {pages} first." if pages else "There is no page.",
            "",
            "- `tables/`, `figures/`: what the run came to; `columns.md` is the dictionary of "
            "every column with its unit.",
            "- `settings.yaml`: every setting, and where it comes from.",
            "- `records.json`: of each step its version, settings, inputs and outputs by SHA-256, "
            "packages and commit.",
            "- `manifest.csv`: every file with its SHA-256.",
            "- `CITATION.cff`, `CREDITS.md`, `LICENSE`: how to cite it, whose data it holds.",
            "- `CHANGES.md`: what changed since the version before.",
            "",
            "Predictions are of cells, made for research on land cover and what goes with it. They "
            "say nothing of a person, a household or an address: do not use them to "
            "target, price, police or select any.",
            "",
        ]
    )


def citation(
    software: Mapping[str, Any], title: str, version: int, commits: Sequence[str], sources: Sources
) -> str:
    """CITATION.cff of the export: the studies and the software that it rests on, and its data.

    Args:
        software: The software's own CITATION.cff.
        title: Title of the export.
        version: Version of the software.
        commits: Commits of the code that made the results.
        sources: Where the data come from.
    """
    by_software = {
        "type": "software",
        "title": software["title"],
        "authors": software["authors"],
        "license": software["license"],
    }
    if commits:
        by_software["notes"] = f"commit {', '.join(commits)}"
    content = {
        "cff-version": software["cff-version"],
        "message": "If you use these results, cite them, the software and the studies it rebuilds.",
        "title": title,
        "type": "dataset",
        "version": str(version),
        "authors": software["authors"],
        "references": [by_software, *software["references"], *_data_references(sources)],
    }
    each_for_itself = json.loads(json.dumps(content))  # YAML would refer from one to the other
    return yaml.safe_dump(each_for_itself, sort_keys=False, allow_unicode=True, width=100)


def _data_references(sources: Sources) -> list[dict[str, Any]]:
    if sources.rendered:
        return []
    references = [("Images of the cells", sources.images, sources.image_years)]
    if sources.census_vintage:
        references.append(("Filosofi, gridded data", "INSEE", str(sources.census_vintage)))
    if sources.values:
        references.append(("Values of the cells", sources.values, ""))
    if sources.atlas_edition:
        provider = "European Union, Copernicus Land Monitoring Service"
        references.append(("Urban Atlas", provider, str(sources.atlas_edition)))
    if sources.land_cover:
        references.append(("Land cover", sources.land_cover, ""))
    return [
        {"type": "data", "title": f"{title} {year}".strip(), "authors": [{"name": provider}]}
        for title, provider, year in references
    ]


def changes(version: int, lines: Sequence[str]) -> str:
    """What changed since the version before.

    Args:
        version: Version of the export.
        lines: A line for each change; none for a first version.
    """
    if version == 1:
        return "# Version 1\n\nThe first one.\n"
    listed = "\n".join(f"- {line}" for line in lines)
    return f"# Version {version}, against version {version - 1}\n\n{listed}\n"
