"""What is said about land cover: statistics over fragments, cells weighed alike, blocks resampled.

Within a cell everything is a share (of the cell's activation, of its covered area), because the published maps
scale with |dy_c/dz|: raw sums would let the cells the network is surest of vanish. A class's activation ratio is
its share of activation over its share of area: 1 where the map does not care for the class.

Side "poor" reads the poor map over the cells predicted poor, side "rich" the rich map over those predicted rich.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam import bootstrap
from urbancam.projection import SIDES
from urbancam.settings import Landcover, Statistics

PURE = 0.99  # a cell with more than this share of one class has a ratio of 1 by construction; counted, not dropped


@dataclass
class Side:
    """Matrices over the N cells of one side's sample and the U classes of the city.

    Attributes:
        cells: (N,) ids.
        activation: (N, U) share of the cell's activation, rows sum to 1.
        area: (N, U) share of the cell's covered area, rows sum to 1.
        cell_area: (N, U) share of the whole cell, rows sum to the covered share.
        contribution: (N, U) logit units.
        blocks: (N,) number of each cell's block.
    """

    cells: np.ndarray
    activation: np.ndarray
    area: np.ndarray
    cell_area: np.ndarray
    contribution: np.ndarray
    blocks: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """(N, U) bool: the cell holds the class."""
        return self.area > 0


class LandCover:
    """Activation of one city and run by class of land cover.

    Args:
        activation: rows of `activation.parquet`.
        predictions: `idINSPIRE, predicted_class, income_class`, one row per used cell.
        blocks: (cells,) block of each cell, indexed by idINSPIRE.
        names: `{class: name}` in the order of the tables; classes that are not in the city are left out.
        cell_area_m2: of a whole cell.
        settings: section `landcover`.
        statistics: section `statistics`.
        seed: of the bootstrap.
    """

    def __init__(
        self, activation: pd.DataFrame, predictions: pd.DataFrame, blocks: pd.Series, names: dict,
        cell_area_m2: float, settings: Landcover, statistics: Statistics, seed: int,
    ) -> None:  # fmt: skip
        self.settings, self.statistics = settings, statistics
        predictions = predictions.set_index("idINSPIRE").sort_index()
        predictions = predictions[predictions.index.isin(activation["idINSPIRE"])]
        self.predictions = predictions
        self.key = activation[settings.key]
        present = set(self.key.unique())
        finer = {key: str(key) for key in sorted(present - set(names))}  # codes of a finer edition have no name yet
        names = names | finer
        self.classes = [key for key in names if key in present]
        self.names = [names[key] for key in self.classes]
        self.block_numbers, self.n_blocks = bootstrap.number_blocks(blocks.reindex(predictions.index))
        self.counts = bootstrap.block_draws(blocks.reindex(predictions.index), statistics.draws, seed)
        self.area = self._by_cell(activation, "area_m2") / cell_area_m2
        self.shares = {side: self._by_cell(activation, f"{side}_share") for side in SIDES}
        self.contribution = self._by_cell(activation, "contribution")

    def _by_cell(self, activation: pd.DataFrame, column: str) -> np.ndarray:
        """(cells, classes) sums of a column."""
        sums = activation.groupby(["idINSPIRE", self.key])[column].sum().unstack(fill_value=0.0)
        return sums.reindex(index=self.predictions.index, columns=self.classes, fill_value=0.0).to_numpy(float)

    def side(self, name: str) -> Side:
        """Sample and matrices of one side; a cell without activation of that side is left out."""
        # ASSUME: cells weigh alike, whatever |dy_c/dz|; cells of a single class stay in, though their ratio is 1.
        wanted = {"poor": self.settings.poor_classes, "rich": self.settings.rich_classes}[name]
        shares = self.shares[name]
        chosen = self.predictions["predicted_class"].isin(wanted).to_numpy() & (shares.sum(1) > 0)
        area = self.area[chosen]
        return Side(
            self.predictions.index[chosen].to_numpy(), shares[chosen], area / area.sum(1, keepdims=True), area,
            self.contribution[chosen], self.block_numbers[chosen],
        )  # fmt: skip

    def activation_ratio(self) -> pd.DataFrame:
        """The table `activation_ratio.csv` (results/README.md says each column)."""
        return pd.concat([self._ratio_of_side(side) for side in SIDES], ignore_index=True)

    def _ratio_of_side(self, name: str) -> pd.DataFrame:
        side = self.side(name)
        low, high = self._interval(self._ratio_draws(side), self._held_blocks(side.present, side.blocks))
        area = side.area.sum(0)
        return pd.DataFrame({
            "class": self.classes,
            "name": self.names,
            "side": name,
            "n_cells": side.present.sum(0),
            "n_pure_cells": (side.area > PURE).sum(0),
            "area_share": bootstrap.divide(area, area.sum()),
            "ratio": bootstrap.divide(side.activation.sum(0), area),
            "ratio_cell_mean": _mean_over_present(bootstrap.divide(side.activation, side.area), side.present),
            "contribution_mean": bootstrap.divide(side.contribution.sum(0), side.cell_area.sum(0)),
            "ci_low": low,
            "ci_high": high,
        })  # fmt: skip

    def _held_blocks(self, present: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """(U,) how many blocks hold each class."""
        return (bootstrap.block_sums(present, numbers, self.n_blocks) > 0).sum(0)

    def _interval(self, draws: np.ndarray, held_blocks: np.ndarray) -> np.ndarray:
        """(2, ...) interval; none where too few blocks hold the class for it to mean anything."""
        ends = bootstrap.interval(draws, self.statistics.confidence)
        return np.where(held_blocks >= self.statistics.min_blocks, ends, np.nan)

    def _ratio_draws(self, side: Side) -> np.ndarray:
        """(draws, U) ratio of sums of shares."""
        return bootstrap.ratio_draws(
            bootstrap.block_sums(side.activation, side.blocks, self.n_blocks),
            bootstrap.block_sums(side.area, side.blocks, self.n_blocks),
            self.counts,
        )

    def contrast(self) -> pd.DataFrame:
        """The table `activation_contrast.csv`: log(rich ratio / poor ratio) of each class, both on the same draws.

        Above 0 the network looks at the class where it says rich, below 0 where it says poor.
        """
        poor, rich = self.side("poor"), self.side("rich")
        ratios = [bootstrap.divide(side.activation.sum(0), side.area.sum(0)) for side in (poor, rich)]
        draws = _log_quotient(self._ratio_draws(rich), self._ratio_draws(poor))
        held = [self._held_blocks(side.present, side.blocks) for side in (poor, rich)]
        low, high = self._interval(draws, np.minimum(*held))
        return pd.DataFrame({
            "class": self.classes,
            "name": self.names,
            "n_cells": poor.present.sum(0) + rich.present.sum(0),
            "log_ratio": _log_quotient(ratios[1], ratios[0]),
            "ci_low": low,
            "ci_high": high,
        })  # fmt: skip

    def contribution_by_class(self) -> pd.DataFrame:
        """The table `contribution.csv`: logit units that a cell's whole area of a class is worth, over all cells.

        `value` is the sum of contributions over the sum of shares of the whole cell's area, less the same of all
        classes together, so that 0 is the city's mean square metre.
        """
        parts = self.contribution, self.area
        draws = [self.counts @ bootstrap.block_sums(part, self.block_numbers, self.n_blocks) for part in parts]
        value = _above_mean(self.contribution.sum(0), self.area.sum(0))
        low, high = self._interval(_above_mean(*draws), self._held_blocks(self.area > 0, self.block_numbers))
        return pd.DataFrame({
            "class": self.classes, "name": self.names, "n_cells": (self.area > 0).sum(0),
            "value": value, "ci_low": low, "ci_high": high,
        })  # fmt: skip

    def coactivation(self) -> pd.DataFrame:
        """The table `coactivation.csv`: how a neighbour's presence changes the object's activation ratio.

        `value` = ratio of the object over cells that hold both / its ratio over all cells that hold it. Published
        with unweighted trimmed means of per-cell ratios; here with ratios of sums, as `activation_ratio`.
        """
        return pd.concat([self._coactivation_of_side(side) for side in SIDES], ignore_index=True)

    def _coactivation_of_side(self, name: str) -> pd.DataFrame:
        side = self.side(name)
        n_classes = len(self.classes)
        present = side.present.astype(float)

        def pairs(values: np.ndarray) -> np.ndarray:  # (blocks, U * U): object's sum where the neighbour is present
            product = values[:, :, None] * present[:, None, :]
            return bootstrap.block_sums(product.reshape(len(values), n_classes**2), side.blocks, self.n_blocks)

        activation, area = pairs(side.activation), pairs(side.area)
        draws = bootstrap.ratio_draws(activation, area, self.counts).reshape(-1, n_classes, n_classes)
        alone = np.einsum("duu->du", draws)  # the object beside itself: all cells that hold it
        both = (present[:, :, None] * present[:, None, :]).reshape(len(present), n_classes**2)
        held = self._held_blocks(both, side.blocks)
        quotients = bootstrap.divide(draws, alone[:, :, None])
        low, high = self._interval(quotients, held.reshape(n_classes, n_classes))
        joint = bootstrap.divide(activation.sum(0), area.sum(0)).reshape(n_classes, n_classes)
        value = bootstrap.divide(joint, np.diag(joint)[:, None])
        n_cells = (present.T @ present).astype(int)
        rows = [
            (name, self.classes[o], self.classes[n], n_cells[o, n], value[o, n], low[o, n], high[o, n])
            for o in range(n_classes)
            for n in range(n_classes)
            if o != n and n_cells[o, n] >= self.settings.min_joint_cells
        ]
        return pd.DataFrame(rows, columns=["side", "object", "neighbour", "n_cells", "value", "ci_low", "ci_high"])

    def observed_association(self) -> pd.DataFrame:
        """The table `observed_association.csv`: how often a cell that holds a class is observed poor, or rich.

        Says what the incomes themselves say, without the network; the base rate is that of all cells.
        """
        present = (self.area > 0).astype(float)
        tables = []
        for name, wanted in zip(SIDES, (self.settings.poor_classes, self.settings.rich_classes), strict=True):
            is_side = self.predictions["income_class"].isin(wanted).to_numpy().astype(float)
            hits = bootstrap.block_sums(present * is_side[:, None], self.block_numbers, self.n_blocks)
            cells = bootstrap.block_sums(present, self.block_numbers, self.n_blocks)
            low, high = self._interval(bootstrap.ratio_draws(hits, cells, self.counts), (cells > 0).sum(0))
            tables.append(pd.DataFrame({
                "class": self.classes, "side": name, "n_cells": present.sum(0).astype(int),
                "probability": bootstrap.divide(hits.sum(0), cells.sum(0)), "base_rate": is_side.mean(),
                "ci_low": low, "ci_high": high,
            }))  # fmt: skip
        return pd.concat(tables, ignore_index=True)


def _mean_over_present(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    return bootstrap.divide(np.where(present, values, 0).sum(0), present.sum(0))


def _log_quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """log(numerator / denominator), NaN where either is zero or unknown."""
    quotient = bootstrap.divide(numerator, denominator)
    return np.log(np.where(quotient > 0, quotient, np.nan))


def _above_mean(contribution: np.ndarray, area: np.ndarray) -> np.ndarray:
    """(..., U) sums -> contribution per area of each class above that of all of them."""
    return bootstrap.divide(contribution, area) - (contribution.sum(-1) / area.sum(-1))[..., None]
