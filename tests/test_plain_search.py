"""The plain script that searches are compared with."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from plain_search import Job, _augmented, literal_networks, matched_network, train

from scalesearch.design.baselines import load_baseline
from scalesearch.proxy.datasets import load_data
from scalesearch.search.budget import BUDGETS
from scalesearch.search.canonical import digest
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig

ROOT = Path(__file__).parents[1]
TINY, SMOKE = load_baseline("tiny"), BUDGETS["smoke"]


def test_every_triple_of_the_grid_is_a_network_of_its_own_coefficients() -> None:
    networks = literal_networks(TINY, SMOKE, Decimal(1), 7)
    assert len(networks) == 21
    wide = networks["1/1.4/1"]
    assert wide.resolution == SMOKE.resolution
    assert networks["1/1/1.4"].resolution == round(1.4 * SMOKE.resolution)
    assert wide.head.classes == 7


def test_the_winner_has_a_network_of_matched_cost() -> None:
    plan = Plan(StudyConfig(TINY, Decimal(1), BUDGETS["quick"], scheduler="grid"), DataFacts("", "", 2, 1, 1))
    known = {digest(candidate.architecture): candidate for candidate in plan.trained}
    found = matched_network(TINY, BUDGETS["quick"], Decimal(1), "1.2/1.1/1.2")
    assert found is not None
    assert known[found].coefficients.alpha == Decimal("1.2")
    assert known[found].coefficients.beta == Decimal("1.1")


def test_augmented_images_are_moved_and_mirrored_ones() -> None:
    torch.manual_seed(3)
    ramp = torch.arange(24.0).expand(1, 24, 24).repeat(5, 1, 1, 1)
    moved = _augmented(ramp)
    assert moved.shape == ramp.shape
    steps = moved[:, 0, 0].diff(dim=-1)[:, 8:16]  # away from the reflected edges
    assert set(steps.flatten().tolist()) <= {1.0, -1.0}
    assert len({float(row[12]) for row in moved[:, 0, 0]}) > 1


def test_the_loop_learns(tmp_path: Path) -> None:
    images = load_data("digits", 16, SMOKE.scenes, tmp_path)
    network = literal_networks(TINY, SMOKE, Decimal(1), 10)["1/1.1/1.3"]
    job = Job(network, 4, 32, 0.1, 5)
    accuracy = train(job, images)
    assert accuracy > 0.3
    assert train(job, images) == accuracy


@pytest.mark.slow
def test_the_script_names_a_winner(tmp_path: Path) -> None:
    out = tmp_path / "plain.json"
    words = ["baseline=tiny", "budget=smoke", "data=digits", "seeds=1", "epochs=1", "cores=2", f"out={out}"]
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "plain_search.py", *words],
        capture_output=True, text=True, timeout=600, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads(out.read_text())
    assert len(facts["accuracies"]) == 21
    assert facts["winner"] in facts["accuracies"]
    best = max(sum(values) for values in facts["accuracies"].values())
    assert sum(facts["accuracies"][facts["winner"]]) == best
