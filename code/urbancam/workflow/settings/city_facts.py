"""The sections of the settings that say what a city is: its cells, images and land cover.

What the values mean stands beside them in `code/config/default.yaml`; a city may say its own
(`city_file.py`).
"""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    field_serializer,
    model_validator,
)

from urbancam.workflow.paths import CLASS_TABLES
from urbancam.workflow.settings.section_types import (
    Address,
    ClassName,
    ClassSet,
    Count,
    Positive,
    Section,
    Year,
)

IGN_HOST = "data.geopf.fr"
# What the value of INSEE's cells is called, and its unit.
INCOME, INCOME_UNIT = "income", "EUR a year and person"
# One name, several, or none.
NAMES_SCHEMA = {
    "anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}]
}
NEAREST = "nearest"  # among departments, the key of all that are not named
DEPARTMENT = re.compile(r"\d{2,3}|2[AB]")


def _by_department(value: Any) -> Any:
    """Years by department with codes as communes carry them; YAML reads 06 and 75 as numbers."""
    if not isinstance(value, dict):
        return value
    years = {
        key if key == NEAREST else str(key).upper().zfill(2): year for key, year in value.items()
    }
    unknown = sorted(key for key in years if key != NEAREST and not DEPARTMENT.fullmatch(key))
    if unknown or not years:
        raise ValueError(f"years stand by department (75: 2014) or {NEAREST}, not by {unknown}")
    return dict(sorted(years.items()))


def _class_table(value: str) -> str:
    shipped = sorted(path.stem for path in CLASS_TABLES.glob("*.yaml"))
    if value not in shipped and not value.endswith((".yaml", ".yml")):
        raise ValueError(
            f"landcover.classes: there is no class table {value!r}; name one of "
            f"{', '.join(shipped)}, or a file of your own that ends in .yaml"
        )
    return value


def _as_list(value: Any) -> Any:
    """One name, or several; nothing is none."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


class Census(Section):
    vintage: Literal[2015, 2017, 2019, 2021]
    cell_size_m: Literal[200, 1000]
    cells: Literal["with_income", "all"]


class Cells(Section):
    source: Literal["insee", "file"]
    file: str | None
    crs: str | None
    side_m: Count | None
    id_column: str
    value_column: str
    people_column: str | None
    group_column: str | None
    imputed_column: str | None
    department_column: str | None
    x_column: str
    y_column: str
    value_name: Annotated[str, Field(min_length=1)] | None
    value_unit: str | None
    year: Year | None
    credit: str | None

    @property
    def name(self) -> str:
        """What the value is called: "income" of INSEE's cells."""
        return self.value_name or INCOME

    @property
    def unit(self) -> str:
        """Unit of the value."""
        return INCOME_UNIT if self.value_unit is None else self.value_unit

    @model_validator(mode="after")
    def _check_file(self) -> "Cells":
        values = {
            "cells.file": self.file,
            "cells.value_name": self.value_name,
            "cells.value_unit": self.value_unit,
        }
        missing = [key for key, value in values.items() if value is None]
        if self.source == "file" and missing:
            raise ValueError(f"cells.source file also needs {', '.join(missing)}")
        if self.source == "insee" and len(missing) < len(values):
            given = [key for key in values if key not in missing]
            raise ValueError(f"{', '.join(given)}: for cells.source file only")
        return self


class UrbanAtlas(Section):
    edition: Literal[2012, 2018, 2021]


class Imagery(Section):
    source: Literal["archives", "wms", "rasters"]
    files: Annotated[list[str], BeforeValidator(_as_list), WithJsonSchema(NAMES_SCHEMA)]
    year: Annotated[Year | dict[str, Year] | None, BeforeValidator(_by_department)]
    pixel_size_m: Annotated[float, Field(ge=0.05, le=10)]
    coarser: bool
    fetch: bool
    throw_away: bool
    index_url: Address
    wms_url: Address
    wms_layer: Annotated[str, Field(min_length=1)]
    wms_crs: Annotated[str, Field(pattern=r"^\w+:\w+$")]
    wms_format: Literal["image/geotiff", "image/tiff", "image/png", "image/jpeg"]
    wms_version: Literal["1.3.0", "1.1.1"]
    wms_pixel_size_m: Annotated[float, Field(ge=0.05, le=10)]
    wms_side_px: Annotated[int, Field(ge=256)]
    wms_per_second: Positive | None
    wms_failures: Literal["stop", "leave_out"]
    wms_departments_below: Annotated[int, Field(ge=0)]
    credit: str | None

    @property
    def is_of_ign(self) -> bool:
        """Whether the images are IGN's: of its packs, or of its server."""
        return self.source == "archives" or (self.source == "wms" and self.asks_ign)

    @property
    def asks_ign(self) -> bool:
        """Whether the WMS is IGN's server."""
        return urlsplit(self.wms_url).hostname == IGN_HOST

    @model_validator(mode="after")
    def _check_rasters(self) -> "Imagery":
        if self.source != "rasters":
            return self
        if not self.files:
            raise ValueError("imagery.source rasters takes its images from imagery.files")
        if isinstance(self.year, dict):
            raise ValueError("of rasters imagery.year is one year, that of the flight")
        return self

    @field_serializer("year", when_used="json")
    def _year_in_one_value(self, year: int | dict[str, int] | None) -> int | str | None:
        """Years by department as one text: a record knows a setting by one value."""
        if isinstance(year, dict):
            return ", ".join(f"{department}: {value}" for department, value in year.items())
        return year


class Landcover(Section):
    source: Literal["urban_atlas", "file"]
    file: str | None
    class_column: str | None
    year: Year | None
    credit: str | None
    classes: Annotated[str, AfterValidator(_class_table)]
    key: Literal["class", "code"]
    poor_classes: ClassSet
    rich_classes: ClassSet
    min_joint_cells: Count
    min_area_m2: Annotated[float, Field(ge=0)]
    reference: ClassName | None

    @model_validator(mode="after")
    def _check_file(self) -> "Landcover":
        if self.source == "file" and not self.file:
            raise ValueError("landcover.source: file needs landcover.file, the name of it")
        return self

    @model_validator(mode="after")
    def _check_sides(self) -> "Landcover":
        if both := sorted(set(self.poor_classes) & set(self.rich_classes)):
            raise ValueError(f"classes {both} are both poor and rich")
        return self
