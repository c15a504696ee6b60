"""Amounts with units, as a person types them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from scalesearch.design.quantities import parse_count, parse_multiple, parse_seconds, parse_size
from scalesearch.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("600M", 600_000_000),
        ("1.5G", 1_500_000_000),
        ("0.39B", 390_000_000),
        ("385814752", 385_814_752),
        ("10k", 10_000),
        ("10K", 10_000),
        ("2T", 2 * 10**12),
        ("8 M", 8_000_000),
        ("1.2345678M", 1_234_567),
        ("0.1M", 100_000),
    ],
)
def test_counts(text: str, value: int) -> None:
    assert parse_count(text, "--max-flops") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2GiB", 2 * 2**30),
        ("1.5MiB", 3 * 2**19),
        ("3KiB", 3072),
        ("500MB", 500_000_000),
        ("7kB", 7000),
        ("1GB", 10**9),
        ("12B", 12),
    ],
)
def test_sizes(text: str, value: int) -> None:
    assert parse_size(text, "--max-memory") == value


@pytest.mark.parametrize(
    ("text", "value"), [("5ms", 0.005), ("1.5s", 1.5), ("800us", 0.0008), ("800µs", 0.0008), ("30 ms", 0.03)]
)
def test_times(text: str, value: float) -> None:
    assert parse_seconds(text, "--max-latency") == pytest.approx(value, rel=1e-12)


def test_multiples_of_the_baseline() -> None:
    assert parse_multiple("0.25x", "--max-flops") == Decimal("0.25")
    assert parse_multiple("2 ×", "--max-flops") == 2
    assert parse_multiple("600M", "--max-flops") is None
    for text in ("0x", "0.00x"):
        with pytest.raises(InputError, match=r"--max-flops '.*x': must be above 0, such as 0\.25x"):
            parse_multiple(text, "--max-flops")


@pytest.mark.parametrize(
    "text", ["", "M", "x", "-1x", "1e3x", "6e8M", "-5M", "0", "0M", "600m", "600MB", "1,5M", "nan", "１M", "5 0M"]
)
def test_what_is_no_count_is_one_line(text: str) -> None:
    with pytest.raises(InputError, match=r"--max-flops '.*': must be") as caught:
        parse_count(text, "--max-flops")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["2", "2G", "2gib", "0GiB", "GiB", "inf"])
def test_a_size_needs_its_unit(text: str) -> None:
    with pytest.raises(InputError, match="--max-memory"):
        parse_size(text, "--max-memory")


@pytest.mark.parametrize("text", ["5", "5m", "5min", "0ms", "-1s"])
def test_a_time_needs_its_unit(text: str) -> None:
    with pytest.raises(InputError, match="--max-latency"):
        parse_seconds(text, "--max-latency")
