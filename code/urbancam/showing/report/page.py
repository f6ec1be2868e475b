"""Pages from templates: text is escaped, nothing is fetched, only the page's own scripts run."""

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent
D3 = "d3-7.9.0/d3.min.js"  # what it is: vendor/README.md
SCRIPTS = ("tables.js", "cells.js", "layers.js", "map.js", "distribution.js", "cell.js", "main.js")


def render(template: str, **contents: Any) -> str:
    """A page as HTML.

    Args:
        template: Name of a file of `templates/`.
        **contents: What the template takes.
    """
    return _environment().get_template(template).render(**contents)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([HERE / "templates", HERE / "vendor"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    read = functools.partial(_read, environment)
    environment.globals.update(
        style=read("style.css"),
        d3=read(D3),
        map_script=Markup("\n").join(map(read, SCRIPTS)),
        table_script=read("tables.js"),
    )
    scripts = [environment.globals[name] for name in ("d3", "map_script", "table_script")]
    environment.globals["content_policy"] = _content_policy(scripts)
    return environment


def _read(environment: Environment, name: str) -> Markup:
    """A style or script as it is."""
    source, *_ = environment.loader.get_source(environment, name)
    return Markup(source)


def _content_policy(scripts: list[str]) -> str:
    """What a browser lets the page do: run these scripts, and show pictures that lie beside it.

    A script that text from data brought in would have another hash, and not run.
    """
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    sources = " ".join(f"'sha256-{value}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; "
        "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )
