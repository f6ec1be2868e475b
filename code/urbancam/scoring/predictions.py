"""The out-of-fold predictions: the folds' test predictions in one table, every used cell of a trained fold once."""

import logging

import numpy as np
import pandas as pd

from urbancam.scoring.vocabulary import INCOME_CLASSES, PROBABILITIES
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

COLUMNS = [
    "idINSPIRE",
    "fold",
    "logit",
    "p",
    *PROBABILITIES,
    "predicted_class",
    "income_class",
    "income_eur",
    "target",
]
VALIDATION_COLUMNS = COLUMNS[:-2]  # of validation cells, which may be of other cities


def join_folds(samples: pd.DataFrame, folds: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """One table of all folds, in the order of the samples.

    Args:
        samples: `idINSPIRE, used, income_class, fold`, one row per cell.
        folds: fold -> its test predictions, with `COLUMNS`; cells of other folds are not asked for.

    Returns:
        `COLUMNS`, one row per used cell of these folds.

    Raises:
        InputError: a column or value that cannot be, a cell that is missing, comes twice, is not used, stands
            in the predictions of another fold than its own, or has another income class there.
    """
    for fold, table in folds.items():
        check_values(table, fold, "test_predictions.csv", COLUMNS)
    joined = pd.concat([table[COLUMNS] for table in folds.values()], ignore_index=True)
    used = samples.loc[
        samples["used"] & samples["fold"].isin(folds), ["idINSPIRE", "fold", "income_class"]
    ]
    _check_cells(joined["idINSPIRE"], used["idINSPIRE"])
    joined = rows_of(used["idINSPIRE"], joined, "test_predictions.csv")
    for column in ("fold", "income_class"):
        differs = joined[column].to_numpy() != used[column].to_numpy(dtype=int)
        _refuse(joined[differs], f"another {column} than samples.csv")
    log.info("joins %s predictions of %d folds", f"{len(joined):,}", len(folds))
    return joined[COLUMNS]


def rows_of(ids: pd.Series, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of `table` (one per cell, `idINSPIRE`) that belong to the ids, in their order.

    Raises:
        InputError: `table`, called `name`, lacks a cell.
    """
    if len(lacking := ids[~ids.isin(table["idINSPIRE"])]):
        raise InputError(
            f"{len(lacking):,} predicted cells are not there, the first {lacking.iloc[0]}",
            name,
            "assign and train again: 10_assign_folds.py, 11_train_income.py",
        )
    return table.set_index("idINSPIRE").loc[ids].reset_index()


def check_values(table: pd.DataFrame, fold: int, name: str, columns: list[str]) -> None:
    """Refuse the predictions of a fold, of the file `name`, where a column is missing or a value cannot be.

    Raises:
        InputError: with an example.
    """
    where = f"fold_{fold}/{name}"
    again = f"train it again: 11_train_income.py --fold {fold} --force"
    if missing := [column for column in columns if column not in table]:
        raise InputError(f"columns are missing: {', '.join(missing)}", where, again)
    wrong_fold = table["fold"] != fold
    outside = ~table["p"].between(-1e-4, 1 + 1e-4) | ~table["predicted_class"].isin(INCOME_CLASSES)
    outside |= ~np.isclose(table[PROBABILITIES].sum(axis=1, skipna=False), 1, atol=1e-4)
    outside |= ~table["income_class"].isin(INCOME_CLASSES) | ~np.isfinite(table[columns[-2:]]).all(
        axis=1
    )
    for rows, what in (
        (wrong_fold, f"name another fold than {fold}"),
        (outside, "hold values that cannot be"),
    ):
        if rows.any():
            example = table[rows].iloc[0].to_dict()
            raise InputError(
                f"{rows.sum():,} of {len(table):,} rows {what}, the first {example}", where, again
            )


def _check_cells(predicted: pd.Series, used: pd.Series) -> None:
    _refuse(predicted[predicted.duplicated()].to_frame(), "more than one prediction")
    _refuse(
        predicted[~predicted.isin(used)].to_frame(),
        "a prediction, though samples.csv does not use them",
    )
    _refuse(used[~used.isin(predicted)].to_frame(), "no prediction")


def _refuse(cells: pd.DataFrame, what: str) -> None:
    """Raise if there are any such cells."""
    if len(cells):
        raise InputError(
            f"{len(cells):,} cells have {what}, the first {cells['idINSPIRE'].iloc[0]}",
            "fold_*/test_predictions.csv against samples.csv",
            "train all folds again: 11_train_income.py",
        )
