"""A cluster of several nodes on one machine: trials go to all of them, and a node that is lost loses none."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest
import ray
from planted import Planted, importable_by_workers, log_lines, trials
from ray.cluster_utils import Cluster

from scalesearch.errors import InputError
from scalesearch.runners.execution import Event, Finished, Progressed
from scalesearch.runners.inline import InlineRunner
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.search.trial import Outcome

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


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


def test_a_lost_node_costs_nothing_but_time(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    log, specs = tmp_path_factory.mktemp("log") / "log", trials(10)
    objective = Planted(epochs=8, seconds=0.5, log=str(log))
    events: list[Event] = []
    lost = threading.Event()

    def listener(event: Event) -> None:
        events.append(event)
        counts = Counter(what for what, *_ in log_lines(log))
        # More trials than a node has cores: each of the two has one.
        if isinstance(event, Progressed) and not lost.is_set() and counts["start"] - counts["end"] > 2:
            lost.set()
            cluster.remove_node(min(cluster.worker_nodes, key=id), allow_graceful=False)

    RayRunner(address=cluster.address, insecure_cluster=True).run([specs], objective, listener)
    found = {event.spec.id: event.outcome for event in events if isinstance(event, Finished)}
    assert lost.is_set()
    assert Counter(outcome.state for outcome in found.values()) == {"complete": 10}
    assert curves(found) == curves(inline(objective))
    starts = Counter(trial for what, trial, *_ in log_lines(log) if what == "start")
    assert max(starts.values()) == 2, "what ran on the lost node was begun anew"


def test_a_cluster_that_asks_nobody_for_a_token_is_refused(cluster: Cluster) -> None:
    with pytest.raises(InputError, match=r"asks for no token.* or give --insecure-cluster") as caught:
        RayRunner(address=cluster.address).run([trials(1)], Planted(), lambda event: None)
    assert "\n" not in str(caught.value)
    assert not ray.is_initialized()


def inline(objective: Planted) -> dict[str, Outcome]:
    events: list[Event] = []
    calm = Planted(epochs=objective.epochs)
    InlineRunner().run([trials(10)], calm, events.append)
    return {event.spec.id: event.outcome for event in events if isinstance(event, Finished)}


def curves(found: dict[str, Outcome]) -> dict[str, list[float]]:
    return {key: [epoch.val_accuracy for epoch in outcome.epochs] for key, outcome in found.items()}
