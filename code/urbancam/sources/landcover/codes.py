"""The codes of a land cover: as they stand in a file, and as whole numbers.

A file may hold 11100, "11100", 11100.0 or "wood"; results hold whole numbers from 1 on.
"""

import re
from collections.abc import Sequence

WHOLE_NUMBER = re.compile(r"[+-]?\d+(\.0*)?")


def plain(code: object) -> str:
    """A code as text: without blanks around it, a whole number without zeros before or behind."""
    text = str(code).strip()
    return str(int(text.partition(".")[0])) if WHOLE_NUMBER.fullmatch(text) else text


def stay_numbers(codes: Sequence[str]) -> bool:
    """Whether codes are whole numbers from 1 on, and so stay what they are."""
    return all(code.isdecimal() and int(code) > 0 for code in codes)


def numbers(codes: Sequence[str]) -> dict[str, int]:
    """`{code in the file: whole number in the results}`.

    ASSUME: words, and numbers below 1, are numbered from 1 in the order of the class table: 0
    stands for what no polygon covers.
    """
    if stay_numbers(codes):
        return {code: int(code) for code in codes}
    return {code: number for number, code in enumerate(codes, 1)}
