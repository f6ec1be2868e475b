"""The settings file that a city of one's own begins with."""

import os
from pathlib import Path

from urbancam.workflow.files import atomic
from urbancam.workflow.paths import CONFIG

TEMPLATE = CONFIG / "templates" / "city.yaml"


def write(file: Path, city: str) -> None:
    """Write the file, and its folder.

    Args:
        file: The city's `city.yaml`.
        city: Name of the city, as the user spells it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    schema = os.path.relpath(CONFIG / "schema.json", file.parent)
    text = TEMPLATE.read_text(encoding="utf-8")
    with atomic(file) as temporary:
        temporary.write_text(
            text.replace("{city}", city).replace("{schema}", schema), encoding="utf-8"
        )
