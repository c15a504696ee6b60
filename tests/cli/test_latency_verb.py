"""`latency`: what is timed against what, and what is said of it; the clock is a planted one."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import jsonschema
import pytest

import scalesearch.nets.latency as clock
from scalesearch.cli.json_output import json_schema
from scalesearch.cli.main import run
from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.nets.latency import Latency, RelativeLatency

Call = tuple[int, int, str | None]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What was asked of a GPU that needs 1 ns for a multiply-add and a core that needs 10: runs, batch, device."""
    asked: list[Call] = []

    def planted(
        baseline: Architecture,
        networks: Sequence[Architecture],
        runs: int,
        batch: int,
        device: str | None,
        on_progress: object,
    ) -> tuple[Latency, list[RelativeLatency]]:
        asked.append((runs, batch, device))
        unit = (1e-9 if device == "cuda" else 1e-8) * batch
        own = cost(baseline).macs
        first, *others = [Latency(cost(one).macs * unit, 0.001) for one in (baseline, *networks)]
        ratios = [cost(one).macs / own for one in networks]
        return first, [RelativeLatency(*pair) for pair in zip(others, ratios, strict=True)]

    monkeypatch.setattr(clock, "relative_latencies", planted)
    monkeypatch.setattr(clock, "devices", lambda: ["cpu", "cuda"])
    monkeypatch.setattr(clock, "device_name", lambda: "a planted GPU")
    return asked


def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["scalesearch", "latency", *words])
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 0
    return capsys.readouterr().out


def test_each_device_and_batch_has_its_figures(
    calls: list[Call], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tiny", "b0", "tiny", "--batch", "1", "--batch", "8", "--runs", "5", "--json"]
    facts = json.loads(shown(monkeypatch, capsys, *words))
    jsonschema.validate(facts, json_schema("latency"))
    assert calls == [(5, 1, "cpu"), (5, 8, "cpu"), (5, 1, "cuda"), (5, 8, "cuda")]
    places = [(one["device"], one["batch"], one["threads"]) for one in facts["measured"]]
    assert places == [("cpu", 1, 1), ("cpu", 8, 1), ("cuda", 1, None), ("cuda", 8, None)]
    assert (facts["reference"], facts["runs"], facts["warm_ups"]) == ("tiny", 5, 3)
    assert [one["name"] for one in facts["measured"][3]["networks"]] == ["tiny", "b0"]
    macs = [one["macs"] for one in facts["measured"][0]["networks"]]
    assert macs[1] == 385_814_752
    for one in facts["measured"]:
        first, second = one["networks"]
        assert first["speed_up"] == 1
        assert second["speed_up"] == pytest.approx(macs[0] / macs[1]), "a dearer network is slower: below 1"
        unit = {"cpu": 1e-8, "cuda": 1e-9}[one["device"]] * one["batch"]
        assert second["seconds"] == pytest.approx(macs[1] * unit)
        assert second["quartiles_apart"] == 0.001


def test_against_names_the_reference_and_table_4_stands_below(
    calls: list[Call], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(monkeypatch, capsys, "b1", "b0", "--against", "resnet152")
    assert calls == [(15, 1, "cpu"), (15, 1, "cuda")]
    assert "one core, one thread, 1 image a pass" in text
    assert "a planted GPU, 1 image a pass" in text
    rows = [line for line in text.splitlines() if "│" in line]
    assert [row.split("│")[1].strip() for row in rows[:3]] == ["resnet152", "b1", "b0"]
    # 11.51 G multiply-adds at 10 ns, and b1's 0.687 G
    assert [row.split("│")[5].strip() for row in rows[:2]] == ["115 s", "6.87 s"]
    assert [row.split("│")[7].strip() for row in rows[:2]] == ["", "16.76x"]
    assert "resnet152 before each network in every turn" in text
    assert "ResNet-152 0.554 s, b1 0.098 s, 5.7x." in text
    assert "GPipe" not in text


def test_one_network_alone_has_a_time_and_no_speed_up(
    calls: list[Call], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(monkeypatch, capsys, "b1")
    assert calls[0] == (15, 1, "cpu")
    (row, _) = [line for line in text.splitlines() if "│ b1" in line]
    assert row.split("│")[7].strip() == ""
    assert "Table 4" not in text
