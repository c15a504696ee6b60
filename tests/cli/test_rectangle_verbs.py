"""`--resolution 192x320` through the commands: counted, explained, scaled, timed, exported; or refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from command import scalesearch

from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.images import Rectangle
from scalesearch.search.make_proxy import make_proxy

SLOW = pytest.mark.slow
COMPOUND = ["--coefficients", "1.2", "1.1", "1.15"]
TRAINS = "networks of rectangles are for cost, explain, solve, family, grid, compare, nas, latency and export\n"


def facts(*words: str, cwd: Path | None = None) -> dict[str, object]:
    done = scalesearch(*words, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    tree: dict[str, object] = json.loads(done.stdout)
    return tree


WRONG = [
    *(("cost", value) for value in ("0x20", "192x", "192x320x3", "10000000x2", "x", "-3", "1.5", "20000", "a\nb")),
    *((command, "192x") for command in ("explain", "latency", "export", "family", "solve", "grid", "compare")),
]


@pytest.mark.parametrize(("command", "value"), WRONG)
def test_other_values_are_refused_in_one_line(command: str, value: str) -> None:
    rest = {"export": ["--to", "torch"], "family": COMPOUND, "solve": ["--max-flops", "2x"]}.get(command, [])
    network = ["--baseline", "tiny"] if command in ("grid", "compare") else ["tiny"]
    done = scalesearch(command, *network, "--resolution", value, *rest)
    assert (done.returncode, done.stdout) == (2, "")
    shown = value.replace("\n", "\\n")
    assert done.stderr == (
        f"scalesearch: --resolution {shown}: must be a side or HEIGHTxWIDTH, such as 224 or 192x320, in "
        "1 … 16384 px\n"
    )


def test_costs_are_those_of_the_rectangle() -> None:
    wide = facts("cost", "b0", "--resolution", "192x320")
    assert (wide["macs"], wide["resolution"], wide["name"]) == (471_998_080, "192x320", "b0")
    assert wide["nominal_flops_ratio"] == round(192 * 320 / 224**2, 6)
    assert wide["backbone_macs"] == 471_998_080 - 320 * 1280 * 6 * 10 - 1280 * 1000
    high = facts("cost", "b0", "--resolution", "320x192")
    assert high == {**wide, "resolution": "320x192"}
    assert facts("cost", "b0", "--resolution", "224x224") == facts("cost", "b0")
    shown = scalesearch("cost", "b0", "--resolution", "192x320", "--breakdown").stdout
    assert "b0 at 192x320 px" in shown


def test_what_resolution_adds_is_explained() -> None:
    explained = facts("explain", "b0", "--depth", "1.1", "--resolution", "192x320")
    assert explained["px"] == "192x320"
    stages = explained["stages"]
    assert isinstance(stages, list)
    assert (stages[0]["px"], stages[0]["scaled_px"]) == (224, "192x320")
    shown = scalesearch("explain", "b0", "--resolution", "192x320").stdout
    assert "b0-d1-w1-192x320px = b0 with depth 1, width 1, 192x320 px" in shown
    assert "224→192x320" in shown


def test_a_family_is_files_of_rectangles(tmp_path: Path) -> None:
    words = ["family", "tiny", *COMPOUND, "--phi", "1", "--phi", "-1", "--resolution", "48x80", "--out", "family"]
    made = facts(*words, cwd=tmp_path)
    members = made["members"]
    assert isinstance(members, list)
    assert [member["name"] for member in members] == ["tiny-48x80px", "phi-1", "phi1"]
    read = parse_baseline((tmp_path / "family" / "phi1.yaml").read_text(), "x")
    assert members[2]["px"] == str(read.architecture.resolution)
    assert (tmp_path / "family" / "tiny-48x80px.yaml").is_file()
    again = facts("explain", "family/phi1.yaml", cwd=tmp_path)
    assert (again["baseline"], again["px"]) == ("tiny-48x80px", members[2]["px"])
    multiples = facts(*words[:10], "--resolution", "64x96", "--resolution-multiple", "32")["members"]
    assert isinstance(multiples, list)
    assert all(side % 32 == 0 for member in multiples for side in map(int, str(member["px"]).split("x")))
    done = scalesearch("family", "b0", "--published", "--resolution", "192x320")
    assert done.stderr == "scalesearch: --resolution: the published members are as they are; leave it out\n"


def test_a_limit_has_a_member_of_rectangles(tmp_path: Path) -> None:
    solved = facts(
        "solve", "tiny", "--max-flops", "2x", "--resolution", "48x80", "--out", "found.yaml", cwd=tmp_path
    )
    read = parse_baseline((tmp_path / "found.yaml").read_text(), "x")
    assert solved["px"] == str(read.architecture.resolution)
    ratio = solved["flops_ratio"]
    assert isinstance(ratio, float)
    assert 1.9 < ratio <= 2


def test_latencies_are_of_the_rectangle() -> None:
    timed = facts("latency", "tiny", "--resolution", "24x40", "--runs", "3")
    networks = timed["measured"][0]["networks"]  # type: ignore[index]
    assert networks[0]["resolution"] == "24x40"


@pytest.mark.parametrize(
    ("network", "target"),
    [
        ("tiny", "torch"),
        ("tiny", "timm"),
        ("resnet18", "torchvision"),
        pytest.param("resnet18", "timm", marks=SLOW),
        pytest.param("tiny", "onnx", marks=SLOW),
        pytest.param("tiny", "torch-export", marks=SLOW),
        pytest.param("convnext_atto", "torch", marks=SLOW),
    ],
)
def test_exports_are_of_the_rectangle(network: str, target: str, tmp_path: Path) -> None:
    done = scalesearch("export", network, "--to", target, "--resolution", "40x72", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "exports").is_dir()
    if target in ("timm", "torchvision"):
        definition = next((tmp_path / "exports").glob("*.py"))
        assert "input_size = (3, 40, 72)" in definition.read_text()
        scalesearch("import", str(definition), "--out", "again.yaml", cwd=tmp_path)
        again = parse_baseline((tmp_path / "again.yaml").read_text(), "x")
        assert again.architecture.resolution == Rectangle(40, 72)
    if target == "torch":
        source = next((tmp_path / "exports").glob("*.py")).read_text()
        assert "an image of 40 × 72 px" in source
        assert "(N, 3, 40, 72)" in source


@pytest.mark.parametrize(
    "command",
    [
        ["grid", "--baseline", "wide.yaml", "--budget", "smoke", "--cost", "latency", "--plan"],
        ["train", "wide.yaml", "--budget", "smoke", "--epochs", "1"],
        ["family", "wide.yaml", "--published"],
    ],
    ids=lambda command: command[0],
)
def test_rectangles_are_not_trained_or_published(command: list[str], tmp_path: Path) -> None:
    wide = load_baseline("tiny").at(Rectangle(192, 320))
    text = (
        baseline_text(wide).replace('"tiny-192x320px"', '"b0"') if command[0] == "family" else baseline_text(wide)
    )
    (tmp_path / "wide.yaml").write_text(text)
    done = scalesearch(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "scalesearch: the network takes images of 192x320 px, but here it must take square"
    )
    assert done.stderr.endswith(TRAINS)
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("baseline", [["tiny", "--resolution", "48x80"], ["wide.yaml"]])
def test_a_search_matches_the_cost_of_rectangles(baseline: list[str], tmp_path: Path) -> None:
    wide = load_baseline("tiny").at(Rectangle(48, 80))
    (tmp_path / "wide.yaml").write_text(baseline_text(wide))
    words = ["--baseline", *baseline, "--budget", "smoke", "--data", "digits", "--plan"]
    planned = scalesearch("grid", *words, cwd=tmp_path)
    assert "15 have 2x the multiply-adds of tiny-48x80px within 5 %" in planned.stdout, planned.stderr
    # 66 x 110 is 11/8 of both sides.
    assert "  1/1/1.375            66x110 px   13.06M MACs  1.999x  1 alias\n" in planned.stdout
    assert cost(replace(wide.architecture, resolution=Rectangle(66, 110))).macs == 13_056_256
    compared = scalesearch("compare", *words, cwd=tmp_path).stdout
    assert "  resolution           96x160 px   26.10M MACs  3.996x\n" in compared


def test_stages_are_searched_for_rectangles(tmp_path: Path) -> None:
    wide = load_baseline("tiny").at(Rectangle(48, 80))
    (tmp_path / "wide.yaml").write_text(baseline_text(wide))
    words = ["--space", "mnasnet", "--baseline", "wide.yaml", "--budget", "smoke", "--plan"]
    planned = scalesearch("nas", *words, cwd=tmp_path)
    assert planned.stdout.count(" 48x80 px ") == 6, planned.stdout + planned.stderr


def test_proxies_of_rectangles_are_squares_of_the_same_ratio() -> None:
    """The baseline is trained at 40 px, and a network of (1.5 x 1.5 =) 2.25 times its area at 60 px."""
    wide = load_baseline("tiny").at(Rectangle(48, 80))
    larger = replace(wide.architecture, resolution=Rectangle(72, 120))
    assert make_proxy(wide.architecture, wide, 4, 40, 7).resolution == 40
    assert make_proxy(larger, wide, 4, 40, 7).resolution == 60
    narrow = replace(wide.architecture, resolution=Rectangle(108, 80))
    assert make_proxy(narrow, wide, 4, 40, 7).resolution == 60
    square = load_baseline("tiny")
    assert make_proxy(wide.architecture, wide, 4, 40, 7) == make_proxy(square.architecture, square, 4, 40, 7)


@SLOW
def test_a_search_of_rectangles_is_whole(tmp_path: Path) -> None:
    words = ["--baseline", "tiny", "--resolution", "48x80", "--budget", "smoke", "--data", "digits"]
    searched = scalesearch("grid", *words, "--runner", "inline", cwd=tmp_path)
    assert searched.returncode == 0, searched.stderr
    study = "results/tiny-48x80px-phi1-smoke"
    assert scalesearch("verify", study, cwd=tmp_path).returncode == 0
    shown = facts("show", study, cwd=tmp_path)
    candidates = shown["candidates"]
    assert isinstance(candidates, list)
    sizes = {one["candidate"]: one["resolution"] for one in candidates}
    assert sizes["1/1/1.375"] == "66x110"
    table = pd.read_parquet(tmp_path / study / "trials.parquet")
    assert set(table["resolution"]) == {*sizes.values(), "48x80"}
    assert "66x110" in (tmp_path / study / "report.md").read_text()
    member = parse_baseline((tmp_path / study / "family" / "phi2.yaml").read_text(), "x")
    assert isinstance(member.architecture.resolution, Rectangle)
    assert (tmp_path / study / "report.html").stat().st_size > 100_000
    again = scalesearch("grid", *words, "--runner", "inline", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


def test_a_function_takes_one_side(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n\n\n"
        "def build(depth=1.0, width=1.0, resolution=40):\n"
        "    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))\n"
    )
    done = scalesearch("cost", "mine:build", "--resolution", "24x40", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "scalesearch: --resolution 24x40: mine:build is a function, which takes one side; rectangles are for "
        "networks of stages\n"
    )
    done = scalesearch("family", "mine:build", *COMPOUND, "--resolution", "48", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("scalesearch: --resolution 48: mine:build is a function, whose unscaled side")
    assert facts("cost", "mine:build", "--resolution", "48", cwd=tmp_path)["resolution"] == 48
    done = scalesearch("grid", "--baseline", "mine:build", "--resolution", "48", "--plan", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("scalesearch: --resolution 48: mine:build is a function, whose unscaled side")
