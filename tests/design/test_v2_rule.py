"""EfficientNetV2's rule: 480 px and late layers, and what it gives of V2-S beside the published M and L."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from command import scalesearch
from networks import depth_free, random_architecture

from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.family import family
from scalesearch.design.published_comparison import compare_to_published
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import scaled
from scalesearch.design.v2_rule import cap_resolution, with_late_layers

COMPOUND = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))


def test_what_the_rule_gives_of_v2_s_is_frozen_beside_the_papers_m_and_l() -> None:
    medium, large = compare_to_published(load_baseline("efficientnet_v2_s"), COMPOUND, "v2", "v2")
    assert (medium.phi, large.phi) == (Decimal("1.56"), Decimal("2.74"))
    # Table 4's scaled networks in google/automl effnetv2_configs.py: v2_m_block, v2_l_block
    assert medium.published.architecture.depths == (3, 5, 5, 7, 14, 18, 5)
    assert large.published.architecture.depths == (4, 7, 7, 10, 19, 25, 7)
    assert medium.by_rule.depths == (2, 4, 4, 6, 15, 24)
    assert large.by_rule.depths == (2, 4, 4, 6, 19, 33)
    assert medium.by_rule.resolution == large.by_rule.resolution == 480 == large.published.architecture.resolution
    first = compare_to_published(load_baseline("efficientnet_v2_s"), COMPOUND, "v1", "v2")
    assert [one.by_rule.depths for one in first] == [(3, 6, 6, 8, 12, 20), (4, 7, 7, 10, 15, 25)]
    assert [one.by_rule.resolution for one in first] == [469, 561]


def test_any_network_keeps_its_early_stages_and_its_number_of_layers() -> None:
    for seed in range(60):
        before = depth_free(random_architecture(Random(seed)))
        by = Multipliers(Decimal(Random(seed).choice(["0.5", "1", "1.3", "2.7"])), Decimal("1.1"))
        compound = scaled(before, by, Rounding("paper", 1))
        after = with_late_layers(before, compound)
        assert (after.widths, after.resolution) == (compound.widths, compound.resolution)
        assert sum(after.depths) == sum(compound.depths)
        if sum(compound.depths) <= sum(before.depths):
            assert after == compound
        else:
            assert after.depths[:-2] == before.depths[:-2]
            assert all(new >= old for new, old in zip(after.depths, before.depths, strict=True))


def test_px_stop_at_480_or_at_the_baselines_own() -> None:
    from dataclasses import replace

    net = load_baseline("b0").architecture
    for own, asked, got in ((224, 400, 400), (224, 600, 480), (500, 700, 500)):
        assert cap_resolution(replace(net, resolution=own), replace(net, resolution=asked)).resolution == got


def test_a_family_by_the_rule_says_which_members_the_px_keep_below() -> None:
    members = family(load_baseline("b0"), COMPOUND, scaling="v2")
    assert [one.baseline.architecture.resolution for one in members[-3:]] == [449, 480, 480]
    assert not members[-1].matched
    assert members[5].baseline.architecture.depths[:-2] == load_baseline("b0").architecture.depths[:-2]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["b0", "--coefficients", "1.2", "1.1", "1.15", "--rule", "v3"], "--rule 'v3': must be one of v1, v2"),
        (["b0", "--published", "--rule", "v2"], "leave them out"),
        (["efficientnet_v2_s", "--published", "--out", "x"], "--out"),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], reason: str) -> None:
    done = scalesearch("family", *words)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_page_shows_the_commands_rows() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "v2-rule.md").read_text(encoding="utf-8")
    shown = scalesearch("family", "efficientnet_v2_s", "--published", "--rule", "v2").stdout
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if "│" in line]
    assert len(rows) == 24
    for row in rows:
        assert "| " + " | ".join(row).replace("|  |", "| |") + " |" in page, row
