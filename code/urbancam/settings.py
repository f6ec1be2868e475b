"""Typed settings: `default.yaml`, an overlay per named run, `--set` on top.

Units and sources stand beside the values in `code/config/default.yaml`. An unknown key, a wrong type and an
impossible value are errors, all of them named at once.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from urbancam import variants
from urbancam.errors import InputError
from urbancam.paths import CONFIG, ROOT, shown

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
ClassSet = Annotated[list[Annotated[int, Field(ge=0, le=4)]], Field(min_length=1)]


def _public_address(value: str) -> str:
    if not value.startswith(("http://", "https://")) or "@" in value:
        raise ValueError("an address begins with http:// or https:// and holds no user and password (use ~/.netrc)")
    return value


Address = Annotated[str, AfterValidator(_public_address)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Census(Section):
    vintage: Literal[2015, 2017, 2019, 2021]
    cell_size_m: Literal[200, 1000]
    cells: Literal["with_income", "all"]


class UrbanAtlas(Section):
    edition: Literal[2012, 2018, 2021]


class Imagery(Section):
    source: Literal["archives", "wms"]
    year: Annotated[int, Field(ge=1990, le=2100)] | None
    pixel_size_m: Annotated[float, Field(ge=0.05, le=10)]
    fetch: bool
    index_url: Address
    wms_url: Address
    wms_layer: Annotated[str, Field(min_length=1)]


class Samples(Section):
    max_void_fraction: Share
    target: Literal["income", "density"]
    shuffle_labels: bool


class Split(Section):
    method: Literal["block", "group", "random", "city"]
    block_m: Annotated[int, Field(ge=200, multiple_of=200)]
    folds: Annotated[int, Field(ge=2)]
    trained_folds: Count | None
    validation_fraction: Annotated[float, Field(gt=0, lt=1)]


class Image(Section):
    size_px: Annotated[int, Field(ge=32)]
    resample: Literal["bilinear", "bicubic"]
    normalise: Literal["imagenet", "min_max"]


class Model(Section):
    backbone: str
    weights: str
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
    plateau_factor: Annotated[float, Field(gt=0, lt=1)]
    plateau_patience: Count
    plateau_min_delta: Annotated[float, Field(ge=0)]
    min_learning_rate: Annotated[float, Field(ge=0)]
    patience: Count
    restarts: bool
    compile: bool


class Activation(Section):
    method: Literal["published"]
    centre: bool
    clip_percentile: Annotated[float, Field(gt=0, le=100)]


class Landcover(Section):
    key: Literal["class", "code"]
    poor_classes: ClassSet
    rich_classes: ClassSet
    min_joint_cells: Count
    min_area_m2: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _check_sides(self) -> "Landcover":
        if both := sorted(set(self.poor_classes) & set(self.rich_classes)):
            raise ValueError(f"classes {both} are both poor and rich")
        return self


class Statistics(Section):
    draws: Annotated[int, Field(ge=20)]
    confidence: Annotated[float, Field(gt=0, lt=1)]
    neighbours: Count
    min_blocks: Count
    false_discovery_rate: Annotated[float, Field(gt=0, lt=1)]


class Baselines(Section):
    histogram_bins: Annotated[int, Field(ge=2, le=64)]
    patches: Annotated[int, Field(ge=2, le=8192)]
    patch_px: Annotated[int, Field(ge=2, le=15)]
    features_px: Annotated[int, Field(ge=16)]


class Compare(Section):
    splits: list[Literal["block", "group", "random", "city"]]
    seeds: list[Annotated[int, Field(ge=0)]]
    shuffled_labels: bool
    folds: Count | None


class Controls(Section):
    methods: list[Literal["hirescam", "layercam", "gradcam_plus_plus", "integrated_gradients"]]
    maps: list[Literal["gradient_alone", "map_alone", "other_centring", "shifted", "rotated", "edges"]]
    randomise_weights: bool
    cells: Count | None
    integrated_gradients_steps: Count
    deletion_cells: Annotated[int, Field(ge=0)]
    deletion_steps: Annotated[int, Field(ge=2)]


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
            raise ValueError(f"demo.radius_m {self.radius_m:g}: at most {1000 * self.tile_km - 120} fit on the tiles")
        return self


class CitiesDemo(Section):
    seed: Annotated[int, Field(ge=0)]
    sites: Annotated[int, Field(ge=2)]
    site_px: Annotated[int, Field(ge=64)]


class CitiesRelevance(Section):
    layers: Annotated[list[Literal["layer1", "layer2", "layer3", "layer4"]], Field(min_length=1)]
    target: Literal["predicted", "true"]
    patches: Count
    land_cover_patches: Annotated[int, Field(ge=0)]


class Cities(Section):
    source: Literal["files", "hub", "ign"]
    hub_dataset: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    hub_revision: Annotated[str, Field(min_length=1)]
    ign_cities: list[str]
    ign_sites: Count
    site_m: Annotated[int, Field(ge=200, multiple_of=200)]
    pixel_size_m: Annotated[float, Field(ge=0.05, le=10)]
    patch_px: Annotated[int, Field(ge=16)]
    stride_px: Count
    split: Literal["sites", "published", "acquisition"]
    folds: Annotated[int, Field(ge=3)]
    trained_folds: Count | None
    test_patches: Count | None
    colour: Literal["as_is", "grey", "jitter"]
    variants: list[Literal["split-acquisition", "colour-grey", "colour-jitter"]]
    variant_folds: Count | None
    checkpoint: str | None
    image: Image
    model: Model
    training: Training
    relevance: CitiesRelevance
    demo: CitiesDemo

    @model_validator(mode="after")
    def _check_network(self) -> "Cities":
        if not self.model.backbone.startswith("resnet") or self.model.head != "softmax":
            raise ValueError("cities.model: a ResNet with a softmax head (relevance is defined on those)")
        if self.training.class_weights:
            raise ValueError("cities.training.class_weights: they are for the income classes; use class_balanced")
        return self

    @property
    def folds_split(self) -> int:
        """Folds that the split has."""
        return {"sites": self.folds, "published": 1, "acquisition": 2}[self.split]

    @property
    def folds_trained(self) -> int:
        """Folds that are trained and scored: the first so many, or all."""
        return min(self.trained_folds or self.folds_split, self.folds_split)

    def of_variant(self, name: str) -> "Cities":
        """The section as a variant of the run has it ("": the run itself)."""
        return self.model_copy(update=variants.overlay(name, None, self.variant_folds).get("cities", {}))


class Settings(Section):
    data_dir: str
    seed: Annotated[int, Field(ge=0)]
    census: Census
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
    cities: Cities
    demo: Demo

    @model_validator(mode="after")
    def _check_pixels(self) -> "Settings":
        pixels = self.census.cell_size_m / self.imagery.pixel_size_m
        if abs(pixels - round(pixels)) > 1e-6:
            raise ValueError(
                f"imagery.pixel_size_m {self.imagery.pixel_size_m} does not divide "
                f"census.cell_size_m {self.census.cell_size_m} into whole pixels"
            )
        return self

    @model_validator(mode="after")
    def _check_blocks(self) -> "Settings":
        if self.split.block_m % self.census.cell_size_m:
            raise ValueError(
                f"split.block_m {self.split.block_m} is no multiple of census.cell_size_m {self.census.cell_size_m}"
            )
        return self

    @property
    def image_px(self) -> int:
        """Pixels a side of a cell's image on disk."""
        return round(self.census.cell_size_m / self.imagery.pixel_size_m)

    @property
    def folds_trained(self) -> int:
        """Folds that are trained and scored: the first so many, or all; a city left out is one fold."""
        folds = 1 if self.split.method == "city" else self.split.folds
        return min(self.split.trained_folds or folds, folds)

    @property
    def weights_file(self) -> Path | None:
        """The file that `model.weights` names, relative to the project; None for "imagenet" and "random"."""
        return None if self.model.weights in ("imagenet", "random") else ROOT / self.model.weights

    def pick(self, *keys: str) -> dict[str, Any]:
        """Flat `{"section.key": value}` of whole sections ("split") or single keys ("image.size_px")."""
        flat = _flatten(self.model_dump(mode="json"))
        picked = {k: v for k, v in flat.items() if any(k == key or k.startswith(key + ".") for key in keys)}
        missing = [key for key in keys if not any(k == key or k.startswith(key + ".") for k in flat)]
        if missing:
            raise KeyError(f"no such settings: {missing}")
        return picked


