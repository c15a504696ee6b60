"""The page opens from disk: everything inside, nothing from outside, nothing run that is not in its policy."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import HOSTILE, hostile
from joints import JOINT
from planted_studies import halving

from scalesearch.report.figures import curves
from scalesearch.report.html import document_page, figure_page
from scalesearch.report.palette import DARK, LIGHT
from scalesearch.report.study_report import study_report


class Tags(HTMLParser):
    """Every tag with its attributes, and what stands in scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in ("script", "style") and data.strip():
            self.inside.append(data)

    def names(self) -> list[str]:
        return [tag for tag, _ in self.found]

    def policy(self) -> str:
        policy = next(own["content"] for _, own in self.found if own.get("http-equiv") == "Content-Security-Policy")
        assert policy is not None
        return policy


@pytest.fixture(scope="module")
def text() -> str:
    return figure_page(curves(JOINT), "small & <large>")


def test_nothing_is_asked_from_outside(text: str) -> None:
    tags = Tags(text)
    assert not [one for one in tags.found if {"src", "href", "action", "data", "style"} & set(one[1])]
    assert not {"link", "iframe", "img", "object"} & set(tags.names())
    policy = tags.policy()
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert "*" not in policy


def test_the_policy_names_every_script_and_style_by_its_hash(text: str) -> None:
    tags = Tags(text)
    style, figures, library, boot = tags.inside
    policy = dict(one.split(" ", 1) for one in tags.policy().split("; "))
    assert policy["script-src"].split() == [digest(library), digest(boot)]
    assert policy["style-src-elem"].split() == [digest(style), digest("")]
    assert set(json.loads(figures)) == {"curves"}
    assert "unsafe" not in policy["script-src"] + policy["style-src-elem"]


def digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def test_plotly_and_the_numbers_are_inside(text: str) -> None:
    assert len(text) > 1_000_000
    assert "<title>small &amp; &lt;large&gt;</title>" in text
    tags = Tags(text)
    figure = json.loads(tags.inside[1])["curves"]
    assert {trace["name"] for trace in figure["data"]} == {"depth", "width", "compound", "fast", "baseline"}
    assert "0.720 ± 0.016" in figure["layout"]["annotations"][0]["text"]
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        assert figure["themes"][name]["paper_bgcolor"] == theme.background
        assert theme.background in tags.inside[0]
    assert "prefers-color-scheme: dark" in text


def test_it_is_the_same_every_time(text: str) -> None:
    assert figure_page(curves(JOINT), "small & <large>") == text


def test_names_are_shown_and_not_run() -> None:
    tags = Tags(document_page(hostile()))
    assert tags.names().count("script") == 3
    (image,) = [own for tag, own in tags.found if tag == "img"]
    assert image == {"alt": HOSTILE, "src": f"data:image/png;base64,{base64.b64encode(HOSTILE.encode()).decode()}"}
    assert "a" not in tags.names()
    assert not [own for _, own in tags.found if any(name.startswith("on") for name in own)]
    assert json.loads(tags.inside[1])["pareto"]["layout"]["title"]["text"] == HOSTILE


def test_every_figure_of_a_report_has_its_place_and_number() -> None:
    article = study_report(halving())
    page = document_page(article)
    names = [one.name for one in article.drawings()]
    assert names == ["pareto", "spending", "coefficients", "parallel", "learning", "regret", "nominal", "family"]
    places = [own["id"] for tag, own in Tags(page).found if tag == "div" and own.get("class") == "plot"]
    assert places == names
    assert [int(one) for one in re.findall(r"<b>Figure (\d+)\.", page)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [int(one) for one in re.findall(r"<b>Table (\d+)\.", page)] == [1, 2]
    assert set(json.loads(Tags(page).inside[1])) == set(names)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a Chromium")
def test_a_browser_draws_every_figure_and_refuses_nothing(tmp_path: Path) -> None:
    article = study_report(halving())
    (tmp_path / "report.html").write_text(document_page(article), encoding="utf-8")
    words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    words += ["--enable-logging=stderr", "--virtual-time-budget=20000", f"--user-data-dir={tmp_path / 'browser'}"]
    words += ["--dump-dom", f"file://{tmp_path / 'report.html'}"]
    done = subprocess.run(["chromium", *words], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.count("js-plotly-plot") >= len(list(article.drawings()))
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
