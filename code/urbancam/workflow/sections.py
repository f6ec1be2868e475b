"""The sections of the settings: which keys there are, and which values they may take.

What the values mean, with unit and source, stands beside them in `code/config/default.yaml`.
"""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_serializer,
    model_validator,
)

from urbancam.workflow.backbone_names import todays_weights
from urbancam.workflow.paths import CLASS_TABLES

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
# The name of a class, or a raw code, which YAML reads as a number.
ClassName = Annotated[
    str, Field(coerce_numbers_to_str=True), WithJsonSchema({"type": ["string", "integer"]})
]
ClassSet = Annotated[list[Annotated[int, Field(ge=0, le=4)]], Field(min_length=1)]


IGN_HOST = "data.geopf.fr"
# What the value of INSEE's cells is called, and its unit.
INCOME, INCOME_UNIT = "income", "EUR a year and person"
# One name, several, or none.
NAMES_SCHEMA = {
    "anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}]
}


def _public_address(value: str) -> str:
    if not value.startswith(("http://", "https://")) or "@" in value:
        raise ValueError(
            "an address begins with http:// or https:// "
            "and holds no user and password (use ~/.netrc)"
        )
    return value


Address = Annotated[str, AfterValidator(_public_address)]
Year = Annotated[int, Field(ge=1990, le=2100)]

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


class UndeclaredSettingError(LookupError):
    """The work of a step read a setting that the step did not declare; its record would lie."""


class Section(BaseModel):
    """A section of the settings, whole, or restricted to the settings that a step declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def __getattr__(self, name: str) -> Any:
        if name in type(self).model_fields:
            raise UndeclaredSettingError(
                f"the step does not declare the setting {name!r} of section {type(self).__name__}"
            )
        return super().__getattr__(name)


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
        told = {
            "cells.file": self.file,
            "cells.value_name": self.value_name,
            "cells.value_unit": self.value_unit,
        }
        missing = [key for key, value in told.items() if value is None]
        if self.source == "file" and missing:
            raise ValueError(f"cells.source file also needs {', '.join(missing)}")
        if self.source == "insee" and len(missing) < len(told):
            given = [key for key in told if key not in missing]
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


class Samples(Section):
    max_void_fraction: Share
    target: Literal["income", "density"]
    thresholds: Literal["city", "national"]
    shuffle_labels: bool
    planted: Annotated[int, Field(ge=0)]


class Split(Section):
    method: Literal["block", "group", "random", "campaign", "city"]
    block_m: Count
    folds: Annotated[int, Field(ge=2)]
    trained_folds: Count | None
    seed: Annotated[int, Field(ge=0)] | None
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]

    @property
    def leaves_city_out(self) -> bool:
        """Whether the whole city is tested, and other cities are learned from."""
        return self.method == "city"


class Image(Section):
    size_px: Annotated[int, Field(ge=32)]
    resample: Literal["bilinear", "bicubic"]
    normalise: Literal["pretrained", "imagenet", "min_max"]


class Model(Section):
    backbone: str
    weights: Annotated[str, AfterValidator(todays_weights)]
    head: Literal["binomial", "softmax"]
    dropout: Share
    drop_connect: Share
    batch_norm_momentum: Share
    batch_norm_epsilon: Positive


class Training(Section):
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    batches_per_epoch: Count | None
    class_balanced: bool | Literal["drawn"]
    class_weights: Annotated[list[Positive], Field(min_length=5, max_length=5)] | None
    augment: Literal["dihedral", "flips", "none"]
    optimiser: Literal["adamw", "adam"]
    learning_rate: Positive
    adam_epsilon: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Literal["cosine", "plateau", "constant"]
    plateau_on: Literal["training", "validation"]
    plateau_factor: Annotated[float, Field(gt=0, lt=1)]
    plateau_patience: Count
    plateau_min_delta: Annotated[float, Field(ge=0)]
    min_learning_rate: Annotated[float, Field(ge=0)]
    patience: Count
    restarts: bool
    compile: bool
    frozen: bool

    @model_validator(mode="after")
    def _check_views(self) -> "Training":
        if self.frozen and self.augment != "none":
            raise ValueError("frozen features are of the images as they are: use augment: none")
        return self


Positions = Literal["receptive_field", "published"]


class Activation(Section):
    method: Literal["published"]
    positions: Positions
    centre: bool
    clip_percentile: Annotated[float, Field(gt=0, le=100)]


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


class Statistics(Section):
    draws: Annotated[int, Field(ge=20)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    block_m: Count | None
    min_blocks: Count
    false_discovery_rate: Annotated[float, Field(gt=0, lt=1)]


class Baselines(Section):
    reaches_m: Annotated[list[Positive], Field(min_length=1)]
    histogram_bins: Annotated[int, Field(ge=2, le=64)]
    patches: Annotated[int, Field(ge=2, le=8192)]
    patch_px: Annotated[int, Field(ge=2, le=15)]
    features_px: Annotated[int, Field(ge=16)]
    networks: list[str]
    tables: list[str]


class Compare(Section):
    splits: list[Literal["block", "group", "random", "campaign", "city"]]
    seeds: list[Annotated[int, Field(ge=0)]]
    fold_draws: list[Annotated[int, Field(ge=0)]]
    shuffled_labels: bool
    folds: Count | None


class Controls(Section):
    methods: list[Literal["hirescam", "layercam", "gradcam_plus_plus", "integrated_gradients"]]
    maps: list[
        Literal[
            "gradient_alone",
            "map_alone",
            "other_centring",
            "shifted",
            "rotated",
            "other_cell",
            "edges",
        ]
    ]
    randomise_weights: bool
    cells: Count | None
    integrated_gradients_steps: Count
    deletion_cells: Annotated[int, Field(ge=0)]
    deletion_steps: Annotated[int, Field(ge=2)]


class Figures(Section):
    formats: list[Literal["pdf", "svg"]]
    captions_inside: bool


class Page(Section):
    cell_pictures: Annotated[int, Field(ge=0)]


class Demo(Section):
    seed: Annotated[int, Field(ge=0)]
    tile_km: Annotated[int, Field(ge=1, le=5)]
    radius_m: Annotated[float, Field(ge=300)]
    visible_share: Share
    smooth_share: Share
    imputed_share: Annotated[float, Field(ge=0, le=0.5)]
    volumes: Annotated[int, Field(ge=1, le=9)]

    @model_validator(mode="after")
    def _check_shares_and_size(self) -> "Demo":
        if self.visible_share + self.smooth_share > 1:
            raise ValueError("demo.visible_share and demo.smooth_share add up to more than 1")
        if self.radius_m > 1000 * self.tile_km - 120:
            most_m = 1000 * self.tile_km - 120
            raise ValueError(f"demo.radius_m {self.radius_m:g}: at most {most_m} fit on the tiles")
        return self
