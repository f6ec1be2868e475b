"""Where the cells of a city lie, as far as that is known when its land cover is read."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pyproj import Transformer

from urbancam.sources.census import own_grid, own_tables
from urbancam.tables import grid
from urbancam.tables.crs import Bounds
from urbancam.workflow.paths import display_path
from urbancam.workflow.settings.city_facts import Cells

MARGIN_M = 300.0  # cells overhang a city's outline by half a diagonal at most


@dataclass(frozen=True)
class Place:
    """Where cells lie.

    Attributes:
        crs: Their coordinate system; land cover is moved there.
        bounds: Their extent, m; None where the land cover says what the city is.
    """

    crs: str
    bounds: Bounds | None = None

    def bounds_in(self, crs: object) -> Bounds | None:
        """The extent with a margin, in another coordinate system."""
        if self.bounds is None:
            return None
        west, south, east, north = self.bounds
        wide = west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M
        return Transformer.from_crs(self.crs, crs, always_xy=True).transform_bounds(*wide)


EUROPE = Place(grid.CRS)  # of INSEE's cells, before they are known


def of_cells(file: Path, section: Cells) -> Place:
    """Where the cells of the user's own file lie.

    Raises:
        InputError: It is no table of cells of a regular grid.
    """
    table = own_tables.read(file, section)
    ids = pd.Series(own_grid.cell_ids(table, section, display_path(file)))
    west, south = grid.corners(ids).min(axis=0)
    east, north = grid.corners(ids).max(axis=0) + grid.side_m(ids)
    return Place(grid.crs_of(ids), tuple(map(float, (west, south, east, north))))
