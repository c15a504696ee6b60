"""A real browser, a real server, and an eye on whatever goes wrong between them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOREIGN = "evil.example"
"""A name that this browser finds on loopback, as a rebinding attack would have it."""
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
PATIENCE = 60_000
"""Milliseconds that a page has for what it is asked."""


@dataclass
class Watched:
    """A page, and what went wrong on it."""

    page: Any
    address: str
    wrong: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Load the dashboard and wait for its list."""
        self.page.goto(self.address)
        self.page.wait_for_selector("#studies-table table")

    def choose(self, study: str) -> None:
        """Take a study from the list."""
        self.show("Studies")
        self.page.locator("#studies-table").get_by_role("button", name=study, exact=True).click()
        self.page.wait_for_function(
            "name => document.querySelector('#study').innerText.trim() === name && "
            "!document.querySelector('#progress-section').hidden",
            arg=" ".join(study.split()),
        )

    def show(self, view: str) -> None:
        """Go to a view."""
        self.page.locator("#view label", has_text=view).click()

    def text(self, selector: str) -> str:
        """What is written there."""
        return str(self.page.locator(selector).inner_text())


def watched(browser: Any, address: str, scheme: str = "light") -> Watched:
    """A new page; every error, refusal and outside request is noted."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    own = Watched(page, address)
    wrong = own.wrong.append

    def said(message: Any) -> None:
        if message.type in ("error", "warning"):
            wrong(f"console: {message.text}")

    def popped(dialog: Any) -> None:
        wrong(f"dialog: {dialog.message}")
        dialog.dismiss()

    def answered(got: Any) -> None:
        if got.status >= 400:
            wrong(f"{got.status}: {got.url}")

    def asked(request: Any) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            wrong(f"outside: {request.url}")

    page.on("console", said)
    page.on("pageerror", lambda error: wrong(f"error: {error}"))
    page.on("dialog", popped)
    page.on("response", answered)
    page.on("request", asked)
    return own


@contextmanager
def serving(results: Path, cache: Path) -> Iterator[str]:
    """The real command; its address."""
    words = [sys.executable, "-m", "scalesearch", "dashboard", str(results), "--port", "0"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.communicate()
        yield address
    finally:
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
