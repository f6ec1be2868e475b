"""The out-of-fold predictions: every used cell of a trained fold once, by the model of its fold."""

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
    "value",
    "target",
]
VALIDATION_COLUMNS = COLUMNS[:-2]  # of validation cells, which may be of other cities
ROUNDING = 1e-4  # of probabilities, which a network computes in float32


def join_folds(samples: pd.DataFrame, folds: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """One table of all folds, in the order of the samples.

    Args:
        samples: `idINSPIRE, used, income_class, fold`, one row per cell.
        folds: Fold -> its test predictions, with `COLUMNS`; cells of other folds are not asked for.

    Returns:
        `COLUMNS`, one row per used cell of these folds.

    Raises:
        InputError: A column or value cannot be; or a cell is missing, comes twice, is not used,
            stands in the predictions of another fold than its own, or has another income class
            there.
    """
    for fold, table in folds.items():
        check_values(table, fold, "test_predictions.csv", COLUMNS)
    joined = pd.concat([table[COLUMNS] for table in folds.values()], ignore_index=True)
    in_folds = samples["used"] & samples["fold"].isin(folds)
    used = samples.loc[in_folds, ["idINSPIRE", "fold", "income_class"]]
    _check_cells(joined["idINSPIRE"], used["idINSPIRE"])
    joined = rows_of(used["idINSPIRE"], joined, "test_predictions.csv")
    for column in ("fold", "income_class"):
        differs = joined[column].to_numpy() != used[column].to_numpy(dtype=int)
        _refuse(joined[differs], f"another {column} than samples.csv")
    log.info("joins %s predictions of %d folds", f"{len(joined):,}", len(folds))
    return joined[COLUMNS]


def rows_of(ids: pd.Series, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of a table that belong to the ids, in their order.

    Args:
        ids: (N,) ids of cells.
        table: One row per cell, `idINSPIRE` and others.
        name: What messages call the table.

    Raises:
        InputError: The table lacks a cell.
    """
    lacking = ids[~ids.isin(table["idINSPIRE"])]
    if len(lacking):
        raise InputError(
            f"{len(lacking):,} predicted cells are not there, the first {lacking.iloc[0]}",
            name,
            "assign and train again: 10_assign_folds.py, 11_train_income.py",
        )
    return table.set_index("idINSPIRE").loc[ids].reset_index()


def check_values(
    table: pd.DataFrame,
    fold: int,
    name: str,
    columns: list[str],
) -> None:
    """Refuse predictions where a column is missing or a value cannot be.

    Args:
        table: Predictions of a fold.
        fold: Number of the fold.
        name: Name of the file in the fold's folder, for messages.
        columns: `COLUMNS` or `VALIDATION_COLUMNS`.

    Raises:
        InputError: With an example.
    """
    where = f"fold_{fold}/{name}"
    remedy = f"train it again: 11_train_income.py --fold {fold} --force"
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"columns are missing: {', '.join(missing)}", where, remedy)
    faults = {
        f"name another fold than {fold}": table["fold"] != fold,
        "hold values that cannot be": ~_possible(table, columns),
    }
    for fault, rows in faults.items():
        if rows.any():
            example = table[rows].iloc[0].to_dict()
            raise InputError(
                f"{rows.sum():,} of {len(table):,} rows {fault}, the first {example}",
                where,
                remedy,
            )


def _possible(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Whether the values of each row of predictions can be."""
    sums = table[PROBABILITIES].sum(axis=1, skipna=False)
    possible = table["p"].between(-ROUNDING, 1 + ROUNDING)
    possible &= np.isclose(sums, 1, atol=ROUNDING)
    possible &= table["predicted_class"].isin(INCOME_CLASSES)
    possible &= table["income_class"].isin(INCOME_CLASSES)
    # Incomes and targets of test cells; of validation cells, the two classes
    possible &= np.isfinite(table[columns[-2:]]).all(axis=1)
    return possible


def _check_cells(predicted: pd.Series, used: pd.Series) -> None:
    """Refuse ids predicted twice, predicted but not used, or used but not predicted."""
    twice = predicted[predicted.duplicated()]
    unused = predicted[~predicted.isin(used)]
    unpredicted = used[~used.isin(predicted)]
    _refuse(twice.to_frame(), "more than one prediction")
    _refuse(unused.to_frame(), "a prediction, though samples.csv does not use them")
    _refuse(unpredicted.to_frame(), "no prediction")


def _refuse(cells: pd.DataFrame, fault: str) -> None:
    """Raise if there are any such cells."""
    if len(cells):
        raise InputError(
            f"{len(cells):,} cells have {fault}, the first {cells['idINSPIRE'].iloc[0]}",
            "fold_*/test_predictions.csv against samples.csv",
            "train all folds again: 11_train_income.py",
        )
