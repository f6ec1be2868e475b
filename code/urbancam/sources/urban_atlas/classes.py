"""The classes of Urban Atlas: one ordered table, code -> class, name, super-class, colour.

Keyed on the code: labels vary in spacing, spelling and encoding between editions. Merging, order
and super-classes are the published ones (published-systems.md, 1.5; order of figure F1). Colours
are those of the Copernicus legend; a merged class takes that of its largest member.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from urbancam.workflow.errors import InputError


@dataclass(frozen=True)
class LandCoverClass:
    """One class of the merged vocabulary.

    Args:
        key: Name as it stands in the tables.
        name: Name for people.
        super_class: One of urban fabric, functional area, infrastructure, nature, no use.
        colour: Hexadecimal.
        codes: `{Urban Atlas code: its label}`.
        in_polar_figure: Whether figure F1 has a sector for it; published for all but ports and
            airports.
    """

    key: str
    name: str
    super_class: str
    colour: str
    codes: dict[int, str]
    in_polar_figure: bool = True


URBAN = "urban fabric"
FUNCTIONAL = "functional area"
INFRASTRUCTURE = "infrastructure"
NATURE = "nature"
NO_USE = "no use"

# ASSUME: ports and airports are classes of their own: part of every cell's area and of every ratio,
# but without a sector in figure F1, as published. Codes 91000 and 92000 (no data) leave the cell
# uncovered.
LAND_COVER_CLASSES = (
    LandCoverClass("agri_wetland", "Agriculture and wetlands", FUNCTIONAL, "#ffffa8", {
        21000: "Arable land",
        22000: "Permanent crops",
        23000: "Pastures",
        24000: "Complex and mixed cultivation patterns",
        25000: "Orchards",
        40000: "Wetlands",
    }),
    LandCoverClass("green_ua", "Green urban areas", FUNCTIONAL, "#8cdc00", {
        14100: "Green urban areas",
    }),
    LandCoverClass("comr_indst", "Industry, commerce, public, military", FUNCTIONAL, "#cc4df2", {
        12100: "Industrial, commercial, public, military and private units",
    }),
    LandCoverClass("leis_fac", "Sports and leisure", FUNCTIONAL, "#afd2a5", {
        14200: "Sports and leisure facilities",
    }),
    LandCoverClass("const_dmp", "Construction, mineral and dump sites", FUNCTIONAL, "#734d37", {
        13100: "Mineral extraction and dump sites",
        13300: "Construction sites",
    }),
    LandCoverClass("no_use", "Land without current use", NO_USE, "#874545", {
        13400: "Land without current use",
    }),
    LandCoverClass("roads", "Other roads", INFRASTRUCTURE, "#b3b3b3", {
        12220: "Other roads and associated land",
    }),
    LandCoverClass("railway", "Railways", INFRASTRUCTURE, "#595959", {
        12230: "Railways and associated land",
    }),
    LandCoverClass("motorways", "Fast transit roads", INFRASTRUCTURE, "#959595", {
        12210: "Fast transit roads and associated land",
    }),
    LandCoverClass("water", "Water", NATURE, "#80f2e6", {
        50000: "Water",
    }),
    LandCoverClass("op_sp_beach", "Open spaces and beaches", NATURE, "#ccffcc", {
        33000: "Open spaces with little or no vegetation",
    }),
    LandCoverClass("natural_areas", "Forests and herbaceous vegetation", NATURE, "#008c00", {
        31000: "Forests",
        32000: "Herbaceous vegetation associations",
    }),
    LandCoverClass("isoltd_rsdnt", "Isolated structures", URBAN, "#cc6666", {
        11300: "Isolated structures",
    }),
    LandCoverClass("vld_uf", "Very low density urban fabric (< 10 %)", URBAN, "#ffbfbf", {
        11240: "Discontinuous very low density urban fabric (S.L. < 10 %)",
    }),
    LandCoverClass("ld_uf", "Low density urban fabric (10-30 %)", URBAN, "#ff8080", {
        11230: "Discontinuous low density urban fabric (S.L. 10-30 %)",
    }),
    LandCoverClass("md_uf", "Medium density urban fabric (30-50 %)", URBAN, "#ff4040", {
        11220: "Discontinuous medium density urban fabric (S.L. 30-50 %)",
    }),
    LandCoverClass("hd_uf", "Dense urban fabric (50-80 %)", URBAN, "#bf0000", {
        11210: "Discontinuous dense urban fabric (S.L. 50-80 %)",
    }),
    LandCoverClass("vhd_uf", "Continuous urban fabric (> 80 %)", URBAN, "#800000", {
        11100: "Continuous urban fabric (S.L. > 80 %)",
    }),
    LandCoverClass("port", "Ports", INFRASTRUCTURE, "#e6cccc", {
        12300: "Port areas",
    }, in_polar_figure=False),
    LandCoverClass("airports", "Airports", INFRASTRUCTURE, "#e6cce6", {
        12400: "Airports",
    }, in_polar_figure=False),
)  # fmt: skip

NO_DATA = (91000, 92000)
KEY_OF_CODE = {code: entry.key for entry in LAND_COVER_CLASSES for code in entry.codes}


def class_names(key: str = "class") -> dict[str, str] | dict[int, str]:
    """Names for people, in order.

    Args:
        key: "class" for the merged classes, "code" for the raw codes.

    Returns:
        `{key: name}` of the classes, or `{code: label}` of the codes.
    """
    if key == "class":
        return {entry.key: entry.name for entry in LAND_COVER_CLASSES}
    labels: dict[int, str] = {}
    for entry in LAND_COVER_CLASSES:
        labels |= entry.codes
    return labels


def class_numbers(key: str = "class") -> dict[str, int] | dict[int, int]:
    """The number of each class, from 1, the same in every figure; a raw code has its own.

    Args:
        key: As of `class_names`.
    """
    return {name: number for number, name in enumerate(class_names(key), 1)}


def class_table() -> pd.DataFrame:
    """The table as a frame, in order.

    `class, number, name, super_class, colour, in_polar_figure`.
    """
    numbers = class_numbers()
    rows = [
        {
            "class": entry.key,
            "number": numbers[entry.key],
            "name": entry.name,
            "super_class": entry.super_class,
            "colour": entry.colour,
            "in_polar_figure": entry.in_polar_figure,
        }
        for entry in LAND_COVER_CLASSES
    ]
    return pd.DataFrame(rows)


def classify(codes: pd.Series, where: object) -> pd.Series:
    """The class of each code.

    Raises:
        InputError: codes that are in no edition.
    """
    distinct = np.unique(codes)
    key_of_code = {code: _class_key(int(code)) for code in distinct}
    unknown = [int(code) for code in distinct if key_of_code[code] is None]
    if unknown:
        raise InputError(
            f"codes that Urban Atlas does not have: {unknown}",
            where,
            "check the file; a newer edition's code goes into "
            "code/urbancam/sources/urban_atlas/classes.py",
        )
    return codes.map(key_of_code).astype("str")


def _class_key(code: int) -> str | None:
    """The class of a code; None where no edition has it.

    ASSUME: a code of a finer edition (2021 divides 141 by ownership) belongs to the class of its
    first three digits, where that is one class only.
    """
    if code in KEY_OF_CODE:
        return KEY_OF_CODE[code]
    three_digits = code // 100
    keys = {key for coarse, key in KEY_OF_CODE.items() if coarse // 100 == three_digits}
    return keys.pop() if len(keys) == 1 else None
