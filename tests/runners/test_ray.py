"""What only Ray has: processes that die or hang, slots that are used again, shares of a GPU."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from planted import Planted, log_lines, trials

from scalesearch.errors import InputError
from scalesearch.runners.execution import EpochFinished, Event, Runner, TrialFinished
from scalesearch.runners.inline import InlineRunner
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.runners.ray_watcher import MAX_FAILURES, MAX_STALLS
from scalesearch.search.trial import Objective, Outcome, TrialSpec

KILLS = int(os.environ.get("KILLS", "3"))
ONE_SLOT = RayRunner(gpus_per_trial=1)
"""One GPU a trial, and the session has one: so one trial at a time."""


@pytest.fixture(autouse=True)
def _ray_is_up(start_ray: Callable[[], None]) -> None:
    start_ray()


def finished(runner: Runner, specs: Sequence[TrialSpec], objective: Objective) -> dict[str, Outcome]:
    events: list[Event] = []
    runner.run([specs], objective, events.append)
    ends = [event for event in events if isinstance(event, TrialFinished)]
    assert Counter(event.spec.id for event in ends) == Counter(spec.id for spec in specs)
    return {event.spec.id: event.outcome for event in ends}


@pytest.mark.slow
def test_a_worker_that_dies_each_time_is_tried_again_and_then_failed(tmp_path: Path) -> None:
    log, specs = tmp_path / "log", trials(3)
    found = finished(ONE_SLOT, specs, Planted(dies=(1,), log=str(log)))
    assert [found[spec.id].state for spec in specs] == ["complete", "failed", "complete"]
    starts = Counter(trial for what, trial, _, _ in log_lines(log) if what == "start")
    assert starts == {specs[0].id: 1, specs[1].id: 1 + MAX_FAILURES, specs[2].id: 1}
    assert f"died {1 + MAX_FAILURES} times" in found[specs[1].id].message
    assert found[specs[1].id].epochs == ()


@pytest.mark.slow
def test_a_worker_that_dies_once_costs_nothing_but_time(tmp_path: Path) -> None:
    log, specs = tmp_path / "log", trials(1)
    (found,) = finished(ONE_SLOT, specs, Planted(dies_once=str(tmp_path), log=str(log))).values()
    (calm,) = finished(InlineRunner(), specs, Planted()).values()
    assert found.state == "complete"
    assert found.epochs == calm.epochs
    assert [what for what, *_ in log_lines(log)] == ["start", "start", "end"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_workers_cost_nothing_but_time(tmp_path: Path) -> None:
    """Each trial's process is killed as often as it may be, at its first epoch."""
    log, specs = tmp_path / "log", trials(max(KILLS, 4) // MAX_FAILURES)
    killed: Counter[str] = Counter()
    outcomes: dict[str, Outcome] = {}

    def listener(event: Event) -> None:
        if isinstance(event, TrialFinished):
            outcomes[event.spec.id] = event.outcome
        if isinstance(event, EpochFinished) and killed[event.spec.id] < MAX_FAILURES:
            killed[event.spec.id] += 1
            rows = [
                process for what, trial, process, _ in log_lines(log) if (what, trial) == ("start", event.spec.id)
            ]
            os.kill(rows[-1], signal.SIGKILL)

    RayRunner(gpus_per_trial=0.5).run([specs], Planted(epochs=3, seconds=0.2, log=str(log)), listener)
    assert killed == {spec.id: MAX_FAILURES for spec in specs}
    calm = finished(InlineRunner(), specs, Planted(epochs=3))
    assert {key: bits(one) for key, one in outcomes.items()} == {key: bits(one) for key, one in calm.items()}
    assert {one.state for one in outcomes.values()} == {"complete"}


@pytest.mark.slow
@pytest.mark.timeout(90)
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_run_that_broke_off_gives_its_slots_back(
    error: type[BaseException], start_ray: Callable[[], None]
) -> None:
    """Even while the error, and with it the frames that hold the actors, is kept."""

    def listener(event: Event) -> None:
        raise error

    with pytest.raises(error) as caught:
        ONE_SLOT.run([trials(2)], Planted(), listener)
    start_ray()
    (outcome,) = finished(ONE_SLOT, trials(1), Planted()).values()
    assert outcome.state == "complete"
    assert caught.value is not None


@pytest.mark.slow
def test_a_trial_that_hangs_is_begun_anew_and_then_given_up(tmp_path: Path) -> None:
    log, specs = tmp_path / "log", trials(3)
    began = time.monotonic()
    found = finished(replace(ONE_SLOT, stall_seconds=2), specs, Planted(hangs=(1,), log=str(log)))
    assert time.monotonic() - began < 60
    assert [found[spec.id].state for spec in specs] == ["complete", "stalled", "complete"]
    assert found[specs[1].id].message == "no epoch was finished in 2 s, 2 times"
    starts = [(trial, process) for what, trial, process, _ in log_lines(log) if what == "start"]
    assert Counter(trial for trial, _ in starts) == {specs[0].id: 1, specs[1].id: 1 + MAX_STALLS, specs[2].id: 1}
    assert starts[0][1] == starts[1][1], "a slot is one process for many trials"
    assert starts[2][1] != starts[1][1], "what hangs must not live on beside the next trial"


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_frozen_worker_is_noticed_and_its_trial_begun_anew(tmp_path: Path) -> None:
    """Stopped by a signal, as a debugger or a machine that swaps does it: it cannot watch itself."""
    log, specs = tmp_path / "log", trials(2)
    frozen: list[int] = []

    def freeze(event: Event) -> None:
        if isinstance(event, EpochFinished) and not frozen:
            process = next(int(process) for what, trial, process, _ in log_lines(log) if trial == event.spec.id)
            frozen.append(process)
            os.kill(process, signal.SIGSTOP)

    events: list[Event] = []

    def listener(event: Event) -> None:
        freeze(event)
        events.append(event)

    replace(ONE_SLOT, stall_seconds=3).run([specs], Planted(epochs=3, seconds=0.3, log=str(log)), listener)
    outcomes = {event.spec.id: event.outcome for event in events if isinstance(event, TrialFinished)}
    assert {outcome.state for outcome in outcomes.values()} == {"complete"}
    starts = Counter(trial for what, trial, *_ in log_lines(log) if what == "start")
    assert sorted(starts.values()) == [1, 2]
    time.sleep(10)
    with pytest.raises(ProcessLookupError):
        os.kill(frozen[0], 0)


def test_a_slot_lasts_from_wave_to_wave(tmp_path: Path) -> None:
    """A worker imports torch, for seconds; a search by halving has a wave for every rung."""
    log, specs = tmp_path / "log", trials(3)
    ONE_SLOT.run([[spec] for spec in specs], Planted(log=str(log)), lambda event: None)
    starts = [(trial, process) for what, trial, process, _ in log_lines(log) if what == "start"]
    assert [trial for trial, _ in starts] == [spec.id for spec in specs]
    assert len({process for _, process in starts}) == 1


@pytest.mark.slow  # four workers start at a time
def test_four_quarters_of_a_gpu_run_at_the_same_time(tmp_path: Path) -> None:
    log, specs = tmp_path / "log", trials(4)
    finished(RayRunner(gpus_per_trial=0.25), specs, Planted(epochs=4, seconds=1.2, log=str(log)))
    rows = log_lines(log)
    last_start = max(at for what, *_, at in rows if what == "start")
    first_end = min(at for what, *_, at in rows if what == "end")
    assert last_start < first_end
    assert len({process for _, _, process, _ in rows}) == 4


def test_more_gpus_than_there_are_is_bad_input() -> None:
    with pytest.raises(InputError, match=r"--gpus-per-trial 2: there .* leave it out") as caught:
        RayRunner(gpus_per_trial=2).run([trials(1)], Planted(), lambda event: None)
    assert "\n" not in str(caught.value)


@pytest.mark.slow  # by default the searches of tests/cli show that both runners give the same bits
def test_a_slot_that_has_trained_before_gives_the_bits_of_a_fresh_one() -> None:
    """Neither the first trial's weights nor its random numbers may reach the second."""
    torch = pytest.importorskip("torch")
    from scalesearch.proxy.datasets import ImageData
    from scalesearch.proxy.objective import ProxyTraining

    draw = torch.Generator().manual_seed(3)
    train, val = (torch.randint(0, 256, (n, 3, 40, 40), generator=draw, dtype=torch.uint8) for n in (70, 31))
    labels = (torch.arange(70) % 3, torch.arange(31) % 3)
    data = ImageData(train, labels[0], val, labels[1], ("a", "b", "c"), "f" * 64, "noise")
    first, second = trials(2)
    there = finished(ONE_SLOT, [first, second], ProxyTraining(data))
    for spec in (second, first):
        (here,) = finished(InlineRunner(), [spec], ProxyTraining(data)).values()
        assert there[spec.id].state == here.state == "complete"
        assert bits(there[spec.id]) == bits(here)


def bits(outcome: Outcome) -> list[tuple[float, float, float]]:
    return [(epoch.train_loss, epoch.val_loss, epoch.val_accuracy) for epoch in outcome.epochs]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:9", "nothing answers there"),
        ("ray://127.0.0.1:9", "nothing answers there"),
        ("127.0.0.1:99999", "nothing answers there"),
        ("no.such.host.invalid:6379", "nothing answers there"),
        ("nonsense", "must be auto, HOST:PORT"),
        ("", "must be auto, HOST:PORT"),
        ("two words:1", "must be auto, HOST:PORT"),
        ("auto", "Ray does not start there"),
    ],
)
def test_an_address_without_a_cluster_is_bad_input_at_once(
    address: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    began = time.monotonic()
    with pytest.raises(InputError) as caught, RayRunner(address=address).session():
        pass
    assert reason in str(caught.value)
    assert str(caught.value).startswith("--address ")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 30
