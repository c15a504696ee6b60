"""`explain`, `solve` and `tables` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import scalesearch

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.networks import load_network

ROOT = Path(__file__).parents[2]


def shown_at_100_columns(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """What a terminal of 100 columns shows, made in this process."""
    from rich.console import Console
    from typer.testing import CliRunner

    from scalesearch.cli import options
    from scalesearch.cli.main import app

    monkeypatch.setattr(
        options, "console", lambda columns=0: Console(width=max(100, columns), force_terminal=False)
    )
    found = CliRunner().invoke(app, list(words))
    assert found.exit_code == 0, found.output
    return found.output.splitlines()


@pytest.mark.parametrize("name", ["b1", "b4", "b7", "efficientnet_v2_b3"])
def test_an_explanation_is_a_screen_of_text(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown_at_100_columns(monkeypatch, "explain", name)
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 100
    assert not any("…" in line and "φ" not in line and "asks" not in line for line in lines), "a cell was cut"


def test_b1_is_explained() -> None:
    shown = " ".join(scalesearch("explain", "b1").stdout.split())
    assert "effective φ 0.52 0.00 0.49 0.83" in shown
    assert "tensorflow/tpu#640" in shown
    assert "1.1 × 16 = 17.6 blocks; 'paper' rounding, stage by stage, makes it 23" in shown
    assert "tensorflow/tpu#390, #738" in shown
    assert "Yes for φ = 0.43 … 0.51" in shown
    assert "depth 1.2, width 1.1, 258 px, at 2.57x the cost. Those are the layers and channels of b2." in shown
    assert "For no φ" in scalesearch("explain", "b7").stdout


def test_given_multipliers_and_given_coefficients() -> None:
    words = ["--depth", "1.2", "--width", "1.1", "--resolution", "240", "--coefficients", "1.44", "1.1", "1"]
    shown = " ".join(scalesearch("explain", "b0", *words).stdout.split())
    assert "effective φ 0.50 1.00 none" in shown
    assert "resolution has the coefficient 1" in shown
    assert "tpu#" not in shown


def test_a_members_file_is_explained_from_the_baseline_beside_it() -> None:
    family = ROOT / "results" / "reference" / "mobilenet_v2-phi1-quick" / "family"
    shown = scalesearch("explain", str(family / "phi2.yaml")).stdout
    assert shown.startswith("phi2 = mobilenet_v2 with depth 1.44, width 1, 353 px\n")
    assert "effective φ    2.00    0.00         3.25            2.05" in shown


def test_the_answer_is_a_baseline_that_fits(tmp_path: Path) -> None:
    words = ["solve", "b0", "--max-flops", "600M", "--max-params", "7M", "--max-memory", "100MiB", "--batch", "4"]
    done = scalesearch(*words, "--out", "member.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Bound by --max-" in done.stdout
    member = load_network(str(tmp_path / "member.yaml"))
    price = cost(member.architecture)
    assert price.macs <= 600_000_000
    assert price.params <= 7_000_000
    assert f"{price.macs:,} multiply-adds" in done.stdout
    assert member.origin is not None
    assert (member.origin.baseline, member.origin.rounding) == ("b0", "balanced")


def test_a_network_smaller_than_the_baseline(tmp_path: Path) -> None:
    done = scalesearch("solve", "b0", "--max-params", "3M", "--rounding", "paper", "--out", "s.yaml", cwd=tmp_path)
    assert "at φ = -" in done.stdout
    member = load_network(str(tmp_path / "s.yaml"))
    assert cost(member.architecture).params <= 3_000_000 < cost(load_baseline("b0").architecture).params


def test_limits_may_be_multiples_of_the_baselines() -> None:
    own = cost(load_baseline("tiny").architecture)
    words = [
        "solve",
        "tiny",
        "--max-flops",
        "0.25x",
        "--max-params",
        "0.9x",
        "--max-memory",
        "0.5x",
        "--batch",
        "2",
    ]
    facts = json.loads(scalesearch(*words, "--training", "--json").stdout)
    limits = {one["quantity"]: one["at_most"] for one in facts["limits"]}
    assert limits["macs"] == own.macs // 4
    assert limits["params"] == own.params * 9 // 10
    assert limits["memory_bytes"] == own.memory_bytes(2) // 2
    assert facts["phi"] < -1
    assert facts["macs"] <= own.macs / 4
    done = scalesearch("solve", "tiny", "--max-flops", "0.00000001x")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_what_does_not_fit_says_what_and_by_how_much() -> None:
    done = scalesearch("solve", "tiny", "--max-flops", "100G", "--max-params", "1k")
    assert done.returncode == 2
    assert "--max-params 1,000: the nearest member (φ = -" in done.stderr
    assert "x as much" in done.stderr
    assert "--max-flops" not in done.stderr


def test_memory_of_training_is_larger_than_of_inference() -> None:
    limit = ["solve", "tiny", "--max-memory", "20MiB", "--batch", "2"]
    inference, training = scalesearch(*limit), scalesearch(*limit, "--training")
    assert "inference memory, batch 2" in inference.stdout
    assert "training memory, batch 2" in training.stdout

    def macs(text: str) -> int:
        return int(text.split(" multiply-adds,")[0].split()[-1].replace(",", ""))

    assert macs(training.stdout) < macs(inference.stdout)


def test_a_latency_is_measured() -> None:
    done = scalesearch("solve", "tiny", "--max-latency", "3s", "--max-flops", "30M")
    assert done.returncode == 0, done.stderr
    assert "latency, batch 1" in done.stdout
    done = scalesearch("solve", "tiny", "--max-latency", "1000x", "--max-flops", "30M", "--json")
    assert json.loads(done.stdout)["limits"][1]["quantity"] == "seconds"


def test_the_tables_say_what_differs() -> None:
    shown = " ".join(scalesearch("tables").stdout.split())
    for words in (
        "Table 1",
        "Table 2",
        "Table 3",
        "Table 7",
        "tensorflow/tpu#383",
        "516,350,752",
        "1.450 G to 1.800 G",
    ):
        assert words in shown
    assert "width 1 2 224 78.9 1.8 G 1.450G -19.4% 4.50x 3.76x 18.12M" in shown


def test_the_tables_as_json() -> None:
    found = json.loads(scalesearch("tables", "--json").stdout)
    assert [len(found[key]) for key in ("table_1", "table_2", "table_3", "table_7")] == [9, 24, 14, 5]
    b4 = next(one for one in found["table_2"] if one["name"] == "b4")
    assert b4["macs"]["counted"] == 4_393_771_024
    assert b4["macs"]["printed"] == "4.2"
    other = json.loads(scalesearch("tables", "--json", "--rounding", "balanced").stdout)
    assert other["table_7"][4]["macs"] != found["table_7"][4]["macs"]
    assert other["table_7"][1]["macs"] == found["table_7"][1]["macs"]
