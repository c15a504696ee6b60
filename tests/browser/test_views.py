"""Every view of finished studies, by mouse and by keyboard, in light and in dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Watched, serving, watched
from looking import searched
from planted import Planted, budget, plan

from scalesearch.design.baseline_file import parse_baseline
from scalesearch.report.dashboard.app import VIEWS

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of three studies: a committed one with a picture, one of many trials, and a broken one."""
    root = tmp_path_factory.mktemp("views")
    results = root / "results"
    shutil.copytree(ROOT / "results" / "reference" / "b0-phi1-quick", results / "b0")
    shutil.copy(ROOT / "docs" / "figures" / "cam.png", results / "b0" / "cam.png")
    many = plan(budget(seeds=8, finalists=0, final_seeds=0))
    searched(results / "many", Planted(diverges=(3,), raises=(4,)), many)
    (results / "torn").mkdir()
    (results / "torn" / "study.json").write_text('{"version": 1, "quest')
    with serving(results, root / "cache") as at:
        yield at


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Watched:
    """One page for all that look at it."""
    own = watched(browser, address)
    own.open()
    return own


@pytest.fixture
def seen(page: Watched) -> Iterator[Watched]:
    """That page, on which nothing may go wrong."""
    yield page
    assert page.wrong == []


CONTENT = {
    "studies": "#studies-table table",
    "progress": "#progress-tables table",
    "trials": "#trials-table table",
    "network": "#network-content pre",
    "evidence": "#evidence-content .js-plotly-plot .main-svg",
    "compare": "#compare-content p",
    "family": "#family-content .js-plotly-plot .main-svg",
    "maps": "#maps-content img",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_shows_what_it_should(scheme: str, browser: Any, address: str) -> None:
    own = watched(browser, address, scheme)
    own.open()
    own.choose("b0")
    assert set(CONTENT) == set(VIEWS)
    for name, words in VIEWS.items():
        own.show(words)
        own.page.wait_for_selector(f"{CONTENT[name]} >> visible=true")
        shown = own.page.locator("main > section:visible")
        assert shown.count() == 1
    dark = own.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    assert dark == (scheme == "dark")
    own.show("Answer")
    paper = own.page.locator("#evidence-content .main-svg").first.evaluate("one => one.style.background")
    assert paper == ("rgb(20, 23, 28)" if dark else "rgb(255, 255, 255)")
    own.page.close()
    assert own.wrong == []


def test_a_press_survives_the_table_being_drawn_again(browser: Any, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(ROOT / "results" / "reference" / "b0-phi1-quick", results / "b0")
    with serving(results, tmp_path / "cache") as address:
        own = watched(browser, address)
        held: dict[str, Any] = {}

        def hold(route: Any) -> None:
            output = str(route.request.post_data_json["output"])
            name = "fill" if "studies-table" in output else "press" if "view.value" in output else ""
            if name and "holding" in held and name not in held:
                held[name] = route
            else:
                route.continue_()

        def wait_for(name: str) -> None:
            for _ in range(600):
                if name in held:
                    return
                own.page.wait_for_timeout(100)
            raise AssertionError(f"no request for {name}")

        own.page.route("**/_dash-update-component*", hold)
        own.open()
        own.page.wait_for_timeout(2000)
        held["holding"] = True
        shutil.copytree(results / "b0", results / "second")  # the list is drawn again, with other buttons
        wait_for("fill")
        own.page.locator("#studies-table").get_by_role("button", name="b0", exact=True).click()
        wait_for("press")
        held["fill"].continue_()
        own.page.locator("#studies-table").get_by_role("button", name="second", exact=True).wait_for()
        held["press"].continue_()
        own.page.locator("#progress-section:visible").wait_for()
        own.page.close()
        assert own.wrong == []


def test_trials_are_filtered_sorted_and_paged(seen: Watched) -> None:
    seen.choose("many")
    seen.show("Trials")
    rows = seen.page.locator("#trials-table tbody tr")

    def says(words: str) -> None:
        seen.page.locator("#page-words", has_text=words).wait_for()

    says("1–50 of")
    total = int(seen.text("#page-words").split(" of ")[1].split()[0])
    assert rows.count() == 50 < total
    seen.page.get_by_role("button", name="Next ›").click()
    says(f"51–{total}")
    seen.page.locator("[title='Sort by seed']").click()
    says("1–50")
    seen.page.wait_for_function("document.querySelector('#trials-table td:nth-child(2)').innerText === '0'")
    seen.page.locator("#filter-text").fill("base")
    says("1–8 of 8")
    assert set(rows.locator("td:first-child").all_inner_texts()) == {"base"}
    seen.page.locator("#filter-least").fill("0.99")
    says("No trial passes")
    for name in ("text", "least"):  # the page is shared
        seen.page.locator(f"#filter-{name}").fill("")
    says("1–50 of")


def test_a_candidate_opens_from_a_trial(seen: Watched) -> None:
    seen.choose("b0")
    seen.show("Trials")
    seen.page.locator("#trials-table td button", has_text="1/1.4/1").first.click()
    seen.page.locator("#network-content h2", has_text="Candidate 1/1.4/1").wait_for()
    shown = seen.text("#network-content")
    for words in ("multiply-adds", "depthwise conv", "Definition", "(1, 1.4, 1)"):
        assert words in shown
    seen.page.wait_for_selector("#network-figure .main-svg")


def test_two_studies_stand_side_by_side(seen: Watched) -> None:
    seen.choose("b0")
    seen.show("Compare")
    seen.page.locator("#other").click()
    seen.page.get_by_role("option", name="many").click()
    seen.page.locator("#compare-content table").wait_for()
    row = seen.page.locator("#compare-content tr", has_text="baseline").first
    assert row.locator("td").all_inner_texts() == ["baseline", "b0", "tiny"]
    assert "strong" in (row.get_attribute("class") or "")


def test_members_leave_as_files(seen: Watched, tmp_path: Path) -> None:
    seen.choose("b0")
    seen.show("Family")
    texts = {}
    for kind, name in (("YAML", "b1.yaml"), ("torch", "b1.py")):
        with seen.page.expect_download() as waiting:
            seen.page.get_by_role("button", name=f"b1 as {kind}").click()
        assert waiting.value.suggested_filename == name
        waiting.value.save_as(tmp_path / name)
        texts[name] = (tmp_path / name).read_text(encoding="utf-8")
    committed = ROOT / "results" / "reference" / "b0-phi1-quick" / "family" / "b1.yaml"
    assert texts["b1.yaml"] == committed.read_text(encoding="utf-8")
    assert parse_baseline(texts["b1.yaml"], "b1.yaml").name == "b1"
    compile(texts["b1.py"], "b1.py", "exec")


def test_a_broken_study_says_so(seen: Watched) -> None:
    seen.choose("torn")
    seen.page.locator("#problems", has_text="This study cannot be read: study.json").wait_for()
    for words in VIEWS.values():
        seen.show(words)
        seen.page.wait_for_timeout(100)


def test_the_keyboard_reaches_everything(seen: Watched) -> None:
    seen.choose("b0")
    seen.show("Studies")
    press = seen.page.keyboard.press
    seen.page.evaluate("document.activeElement.blur()")

    def focus() -> str:
        return str(seen.page.evaluate("document.activeElement.id || document.activeElement.outerHTML.slice(0, 80)"))

    def back_to(words: str) -> None:
        for _ in range(20):
            if words in focus():
                return
            press("Shift+Tab")
        raise AssertionError(f"{words} is not reached from {focus()}")

    back_to("radio")
    back_to("study")
    press("Tab")
    press("ArrowRight")
    press("ArrowRight")
    seen.page.wait_for_selector("#trials-table table >> visible=true")
    for _ in range(40):
        press("Tab")
        if '"open":"network"' in focus():
            break
    press("Enter")
    seen.page.wait_for_selector("#network-content h2 >> visible=true")
