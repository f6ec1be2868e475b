"""What settings files may hold, as a JSON schema: editors complete and check by it.

A file of a run names only what differs, so no key is required; `base` names the run that it lies
on. What a key means is told by its comment in `default.yaml`. Rules between several settings are
not in the schema: they are checked when a run is loaded.
"""

import re
from collections.abc import Iterator
from typing import Any

from urbancam.workflow.paths import CONFIG
from urbancam.workflow.settings import layers
from urbancam.workflow.settings.settings import Settings

FILE_NAME = "schema.json"
LINE = re.compile(r"(?P<indent> *)(?P<key>\w+):(?P<value>[^#]*)(?:# (?P<comment>.*))?")
CONTINUED = re.compile(r" +# (.*)")


def describe() -> dict[str, Any]:
    """The schema of all settings files."""
    schema = Settings.model_json_schema()
    sections = schema["$defs"]
    for section in [schema, *sections.values()]:
        section.pop("required", None)
    schema["properties"][layers.BASE] = {
        "type": "string",
        "description": f"run that this one lies on; {layers.LOWEST}, where it is not named",
    }
    default = (CONFIG / f"{layers.LOWEST}.yaml").read_text(encoding="utf-8")
    for path, comment in _comments(default):
        _property_at(schema, path).setdefault("description", comment)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A run of UrbanCAM",
    } | {key: value for key, value in schema.items() if key != "title"}


def _comments(default: str) -> Iterator[tuple[list[str], str]]:
    """Path of each key of `default.yaml` with its comment, over as many lines as it takes."""
    path: list[str] = []
    comment = ""
    for line in default.splitlines():
        if match := LINE.fullmatch(line):
            if comment:
                yield path, comment
            depth = len(match["indent"]) // 2
            path = [*path[:depth], match["key"]]
            comment = match["comment"] or ""
        elif comment and (more := CONTINUED.fullmatch(line)):
            comment += f" {more[1]}"
    if comment:
        yield path, comment


def _property_at(schema: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """The schema of one key.

    A section that serves in two places is described by its first.
    """
    section = schema
    for name in path[:-1]:
        reference = section["properties"][name]["$ref"]
        section = schema["$defs"][reference.rpartition("/")[2]]
    return section["properties"][path[-1]]
