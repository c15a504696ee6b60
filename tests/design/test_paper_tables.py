"""The paper's tables: the shipped print against the fixtures, the counts against published costs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from networks import rows

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.paper import TABLE_1, TABLE_2, TABLES_3_AND_7
from scalesearch.design.paper_tables import PrintedValue, macs_of_the_first_print, table_1, table_2, tables_3_and_7
from scalesearch.design.rounding import ROUNDING_RULES


def test_the_print_of_tables_3_and_7() -> None:
    for row, one in zip(rows("paper_scaling_tables.csv"), TABLES_3_AND_7, strict=True):
        by = one.multipliers or ("", "", "")
        shipped = (str(one.table), one.baseline, one.variant, *by, one.flops_b, one.top1)
        assert shipped == tuple(row.values())


def test_the_print_of_table_2() -> None:
    own = {one.name: one for one in TABLE_2 if one.name == one.beside}
    peers = {one.name: one for one in TABLE_2 if one.name != one.beside}
    for row in rows("published_family.csv"):
        one = own.pop(row["name"])
        assert (one.params_m, one.flops_b) == (row["paper_params_m"], row["paper_flops_b"])
        assert (one.top1, one.top5) == (row["paper_top1"], row["paper_top5"])
    for row in rows("paper_peers.csv"):
        one = peers.pop(row["model"])
        assert (one.params_m, one.flops_b or "", one.beside) == (
            row["params_m"],
            row["flops_b"],
            row["compared_with"],
        )
        assert (one.top1, one.top5) == (row["top1"], row["top5"])
    assert not own
    assert not peers


def test_table_1_is_b0() -> None:
    assert [one.px for one in TABLE_1] == [224, 112, 112, 56, 28, 14, 14, 7, 7]
    found, price = table_1(), cost(load_baseline("b0").architecture)
    assert all(one.agrees for one in found)
    assert sum(one.macs for one in found) == price.macs
    assert sum(one.params for one in found) == price.params


def test_the_first_print_of_table_1_is_another_network() -> None:
    """With 28 px in row 6: its blocks' maps are four times as large, the layers the same."""
    base = load_baseline("b0").architecture
    assert macs_of_the_first_print() > cost(base).macs * 1.3


def test_table_2_counts_what_was_published() -> None:
    counted = {one["model"]: one for one in rows("published_costs.csv")}
    for one in table_2():
        name = f"efficientnet_{one.name}" if one.name == one.beside else {"ResNet-50": "resnet50"}.get(one.name)
        if name:
            assert one.params.counted == int(counted[name]["params"])
            assert one.macs.counted == int(counted[name]["macs_conv_linear"])
    off = {one.name: one for one in table_2() if one.note}
    assert set(off) == {"b1", "ResNet-152", "b2", "b4", "b5", "b7"}
    assert off["b4"].params.delta == off["b2"].macs.delta == 0
    assert off["b4"].macs.delta == pytest.approx(4.393771 / 4.2 - 1, abs=1e-6)
    assert off["b2"].params.delta == pytest.approx(9.109994 / 9.2 - 1)


def test_ratios_are_over_the_efficientnet_beside() -> None:
    found = {one.name: one for one in table_2()}
    assert found["GPipe"].params_ratio == pytest.approx(557e6 / 66_347_960)
    assert found["GPipe"].macs_ratio is None
    assert found["ResNet-50"].macs_ratio == pytest.approx(4_089_184_256 / 385_814_752)
    assert all(found[f"b{i}"].macs_ratio == 1 for i in range(8))


# Multiply-adds with the paper's rounding, in G, as in test_cost.py; the print beside them.
TABLE_7 = {
    "depth": ("1.575", "1.8"),
    "width": ("1.450", "1.8"),
    "resolution": ("1.538", "1.9"),
    "compound": ("1.800", "1.8"),
}


def test_table_7_is_not_matched_in_cost() -> None:
    found = {one.variant: one for one in tables_3_and_7() if one.table == 7}
    for variant, (counted, printed) in TABLE_7.items():
        macs = found[variant].macs
        assert (f"{(macs.counted or 0) / 1e9:.3f}", macs.printed) == (counted, printed)
        assert bool(macs.delta) == bool(found[variant].note) == (variant != "compound")


def test_whole_multiples_leave_nothing_to_round() -> None:
    """What the notes say: every rule gives the same network."""
    for name in {one.baseline for one in TABLES_3_AND_7}:
        baseline = load_baseline(name)
        for by in (
            Multipliers(depth=Decimal(4)),
            Multipliers(width=Decimal(2)),
            Multipliers(resolution=Decimal(2)),
        ):
            networks: set[Architecture] = {baseline.scale(by, rule).architecture for rule in ROUNDING_RULES}
            assert len(networks) == 1


def test_compounds_without_printed_multipliers_say_so() -> None:
    said = {one.baseline for one in tables_3_and_7() if "prints no multipliers" in one.note}
    assert said == {"mobilenet_v2", "resnet50"}
    other = [one.macs.counted for one in tables_3_and_7("balanced") if one.variant == "compound"]
    assert other != [one.macs.counted for one in tables_3_and_7() if one.variant == "compound"]


@pytest.mark.parametrize(
    ("printed", "counted", "delta"),
    [
        ("1.0", 993_561_872, 0.0),
        ("1", 1_499_999_999, 0.0),
        ("1", 1_500_000_000, 0.5),
        ("0.70", 686_802_832, 0.686802832 / 0.70 - 1),
        ("19", 19_067_593_536, 0.0),
        (None, 5, None),
        ("3", None, None),
    ],
)
def test_a_count_agrees_when_it_rounds_to_the_print(
    printed: str | None, counted: int | None, delta: float | None
) -> None:
    found = PrintedValue(printed, counted, 10**9).delta
    assert found == (None if delta is None else pytest.approx(delta))
