"""Networks in a notebook: the numbers of the command line, exact decimals, words that are shown as letters."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
import yaml
from networks import staged

import scalesearch as ss
from scalesearch.design.baseline_file import parse_baseline
from scalesearch.design.cost import cost
from scalesearch.design.networks import load_network
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.notebook.networks import Network, Number


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, scalesearch; print([one for one in sys.modules if one.startswith('scalesearch.') or one in "
    code += "('numpy', 'pandas', 'plotly', 'torch')], scalesearch.__dir__())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] ['ScalesearchError', '__version__', 'baseline', 'open_study']\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ss.nothing  # noqa: B018


def test_a_scaled_network_costs_what_the_command_line_says() -> None:
    price = ss.baseline("b0").scale(depth=1.4, width=1.2, resolution=300).cost()
    assert (price.macs, price.params) == (1827141392, 12233232)  # EfficientNet-B3
    assert price.flops_ratio == pytest.approx(1827141392 / 385814752)
    whole = cost(load_network("b3").architecture)
    assert price.memory(7) == whole.memory_bytes(7)
    assert ss.baseline("b0").cost().flops_ratio == 1


def test_a_side_may_come_from_a_table_of_trials() -> None:
    assert ss.baseline("b0").scale(resolution=np.int64(258)) == ss.baseline("b0").scale(resolution=258)


@pytest.mark.parametrize("number", [1.1, "1.1", Decimal("1.1")])
def test_numbers_count_as_they_are_written(number: Number) -> None:
    definition = ss.baseline("b0").scale(depth=number).definition
    assert isinstance(definition, Baseline)
    assert definition.origin is not None
    assert definition.origin.multipliers.depth == Decimal("1.1")


def test_a_network_scaled_twice_is_compared_with_the_first() -> None:
    twice = ss.baseline("tiny").scale(width=2).scale(resolution=80, name="mine")
    first = ss.baseline("tiny").cost()
    assert twice.cost().flops_ratio == pytest.approx(twice.cost().macs / first.macs)
    assert twice.name == "mine"
    assert parse_baseline(twice.yaml(), "mine").architecture == twice.architecture


def test_rounding_is_the_files_own_or_another() -> None:
    b0 = ss.baseline("b0")
    paper, balanced = (b0.scale(depth=1.1, rounding=rule) for rule in (None, "balanced"))
    assert paper.cost().flops_ratio > 1.4 > 1.2 > balanced.cost().flops_ratio


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"depth": "deep"}, "depth 'deep': must be a number such as 1.2"),
        ({"width": 0}, "width multiplier is 0, but it must be above 0"),
        ({"depth": float("nan")}, "depth multiplier is NaN"),
        ({"resolution": 0}, "resolution 0: must be a whole number of px"),
        ({"resolution": 1.15}, "resolution 1.15: must be a whole number of px"),
        ({"resolution": True}, "resolution True: must be a whole number of px"),
        ({"depth": True}, "depth True: must be a number such as 1.2"),
        ({"rounding": "up"}, "rounding 'up': must be one of balanced, "),
    ],
)
def test_bad_values_are_refused_in_a_line(words: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match="must") as error:
        ss.baseline("tiny").scale(**words)  # type: ignore[arg-type]
    assert reason in str(error.value)
    assert issubclass(InputError, ss.ScalesearchError)


def test_what_a_notebook_shows() -> None:
    tiny = ss.baseline("tiny")
    assert repr(tiny) == f"<Network tiny: {sum(staged(tiny.architecture).depths)} layers in 3 stages, 64 px>"
    page = tiny._repr_html_()
    assert page.count("<tr>") == 1 + 3
    assert "tiny, 64 px, 6.967M multiply-adds" in page
    priced = tiny.cost()._repr_html_()
    assert f"{tiny.cost().macs:,} (6.967M)" in priced
    assert "1.0000" in priced
    evil = replace(tiny.cost(), name="<script>")
    assert "<script>" not in evil._repr_html_()
    assert isinstance(tiny, Network)


def test_a_python_function_is_scaled_as_a_file_is() -> None:
    """Of `helpers/factories.py`: 5 blocks of 16 channels at 40 px become 7 of 24 at 51 px."""
    network = ss.baseline("factories:build")
    scaled = network.scale(depth=1.4, width=1.5, resolution=51)
    macs = [20**2 * (27 * 16 + 5 * 9 * 16**2) + 11 * 16, 26**2 * (27 * 24 + 7 * 9 * 24**2) + 11 * 24]
    assert [network.cost().macs, scaled.cost().macs] == macs
    assert scaled.cost().flops_ratio == macs[1] / macs[0]
    assert repr(scaled) == "<Network factories-build-d1.4-w1.5-51px: 51 px>"
    assert f"{macs[1]:,}" in scaled._repr_html_()
    assert yaml.safe_load(scaled.yaml()) == {
        "factory": "factories:build", "depth": 1.4, "width": 1.5, "resolution": 51,
    }  # fmt: skip
    with pytest.raises(InputError, match="which rounds by itself"):
        network.scale(width=2, rounding="nearest")


def test_images_need_not_be_square() -> None:
    wide = ss.baseline("b0").scale(resolution="192x320")
    assert (wide.cost().macs, wide.name) == (471_998_080, "b0-d1-w1-192x320px")
    assert "192x320 px" in repr(wide)
    assert "resolution: 192x320\n" in wide.yaml()
    assert wide.scale(resolution=224).cost().macs == ss.baseline("b0").cost().macs
    assert wide.scale(depth=2).architecture.resolution == wide.architecture.resolution
    for wrong in ("192x", "0x20", "x", True, 0):
        with pytest.raises(InputError, match="must be a whole number of px, 1 … 16384, or two as in"):
            ss.baseline("b0").scale(resolution=wrong)
