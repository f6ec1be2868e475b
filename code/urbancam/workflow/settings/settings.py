"""Typed settings: `default.yaml`, an overlay per named run, what a city says of itself, `--set` on
top.

Units and sources stand beside the values in `code/config/default.yaml`. An unknown key, a wrong
type and an impossible value are errors, all of them named at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator

from urbancam.workflow.errors import InputError
from urbancam.workflow.folder_names import city_file
from urbancam.workflow.paths import CLASS_TABLES, CONFIG, ROOT
from urbancam.workflow.settings import backbone_names, campaigns, layers, variants
from urbancam.workflow.settings.cities_sections import Cities
from urbancam.workflow.settings.city_facts import Cells, Census, Imagery, Landcover, UrbanAtlas
from urbancam.workflow.settings.city_file import read_layer
from urbancam.workflow.settings.faults import refusal
from urbancam.workflow.settings.layers import Layer
from urbancam.workflow.settings.planted_section import Planted
from urbancam.workflow.settings.section_types import Section, lies_in, restrict
from urbancam.workflow.settings.sections import (
    Activation,
    Baselines,
    Compare,
    Controls,
    Demo,
    Figures,
    Image,
    Model,
    Page,
    Samples,
    Split,
    Statistics,
    Training,
)


class Settings(Section):
    data_dir: str
    cache_gb: Annotated[float, Field(ge=0)]
    seed: Annotated[int, Field(ge=0)]
    census: Census
    cells: Cells
    urban_atlas: UrbanAtlas
    imagery: Imagery
    samples: Samples
    split: Split
    image: Image
    model: Model
    training: Training
    activation: Activation
    landcover: Landcover
    statistics: Statistics
    baselines: Baselines
    compare: Compare
    controls: Controls
    planted: Planted
    page: Page
    cities: Cities
    figures: Figures
    demo: Demo

    @model_validator(mode="after")
    def _check_pixels(self) -> "Settings":
        if self.cells.source == "insee" or self.cells.side_m:  # else the file tells it later
            try:
                self.image_px(self.expected_side_m)
            except InputError as error:
                raise ValueError(error.what) from None
        return self

    @model_validator(mode="after")
    def _check_patches(self) -> "Settings":
        patch_px = backbone_names.patch_px(self.model.backbone)
        if patch_px and self.image.size_px % patch_px:
            smaller = max(1, self.image.size_px // patch_px) * patch_px
            raise ValueError(
                f"image.size_px {self.image.size_px} is no multiple of the {patch_px} px of a "
                f"patch of model.backbone {self.model.backbone}; {smaller} is"
            )
        return self

    @model_validator(mode="after")
    def _check_blocks(self) -> "Settings":
        if self.cells.source == "file" and not self.cells.side_m:
            return self  # the file tells it later
        side_m = self.expected_side_m
        blocks_m = {
            "split.block_m": self.split.block_m,
            "statistics.block_m": self.statistics.block_m or side_m,
        }
        for name, block_m in blocks_m.items():
            if block_m % side_m:
                raise ValueError(f"{name} {block_m} is no multiple of the side of a cell, {side_m}")
        return self

    @model_validator(mode="after")
    def _check_cells(self) -> "Settings":
        if self.cells.source == "insee":
            return self
        if self.samples.thresholds == "national":
            raise ValueError("samples.thresholds national is for cells.source insee only")
        if self.samples.target == "density" and not self.cells.people_column:
            raise ValueError("samples.target density needs cells.people_column")
        return self

    @property
    def value_year(self) -> int | None:
        """Year of the incomes, or of the values of a user's own file where it is told."""
        return self.census.vintage if self.cells.source == "insee" else self.cells.year

    @property
    def expected_side_m(self) -> int:
        """Side of a cell, m, before cells are selected; afterwards their ids tell it."""
        return self.cells.side_m or self.census.cell_size_m

    def image_px(self, side_m: float) -> int:
        """Pixels a side of the image, on disk, of a cell of this side.

        Raises:
            InputError: They are no whole number.
        """
        pixels = side_m / self.imagery.pixel_size_m
        if abs(pixels - round(pixels)) > 1e-6:
            raise InputError(
                f"imagery.pixel_size_m {self.imagery.pixel_size_m} does not divide the side of a "
                f"cell, {side_m} m, into whole pixels",
                "imagery.pixel_size_m",
                f"take one that does, e.g. {side_m / max(round(pixels), 1):g} m",
            )
        return round(pixels)

    @property
    def folds_trained(self) -> int:
        """Folds that are trained and scored: the first so many, or all; a city left out is one
        fold, campaigns left out are two."""
        folds = {"city": 1, "campaign": campaigns.FOLDS}.get(self.split.method, self.split.folds)
        return min(self.split.trained_folds or folds, folds)

    @property
    def fold_seed(self) -> int:
        """Seed of the folds and of their validation parts."""
        return self.seed if self.split.seed is None else self.split.seed

    @property
    def class_table(self) -> Path:
        """The file of the class table that `landcover.classes` names."""
        name = self.landcover.classes
        if name.endswith((".yaml", ".yml")):
            return ROOT / name
        return CLASS_TABLES / f"{name}.yaml"

    @property
    def value_credit(self) -> str:
        """Whose incomes, or other values of the cells, they are, as their licence asks."""
        if self.cells.source == "file":
            return self.cells.credit or Path(self.cells.file).name
        return f"INSEE, Filosofi {self.census.vintage}"

    @property
    def image_credit(self) -> str:
        """Whose images they are, as their licence asks."""
        imagery = self.imagery
        if imagery.credit:
            return imagery.credit
        if imagery.is_of_ign:
            return "© IGN, BD ORTHO"
        if imagery.source == "rasters":
            return Path(imagery.files[0]).name
        return f"{imagery.wms_layer} of {urlsplit(imagery.wms_url).hostname}"

    @property
    def land_cover_year(self) -> int | None:
        """The year of the land cover; None where it is not known."""
        if self.landcover.source == "file":
            return self.landcover.year
        return self.urban_atlas.edition

    @property
    def land_cover_credit(self) -> str:
        """Whose land cover it is, as its licence asks."""
        if self.landcover.source == "file":
            return self.landcover.credit or Path(self.landcover.file).name
        edition = self.urban_atlas.edition
        return f"Copernicus Land Monitoring Service, Urban Atlas {edition}, © European Union"

    @property
    def weights_file(self) -> Path | None:
        """The file that `model.weights` names, relative to the project.

        None for published and random ones.
        """
        file = backbone_names.weights_file(self.model.weights)
        return ROOT / file if file else None

    def pick(self, *keys: str) -> dict[str, Any]:
        """Flat `{"section.key": value}` of whole sections ("split") or single keys
        ("image.size_px")."""
        flat = flatten(self.model_dump(mode="json"))
        missing = [key for key in keys if not any(lies_in(name, key) for name in flat)]
        if missing:
            raise KeyError(f"no such settings: {missing}")
        return {name: flat[name] for name in flat if any(lies_in(name, key) for key in keys)}

    def restricted_to(self, names: Iterable[str]) -> "Settings":
        """The same settings without all others; reading one of those is an error.

        Args:
            names: Full names of single settings ("image.size_px"), as `pick` gives them.
        """
        return restrict(self, set(names))


