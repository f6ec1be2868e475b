"""One city's land cover and activation, and what the network reads on each class.

Both are matrices over cells and classes. Within a cell everything is a share (of the cell's
activation, of its covered area), because the published maps scale with |dy_c/dz|: raw sums would
let the cells the network is surest of vanish. A class's activation ratio is its share of activation
over its share of area: 1 where the map does not care for the class.

Side "poor" reads the poor map over the cells predicted poor, side "rich" the rich map over those
predicted rich.
"""

from functools import cached_property

import numpy as np
import pandas as pd

from urbancam.explaining.landcover.sides import Side
from urbancam.scoring import bootstrap, significance
from urbancam.scoring.bootstrap import Estimate, log_quotient
from urbancam.scoring.vocabulary import SIDES
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.city_facts import Landcover
from urbancam.workflow.settings.sections import Statistics

# A cell with more than this share of one class has a ratio of 1 by construction; counted, not
# dropped.
PURE = 0.99


class LandCover:
    """Activation of one city and run by class of land cover.

    Args:
        activation: Rows of `activation.parquet`.
        predictions: Rows `idINSPIRE, predicted_class, income_class, value`, one per used cell.
        blocks: (cells,) block of each cell, indexed by idINSPIRE.
        names: `{class: name}` in the order of the tables; classes that are not in the city are
            left out.
        cell_area_m2: Area of a whole cell.
        settings: Section `landcover`.
        statistics: Section `statistics`.
        seed: Seed of the bootstrap.

    Attributes:
        predictions: Predictions of the N cells that have land cover, indexed by idINSPIRE.
        area: (N, U) share of the whole cell.
        present: (N, U) bool: the cell holds the class.
        n_slivers: Number of (cell, class) pairs with some of the class, yet less than
            `landcover.min_area_m2`.
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
        self.settings = settings
        self.statistics = statistics
        self.cell_area_m2 = cell_area_m2
        # Cells without land cover are in no table.
        predictions = predictions.set_index("idINSPIRE").sort_index()
        has_land_cover = predictions.index.isin(activation["idINSPIRE"].unique())
        self.predictions = predictions[has_land_cover]

        # Classes that the city has, in the order of the names.
        code_of_fragment = activation[settings.key]
        codes = set(code_of_fragment.unique())
        # A finer edition's code has no name yet: its number serves.
        nameless = sorted(codes - set(names))
        names = names | {code: str(code) for code in nameless}
        self.classes = [code for code in names if code in codes]
        self.names = [names[code] for code in self.classes]
        self.seed = seed

        # One draw of blocks for all statistics, so that they can be compared.
        block_of_cell = blocks.reindex(self.predictions.index)
        self.block_numbers, self.n_blocks = bootstrap.number_blocks(block_of_cell)
        self.counts = bootstrap.block_draws(block_of_cell, statistics.draws, seed)

        # From rows of fragments to matrices of cells and classes.
        share_columns = [f"{side}_share" for side in SIDES]
        columns = ["area_m2", "contribution", *share_columns]
        sums = activation.groupby(["idINSPIRE", code_of_fragment])[columns].sum()
        area_m2 = self._by_cell(sums["area_m2"])
        # ASSUME: a cell holds a class from min_area_m2 on: less is what the edges of two data sets
        # leave, and would make nearly every class present nearly everywhere. Its area and
        # activation stay in all sums.
        self.present = (area_m2 > 0) & (area_m2 >= settings.min_area_m2)
        is_sliver = (area_m2 > 0) & ~self.present
        self.n_slivers = int(is_sliver.sum())
        self.area = area_m2 / cell_area_m2
        self.shares = {side: self._by_cell(sums[f"{side}_share"]) for side in SIDES}
        self.contribution = self._by_cell(sums["contribution"])

    def _by_cell(self, sums: pd.Series) -> np.ndarray:
        """(cells, classes) of sums indexed by cell and class."""
        table = sums.unstack(fill_value=0.0)
        cells = self.predictions.index
        matrix = table.reindex(index=cells, columns=self.classes, fill_value=0.0)
        return matrix.to_numpy(float)

    @cached_property
    def reference(self) -> int:
        """Number of the class that effects are told against.

        Raises:
            InputError: The settings name a class that no cell holds.
        """
        # ASSUME: without a name it is the class that most cells hold: roads, where nobody lives.
        if self.settings.reference is None:
            return int(self.present.sum(0).argmax())
        texts = [str(code) for code in self.classes]
        if self.settings.reference not in texts:
            raise InputError(
                f"no cell holds the class {self.settings.reference!r}",
                "landcover.reference",
                f"name one of {', '.join(texts)}, or null",
            )
        return texts.index(self.settings.reference)

    def side(self, name: str) -> Side:
        """Sample and matrices of one side; a cell without activation of that side is left out."""
        # ASSUME: cells weigh alike, whatever |dy_c/dz|; cells of a single class stay in, though
        # their ratio is 1.
        shares = self.shares[name]
        has_activation = shares.sum(1) > 0
        is_predicted = self.predictions["predicted_class"].isin(self.income_classes(name))
        sample = is_predicted.to_numpy() & has_activation
        cell_area = self.area[sample]
        return Side(
            cells=self.predictions.index[sample].to_numpy(),
            activation=shares[sample],
            area=cell_area / cell_area.sum(1, keepdims=True),
            cell_area=cell_area,
            present=self.present[sample],
            contribution=self.contribution[sample],
            blocks=self.block_numbers[sample],
        )

    def income_classes(self, side: str) -> list[int]:
        """The income classes that make a side."""
        classes = {
            "poor": self.settings.poor_classes,
            "rich": self.settings.rich_classes,
        }
        return classes[side]

    # ---- statistics of the classes, with their draws

    def held_blocks(self, present: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Blocks that hold what each column is about, as if all held it alike.

        Args:
            present: (N, ...) bool.
            numbers: (N,) block of each cell.

        Returns:
            (...).
        """
        return bootstrap.effective_blocks(bootstrap.block_sums(present, numbers, self.n_blocks))

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
        numerators = bootstrap.block_sums(numerator, numbers, self.n_blocks)
        denominators = bootstrap.block_sums(denominator, numbers, self.n_blocks)
        value = bootstrap.divide(numerators.sum(0), denominators.sum(0))
        draws = bootstrap.ratio_draws(numerators, denominators, self.counts)
        return Estimate(value, draws, self.held_blocks(present, numbers))

    def ratio(self, side: Side) -> Estimate:
        """Activation ratio of each class.

        Sum over cells of its share of activation / of its share of area.
        """
        return self.ratio_of_sums(side.activation, side.area, side.present, side.blocks)

    def log_contrast(self) -> Estimate:
        """log(rich ratio / poor ratio) of each class, both on the same draws."""
        rich = self.ratio(self.side("rich"))
        poor = self.ratio(self.side("poor"))
        return log_quotient(rich, poor)

    def area_contribution(self) -> Estimate:
        """Contribution per share of the whole cell, over all cells, by class.

        It is less the same of all classes together.
        """
        numbers = self.block_numbers
        classes = self.ratio_of_sums(self.contribution, self.area, self.present, numbers)
        # All classes together: the mean square metre of the city.
        whole_contribution = self.contribution.sum(1, keepdims=True)
        whole_area = self.area.sum(1, keepdims=True)
        mean = self.ratio_of_sums(whole_contribution, whole_area, whole_area > 0, numbers)
        value = classes.value - mean.value
        draws = classes.draws - mean.draws
        return Estimate(value, draws, classes.blocks)

    # ---- tables

    def activation_ratio(self) -> pd.DataFrame:
        """The table `activation_ratio.csv` (results/README.md says each column).

        A ratio other than 1 is no finding by itself: a map that is bright on one class is dark on
        all others. What is read is tested in `local_effect.csv`.
        """
        tables = [self._ratio_of_side(side) for side in SIDES]
        return pd.concat(tables, ignore_index=True)

    def _ratio_of_side(self, name: str) -> pd.DataFrame:
        """A row per class: its activation ratio on one side."""
        side = self.side(name)
        ratio = self.ratio(side)
        low, high = ratio.interval(self.statistics)
        area = side.area.sum(0)
        n_cells = side.present.sum(0)
        is_pure = side.present & (side.area > PURE)
        # For the published mean of per-cell ratios; cells without the class add nothing.
        ratio_by_cell = bootstrap.divide(side.activation, side.area)
        ratio_by_cell = np.where(side.present, ratio_by_cell, 0)
        contribution = side.contribution.sum(0)
        return pd.DataFrame(
            {
                "class": self.classes,
                "name": self.names,
                "side": name,
                "n_cells": n_cells,
                "n_pure_cells": is_pure.sum(0),
                "area_share": bootstrap.divide(area, area.sum()),
                "ratio": ratio.value,
                "ratio_cell_mean": bootstrap.divide(ratio_by_cell.sum(0), n_cells),
                "contribution_mean": bootstrap.divide(contribution, side.cell_area.sum(0)),
                "ci_low": low,
                "ci_high": high,
            }
        )

    def contrast(self) -> pd.DataFrame:
        """The table `activation_contrast.csv`: log(rich ratio / poor ratio) of each class.

        Above 0 the network looks at the class where it says rich, below 0 where it
        says poor.
        """
        sides = [self.side(name) for name in SIDES]
        n_cells = sum(side.present.sum(0) for side in sides)
        return self._table_of_classes(n_cells, "log_ratio", self.log_contrast())

    def contribution_by_class(self) -> pd.DataFrame:
        """The table `contribution.csv`: logit units that a whole cell of a class is worth.

        `value` is the sum of contributions over the sum of shares of the whole cell's area, over
        all cells, less the same of all classes together, so that 0 is the city's mean square metre.
        """
        n_cells = self.present.sum(0)
        return self._table_of_classes(n_cells, "value", self.area_contribution())

    def table_of_effects(self, estimate: Estimate) -> pd.DataFrame:
        """A row per class with its effect against the reference, tested against 0."""
        table = self._table_of_classes(self.present.sum(0), "value", estimate)
        table.insert(2, "reference", self.names[self.reference])
        p_value = estimate.p_value(0, self.statistics)
        return significance.add_significance(table, p_value, self.statistics)

    def _table_of_classes(
        self, n_cells: np.ndarray, column: str, estimate: Estimate
    ) -> pd.DataFrame:
        """A row per class with an estimate in the column of that name."""
        low, high = estimate.interval(self.statistics)
        return pd.DataFrame(
            {
                "class": self.classes,
                "name": self.names,
                "n_cells": n_cells,
                column: estimate.value,
                "ci_low": low,
                "ci_high": high,
            }
        )
