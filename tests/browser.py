"""A real browser for tests: Chromium without a window, and what it said while a page was open."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from urbancam.showing.report import chromium
from urbancam.workflow.errors import InputError

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 800}


@dataclass
class Noise:
    """What a page said and asked for.

    Attributes:
        faults: Messages of the console that are errors or warnings, and uncaught errors.
        requests: Addresses that it asked for, itself among them.
    """

    faults: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextlib.contextmanager
def launch() -> Iterator["object"]:
    """The browser; the test is skipped where there is none."""
    try:
        there = chromium.launch()
        browser = there.__enter__()
    except InputError as error:
        pytest.skip(f"{error}".replace("\n", ";"))
    yield browser
    there.__exit__(None, None, None)


@contextlib.contextmanager
def open_page(browser, file: Path, viewport=None, **options) -> Iterator[tuple["object", Noise]]:
    """A page opened from disk, and its noise; options as of Playwright's `new_page`."""
    page = browser.new_page(viewport=viewport or WIDE, **options)
    noise = Noise()
    page.on("console", lambda message: _note_fault(noise, message))
    page.on("pageerror", lambda error: noise.faults.append(str(error)))
    page.on("request", lambda request: noise.requests.append(request.url))
    page.goto(file.as_uri())
    yield page, noise
    page.close()


def _note_fault(noise: Noise, message) -> None:
    if message.type in ("error", "warning"):
        noise.faults.append(message.text)