def load(run: str, assignments: list[str] | tuple[str, ...] = (), variant: str = "") -> Settings:
    """Settings of a run, or of a variant of it.

    Args:
        run: name of a file in `code/config/` (without `.yaml`).
        assignments: `key.sub=value` strings; values are read as YAML.
        variant: name of a variant, see `variants.py`; what it changes comes last.

    Raises:
        InputError: no such run, no such key, or values that do not fit (all named at once).
    """
    values = _read_run(run)
    sources = shown(CONFIG / f"{run}.yaml")
    for assignment in assignments:
        _merge(values, _parse_assignment(assignment))
        sources += f", --set {re.sub(r'//[^/ ]*@', '//', assignment)}"  # no user info in messages
    try:
        made = Settings.model_validate(values)
        if not variant:
            return made
        _merge(values, variants.overlay(variant, made.compare.folds, made.cities.variant_folds))
        return Settings.model_validate(values)
    except ValidationError as error:
        raise InputError(_list_faults(error), sources, "see the comments in code/config/default.yaml") from None


def _read_run(run: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """Values of a run: its overlay laid on its `base`, another run that it names, or on `default`."""
    overlay = CONFIG / f"{run}.yaml"
    if not overlay.is_file():
        known = ", ".join(sorted(p.stem for p in CONFIG.glob("*.yaml")))
        raise InputError(
            f"there is no run {run!r}", shown(CONFIG), f"name one of {known}, or write {shown(overlay)}"
        )
    if run in above:
        chain = " on ".join([*above, run])
        raise InputError(f"run {run!r} is its own base: {chain}", shown(overlay), "mend its `base`")
    own = _read(overlay)
    if run == "default":
        return own
    values = _read_run(own.pop("base", "default"), (*above, run))
    _merge(values, own)
    return values


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"not readable as YAML: {error}", shown(path), "mend the file") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError("a settings file holds `key: value` lines", shown(path), "mend the file")
    return values


def _parse_assignment(assignment: str) -> dict[str, Any]:
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise InputError(f"--set takes key.sub=value, not {assignment!r}", "--set", "e.g. --set split.folds=3")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"the value of {assignment!r} is not readable as YAML", "--set", "quote it") from None
    if isinstance(value, str):  # YAML 1.1 reads 3e-4 as text
        try:
            value = float(value)
        except ValueError:
            pass
    for part in reversed(key.strip().split(".")):
        value = {part: value}
    return value


def _merge(values: dict[str, Any], overlay: dict[str, Any]) -> None:
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _list_faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    lines = [f"{len(faults)} setting{'s do' if len(faults) > 1 else ' does'} not fit:"]
    for fault in faults:
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            lines.append(f"    {name}: unknown setting")
        elif fault["type"] == "value_error":
            lines.append(f"    {fault['msg'].removeprefix('Value error, ')}")
        else:
            lines.append(f"    {name}: {fault['msg']} (got {fault['input']!r})")
    return "\n".join(lines)
