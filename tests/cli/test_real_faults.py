"""Real searches that something befalls from outside: a worker, a node, the head, the disk, another search."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stopping import Place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke", "--data", "digits"]
STUDY = Path("results") / "tiny-phi1-smoke"
TRIALS = 14


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def calm(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    place = Place(tmp_path_factory.mktemp("calm"), cache)
    place.run(*SMOKE)
    return numbers(place.folder)


def numbers(folder: Path) -> dict[str, object]:
    """Each trial's curve."""
    from scalesearch.study.study import open_study

    records = open_study(folder / STUDY).records()
    return {
        key: [(epoch.index, epoch.train_loss, epoch.val_loss, epoch.val_accuracy) for epoch in one.outcome.epochs]
        for key, one in records.items()
    }


def recorded(folder: Path) -> int:
    return len(list((folder / STUDY / "trials").glob("*.json")))


def once_recorded(count: int, place: Place, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while recorded(place.folder) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def busy_worker(session: int) -> int:
    """A process of the session's Ray that trains: the one that has worked most."""
    rows = subprocess.run(
        ["ps", "-s", str(session), "-o", "pid=,cputimes=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    workers = [row.split(maxsplit=2) for row in rows if "ray::" in row and "IDLE" not in row]
    return int(max(workers, key=lambda row: int(row[1]))[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_or_frozen_worker(
    number: signal.Signals, cache: Path, calm: dict[str, object], tmp_path: Path
) -> None:
    place = Place(tmp_path, cache)
    process = place.start(*SMOKE, "--stall-seconds", "15")
    once_recorded(2, place, process)
    struck = busy_worker(process.pid)
    os.kill(struck, number)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert numbers(tmp_path) == calm
    with pytest.raises(ProcessLookupError):
        os.kill(struck, 0)


def fill_until_over(process: subprocess.Popen[str], path: Path) -> None:
    """Take whatever room there is, also what the process gives free."""
    with path.open("ab", buffering=0) as stream:
        while process.poll() is None:
            try:
                stream.write(b"x" * 4096)
            except OSError:
                time.sleep(0.01)


def test_a_full_disk(cache: Path, calm: dict[str, object], tmp_path: Path) -> None:
    """The results lie on a file system of two mebibytes, which a file of somebody else's fills."""
    results = tmp_path / "results"
    results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(results)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here: it takes root")
    try:
        place = Place(tmp_path, cache)
        process = place.start(*SMOKE, "--runner", "inline")
        once_recorded(2, place, process)
        filler = results / "filler"
        fill_until_over(process, filler)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 4, said
        assert "No space left on device" in said.splitlines()[-1]
        assert 2 <= recorded(tmp_path) < TRIALS
        assert not list(results.rglob("*.tmp"))
        filler.unlink()
        # The family and the report take more room than a search needs.
        subprocess.run(["mount", "-o", "remount,size=64m", str(results)], check=True)
        place.run(*SMOKE, "--runner", "inline")
        assert numbers(tmp_path) == calm
    finally:
        subprocess.run(["umount", "-l", str(results)], check=True)


def test_of_many_at_once_one_runs(cache: Path, calm: dict[str, object], tmp_path: Path) -> None:
    place = Place(tmp_path, cache)
    racers = [place.start(*SMOKE, "--runner", "inline") for _ in range(4)]
    ends = [(racer.communicate(timeout=200)[1], racer.returncode) for racer in racers]
    assert sorted(code for _, code in ends) == [0, 5, 5, 5]
    assert all("another run is working on this study" in said for said, code in ends if code)
    assert numbers(tmp_path) == calm


@pytest.fixture
def cluster() -> Iterator[object]:
    """A head without a core for trials, and two nodes of one core."""
    import ray
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        found.add_node(num_cpus=1)
    found.wait_for_nodes()
    yield found
    ray.shutdown()
    found.shutdown()


def test_a_lost_node(cluster, cache: Path, calm: dict[str, object], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    place = Place(tmp_path, cache)
    process = place.start(*SMOKE, "--address", cluster.address, "--insecure-cluster")
    once_recorded(2, place, process)
    cluster.remove_node(min(cluster.worker_nodes, key=id), allow_graceful=False)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert numbers(tmp_path) == calm


def test_a_lost_head(cluster, cache: Path, calm: dict[str, object], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Its nodes live on without it; the search ends, and another cluster goes on with it."""
    place = Place(tmp_path, cache)
    words = [*SMOKE, "--address", cluster.address, "--insecure-cluster"]
    process = place.start(*words)
    once_recorded(2, place, process)
    began = time.monotonic()
    cluster.remove_node(cluster.head_node, allow_graceful=False)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 6, said
    assert time.monotonic() - began < 60
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("scalesearch: Ray was lost (one of its processes or the cluster's head")
    assert f"is kept. Resume: scalesearch {' '.join(words)}" in said.splitlines()[-1]
    before = recorded(tmp_path)
    assert 2 <= before < TRIALS
    place.run(*SMOKE)
    assert numbers(tmp_path) == calm
