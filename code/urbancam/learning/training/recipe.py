"""The settings that a training and its predictions share."""

from typing import Protocol

from urbancam.workflow.settings.sections import Image, Model, Training


class Recipe(Protocol):
    """The settings of a training: those of a run, or its section `cities`."""

    image: Image
    model: Model
    training: Training
