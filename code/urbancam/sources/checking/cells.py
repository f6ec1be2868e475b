"""What is found of a city's cells: how many of which grid, and what they hold."""

import geopandas as gpd

from urbancam.sources.census import own_cells
from urbancam.sources.checking.findings import Findings, require_file
from urbancam.tables import geoframes, grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.settings.city_facts import Cells
from urbancam.workflow.settings.settings import Settings


def find_cells(
    city: str, settings: Settings, paths: Paths
) -> tuple[Findings, gpd.GeoDataFrame | None]:
    """The cells as step 03 has them, and what they are.

    Args:
        city: Name of the city.
        settings: Settings of the run.
        paths: The city's paths.

    Returns:
        What is found, and the cells; None where there are none yet, or they cannot be read.
    """
    findings, cells = Findings("cells"), None
    with findings.noting_faults():
        if settings.cells.source == "file":
            file = require_file(settings.cells.file, "cells.file")
            cells, where = own_cells.read_cells(file, settings.cells, city), display_path(file)
        elif paths.cells.is_file():
            cells, where = geoframes.read(paths.cells), display_path(paths.cells)
        else:
            findings.lines.append(
                f"none yet: ./run.sh {city} fetches INSEE's table and selects those of the city"
            )
            return findings, None
        findings.lines += describe(cells, where, settings.cells)
    if cells is not None:
        with findings.noting_faults():
            settings.image_px(grid.side_m(cells["idINSPIRE"]))
        with findings.noting_faults():
            check_blocks(cells, settings)
    return findings, cells


def describe(cells: gpd.GeoDataFrame, where: str, section: Cells) -> list[str]:
    """What the cells are and hold, a line each.

    Args:
        cells: `idINSPIRE, value` and squares.
        where: What they were read from.
        section: What the value is called.
    """
    side_m = grid.side_m(cells["idINSPIRE"])
    area_km2 = len(cells) * side_m**2 / 1e6
    lines = [
        f"{len(cells):,} of {side_m} m in {cells.crs.to_string()}, {area_km2:,.1f} km2, of {where}"
    ]
    values = cells["value"].dropna()
    lacking = len(cells) - len(values)
    if len(values):
        least, middle, most = values.quantile([0, 0.5, 1])
        span = f"{least:,.6g} to {most:,.6g}, median {middle:,.6g}"
        lines.append(f"{section.name} {span} {section.unit}".rstrip())
        lines[-1] += f"; {lacking:,} cells have none" if lacking else ""
    return lines


def check_blocks(cells: gpd.GeoDataFrame, settings: Settings) -> None:
    """Refuse blocks that are not made of whole cells, and a city of fewer blocks than folds.

    Raises:
        InputError: How many there are, and which settings make more.
    """
    split = settings.split
    count = grid.blocks(cells["idINSPIRE"], split.block_m).nunique()
    if split.method == "block" and count < split.folds:
        raise InputError(
            f"{len(cells):,} cells lie in {count} blocks of {split.block_m} m, fewer than the "
            f"{split.folds} folds that blocks are dealt to",
            "split.block_m, split.folds",
            "make blocks smaller, or folds fewer",
        )
