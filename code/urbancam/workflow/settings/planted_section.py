"""The section `planted` of the settings: a rule that is planted in place of a city's incomes."""

from typing import Annotated

from pydantic import Field, model_validator

from urbancam.workflow.settings.section_types import Section, Share


class Planted(Section):
    plants: Annotated[int, Field(ge=0)]
    trained: Annotated[int, Field(ge=0)]
    classes: Annotated[int, Field(ge=2)]
    visible_share: Annotated[float, Field(gt=0, le=1)]
    smooth_share: Share

    @model_validator(mode="after")
    def _check_shares(self) -> "Planted":
        if self.visible_share + self.smooth_share > 1:
            raise ValueError("planted.visible_share and planted.smooth_share add up to more than 1")
        return self

    @property
    def unseen_share(self) -> float:
        """Share of the variance that is each cell's own."""
        return max(0.0, 1 - self.visible_share - self.smooth_share)
