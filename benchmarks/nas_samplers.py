"""Compare samplers with random search: replays of `scalesearch nas` on a space of which every network was trained.

    python benchmarks/nas_samplers.py [REPLAYS]          (default 30; a minute)
    python benchmarks/nas_samplers.py --record           train the 128 networks of nas_space.yaml again

Every sampler searches with the code of `nas`, with another seed in each replay, and observes the accuracies of
recorded_space.csv (digits, 16 px, three epochs, one seed per network). *Behind* is the difference in reward
between the best network of the space and the one that the sampler selects. *Rank* is the rank of that network
among all. Intervals are 95 % bootstrap intervals over replays.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import product
from pathlib import Path

import numpy as np

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.search.budget import BUDGETS
from scalesearch.search.canonical import digest
from scalesearch.search.kinds.stages import STAGE_SAMPLERS, NasSpace, StageSearch
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.rewards import Reward
from scalesearch.search.sampler_space import Interval
from scalesearch.search.stage_space_file import load_stage_space
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Epoch, Recipe
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.samplers import next_points
from scalesearch.study.timers import measure_times

HERE = Path(__file__).parent
RECORD = HERE / "recorded_space.csv"
RECIPE = Recipe(epochs=3, batch=32, learning_rate=Decimal("0.1"))
PX, DIVISOR = 16, 4
BUDGETS_OF_NETWORKS = (24,)


def plan_of(sampler: str, networks: int, seed: int) -> Plan:
    """Return the plan of a search of the recorded space."""
    search = StageSearch(load_stage_space(str(HERE / "nas_space.yaml")), sampler, Reward(), seed=seed)
    budget = replace(BUDGETS["smoke"], candidates=networks, resolution=PX, width_divisor=DIVISOR, recipe=RECIPE)
    config = StudyConfig(load_baseline("tiny"), Decimal(1), budget, match="none", kind=search)
    return Plan(config, DataFacts("digits", "recorded", classes=10, train=1438, val=359))


def every_network() -> list[Architecture]:
    """Return all networks of the space."""
    space = plan_of("random", 2, 0).config.space
    assert isinstance(space, NasSpace)
    choices = {name: values for name, values in space.dimensions().items() if not isinstance(values, Interval)}
    samples = (dict(zip(choices, values, strict=True)) for values in product(*choices.values()))
    return [candidate.network for candidate in space.check_constraints([space.point(sample) for sample in samples])]


def record() -> None:
    """Train every network of the space, and write the accuracies."""
    from scalesearch.cli.cache import cache_folder
    from scalesearch.proxy.datasets import load_data
    from scalesearch.proxy.objective import ProxyTraining
    from scalesearch.search.make_proxy import make_proxy

    objective = ProxyTraining(load_data("digits", PX, BUDGETS["smoke"].scenes, cache_folder()))
    base, data = load_baseline("tiny"), objective.data.fingerprint
    with RECORD.open("w", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["network", "accuracy"])
        for network in every_network():
            proxy = make_proxy(network, base, DIVISOR, PX, 10)
            epochs = list(objective(TrialSpec(network, proxy, RECIPE, data, 0)))
            rows.writerow([digest(network), f"{epochs[-1].val_accuracy:.5f}"])


def recorded() -> dict[str, float]:
    """Return the recorded accuracies by network."""
    with RECORD.open(newline="") as stream:
        return {row["network"]: float(row["accuracy"]) for row in csv.DictReader(stream)}


def replay(plan: Plan, accuracies: Mapping[str, float]) -> Plan:
    """Run a search to its end on the recorded accuracies, and return its plan."""
    outcomes: dict[str, Outcome] = {}
    while not plan.is_complete(outcomes):
        for spec in plan.pending(outcomes):
            epoch = Epoch(1, 1, 1.0, 1.0, accuracies.get(spec.network_id, 0.0), 1.0)
            outcomes[spec.id] = Outcome("complete", (epoch,), 1.0, 1.0)
        if plan.accepts_proposals:
            plan = replace(plan, suggested=(*plan.suggested, *next_points(plan, outcomes, measure_times)))
    return plan


def interval(values: np.ndarray) -> str:
    """Return the mean and its 95 % bootstrap interval as text."""
    rng = np.random.default_rng(2019)
    means = rng.choice(values, (4000, len(values))).mean(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return f"{values.mean():8.4f} ({low:.4f} … {high:.4f})"


def main(replays: int) -> None:
    """Replay every sampler, and print a line for each."""
    accuracy, reward, base = recorded(), Reward(), load_baseline("tiny").architecture
    rewards = {
        digest(network): accuracy[digest(network)] * reward.factor(network, base) for network in every_network()
    }
    ranked = sorted(rewards.values(), reverse=True)
    print(
        f"{len(ranked)} networks: accuracies {min(accuracy.values()):.3f} … {max(accuracy.values()):.3f}, rewards ",
        end="",
    )
    print(f"{ranked[-1]:.4f} … {ranked[0]:.4f}; {replays} replays each")
    for networks in BUDGETS_OF_NETWORKS:
        best_rewards: dict[str, np.ndarray] = {}
        for sampler in STAGE_SAMPLERS:
            plans = [replay(plan_of(sampler, networks, seed), accuracy) for seed in range(1, replays + 1)]
            best_rewards[sampler] = np.array([max(rewards[key] for key in plan.by_network) for plan in plans])
            behind, rank = (
                ranked[0] - best_rewards[sampler],
                [ranked.index(value) + 1 for value in best_rewards[sampler]],
            )
            gain = ranked[0] - best_rewards["random"].mean() - behind
            print(
                f"{networks:3} networks  {sampler:10} behind {interval(behind)}  rank {np.mean(rank):5.1f}  "
                f"before chance {interval(gain)}"
            )


if __name__ == "__main__":
    if "--record" in sys.argv:
        record()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
