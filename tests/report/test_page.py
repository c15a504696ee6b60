"""The page opens from disk: everything inside, nothing from outside, equal for equal figures."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from joints import JOINT

from scalesearch.report.figures import scaling_curves
from scalesearch.report.looks import DARK, LIGHT
from scalesearch.report.page import page


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def text() -> str:
    return page(scaling_curves(JOINT), "small & <large>")


def test_nothing_is_asked_from_outside(text: str) -> None:
    tags = Tags()
    tags.feed(text)
    assert not [one for one in tags.found if {"src", "href", "action", "data"} & set(one[1])]
    assert not {"link", "iframe", "img", "object"} & {tag for tag, _ in tags.found}
    policy = next(own["content"] for _, own in tags.found if own.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert "*" not in policy


def test_plotly_and_the_numbers_are_inside(text: str) -> None:
    assert len(text) > 1_000_000
    assert "<title>small &amp; &lt;large&gt;</title>" in text
    assert '"name":"compound"' in text
    assert "0.720 \\u00b1 0.016" in text or "0.720 ± 0.016" in text
    for theme in (LIGHT, DARK):
        assert f'"paper_bgcolor": "{theme.background}"' in text
    assert "prefers-color-scheme: dark" in text


def test_it_is_the_same_every_time(text: str) -> None:
    assert page(scaling_curves(JOINT), "small & <large>") == text
