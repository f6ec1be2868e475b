"""What a group's maps come to: shares by fragment, correlations, curves; as frames at the end."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from urbancam.explaining import projection
from urbancam.explaining.activation import Sides
from urbancam.explaining.attribution import map_shift
from urbancam.scoring import vocabulary
from urbancam.scoring.correlations import rank_correlation

# Tables without a row have the columns, and their types, all the same.
NO_CURVES = pd.DataFrame(
    {
        "idINSPIRE": "",
        "order": "",
        "curve": "",
        "fraction": 0.0,
        "value": 0.0,
    },
    index=[],
)
NO_CORRELATIONS = pd.DataFrame(
    {
        "idINSPIRE": "",
        "control": "",
        "poor": 0.0,
        "rich": 0.0,
        "contrast": 0.0,
    },
    index=[],
)
NO_SHIFTS = pd.DataFrame({name: 0.0 for name in map_shift.SUMS} | {"idINSPIRE": ""}, index=[])


@dataclass
class Findings:
    """What a group's maps come to.

    Attributes:
        shares: `{"<control>_<side>": (fragments,) of each cell}` share of the cell's map; NaN
            without a map.
        correlations: Rows `idINSPIRE, control, poor, rich, contrast`: Spearman's r of the patches
            of a control's map with the published one's; contrast: of rich less poor.
        curves: Rows `idINSPIRE, order, curve, fraction, value` (logit units).
        shifts: Rows `map_shift.SUMS`.
    """

    shares: dict[str, list[np.ndarray]] = field(default_factory=dict)
    correlations: list[pd.DataFrame] = field(default_factory=list)
    curves: list[pd.DataFrame] = field(default_factory=list)
    shifts: list[pd.DataFrame] = field(default_factory=list)

    def add_shares(
        self,
        pixels: list[projection.LabelledPixels],
        name: str,
        sides: Sides,
    ) -> None:
        """Add the shares of the fragments in a control's maps.

        Args:
            pixels: (N,) pixels of each cell by fragment.
            name: Name of the control.
            sides: Poor and rich map, each (N, H, W).
        """
        for side, maps in zip(vocabulary.SIDES, sides, strict=True):
            of_cells = self.shares.setdefault(f"{name}_{side}", [])
            # One copy from the device for all cells of the batch.
            maps_of_cells = maps.cpu().numpy()
            for values, cell_pixels in zip(maps_of_cells, pixels, strict=True):
                sums = cell_pixels.sums(cell_pixels.arrange(values))
                of_cells.append(projection.share_by_fragment(sums))

    def add_correlations(
        self,
        ids: np.ndarray,
        name: str,
        patches: np.ndarray,
        published: np.ndarray,
    ) -> None:
        """Add the correlations of a control's patches with the published ones.

        Args:
            ids: (N,) cells.
            name: Name of the control.
            patches: (3, N, patches) of poor, rich and rich less poor.
            published: The same of the published map.
        """
        poor, rich, contrast = rank_correlation(patches, published)
        columns = {
            "idINSPIRE": ids,
            "control": name,
            "poor": poor,
            "rich": rich,
            "contrast": contrast,
        }
        self.correlations.append(pd.DataFrame(columns))

    def add_curves(
        self,
        ids: np.ndarray,
        fractions: np.ndarray,
        changes: dict[tuple[str, str], np.ndarray],
    ) -> None:
        """Add the curves of some cells.

        Args:
            ids: (N,) cells.
            fractions: (F,) shares of the patches that are deleted.
            changes: `{(order, curve): (F, N)}`, logit units.
        """
        for (order, curve), values in changes.items():
            columns = {
                "idINSPIRE": np.tile(ids, len(fractions)),
                "order": order,
                "curve": curve,
                "fraction": np.repeat(fractions, len(ids)),
                "value": values.ravel(),
            }
            self.curves.append(pd.DataFrame(columns))

    def add_shifts(
        self,
        ids: np.ndarray,
        maps: np.ndarray,
        classes: list[np.ndarray],
        step_px: int,
    ) -> None:
        """Add how well the maps of some cells agree with their polygons, at every shift.

        Args:
            ids: (N,) cells.
            maps: (N, H, W).
            classes: (N,) arrays (H, W) int, number of the class at each pixel.
            step_px: Pixels of a step.
        """
        for cell, values, of_pixel in zip(ids, maps, classes, strict=True):
            sums = map_shift.shift_sums(values, of_pixel, step_px)
            self.shifts.append(sums.assign(idINSPIRE=cell))

    def frames(
        self, fragments: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Curves, correlations, shifts, and the shares beside the fragments' own rows."""
        curves = _stacked(self.curves, NO_CURVES)
        correlations = _stacked(self.correlations, NO_CORRELATIONS)
        shares = {name: np.concatenate(of_cells) for name, of_cells in self.shares.items()}
        with_shares = fragments.reset_index(drop=True).assign(**shares)
        return curves, correlations, _stacked(self.shifts, NO_SHIFTS), with_shares


def _stacked(tables: list[pd.DataFrame], empty: pd.DataFrame) -> pd.DataFrame:
    """Tables one below the other; without any, the empty one with its columns."""
    if not tables:
        return empty
    return pd.concat(tables, ignore_index=True)
