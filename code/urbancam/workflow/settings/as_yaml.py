"""The settings of a run as a settings file, each with the place that it comes from."""

from collections.abc import Sequence
from typing import Any

import yaml

from urbancam.workflow.settings import layers, settings
from urbancam.workflow.settings.layers import Layer
from urbancam.workflow.settings.section_types import Section

COMMENT_COLUMN = 56


def render(run_layers: Sequence[Layer]) -> str:
    """A settings file that says everything; read as YAML it gives the same settings.

    Args:
        run_layers: Layers of the run (`settings.read_layers`).
    """
    chain = " on ".join(layer.origin for layer in reversed(run_layers))
    lines = [f"# {chain}"]
    _add_section(settings.validate(list(run_layers)), "", run_layers, lines)
    return "\n".join(lines) + "\n"


def _add_section(
    section: Section, prefix: str, run_layers: Sequence[Layer], lines: list[str]
) -> None:
    indent = "  " * prefix.count(".")
    for name in type(section).model_fields:
        value, key = getattr(section, name), prefix + name
        if isinstance(value, Section):
            lines.append(f"{indent}{name}:")
            _add_section(value, f"{key}.", run_layers, lines)
        else:
            line = f"{indent}{name}: {_in_one_line(value)}"
            lines.append(f"{line:{COMMENT_COLUMN}} # {layers.origin_of(key, run_layers)}")


def _in_one_line(value: Any) -> str:
    """A value as YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return text.removesuffix("...\n").strip()
