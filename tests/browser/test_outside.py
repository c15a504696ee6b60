"""No control of any page leads outside: every button of every figure is pressed, every link and form is read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from browsing import Watched, serving, watched
from command import scalesearch

from scalesearch.cli.curves import show_curves
from scalesearch.report.dashboard.app import VIEWS

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
STUDY = ROOT / "results" / "reference" / "b0-phi1-quick"
TITLES = "nodes => nodes.map(node => node.dataset.title ?? node.getAttribute('aria-label') ?? '')"
ADDRESSES = "nodes => nodes.map(node => node.href || node.action)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    done = scalesearch("report", str(STUDY), "--out", str(folder), cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "report.html"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("outside")
    shutil.copytree(STUDY, root / "results" / "b0")
    with serving(root / "results", root / "cache") as at:
        yield at


def press_everything(seen: Watched) -> int:
    """Every button of every visible figure; how many there were."""
    popups: list[str] = []
    seen.page.context.on("page", lambda page: popups.append(page.url))
    buttons = seen.page.locator(".modebar-btn:visible, .js-plotly-plot:visible .modebar-btn")
    titles = buttons.evaluate_all(TITLES)
    assert not [
        title for title in titles if "share" in title.lower() or "edit" in title.lower() or "cloud" in title
    ]
    for button in buttons.all():
        if "Download" not in (button.get_attribute("data-title") or ""):  # it saves a file, which a test need not
            button.dispatch_event("click")
    seen.page.wait_for_timeout(300)
    assert popups == []
    return len(titles)


def leads_outside(seen: Watched, own: str) -> list[str]:
    addresses = seen.page.locator("a[href], form[action], area[href]").evaluate_all(ADDRESSES)
    return [address for address in addresses if not address.startswith((own, "data:", "blob:"))]


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of curves of `compare`."""
    folder = tmp_path_factory.mktemp("compare") / "study"
    shutil.copytree(ROOT / "tests" / "fixtures" / "studies" / "mobilenet_v1-compare-4x-quick", folder)
    show_curves({Decimal(4): folder})
    return folder / "curves.html"


@pytest.mark.parametrize("file", ["report", "comparison"])
def test_no_control_of_a_written_page_leads_outside(
    file: str, browser: Any, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(file)
    seen = watched(browser, path.as_uri())
    seen.page.goto(path.as_uri())
    seen.page.wait_for_selector(".js-plotly-plot .main-svg")
    assert press_everything(seen) >= 5
    assert leads_outside(seen, "file://") == []
    seen.page.close()
    assert seen.wrong == []


def test_no_control_of_the_dashboard_leads_outside(browser: Any, address: str) -> None:
    seen = watched(browser, address)
    seen.open()
    seen.choose("b0")
    pressed = 0
    for words in VIEWS.values():
        seen.show(words)
        seen.page.wait_for_timeout(1500)
        pressed += press_everything(seen)
        assert leads_outside(seen, address) == []
    assert pressed > 5
    seen.page.close()
    assert seen.wrong == []
