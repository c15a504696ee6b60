"""The published RegNets, ConvNeXts, MobileNetV4s and Lites, and what compound scaling gives at their cost.

`published_families.csv` has the counts of timm 1.0.31's networks (parameters, and by hooks the multiply-adds and
outputs of convolutions and linear layers), and what was printed: RegNet in pycls `MODEL_ZOO.md`, ConvNeXt and
ConvNeXt V2 in the READMEs of their repositories.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from command import scalesearch
from networks import rows

from scalesearch.cli.published_comparison import COEFFICIENTS, summary_cells
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.family import coefficients_from
from scalesearch.design.published_comparison import compare_to_published
from scalesearch.design.published_networks import larger_published
from scalesearch.errors import InputError
from scalesearch.export.read_regnet import linear_widths

ROWS = rows("published_families.csv")
FAMILIES = tuple(dict.fromkeys(row["baseline"] for row in ROWS))
COMPOUND = coefficients_from(COEFFICIENTS)
PAGE = Path(__file__).parents[2] / "docs" / "published-families.md"

# depth, w_0, w_a, w_m: pycls `configs/dds_baselines`, the paper's Figures 15 and 16.
LINES = {
    "regnetx_600mf": (16, 48, 36.97, 2.24),
    "regnetx_800mf": (16, 56, 35.73, 2.28),
    "regnetx_1.6gf": (18, 80, 34.01, 2.25),
    "regnetx_3.2gf": (25, 88, 26.31, 2.25),
    "regnetx_4.0gf": (23, 96, 38.65, 2.43),
    "regnetx_6.4gf": (17, 184, 60.83, 2.07),
    "regnetx_8.0gf": (23, 80, 49.56, 2.88),
    "regnetx_12gf": (19, 168, 73.36, 2.37),
    "regnetx_16gf": (22, 216, 55.59, 2.1),
    "regnetx_32gf": (23, 320, 69.86, 2.0),
    "regnety_600mf": (15, 48, 32.54, 2.32),
    "regnety_800mf": (14, 56, 38.84, 2.4),
    "regnety_1.6gf": (27, 48, 20.71, 2.65),
    "regnety_3.2gf": (21, 80, 42.63, 2.66),
    "regnety_4.0gf": (22, 96, 31.41, 2.24),
    "regnety_6.4gf": (25, 112, 33.22, 2.27),
    "regnety_8.0gf": (17, 192, 76.82, 2.19),
    "regnety_12gf": (19, 168, 73.36, 2.37),
    "regnety_16gf": (18, 200, 106.23, 2.48),
    "regnety_32gf": (20, 232, 115.89, 2.53),
}


@pytest.mark.parametrize("baseline", FAMILIES)
def test_each_family_costs_what_was_counted_and_printed(baseline: str) -> None:
    family = [row for row in ROWS if row["baseline"] == baseline]
    networks = larger_published(load_baseline(baseline))
    assert [network.name for network in networks] == [row["name"] for row in family]
    for row, network in zip(family, networks, strict=True):
        found = cost(network.architecture)
        assert network.architecture.resolution == int(row["resolution"])
        for key in ("params", "macs", "activations"):
            assert getattr(found, key) == int(row[key]), (row["name"], key)
        for key, unit in (("params", "m"), ("macs", "g"), ("activations", "m")):
            printed = row[f"printed_{key}_{unit}"]
            digit = Decimal(1).scaleb(int(Decimal(printed or 0).as_tuple().exponent))
            counted = Decimal(getattr(found, key)) / (10**9 if unit == "g" else 10**6)
            # pycls prints 145.0 for 145.046 and ConvNeXt V2 4.47 for 4.456: within one unit of the last digit
            assert not printed or abs(counted - Decimal(printed)) < Decimal("1.5") * digit, (row["name"], key)


def test_published_sizes_are_those_of_the_linear_parametrisation() -> None:
    regnets = [one for name in ("regnetx_400mf", "regnety_400mf") for one in larger_published(load_baseline(name))]
    assert {one.name for one in regnets} == set(LINES)
    for regnet in regnets:
        counts = Counter(linear_widths(*LINES[regnet.name]))
        stages = regnet.architecture.stages
        assert [stage.depth for stage in stages] == [counts[width] for width in sorted(counts)]
        for stage, width in zip(stages, sorted(counts), strict=True):
            group = min(stage.group_width or 0, width)
            assert stage.width == round(width / group) * group
            assert stage.se == (Decimal("0.25") if "regnety" in regnet.name else 0)


def test_networks_that_are_shipped_are_the_same() -> None:
    found = {
        one.name: one.architecture
        for name in ("regnety_400mf", "convnext_tiny", "mobilenet_v4_conv_small")
        for one in larger_published(load_baseline(name))
    }
    for name in ("regnety_1.6gf", "convnext_base", "mobilenet_v4_conv_medium"):
        assert found[name] == load_baseline(name).architecture
    first, *others = load_baseline("regnety_8gf").architecture.stages  # torchvision rounds its first width up
    assert found["regnety_8.0gf"].stages == (replace(first, width=168), *others)


def test_what_compound_scaling_gives_is_frozen() -> None:
    *_, largest = compare_to_published(load_baseline("regnety_400mf"), COMPOUND, "v1", "nearest")
    assert (largest.published.name, largest.phi) == ("regnety_32gf", Decimal("6.33"))
    assert largest.by_rule.depths == (3, 10, 19, 19)
    assert largest.by_rule.widths == (32, 88, 192, 384, 808)
    assert largest.by_rule.resolution == 671


@pytest.mark.parametrize("baseline", FAMILIES)
def test_no_other_side_brings_the_rule_nearer_to_the_published_cost(baseline: str) -> None:
    network = load_baseline(baseline)
    for one in compare_to_published(network, COMPOUND, "v1", network.rounding.rule):
        target = cost(network.architecture).macs * 2 ** float(one.phi)
        assert abs(cost(one.published.architecture).macs / target - 1) < 0.004  # φ has two decimal places
        distance = abs(cost(one.by_rule).macs - target)
        for step in (-32, -1, 1, 32):
            px = one.by_rule.side + step
            if px >= network.architecture.side:
                assert abs(cost(replace(one.by_rule, resolution=px)).macs - target) >= distance


@pytest.mark.parametrize("baseline", FAMILIES)
def test_the_page_shows_the_commands_rows(baseline: str) -> None:
    page, network = PAGE.read_text(encoding="utf-8"), load_baseline(baseline)
    assert f"    scalesearch family {baseline} --published" in page
    for one in compare_to_published(network, COMPOUND, "v1", network.rounding.rule):
        assert f"| {' | '.join(summary_cells(one))} |" in page


def test_published_multipliers_are_compared_with_given_coefficients() -> None:
    shown = scalesearch("family", "b0", "--published", "--coefficients", "1", "1.4", "1").stdout
    (row,) = [line.split() for line in shown.splitlines() if line.startswith("b1 ") and "%" in line]
    assert row[:3] == ["b1", "0.83", "686.8M"]
    assert row[6:8] == ["23", "16"]  # depth is not scaled, so B0's 16 layers are kept beside the published 23


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["regnety_400mf", "--published", "--out", "x"], "--out: "),
        (["regnety_400mf", "--published", "--match", "none"], "--match: "),
        (["regnety_1.6gf", "--published"], "no published family of it is known"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], reason: str) -> None:
    done = scalesearch("family", *words)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_baseline_without_a_family_is_refused() -> None:
    with pytest.raises(InputError, match="baseline 'tiny': no published family"):
        larger_published(load_baseline("tiny"))


@pytest.mark.parametrize("name", ["convnext_tiny", "efficientnet_v2_s", "mobilenet_v4_conv_small"])
def test_another_network_of_the_same_name_is_refused(name: str) -> None:
    baseline = load_baseline(name)
    other = replace(baseline, architecture=replace(baseline.architecture, resolution=192))
    with pytest.raises(InputError, match=f"baseline '{name}': is not the shipped network of that name"):
        larger_published(other)
