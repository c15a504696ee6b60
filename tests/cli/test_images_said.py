"""What is decided in reading images is printed, and stands in the study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command import scalesearch
from least import LEAST
from PIL import Image

SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke", "--runner", "inline"]


def _pictures(folder: Path, count: int, seed: int) -> None:
    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    for index in range(count):
        Image.fromarray(draw.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(folder / f"{index}.png")


def test_a_plan_says_that_test_is_not_used(tmp_path: Path) -> None:
    for number, (split, count) in enumerate((("train", 9), ("val", 4), ("test", 5))):
        _pictures(tmp_path / "pets" / split / "ant", count, 10 + number)
        _pictures(tmp_path / "pets" / split / "bee", count, 20 + number)
    for _ in range(2):  # read, and from the cache
        done = scalesearch(*SMOKE, "--data", "pets", "--plan", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Data: test (10 images) is not used\n" in done.stdout


LEAST_SEARCH = ["grid", "--baseline", "tiny", "--budget", "least.yaml", "--runner", "inline", "--data", "pets"]


def _uneven(folder: Path) -> None:
    """38 + 2 pictures for training and 19 + 1 for validation: accuracy would be .95 for every network."""
    for number, (split, counts) in enumerate((("train", (38, 2)), ("val", (19, 1)))):
        for label, count in zip(("ant", "bee"), counts, strict=True):
            _pictures(folder / "pets" / split / label, count, 10 * number + count)
    (folder / "least.yaml").write_text(LEAST)


def test_imbalance_is_said_and_ranked_by_balanced_accuracy(tmp_path: Path) -> None:
    _uneven(tmp_path)
    done = scalesearch(*LEAST_SEARCH, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Data: 95.0% of the validation images are of class 'ant'\n" in done.stdout
    assert "Balanced accuracy of the proxy: " in done.stdout
    assert "no better than always answering one class (0.5000)" in done.stdout
    asked = json.loads((tmp_path / "results" / "tiny-phi1-least" / "study.json").read_text())
    assert asked["question"]["metric"] == "balanced-accuracy"
    assert asked["data"]["majority"] == {"name": "ant", "count": 19}
    other = scalesearch(*LEAST_SEARCH, "--metric", "accuracy", cwd=tmp_path)
    assert (other.returncode, other.stderr.count("\n")) == (2, 1)
    assert "(metric: balanced-accuracy there, accuracy asked)" in other.stderr


@pytest.mark.slow
def test_metrics_through_every_search(tmp_path: Path) -> None:
    _uneven(tmp_path)
    (tmp_path / "own.py").write_text(
        "def minority(logits, labels):\n    return float(logits[labels == 1, 1].mean())\n"
    )
    own = ["--metric", "own.py:minority", "--name", "own"]
    plain = scalesearch(*LEAST_SEARCH, "--metric", "accuracy", "--name", "plain", cwd=tmp_path)
    assert "no better than always answering 'ant' (0.9500)" in plain.stdout
    assert (
        "no better than always answering 'ant' (0.9500)"
        in scalesearch("show", "results/plain", cwd=tmp_path).stdout
    )
    assert "trials are done" in scalesearch(*LEAST_SEARCH, "--name", "plain", cwd=tmp_path).stdout  # its own metric
    assert "Minority of the proxy: " in scalesearch(*LEAST_SEARCH, *own, cwd=tmp_path).stdout
    report = (tmp_path / "results" / "own" / "report.md").read_text()
    assert "minority" in report
    rest = ["--budget", "least.yaml", "--runner", "inline", "--data", "pets"]
    rules = scalesearch("compare", "--baseline", "tiny", *rest, "--seeds", "1", cwd=tmp_path)
    assert rules.returncode == 0, rules.stderr
    assert "balanced accuracy" in rules.stdout
    nas = scalesearch("nas", "--baseline", "tiny", *rest, "--trials", "3", "--metric", "loss", cwd=tmp_path)
    assert (nas.returncode, nas.stderr.count("\n")) == (2, 1)
    nas = scalesearch("nas", "--baseline", "tiny", *rest, "--trials", "3", cwd=tmp_path)
    assert nas.returncode == 0, nas.stderr
    assert ", balanced accuracy " in nas.stdout
    trust = scalesearch("validate-proxy", "results/own", *rest[2:], cwd=tmp_path)
    assert trust.returncode == 0, trust.stderr
    further = json.loads((tmp_path / "results" / "own" / "trust" / "longer" / "study.json").read_text())
    assert further["question"]["metric"].startswith("own.py:minority@")
    (tmp_path / "own.py").write_text("def minority(logits, labels):\n    return 1.0\n")
    changed = scalesearch(*LEAST_SEARCH, *own, cwd=tmp_path)
    assert (changed.returncode, changed.stderr.count("\n")) == (2, 1)
    assert "metric: " in changed.stderr


def test_the_limit_of_sizes_is_an_option(tmp_path: Path) -> None:
    for number, label in enumerate(("ant", "bee")):
        _pictures(tmp_path / "pets" / label, 3, number)
    Image.new("L", (1500, 800), 9).save(tmp_path / "pets" / "ant" / "large.png")
    done = scalesearch(*SMOKE, "--data", "pets", "--plan", "--max-megapixels", "1", cwd=tmp_path)
    assert done.returncode == 2
    assert "'ant/large.png': 1500 x 800 px, more than 1 megapixels" in done.stderr
    assert scalesearch(*SMOKE, "--data", "pets", "--plan", cwd=tmp_path).returncode == 0
