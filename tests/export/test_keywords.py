"""No keyword of a builder is dropped: each value is read as the library's own network, or refused in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command import scalesearch
from keywords import NO_EFFECT, SUPPORTED, VALUES, text_of
from networks import FIXTURES

from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.export.import_definition import read_network
from scalesearch.export.library_rules import same_network

COSTS: dict[str, list[int]] = json.loads((FIXTURES / "keyword_costs.json").read_text())
CASES = [
    (builder, keyword, value, becomes)
    for builder, keywords in VALUES.items()
    for keyword, values in keywords.items()
    for value, becomes in values.items()
]
IDS = [" ".join(case[:3]) for case in CASES]


@pytest.mark.parametrize(("builder", "keyword", "value", "becomes"), CASES, ids=IDS)
def test_every_value_is_the_librarys_network_or_refused(
    builder: str, keyword: str, value: str, becomes: str
) -> None:
    text = text_of(builder, {keyword: value})
    if becomes not in (SUPPORTED, NO_EFFECT):
        with pytest.raises(InputError) as error:
            read_network(text, "file.py")
        line = next(place for place, one in enumerate(text.splitlines(), 1) if f"{keyword}={value}" in one)
        found = re.fullmatch(r"file\.py:(\d+): (.*)", str(error.value))
        assert found is not None
        assert becomes in found[2]
        assert int(found[1]) in (line, *call_lines(text))
        return
    got, plain = read_network(text, "file.py"), read_network(text_of(builder, {}), "file.py")
    assert [cost(got).params, cost(got).macs] == COSTS[f"{builder} {keyword}={value}"]
    assert (same_network(got) == same_network(plain)) == (becomes == NO_EFFECT)


def call_lines(text: str) -> list[int]:
    """Lines on which a call or its rows begin: what a network as a whole breaks is placed there."""
    return [place for place, line in enumerate(text.splitlines(), 1) if line.endswith("(") or "[[" in line]


def test_the_costs_are_of_these_cases() -> None:
    read = {
        f"{builder} {keyword}={value}"
        for builder, keyword, value, becomes in CASES
        if becomes in (SUPPORTED, NO_EFFECT)
    }
    assert COSTS.keys() == read


B0 = """
arch_def = [
    ['ds_r1_k3_s1_e1_c16_se0.25'], ['ir_r2_k3_s2_e6_c24_se0.25'], ['ir_r2_k5_s2_e6_c40_se0.25'],
    ['ir_r3_k3_s2_e6_c80_se0.25'], ['ir_r3_k5_s1_e6_c112_se0.25'], ['ir_r4_k5_s2_e6_c192_se0.25'],
    ['ir_r1_k3_s1_e6_c320_se0.25'],
]
"""


@pytest.mark.parametrize(("channels", "params"), [(1, 4_009_534), (3, 4_010_110), (4, 4_010_398)])
def test_b0_of_any_images(channels: int, params: int) -> None:
    """timm 1.0's counts of its own EfficientNet-B0 with two classes."""
    net = read_network(f"{B0}kwargs = dict(num_classes=2, in_chans={channels})", "x")
    assert (net.in_channels, cost(net).params) == (channels, params)


OTHERS = [
    (f"input_size = (1, 64, 64)\n{B0}", 1, "input_size has 1 channels, but the network takes 3"),
    (
        f"{B0}kw = dict(in_chans=1)\ninput_size = (3, 64, 64)",
        8,
        "input_size has 3 channels, but the network takes 1",
    ),
    ("net = ResNet(Bottleneck, [1, 1, 1, 1])\nnet.reset_classifier(10)", 2, "net.reset_classifier is not followed"),
    (
        "net = ResNet(Bottleneck, [1, 1, 1, 1])\nboth = nn.Sequential(net, nn.Linear(1000, 2))",
        2,
        "takes the network",
    ),
    ("in_chans = 1\ndef build(in_chans=3):\n    pass", 2, "in_chans is assigned above as well"),
    ("layers = [1, 1, 1, 1]\nnet = ResNet(Bottleneck, cfg.layers)", 2, "but it must be a list"),
]


@pytest.mark.parametrize(("text", "line", "reason"), OTHERS, ids=[one[2] for one in OTHERS])
def test_what_changes_a_network_elsewhere_is_not_dropped(text: str, line: int, reason: str) -> None:
    with pytest.raises(InputError) as error:
        read_network(text, "file.py")
    assert str(error.value).startswith(f"file.py:{line}: ")
    assert reason in str(error.value)


@pytest.mark.slow  # a process each
@pytest.mark.parametrize(("builder", "keyword", "value", "becomes"), CASES, ids=IDS)
def test_the_command_says_the_same(builder: str, keyword: str, value: str, becomes: str, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(text_of(builder, {keyword: value}))
    done = scalesearch("import", "net.py", "--out", "net.yaml", cwd=tmp_path)
    if becomes in (SUPPORTED, NO_EFFECT):
        params, macs = COSTS[f"{builder} {keyword}={value}"]
        assert done.stdout == f"net.yaml: {params:,} parameters, {macs:,} multiply-adds at 224 px\n"
        counted = scalesearch("cost", "net.yaml", cwd=tmp_path)
        assert f"{params:,}" in counted.stdout
    else:
        assert done.returncode == 2
        assert re.search(r"net\.py:\d+: ", done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "net.yaml").exists()
