"""Typed settings: `default.yaml`, an overlay per named run, `--set` on top.

Units and sources stand beside the values in `code/config/default.yaml`. An unknown key, a wrong
type and an impossible value are errors, all of them named at once.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from urbancam.workflow import campaigns, variants
from urbancam.workflow.cities_sections import Cities
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import CONFIG, ROOT, display_path
from urbancam.workflow.planted_section import Planted
from urbancam.workflow.sections import (
    Activation,
    Baselines,
    Census,
    Compare,
    Controls,
    Demo,
    Figures,
    Image,
    Imagery,
    Landcover,
    Model,
    Samples,
    Section,
    Split,
    Statistics,
    Training,
    UrbanAtlas,
)


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
    planted: Planted
    cities: Cities
    figures: Figures
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
        cell_size_m = self.census.cell_size_m
        sides_m = {
            "split.block_m": self.split.block_m,
            "statistics.block_m": self.statistics.block_m or cell_size_m,
        }
        for name, side_m in sides_m.items():
            if side_m % cell_size_m:
                raise ValueError(
                    f"{name} {side_m} is no multiple of census.cell_size_m {cell_size_m}"
                )
        return self

    @property
    def image_px(self) -> int:
        """Pixels a side of a cell's image on disk."""
        return round(self.census.cell_size_m / self.imagery.pixel_size_m)

    @property
    def folds_trained(self) -> int:
        """Folds that are trained and scored: the first so many, or all; a city left out is one
        fold, campaigns left out are two."""
        folds = {"city": 1, "campaign": campaigns.SIDES}.get(self.split.method, self.split.folds)
        return min(self.split.trained_folds or folds, folds)

    @property
    def fold_seed(self) -> int:
        """Seed of the folds and of their validation parts."""
        return self.seed if self.split.seed is None else self.split.seed

    @property
    def weights_file(self) -> Path | None:
        """The file that `model.weights` names, relative to the project.

        None for "imagenet" and "random".
        """
        return None if self.model.weights in ("imagenet", "random") else ROOT / self.model.weights

    def pick(self, *keys: str) -> dict[str, Any]:
        """Flat `{"section.key": value}` of whole sections ("split") or single keys
        ("image.size_px")."""
        flat = _flatten(self.model_dump(mode="json"))
        missing = [key for key in keys if not any(_lies_in(name, key) for name in flat)]
        if missing:
            raise KeyError(f"no such settings: {missing}")
        return {name: flat[name] for name in flat if any(_lies_in(name, key) for key in keys)}

    def restricted_to(self, names: Iterable[str]) -> "Settings":
        """The same settings without all others; reading one of those is an error.

        Args:
            names: Full names of single settings ("image.size_px"), as `pick` gives them.
        """
        return _restrict(self, "", set(names))


def _lies_in(name: str, key: str) -> bool:
    """Whether a setting is the one of that key, or lies in the section of that key."""
    return name == key or name.startswith(f"{key}.")


def _restrict(section: Section, prefix: str, names: set[str]) -> Any:
    values = {}
    for field in type(section).model_fields:
        value, name = getattr(section, field), prefix + field
        if isinstance(value, Section) and any(_lies_in(declared, name) for declared in names):
            values[field] = _restrict(value, f"{name}.", names)
        elif name in names:
            values[field] = value
    return type(section).model_construct(**values)


def load(run: str, assignments: list[str] | tuple[str, ...] = (), variant: str = "") -> Settings:
    """Settings of a run, or of a variant of it.

    Args:
        run: Name of a file in `code/config/` (without `.yaml`).
        assignments: `key.sub=value` strings; values are read as YAML.
        variant: Name of a variant, see `variants.py`; what it changes comes last.

    Raises:
        InputError: There is no such run or key, or values do not fit (all named at once).
    """
    values = _read_run(run)
    sources = display_path(CONFIG / f"{run}.yaml")
    for assignment in assignments:
        _merge(values, _parse_assignment(assignment))
        sources += f", --set {re.sub(r'//[^/ ]*@', '//', assignment)}"  # no user info in messages
    try:
        settings = Settings.model_validate(values)
        if not variant:
            return settings
        folds, cities_folds = settings.compare.folds, settings.cities.variant_folds
        _merge(values, variants.overlay(variant, folds, cities_folds, settings.fold_seed))
        return Settings.model_validate(values)
    except ValidationError as error:
        raise InputError(
            _list_faults(error), sources, "see the comments in code/config/default.yaml"
        ) from None


def _read_run(run: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """Values of a run: its overlay laid on its `base`, a run that it names, or on `default`."""
    overlay = CONFIG / f"{run}.yaml"
    if not overlay.is_file():
        runs = ", ".join(sorted(path.stem for path in CONFIG.glob("*.yaml")))
        raise InputError(
            f"there is no run {run!r}",
            display_path(CONFIG),
            f"name one of {runs}, or write {display_path(overlay)}",
        )
    if run in above:
        chain = " on ".join([*above, run])
        raise InputError(
            f"run {run!r} is its own base: {chain}", display_path(overlay), "mend its `base`"
        )
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
        raise InputError(
            f"not readable as YAML: {error}", display_path(path), "mend the file"
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(
            "a settings file holds `key: value` lines", display_path(path), "mend the file"
        )
    return values


def _parse_assignment(assignment: str) -> dict[str, Any]:
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise InputError(
            f"--set takes key.sub=value, not {assignment!r}", "--set", "e.g. --set split.folds=3"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(
            f"the value of {assignment!r} is not readable as YAML", "--set", "quote it"
        ) from None
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
