"""Every rule has a look, and no two look alike: against published models of colour blindness and of contrast."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from colours import BLIND, XYZ, lab, linear

from scalesearch.report.palette import (
    ACCURACY_SCALE,
    BASELINE_STYLE,
    DARK,
    DEFAULT_STYLE,
    LIGHT,
    RULE_STYLES,
    TIED,
    Theme,
    rule_style,
)
from scalesearch.search.kinds.rules import NAMED

FAST = {"fast", "lacs-gpu", "lacs-tpu"}
"""They share a colour."""


def contrast(first: str, second: str) -> float:
    """WCAG 2.1."""
    low, high = sorted(float(XYZ[1] @ linear(one)) for one in (first, second))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_rule_has_a_look_of_its_own() -> None:
    assert set(RULE_STYLES) == {*(one.name for one in NAMED), "found"}
    for part in ("marker", "glyph"):
        assert len({getattr(look, part) for look in RULE_STYLES.values()}) == len(RULE_STYLES)
    assert len({(look.colour, look.dash) for look in RULE_STYLES.values()}) == len(RULE_STYLES)


@pytest.mark.parametrize("blind", BLIND)
def test_colours_are_told_apart_by_everybody(blind: str) -> None:
    seen = {rule: lab(np.array(BLIND[blind]) @ linear(look.colour)) for rule, look in RULE_STYLES.items()}
    for first, second in combinations(seen, 2):
        if {first, second} <= FAST:
            continue
        assert np.linalg.norm(seen[first] - seen[second]) >= 20, (first, second)


@pytest.mark.parametrize("blind", BLIND)
def test_low_and_high_accuracy_are_told_apart_by_everybody(blind: str) -> None:
    seen = [lab(np.array(BLIND[blind]) @ linear(colour)) for _, colour in ACCURACY_SCALE]
    assert np.linalg.norm(seen[0] - seen[2]) >= 60
    assert min(np.linalg.norm(seen[1] - end) for end in (seen[0], seen[2])) >= 20


def test_a_rule_by_its_numbers_has_a_look_too() -> None:
    assert rule_style("width") == RULE_STYLES["width"]
    assert rule_style("1.2/1.1/1.15") == DEFAULT_STYLE
    assert DEFAULT_STYLE.marker not in {look.marker for look in RULE_STYLES.values()}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_everything_stands_out_from_both_backgrounds(theme: Theme) -> None:
    marks = (BASELINE_STYLE.colour, TIED.colour, DEFAULT_STYLE.colour, *(colour for _, colour in ACCURACY_SCALE))
    for colour in (*marks, *(look.colour for look in RULE_STYLES.values()), theme.quiet):
        assert contrast(colour, theme.background) >= 3
    assert contrast(theme.text, theme.background) >= 7
    assert contrast(theme.grid, theme.background) < 1.6
