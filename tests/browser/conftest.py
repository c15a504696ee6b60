"""One browser for all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from browsing import QUIET


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium, or any other that is installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test-browser")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium is installed: make test-browser")
    with api.sync_playwright() as playwright:
        own = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield own
        own.close()
