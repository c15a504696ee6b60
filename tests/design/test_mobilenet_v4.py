"""MobileNetV4 (Qin et al. 2024): the head's normalised hidden layer."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, SpaceError
from scalesearch.export.timm_definition import timm_definition
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.shrink import shrink

NET = Architecture(
    9, Stem(3, 1, 6), (Stage("conv", 3, 1, 1, 6, 1),), Head(None, 5, hidden=16, hidden_norm="batch_norm")
)
BASELINE = Baseline("any", "x", NET, Rounding("paper", 4))


def test_a_normalised_hidden_layer_has_scales_and_shifts_in_place_of_a_bias() -> None:
    plain = replace(NET, head=replace(NET.head, hidden_norm=None))
    assert cost(NET).params == cost(plain).params - 16 + 2 * 16
    assert cost(NET).macs == cost(plain).macs


def test_a_file_states_what_normalises_the_hidden_layer() -> None:
    text = baseline_text(BASELINE)
    assert "head: {hidden: 16, hidden_norm: batch_norm, classes: 5}\n" in text
    assert parse_baseline(text, "f").architecture == NET
    for old, new, line in (
        ("hidden: 16, ", "", "f:12: head.hidden_norm: hidden_norm is given, but there is no hidden layer"),
        ("batch_norm, c", "layer_norm, c", "f:12: head.hidden_norm: input should be 'batch_norm'"),
    ):
        with pytest.raises(InputError, match=re.escape(line)):
            parse_baseline(text.replace(old, new), "f")
    with pytest.raises(SpaceError, match="hidden_norm is 'layer_norm', but it must be batch_norm or left out"):
        Head(None, 5, hidden=3, hidden_norm="layer_norm")


def test_json_leaves_it_out_where_there_is_none() -> None:
    assert from_json(Architecture, as_json(NET)) == NET
    assert as_json(NET.head)["hidden_norm"] == "batch_norm"  # type: ignore[index,call-overload]
    assert "hidden_norm" not in as_json(Head(None, 5, hidden=3))  # type: ignore[operator]


def test_a_proxy_and_a_wider_network_keep_it() -> None:
    assert shrink(NET, BASELINE, 2, 9, 5).head == replace(NET.head, hidden=8)
    assert BASELINE.scale(Multipliers(Decimal(1), Decimal(2))).architecture.head == NET.head


def test_it_is_not_written_for_timm() -> None:
    mobile = replace(NET, stem=Stem(3, 2, 8), stages=(Stage("conv", 3, 1, 1, 8, 1),), activation="relu")
    with pytest.raises(InputError, match=r"^any: the hidden layer has batch_norm, which is not written for timm; "):
        timm_definition(replace(BASELINE, architecture=mobile))
