"""Class tables: which codes of a land cover make a class, and its name, super-class and colour.

A table is a YAML file: those in `code/config/classes/` are shipped, anyone's own is read the same
way. What a city's table says is written as `classes.csv`, which all later steps read.
"""

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from urbancam.sources.landcover import codes as coding
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.settings import layers

LONGEST_NAME = 45  # characters, as many as figures have room for
MOST_CLASSES = 250  # more are not numbered in a byte, nor told apart by anyone
AGREE = (
    "a class table reads as those in code/config/classes/ do: `classes`, each with name, "
    "super_class, colour and codes"
)

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Key = Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")]
Code = Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(coding.plain)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LandCoverClass(_Part):
    """One class.

    Attributes:
        name: Name for people.
        super_class: Name of a group of classes.
        colour: Hexadecimal.
        codes: `{code in the file: its label}`; one code alone has the name of the class.
        in_polar_figure: Whether figure F1 has a sector for it.
    """

    name: Name
    super_class: Annotated[str, Field(min_length=1)]
    colour: Colour
    codes: Annotated[dict[Code, str], Field(min_length=1)]
    in_polar_figure: bool = True

    @model_validator(mode="before")
    @classmethod
    def _label_codes(cls, values: Any) -> Any:
        """A code, or a list of some, takes its labels from the class."""
        if not isinstance(values, dict) or isinstance(values.get("codes"), dict):
            return values
        codes = values.get("codes")
        name = values.get("name")
        if isinstance(codes, list):
            labels = {code: f"{name} ({code})" for code in codes}
        else:
            labels = {} if codes is None else {codes: name}
        return values | {"codes": labels}


class Chords(_Part):
    """What figure F3 draws.

    Attributes:
        sectors: Classes that have a sector, clockwise from the top; none: all, in their order.
        objects: Classes that a chord may end at; none: all.
    """

    sectors: list[Key] = []
    objects: list[Key] = []


class ClassTable(_Part):
    """A class table.

    Attributes:
        classes: By the name that stands in the tables, in the order of tables and figures.
        super_classes: `{super-class: its colour}`; one that is not named has that of its first
            class.
        no_data: Codes that leave a cell uncovered.
        leading_digits: A code that is not named belongs to the class of the codes with the same
            first so many digits, where that is one class only; None: it is unknown.
        chords: What figure F3 draws.
    """

    classes: Annotated[dict[Key, LandCoverClass], Field(min_length=1, max_length=MOST_CLASSES)]
    super_classes: dict[str, Colour] = {}
    no_data: list[Code] = []
    leading_digits: Annotated[int, Field(ge=1)] | None = None
    chords: Chords = Chords()
    _origin: str = PrivateAttr("the class table")

    @property
    def origin(self) -> str:
        """The file that it stands in, for messages."""
        return self._origin

    @model_validator(mode="after")
    def _check(self) -> "ClassTable":
        names = [entry.name for entry in self.classes.values()]
        codes = [code for entry in self.classes.values() for code in entry.codes]
        groups = {entry.super_class for entry in self.classes.values()}
        faults = {
            "names that stand there twice": _twice(names),
            "codes that stand there twice": _twice(codes),
            "codes of a class that are also no data": sorted({*codes} & {*self.no_data}),
            "super-classes of no class": sorted({*self.super_classes} - groups),
            "chords of no class": sorted(
                {*self.chords.sectors, *self.chords.objects} - {*self.classes}
            ),
        }
        messages = [f"{what}: {', '.join(values)}" for what, values in faults.items() if values]
        if self.leading_digits and not coding.stay_numbers(codes):
            messages.append("leading_digits is for codes that are whole numbers from 1 on")
        if messages:
            raise ValueError("; ".join(messages))
        return self


def read(path: Path) -> ClassTable:
    """Read a class table.

    Raises:
        InputError: The file is missing, or is no class table; all faults are named at once.
    """
    where = display_path(path)
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
        table = ClassTable.model_validate(values)
    except FileNotFoundError:
        raise InputError("the class table is missing", where, "see landcover.classes") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        what = f"not readable as YAML: {error}"
        raise InputError(what, where, "mend the file") from None
    except ValidationError as error:
        faults = error.errors(include_url=False)
        what = "; ".join(_tell(fault) for fault in faults)
        raise InputError(f"it is no class table: {what}", where, AGREE) from None
    table._origin = where
    return table


def as_frame(table: ClassTable) -> pd.DataFrame:
    """The rows of `classes.csv`, one a code; results/README.md says each column."""
    source_codes = [code for entry in table.classes.values() for code in entry.codes]
    number_of_code = coding.numbers(source_codes)
    colours = dict[str, str]()
    for entry in table.classes.values():
        colours.setdefault(
            entry.super_class, table.super_classes.get(entry.super_class, entry.colour)
        )
    sectors = table.chords.sectors or list(table.classes)
    objects = table.chords.objects or sectors
    rows = [
        {
            "code": number_of_code[source_code],
            "source_code": source_code,
            "label": label,
            "class": key,
            "number": number,
            "name": entry.name,
            "super_class": entry.super_class,
            "colour": entry.colour,
            "super_class_colour": colours[entry.super_class],
            "in_polar_figure": entry.in_polar_figure,
            "chord_sector": sectors.index(key) + 1 if key in sectors else 0,
            "is_chord_object": key in objects,
        }
        for number, (key, entry) in enumerate(table.classes.items(), 1)
        for source_code, label in entry.codes.items()
    ]
    return pd.DataFrame(rows)


def _twice(values: list[str]) -> list[str]:
    return sorted({value for value in values if values.count(value) > 1})


def _tell(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    words = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return words
    return f"{place or 'the file'}: {words} (got {str(fault['input'])[:40]!r})"


class _UniqueKeys(layers.YAML):
    """YAML, but a key that stands there twice is a fault, where YAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for (key_node, _), key in zip(node.value, keys, strict=True):
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key!r} stands there twice", problem_mark=key_node.start_mark
                )
        return super().construct_mapping(node, deep)