def load(
    run: str,
    assignments: Sequence[str] = (),
    variant: str = "",
    city: str = "",
    data: Path | None = None,
) -> Settings:
    """Settings of a run, or of a variant of it.

    Args:
        run: Name of a file in `code/config/` (without `.yaml`).
        assignments: `key.sub=value` strings; values are read as YAML.
        variant: Name of a variant, see `variants.py`; what it changes comes last.
        city: Name of the city, whose own `city.yaml` counts; "" for none.
        data: Folder of what came from outside; None for the setting `data_dir`.

    Raises:
        InputError: There is no such run or key, or values do not fit (all named at once).
    """
    return validate(read_layers(run, assignments, variant, city, data))


def read_layers(
    run: str,
    assignments: Sequence[str] = (),
    variant: str = "",
    city: str = "",
    data: Path | None = None,
) -> list[Layer]:
    """The layers that settings are laid from, the lowest first; arguments and errors as of
    `load`."""
    of_run = layers.of_run(run, CONFIG)
    of_arguments = [layers.of_assignment(assignment) for assignment in assignments]
    if city:
        data_dir = layers.merge([*of_run, *of_arguments]).get("data_dir")
        file = city_file(data or ROOT / str(data_dir), city)
        of_run += [read_layer(file)] if file.is_file() else []
    run_layers = [*of_run, *of_arguments]
    if not variant:
        return run_layers
    settings = validate(run_layers)
    folds, cities_folds = settings.compare.folds, settings.cities.variant_folds
    changes = variants.overlay(variant, folds, cities_folds, settings.fold_seed)
    return [*run_layers, Layer(f"variant {variant}", changes)]


def validate(run_layers: list[Layer]) -> Settings:
    """The settings that layers come to.

    Raises:
        InputError: Values do not fit.
    """
    try:
        return Settings.model_validate(layers.merge(run_layers))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise refusal(faults, run_layers, list(all_keys())) from None


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"section": {"key": value}}` -> `{"section.key": value}`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def all_keys(section: type[Section] = Settings, prefix: str = "") -> Iterator[str]:
    """Full names of all sections and settings."""
    for name, field in section.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from all_keys(field.annotation, f"{prefix}{name}.")
