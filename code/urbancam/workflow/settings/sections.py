"""The sections of the settings: which keys there are, and which values they may take.

What the values mean, with unit and source, stands beside them in `code/config/default.yaml`.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from urbancam.workflow.settings.backbone_names import todays_weights
from urbancam.workflow.settings.section_types import Count, Positive, Section, Share


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
