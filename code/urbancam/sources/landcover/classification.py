"""The class of each polygon of a land cover, by its code and a class table."""

import pandas as pd

from urbancam.sources.landcover import codes
from urbancam.sources.landcover.class_tables import ClassTable
from urbancam.workflow.errors import InputError

LISTED = 5  # unknown codes that a message names


def classify(values: pd.Series, table: ClassTable, where: object) -> pd.DataFrame:
    """The code and the class of each value of a file.

    Args:
        values: (N,) codes as the file has them.
        table: Class table.
        where: The file, for the message.

    Returns:
        (N,) `code` (int64), `class` (text), `is_no_data` (bool; its code is 0 and its class "").

    Raises:
        InputError: Codes that the class table does not have, with how often.
    """
    # A land cover has few codes and many polygons.
    distinct = pd.Series(values.unique())
    source_codes = distinct.map(codes.plain, na_action="ignore").fillna("")
    class_of_code = {code: key for key, entry in table.classes.items() for code in entry.codes}
    number_of_code = codes.numbers(list(class_of_code))
    if table.leading_digits:
        finer = _finer_codes(source_codes, class_of_code, table.leading_digits)
        class_of_code |= finer
        number_of_code |= {code: int(code) for code in finer}
    known = class_of_code | dict.fromkeys(table.no_data, "")
    key_of_value = dict(zip(distinct, source_codes.map(known), strict=True))
    keys = values.map(key_of_value)
    if keys.isna().any():
        raise _unknown(values[keys.isna()], where, table.origin)
    number_of_value = dict(
        zip(distinct, source_codes.map(number_of_code).fillna(0).astype("int64"), strict=True)
    )
    code = values.map(number_of_value).astype("int64")
    return pd.DataFrame({"code": code, "class": keys.astype("str"), "is_no_data": keys == ""})


def _finer_codes(
    source_codes: pd.Series, class_of_code: dict[str, str], digits: int
) -> dict[str, str]:
    """The class of codes that are not named, by their first digits."""
    finer = {}
    for code in source_codes[~source_codes.isin(class_of_code)]:
        keys = {
            key
            for coarse, key in class_of_code.items()
            if len(coarse) == len(code) and coarse[:digits] == code[:digits]
        }
        if code.isdecimal() and len(keys) == 1:
            finer[code] = keys.pop()
    return finer


def _unknown(values: pd.Series, where: object, origin: str) -> InputError:
    """The error that names the codes without a class, the most frequent first."""
    counts = values.map(codes.plain, na_action="ignore").fillna("(empty)").value_counts()
    listed = ", ".join(f"{code} ({count:,})" for code, count in counts.head(LISTED).items())
    more = f" and {len(counts) - LISTED} more" if len(counts) > LISTED else ""
    return InputError(
        f"codes that the class table does not have, and how often: {listed}{more}",
        where,
        "check the file, its column and landcover.classes, the class table; a code of yours "
        f"goes into {origin}",
    )
