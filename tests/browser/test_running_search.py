"""A real search of a minute, looked on at while it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from browsing import serving, watched

pytestmark = pytest.mark.browser

SEARCH = "grid --baseline tiny --budget smoke --data digits --runner inline --name live"
COUNT = "document.querySelector('#progress-figures b')?.innerText"


def test_a_running_search_appears_and_grows(browser: Any, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with serving(results, tmp_path / "cache") as address:
        own = watched(browser, address)
        own.page.goto(address)
        own.page.locator("#problems", has_text="There is no study below").wait_for()
        command = [sys.executable, "-m", "scalesearch", *SEARCH.split()]
        search = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        own.page.wait_for_selector("#studies-table td >> text=live")
        own.choose("live")
        shown = _followed(own.page, search)
        assert search.wait() == 0
        own.page.locator("#state", has_text="finished").wait_for()
        own.page.locator("#progress-tables h3", has_text="In words").wait_for()
        own.page.close()
        assert own.wrong == []
    records = sorted(path.stat().st_mtime for path in (results / "live" / "trials").iterdir())
    delays = [at - records[count - 1] for count, at in shown["finished"].items() if count]
    assert len(delays) >= 4, shown
    assert median(delays) < 2, delays
    assert shown["running"], "no running trial was seen"
    assert len(set(shown["points"])) >= 3, "the curves did not grow"


def _followed(page: Any, search: subprocess.Popen[str]) -> dict[str, Any]:
    """When each number of finished trials was first shown, whether any ran, and how many points were drawn."""
    shown: dict[str, Any] = {"finished": {}, "running": False, "points": []}
    while search.poll() is None:
        count, running, points = page.evaluate(
            f"[{COUNT}, document.querySelectorAll('#progress-tables h3')[0]?.innerText === 'Running now' && "
            "document.querySelectorAll('#progress-tables table tbody tr').length > 0, "
            "document.querySelectorAll('#progress-curves .point').length]"
        )
        if count is not None:
            shown["finished"].setdefault(int(count), time.time())
        shown["running"] = shown["running"] or running
        shown["points"].append(points)
        time.sleep(0.05)
    return shown
