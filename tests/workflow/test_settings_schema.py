"""What editors are told of settings files: the schema is that of today, and judges as loading
does."""

import json
import re
from typing import Any

import pytest
import yaml

from urbancam.workflow.paths import CONFIG
from urbancam.workflow.settings.schema import FILE_NAME, describe

FILES = sorted(CONFIG.glob("*.yaml"))
TYPES = {
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def faults(value: Any, schema: dict, top: dict, place: str = "") -> list[str]:
    """Places where a value breaks a schema: the part of JSON Schema that ours uses, by the book."""
    if "$ref" in schema:
        schema = top["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        each = [faults(value, choice, top, place) for choice in schema["anyOf"]]
        return [] if [] in each else [place]
    types = schema.get("type", list(TYPES))
    types = [types] if isinstance(types, str) else types
    fits = any(
        isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in types
    )
    number = value if isinstance(value, int | float) else None
    length = len(value) if isinstance(value, list) else None
    broken = [
        not fits,
        value not in schema.get("enum", [value]),
        value != schema.get("const", value),
        number is not None and number < schema.get("minimum", number),
        number is not None and number > schema.get("maximum", number),
        number is not None and number <= schema.get("exclusiveMinimum", number - 1),
        number is not None and number >= schema.get("exclusiveMaximum", number + 1),
        length is not None and length < schema.get("minItems", 0),
        isinstance(value, str) and not re.search(schema.get("pattern", ""), value),
    ]
    found = [place] if any(broken) else []
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            found += faults(item, schema["items"], top, f"{place}[{number}]")
    if isinstance(value, dict):
        further = schema.get("additionalProperties", {})
        for key, item in value.items():
            inner = schema.get("properties", {}).get(str(key), further)
            name = f"{place}.{key}".strip(".")
            found += [name] if inner is False else faults(item, inner, top, name)
    return found


@pytest.fixture(scope="module")
def schema() -> dict:
    return json.loads((CONFIG / FILE_NAME).read_text())


def test_schema_on_disk_is_that_of_the_settings(schema):
    advice = "run: .venv/bin/python code/95_show_settings.py --schema"
    assert schema == describe(), advice


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_settings_file_names_the_schema_and_keeps_to_it(path, schema):
    first = path.read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={FILE_NAME}"
    assert faults(yaml.safe_load(path.read_text()), schema, schema) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("split: {fold: 3}", "split.fold"),
        ("split: {folds: 1}", "split.folds"),
        ("split: {folds: three}", "split.folds"),
        ("split: {method: hexagon}", "split.method"),
        ("cities: {model: {dropout: 2}}", "cities.model.dropout"),
        ("landcover: {poor_classes: [7]}", "landcover.poor_classes[0]"),
        ("base: 3", "base"),
    ],
)
def test_schema_refuses_what_loading_refuses(text, place, schema):
    assert faults(yaml.safe_load(text), schema, schema) == [place]


@pytest.mark.parametrize(
    "text", ["imagery: {year: {75: 2014, nearest: 2015}}", "landcover: {reference: 12220}"]
)
def test_schema_takes_what_loading_takes(text, schema):
    assert faults(yaml.safe_load(text), schema, schema) == []


def test_every_setting_is_described(schema):
    keys = [(top, section) for top, section in schema["$defs"].items()]
    bare = [
        f"{top}.{name}"
        for top, section in keys
        for name, field in section["properties"].items()
        if "$ref" not in field and not field.get("description")
    ]
    assert bare == []
