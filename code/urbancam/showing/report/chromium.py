"""A real browser without a window, which shows pages as readers see them."""

import contextlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from urbancam.workflow.errors import InputError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextlib.contextmanager
def launch() -> Iterator["Browser"]:
    """The Chromium of this machine, else the one that Playwright has fetched.

    Raises:
        InputError: There is none.
    """
    from playwright.sync_api import Error, sync_playwright

    there = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=there, args=["--no-sandbox"])
        except Error as error:
            advice = "install it, on Debian: sudo apt install chromium"
            raise InputError("there is no Chromium that starts", there or "PATH", advice) from error
        yield browser
        browser.close()
