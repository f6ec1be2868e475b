"""The sections of the settings that the experiment on cities reads, as in `sections`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from urbancam.workflow.settings import variants
from urbancam.workflow.settings.section_types import Count, Section
from urbancam.workflow.settings.sections import Image, Model, Positions, Training


class CitiesDemo(Section):
    seed: Annotated[int, Field(ge=0)]
    sites: Annotated[int, Field(ge=2)]
    site_px: Annotated[int, Field(ge=64)]


class CitiesRelevance(Section):
    layers: Annotated[list[Literal["layer1", "layer2", "layer3", "layer4"]], Field(min_length=1)]
    positions: Positions
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
    variants: list[Literal[*variants.OF_CITIES]]
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
            raise ValueError(
                "cities.model: one of resnet18, 34, 50, 101 with a softmax head; the rules of "
                "relevance are those of torchvision's ResNets"
            )
        if self.training.class_weights:
            raise ValueError(
                "cities.training.class_weights: they are for the income classes; use class_balanced"
            )
        if self.training.frozen:
            raise ValueError(
                "cities.training.frozen: patches are trained on in other colours than they are "
                "tested in; only the income experiment has it"
            )
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
        return self.model_copy(
            update=variants.overlay(name, None, self.variant_folds).get("cities", {})
        )
