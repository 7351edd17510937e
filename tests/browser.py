"""Debian's chromium, driven by Playwright; tests that need it are skipped with a reason where it is not installed."""

import contextlib
import random
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


@contextlib.contextmanager
def open_page(width: int = 1200, height: int = 1400, **options: Any) -> Iterator[tuple[Any, list[str], list[str]]]:
    """A page, the addresses it asks for, and its console errors; both lists grow while it is used."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not shutil.which(CHROMIUM):
        pytest.skip("needs chromium")
    state = random.getstate()  # Playwright draws names from it
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": width, "height": height}, **options)
        page.set_default_timeout(60_000)
        asked: list[str] = []
        errors: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page, asked, errors
        browser.close()
    random.setstate(state)
