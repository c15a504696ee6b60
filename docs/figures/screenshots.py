"""Photograph the dashboard with the reference studies: `make screenshots`. Needs playwright and chromium."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
STUDIES = HERE.parent.parent / "results" / "reference"
STUDY = "b0-phi1-quick"
VIEWS = {
    "progress": ("Progress", "#progress-tables table", "light", 1040),
    "answer": ("Answer", "#evidence-content .main-svg", "dark", 1240),
}
"""By the picture's name: the view, what must be there, the theme, and how many px of its height are shown."""


def main() -> None:
    """Write every picture beside this file."""
    words = [sys.executable, "-m", "scalesearch", "dashboard", str(STUDIES), "--port", "0"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, (view, wanted, theme, height) in VIEWS.items():
                page = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme=theme)
                page.set_default_timeout(300_000)
                _save(_photograph(page, address, view, wanted), HERE / f"dashboard-{name}.png")
                page.close()
            browser.close()
    finally:
        server.terminate()
        server.wait()


def _photograph(page: Any, address: str, view: str, wanted: str) -> bytes:
    page.goto(address)
    page.locator("#studies-table").get_by_role("button", name=STUDY, exact=True).click()
    page.locator("#progress-tables table").first.wait_for()
    page.locator("#view label", has_text=view).click()
    page.locator(f"{wanted} >> visible=true").first.wait_for()
    page.wait_for_timeout(3000)
    page.mouse.move(0, 0)
    return bytes(page.screenshot())


def _save(shot: bytes, path: Path) -> None:
    """With a palette, which flat pages lose nothing by."""
    picture = Image.open(io.BytesIO(shot)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    picture.save(path, "PNG", optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
