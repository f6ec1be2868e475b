"""The town plan: bands, streets and blocks as one coverage of polygons, and the use of each.

All geometry is Lambert-93, in metres. The polygons of a plan share their vertices and leave
neither gap nor overlap, and streets are polygons too, as in Urban Atlas.
"""

from dataclasses import dataclass

import numpy as np
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.blocks import split_into_blocks, zone
from urbancam.demo.layout.ribbons import lay_arterials, lay_ribbons, stack_strips
from urbancam.demo.layout.site import Site

GRID_M = 0.01  # vertices are snapped to centimetres, so that neighbours share them exactly
QUAY_M = 10.0


@dataclass(frozen=True)
class Plan:
    """The plan of a city.

    Args:
        faces: (F,) polygons that tile the domain.
        codes: (F,) Urban Atlas code of each.
        arterials: Centre lines of the main streets.
        squares: Roundabouts where main streets meet.
        ribbons: Motorway, railway and river: centre line (M, 2) and width (M,), m.
        outline: The city's boundary.
    """

    faces: np.ndarray
    codes: np.ndarray
    arterials: list[shapely.LineString]
    squares: list[shapely.Point]
    ribbons: dict[int, tuple[np.ndarray, np.ndarray]]
    outline: shapely.Polygon

    def of(self, *codes: int) -> np.ndarray:
        """The faces of some codes."""
        return self.faces[np.isin(self.codes, codes)]


def draw_plan(site: Site) -> Plan:
    """Draw the plan of a city; the same site gives the same plan."""
    ribbons = lay_ribbons(site)
    arterials, squares = lay_arterials(site)
    strips = stack_strips(site, ribbons, arterials, squares)

    # Blocks fill what the bands and the quays leave free.
    quays = strips[landuse.WATER].buffer(QUAY_M)
    bands = shapely.union_all([*strips.values(), quays])
    free = site.domain.difference(bands)
    blocks = split_into_blocks(site, list(free.geoms))
    block_codes = zone(site, blocks)

    # All edges together cut the domain into faces, each of which belongs to one area at most.
    edges = [
        *arterials,
        site.domain.exterior,
        *(strip.boundary for strip in strips.values()),
        *shapely.boundary(blocks),
    ]
    faces = _node(edges, site)
    areas = np.array([*strips.values(), *blocks])
    codes = _label(faces, areas, np.array([*strips, *block_codes]))
    return Plan(faces, codes, arterials, squares, ribbons, site.outline())


def _node(lines: list, site: Site) -> np.ndarray:
    """The faces between all lines, snapped to the grid: a coverage without gaps or overlaps."""
    noded = shapely.union_all(np.array(lines), grid_size=GRID_M)
    faces = shapely.get_parts(shapely.polygonize([noded]))
    return faces[shapely.contains_properly(site.domain, shapely.point_on_surface(faces))]


def _label(
    faces: np.ndarray,
    areas: np.ndarray,
    codes: np.ndarray,
) -> np.ndarray:
    """Code of the area that holds each face; faces in none are streets."""
    face_codes = np.full(len(faces), landuse.ROAD)
    tree = shapely.STRtree(areas)
    face, area = tree.query(shapely.point_on_surface(faces), predicate="within")
    face_codes[face] = codes[area]
    return face_codes
