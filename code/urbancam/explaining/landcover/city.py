"""One city's land cover and activation as matrices over cells and classes, and what the network reads on each class.

Within a cell everything is a share (of the cell's activation, of its covered area), because the published maps
scale with |dy_c/dz|: raw sums would let the cells the network is surest of vanish. A class's activation ratio is
its share of activation over its share of area: 1 where the map does not care for the class.

Side "poor" reads the poor map over the cells predicted poor, side "rich" the rich map over those predicted rich.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.scoring import bootstrap
from urbancam.scoring.bootstrap import Estimate
from urbancam.scoring.vocabulary import SIDES
from urbancam.workflow.sections import Landcover, Statistics

PURE = 0.99  # a cell with more than this share of one class has a ratio of 1 by construction; counted, not dropped


@dataclass
class Side:
    """Matrices over the N cells of one side's sample and the U classes of the city.

    Attributes:
        cells: (N,) ids.
        activation: (N, U) share of the cell's activation, rows sum to 1.
        area: (N, U) share of the cell's covered area, rows sum to 1.
        cell_area: (N, U) share of the whole cell, rows sum to the covered share.
        present: (N, U) bool: the cell holds the class; slivers do not count.
        contribution: (N, U) logit units.
        blocks: (N,) number of each cell's block.
    """

    cells: np.ndarray
    activation: np.ndarray
    area: np.ndarray
    cell_area: np.ndarray
    present: np.ndarray
    contribution: np.ndarray
    blocks: np.ndarray


class LandCover:
    """Activation of one city and run by class of land cover.

    Args:
        activation: rows of `activation.parquet`.
        predictions: `idINSPIRE, predicted_class, income_class, income_eur`, one row per used cell.
        blocks: (cells,) block of each cell, indexed by idINSPIRE.
        names: `{class: name}` in the order of the tables; classes that are not in the city are left out.
        cell_area_m2: of a whole cell.
        settings: section `landcover`.
        statistics: section `statistics`.
        seed: of the bootstrap.

    Attributes:
        predictions: of the N cells that have land cover, indexed by idINSPIRE.
        area: (N, U) share of the whole cell.
        present: (N, U) bool: the cell holds the class.
        n_slivers: (cell, class) pairs with some of the class, yet less than `landcover.min_area_m2`.
        counts: (draws, n_blocks) how often each block comes up.
    """

    def __init__(
        self,
        activation: pd.DataFrame,
        predictions: pd.DataFrame,
        blocks: pd.Series,
        names: dict,
        cell_area_m2: float,
        settings: Landcover,
        statistics: Statistics,
        seed: int,
    ) -> None:
        self.settings, self.statistics, self.cell_area_m2 = settings, statistics, cell_area_m2
        predictions = predictions.set_index("idINSPIRE").sort_index()
        self.predictions = predictions[predictions.index.isin(activation["idINSPIRE"])]
        key = activation[settings.key]
        held = set(key.unique())
        names = names | {
            code: str(code) for code in sorted(held - set(names))
        }  # a finer edition's, without a name yet
        self.classes = [code for code in names if code in held]
        self.names = [names[code] for code in self.classes]
        of_cells = blocks.reindex(self.predictions.index)
        self.block_numbers, self.n_blocks = bootstrap.number_blocks(of_cells)
        self.counts = bootstrap.block_draws(of_cells, statistics.draws, seed)
        shares = {side: f"{side}_share" for side in SIDES}
        sums = activation.groupby(["idINSPIRE", key])[
            ["area_m2", "contribution", *shares.values()]
        ].sum()
        area_m2 = self._by_cell(sums["area_m2"])
        # ASSUME: a cell holds a class from min_area_m2 on: less is what the edges of two data sets leave, and would
        # make nearly every class present nearly everywhere. Its area and activation stay in all sums.
        self.present = (area_m2 > 0) & (area_m2 >= settings.min_area_m2)
        self.n_slivers = int(((area_m2 > 0) & ~self.present).sum())
        self.area = area_m2 / cell_area_m2
        self.shares = {side: self._by_cell(sums[column]) for side, column in shares.items()}
        self.contribution = self._by_cell(sums["contribution"])

    def _by_cell(self, sums: pd.Series) -> np.ndarray:
        """(cells, classes) of sums indexed by cell and class."""
        table = sums.unstack(fill_value=0.0)
        return table.reindex(
            index=self.predictions.index, columns=self.classes, fill_value=0.0
        ).to_numpy(float)

    def side(self, name: str) -> Side:
        """Sample and matrices of one side; a cell without activation of that side is left out."""
        # ASSUME: cells weigh alike, whatever |dy_c/dz|; cells of a single class stay in, though their ratio is 1.
        shares = self.shares[name]
        chosen = self.predictions["predicted_class"].isin(self.income_classes(name)).to_numpy() & (
            shares.sum(1) > 0
        )
        area = self.area[chosen]
        return Side(
            self.predictions.index[chosen].to_numpy(),
            shares[chosen],
            area / area.sum(1, keepdims=True),
            area,
            self.present[chosen],
            self.contribution[chosen],
            self.block_numbers[chosen],
        )

    def income_classes(self, side: str) -> list[int]:
        """The income classes that make a side."""
        return {"poor": self.settings.poor_classes, "rich": self.settings.rich_classes}[side]

    def held_blocks(self, present: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """(...) how many blocks hold each column of `present` (N, ...), cells in the blocks of `numbers` (N,)."""
        return (bootstrap.block_sums(present, numbers, self.n_blocks) > 0).sum(0)

    def ratio_of_sums(
        self,
        numerator: np.ndarray,
        denominator: np.ndarray,
        present: np.ndarray,
        numbers: np.ndarray,
    ) -> Estimate:
        """Sum over cells of the numerator / sum of the denominator, of each column.

        Args:
            numerator: (N, m).
            denominator: (N, m).
            present: (N, m) bool: which cells hold what the column is about.
            numbers: (N,) block of each cell.
        """
        sums = [
            bootstrap.block_sums(part, numbers, self.n_blocks) for part in (numerator, denominator)
        ]
        value = bootstrap.divide(*(part.sum(0) for part in sums))
        return Estimate(
            value, bootstrap.ratio_draws(*sums, self.counts), self.held_blocks(present, numbers)
        )

    def ratio(self, side: Side) -> Estimate:
        """Activation ratio of each class: sum over cells of its share of activation / of its share of area."""
        return self.ratio_of_sums(side.activation, side.area, side.present, side.blocks)

    def log_contrast(self) -> Estimate:
        """log(rich ratio / poor ratio) of each class, both on the same draws."""
        return log_quotient(self.ratio(self.side("rich")), self.ratio(self.side("poor")))

    def area_contribution(self) -> Estimate:
        """Contribution per share of the whole cell, over all cells, less the same of all classes together."""
        numbers, everything = self.block_numbers, self.area.sum(1, keepdims=True)
        classes = self.ratio_of_sums(self.contribution, self.area, self.present, numbers)
        mean = self.ratio_of_sums(
            self.contribution.sum(1, keepdims=True), everything, everything > 0, numbers
        )
        return Estimate(classes.value - mean.value, classes.draws - mean.draws, classes.blocks)

    def activation_ratio(self) -> pd.DataFrame:
        """The table `activation_ratio.csv` (results/README.md says each column); the null is a ratio of 1."""
        return pd.concat([self._ratio_of_side(side) for side in SIDES], ignore_index=True)

    def _ratio_of_side(self, name: str) -> pd.DataFrame:
        side = self.side(name)
        ratio = self.ratio(side)
        low, high = ratio.interval(self.statistics)
        by_cell = np.where(side.present, bootstrap.divide(side.activation, side.area), 0)
        area, n_cells = side.area.sum(0), side.present.sum(0)
        table = pd.DataFrame(
            {
                "class": self.classes,
                "name": self.names,
                "side": name,
                "n_cells": n_cells,
                "n_pure_cells": (side.present & (side.area > PURE)).sum(0),
                "area_share": bootstrap.divide(area, area.sum()),
                "ratio": ratio.value,
                "ratio_cell_mean": bootstrap.divide(by_cell.sum(0), n_cells),
                "contribution_mean": bootstrap.divide(
                    side.contribution.sum(0), side.cell_area.sum(0)
                ),
                "ci_low": low,
                "ci_high": high,
            }
        )
        return bootstrap.add_significance(table, ratio.p_value(1, self.statistics), self.statistics)

    def contrast(self) -> pd.DataFrame:
        """The table `activation_contrast.csv`: log(rich ratio / poor ratio) of each class; the null is 0.

        Above 0 the network looks at the class where it says rich, below 0 where it says poor.
        """
        n_cells = sum(self.side(name).present.sum(0) for name in SIDES)
        return self._table_of_classes(n_cells, "log_ratio", self.log_contrast())

    def contribution_by_class(self) -> pd.DataFrame:
        """The table `contribution.csv`: logit units that a cell's whole area of a class is worth, over all cells.

        `value` is the sum of contributions over the sum of shares of the whole cell's area, less the same of all
        classes together, so that 0 (the null) is the city's mean square metre.
        """
        return self._table_of_classes(self.present.sum(0), "value", self.area_contribution())

    def _table_of_classes(
        self, n_cells: np.ndarray, column: str, estimate: Estimate
    ) -> pd.DataFrame:
        low, high = estimate.interval(self.statistics)
        table = pd.DataFrame(
            {
                "class": self.classes,
                "name": self.names,
                "n_cells": n_cells,
                column: estimate.value,
                "ci_low": low,
                "ci_high": high,
            }
        )
        return bootstrap.add_significance(
            table, estimate.p_value(0, self.statistics), self.statistics
        )


def log_quotient(numerator: Estimate, denominator: Estimate) -> Estimate:
    """log(numerator / denominator), NaN where either is zero or unknown; held by as many blocks as the rarer one."""
    pairs = ((numerator.value, denominator.value), (numerator.draws, denominator.draws))
    quotients = (bootstrap.divide(*pair) for pair in pairs)
    logs = (np.log(np.where(quotient > 0, quotient, np.nan)) for quotient in quotients)
    return Estimate(*logs, np.minimum(numerator.blocks, denominator.blocks))
