"""Take screenshots of the dashboard with the reference studies: `make screenshots`.

This needs playwright and chromium.
"""

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
"""For each screenshot, the view, a selector that must be visible, the theme, and the height in px."""


def main() -> None:
    """Write every screenshot to the folder of this file."""
    command = [sys.executable, "-m", "scalesearch", "dashboard", str(STUDIES), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, (view, selector, theme, height) in VIEWS.items():
                page = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme=theme)
                page.set_default_timeout(300_000)
                _save(_take_screenshot(page, address, view, selector), HERE / f"dashboard-{name}.png")
                page.close()
            browser.close()
    finally:
        server.terminate()
        server.wait()


def _take_screenshot(page: Any, address: str, view: str, selector: str) -> bytes:
    page.goto(address)
    page.locator("#studies-table").get_by_role("button", name=STUDY, exact=True).click()
    page.locator("#progress-tables table").first.wait_for()
    page.locator("#view label", has_text=view).click()
    page.locator(f"{selector} >> visible=true").first.wait_for()
    page.wait_for_timeout(3000)
    page.mouse.move(0, 0)
    return bytes(page.screenshot())


def _save(screenshot: bytes, path: Path) -> None:
    """Save with a palette, which is enough for pages of few colours."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    picture.save(path, "PNG", optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
