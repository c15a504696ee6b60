"""A cluster of several nodes on one machine: trials go to all of them, and nodes that are lost lose none."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest
import ray
from planted import Planted, importable_by_workers, log_lines, trials
from ray.cluster_utils import Cluster

from scalesearch.errors import InputError
from scalesearch.runners.execution import EpochFinished, Event, TrialFinished
from scalesearch.runners.inline import InlineRunner
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.runners.ray_watcher import MAX_FAILURES
from scalesearch.search.trial import Outcome, TrialSpec

LOSSES = max(1, int(os.environ.get("KILLS", "3")) // 5)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A head without a core for trials, and two nodes of two cores."""
    with importable_by_workers():
        found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        for _ in range(2):
            found.add_node(num_cpus=2)
        found.wait_for_nodes()
        yield found
        ray.shutdown()
        found.shutdown()


def test_lost_nodes_cost_nothing_but_time(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Again and again a node goes, with two trials at most, and another one joins."""
    log, random = tmp_path_factory.mktemp("log") / "log", Random(1)
    objective = Planted(epochs=6, seconds=1.0, log=str(log))  # longer than a worker takes to start
    events: list[Event] = []
    heard: set[str] = set()
    lost = 0

    def listener(event: Event) -> None:
        nonlocal lost
        events.append(event)
        if isinstance(event, TrialFinished):
            heard.discard(event.spec.id)
        if isinstance(event, EpochFinished):
            heard.add(event.spec.id)
        if lost < LOSSES and len(heard) > 2:  # more trials than a node has cores: each of the two has one
            cluster.remove_node(random.choice(sorted(cluster.worker_nodes, key=id)), allow_graceful=False)
            cluster.add_node(num_cpus=2)
            lost += 1
            heard.clear()

    specs = trials(10 + 2 * LOSSES)
    RayRunner(address=cluster.address, insecure_cluster=True).run([specs], objective, listener)
    found = {event.spec.id: event.outcome for event in events if isinstance(event, TrialFinished)}
    assert lost == LOSSES
    assert Counter(outcome.state for outcome in found.values()) == {"complete": len(specs)}
    assert curves(found) == curves(inline(objective, specs))
    starts = Counter(trial for what, trial, *_ in log_lines(log) if what == "start")
    assert starts.total() - len(specs) >= LOSSES, "what ran on a lost node was begun anew"


def test_a_trial_may_lose_its_node_any_number_of_times(cluster: Cluster) -> None:
    """A worker that dies by itself would be given up the third time."""
    lost = 0

    def listener(event: Event) -> None:
        nonlocal lost
        events.append(event)
        if isinstance(event, EpochFinished) and event.epoch.index == 1 and lost <= MAX_FAILURES:
            lost += 1
            for node in list(cluster.worker_nodes):
                cluster.remove_node(node, allow_graceful=False)
            cluster.add_node(num_cpus=2)

    events: list[Event] = []
    objective, specs = Planted(epochs=3, seconds=0.5), trials(1)
    RayRunner(address=cluster.address, insecure_cluster=True).run([specs], objective, listener)
    (outcome,) = [event.outcome for event in events if isinstance(event, TrialFinished)]
    assert (lost, outcome.state) == (MAX_FAILURES + 1, "complete")
    assert curves({specs[0].id: outcome}) == curves(inline(objective, specs))


def test_a_cluster_that_asks_nobody_for_a_token_is_refused(cluster: Cluster) -> None:
    with pytest.raises(InputError, match=r"asks for no token.* or give --insecure-cluster") as caught:
        RayRunner(address=cluster.address).run([trials(1)], Planted(), lambda event: None)
    assert "\n" not in str(caught.value)
    assert not ray.is_initialized()


def inline(objective: Planted, specs: Sequence[TrialSpec]) -> dict[str, Outcome]:
    events: list[Event] = []
    calm = Planted(epochs=objective.epochs)
    InlineRunner().run([specs], calm, events.append)
    return {event.spec.id: event.outcome for event in events if isinstance(event, TrialFinished)}


def curves(found: dict[str, Outcome]) -> dict[str, list[float]]:
    return {key: [epoch.val_accuracy for epoch in outcome.epochs] for key, outcome in found.items()}
