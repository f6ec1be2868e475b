"""A check of a city's cells, images and land cover, with the readers of steps 02 to 04."""

from urbancam.sources.checking.cells import find_cells
from urbancam.sources.checking.findings import Findings
from urbancam.sources.checking.images import files_of, find_images
from urbancam.sources.checking.land_cover import covered, find_land_cover
from urbancam.sources.checking.overview import Canvas
from urbancam.sources.checking.picture import Picture, picture_of
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.settings import Settings


def look_at(city: str, settings: Settings, paths: Paths) -> tuple[list[Findings], Picture | None]:
    """What there is of each part, and the picture of all three.

    Args:
        city: Name of the city.
        settings: Settings of the run, with the city's own.
        paths: The city's paths.

    Returns:
        What is found of cells, images and land cover; the picture, None without cells.
    """
    cell_findings, cells = find_cells(city, settings, paths)
    image_findings, (tiles, _) = find_images(cells, settings.imagery, paths)
    land_findings, land, classes = find_land_cover(city, settings, paths, cells)
    findings = [cell_findings, image_findings, land_findings]
    if cells is None:
        return findings, None

    canvas = Canvas.around(cells)
    picture = picture_of(canvas, cells, tiles, files_of(tiles, paths), land, classes)
    if land is not None:
        share = covered(picture.land_cover, cells, canvas.transform)
        land_findings.lines.append(f"covers {100 * share:.0f} % of the cells")
        if share == 0:
            what = "the land cover covers none of the cells"
            land_findings.faults.append(
                InputError(what, "landcover.file", "name the land cover of this city")
            )
    return findings, picture
