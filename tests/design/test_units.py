"""Figures as people read them."""

from __future__ import annotations

import pytest

from scalesearch.units import device_hours, duration, mebibytes, si


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (385814752, "385.8M"),
        (0, "0"),
        (999, "999"),
        (1000, "1.000k"),
        (12345, "12.35k"),
        (99996, "100.0k"),
        (999_949, "999.9k"),
        (999_960, "1.000M"),
        (37745884192, "37.75G"),
        (2.5e12, "2.500T"),
        (-5_000_000, "-5.000M"),
        (0.25, "0.25"),
    ],
)
def test_si(value: float, text: str) -> None:
    assert si(value) == text


def test_four_digits_everywhere() -> None:
    value = 1000.0
    while value < 1e15:
        digits = si(value)[:-1].replace(".", "")
        assert len(digits) == 4, value
        assert float(si(value)[:-1]) * {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[si(value)[-1]] == pytest.approx(
            value, rel=6e-4
        )
        value *= 1.00713


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (42.4, "42 s"),
        (59.6, "1 min 0 s"),
        (485, "8 min 5 s"),
        (3599.6, "1 h 0 min"),
        (12000, "3 h 20 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_mebibytes() -> None:
    assert mebibytes(3 * 2**30 + 2**19) == "3,072.5 MiB"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(36, "0.01 GPU-hours"), (1116, "0.31 GPU-hours"), (5400, "1.5 GPU-hours"), (43_200, "12 GPU-hours")],
)
def test_device_hours(seconds: float, text: str) -> None:
    assert device_hours(seconds, "GPU") == text
