"""Every rule has a look, and no two look alike: against published models of colour blindness and of contrast."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from scalesearch.report.looks import ACCURACY, DARK, LIGHT, LOOKS, OTHER, START, TIED, Theme, look_of
from scalesearch.search.rivals import NAMED

# Machado, Oliveira & Fernandes 2009, severity 1.0; applied to linear RGB.
BLIND = {
    "none": np.eye(3),
    "red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


FAST = {"fast", "lacs-gpu", "lacs-tpu"}
"""They share a colour."""


def linear(colour: str) -> np.ndarray:
    """sRGB without its gamma (IEC 61966-2-1)."""
    level = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB under D65."""
    ratio = XYZ @ np.clip(rgb, 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(first: str, second: str) -> float:
    """WCAG 2.1."""
    low, high = sorted(float(XYZ[1] @ linear(one)) for one in (first, second))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_every_rule_has_a_look_of_its_own() -> None:
    assert set(LOOKS) == {*(one.name for one in NAMED), "found"}
    for part in ("marker", "glyph"):
        assert len({getattr(look, part) for look in LOOKS.values()}) == len(LOOKS)
    assert len({(look.colour, look.dash) for look in LOOKS.values()}) == len(LOOKS)


@pytest.mark.parametrize("blind", BLIND)
def test_colours_are_told_apart_by_everybody(blind: str) -> None:
    seen = {rule: lab(np.array(BLIND[blind]) @ linear(look.colour)) for rule, look in LOOKS.items()}
    for first, second in combinations(seen, 2):
        if {first, second} <= FAST:
            continue
        assert np.linalg.norm(seen[first] - seen[second]) >= 20, (first, second)


@pytest.mark.parametrize("blind", BLIND)
def test_low_and_high_accuracy_are_told_apart_by_everybody(blind: str) -> None:
    seen = [lab(np.array(BLIND[blind]) @ linear(colour)) for _, colour in ACCURACY]
    assert np.linalg.norm(seen[0] - seen[2]) >= 60
    assert min(np.linalg.norm(seen[1] - end) for end in (seen[0], seen[2])) >= 20


def test_a_rule_by_its_numbers_has_a_look_too() -> None:
    assert look_of("width") == LOOKS["width"]
    assert look_of("1.2/1.1/1.15") == OTHER
    assert OTHER.marker not in {look.marker for look in LOOKS.values()}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_everything_stands_out_from_both_backgrounds(theme: Theme) -> None:
    marks = (START.colour, TIED.colour, OTHER.colour, *(colour for _, colour in ACCURACY))
    for colour in (*marks, *(look.colour for look in LOOKS.values()), theme.quiet):
        assert contrast(colour, theme.background) >= 3
    assert contrast(theme.text, theme.background) >= 7
    assert contrast(theme.grid, theme.background) < 1.6
