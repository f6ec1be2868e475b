"""What is found of a city's cells: how many of which grid, and what they hold."""

import geopandas as gpd

from urbancam.sources.checking.findings import Findings
from urbancam.tables import geoframes, grid
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.settings import Settings

VALUE = "income_eur"


def find_cells(
    city: str, settings: Settings, paths: Paths
) -> tuple[Findings, gpd.GeoDataFrame | None]:
    """The cells as step 03 has them, and what they are.

    Args:
        city: Name of the city.
        settings: Settings of the run.
        paths: Of the city.

    Returns:
        What is found, and the cells; None where there are none yet, or they cannot be read.
    """
    findings, cells = Findings("cells"), None
    with findings.noting_faults():
        if not paths.cells.is_file():
            findings.lines.append(
                f"none yet: ./run.sh {city} fetches INSEE's table and selects those of the city"
            )
            return findings, None
        cells = geoframes.read(paths.cells)
        findings.lines += describe(cells, display_path(paths.cells))
        check_blocks(cells, settings)
    return findings, cells


def describe(cells: gpd.GeoDataFrame, where: str) -> list[str]:
    """What the cells are and hold, a line each.

    Args:
        cells: `idINSPIRE`, the value, and squares.
        where: What they were read from.
    """
    side_m = int(grid.sizes_m(cells["idINSPIRE"])[0])
    area_km2 = len(cells) * side_m**2 / 1e6
    lines = [
        f"{len(cells):,} of {side_m} m in {cells.crs.to_string()}, {area_km2:,.1f} km2, of {where}"
    ]
    values = cells[VALUE].dropna()
    lacking = len(cells) - len(values)
    if len(values):
        least, middle, most = values.quantile([0, 0.5, 1])
        lines.append(f"{VALUE} {least:,.6g} to {most:,.6g}, median {middle:,.6g}")
        lines[-1] += f"; {lacking:,} cells have none" if lacking else ""
    return lines


def check_blocks(cells: gpd.GeoDataFrame, settings: Settings) -> None:
    """Refuse a city of fewer blocks than folds.

    Raises:
        InputError: How many there are, and which settings make more.
    """
    split = settings.split
    if split.method != "block":
        return
    count = grid.blocks(cells["idINSPIRE"], split.block_m).nunique()
    if count < split.folds:
        raise InputError(
            f"{len(cells):,} cells lie in {count} blocks of {split.block_m} m, fewer than the "
            f"{split.folds} folds that blocks are dealt to",
            "split.block_m, split.folds",
            "make blocks smaller, or folds fewer",
        )
