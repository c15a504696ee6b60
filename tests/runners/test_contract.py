"""What every runner promises: one test, all runners."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from planted import Planted, trials

from scalesearch.runners.execution import EpochFinished, Event, Runner, TrialExecution, TrialFinished, TrialStarted
from scalesearch.runners.inline import InlineRunner
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.user_code import DEBUG

SPECS = tuple(reversed(trials(7)))
"""Seeds 6 … 0."""
OBJECTIVE = Planted(epochs=3, seconds=0.05, diverges=(0,), raises=(1,), runs_out=(3,), raises_late=(5,))
STATES = {0: "diverged", 1: "failed", 2: "complete", 3: "oom", 4: "complete", 5: "failed", 6: "complete"}
EPOCHS = {0: 0, 1: 0, 2: 3, 3: 0, 4: 3, 5: 1, 6: 3}


@dataclass(frozen=True)
class Observation:
    """A runner and what it told of `SPECS`."""

    runner: Runner
    events: tuple[Event, ...]

    def of(self, spec: TrialSpec) -> list[Event]:
        return [event for event in self.events if event.spec.id == spec.id]

    @property
    def outcomes(self) -> dict[str, Outcome]:
        return {event.spec.id: event.outcome for event in self.events if isinstance(event, TrialFinished)}


def told_by(runner: Runner) -> Observation:
    events: list[Event] = []
    runner.run([SPECS], OBJECTIVE, events.append)
    return Observation(runner, tuple(events))


@pytest.fixture(scope="module")
def inline() -> Observation:
    return told_by(InlineRunner())


@pytest.fixture(scope="module")
def ray(start_ray: Callable[[], None]) -> Observation:
    start_ray()
    return told_by(RayRunner(gpus_per_trial=0.5, stall_seconds=math.inf, cores=4, logical_gpus=1))


@pytest.fixture(params=["inline", "ray"])
def told(request: pytest.FixtureRequest, start_ray: Callable[[], None]) -> Observation:
    found: Observation = request.getfixturevalue(request.param)
    if request.param == "ray":
        start_ray()
    return found


def test_every_trial_finishes_exactly_once(told: Observation) -> None:
    finished = [event.spec.id for event in told.events if isinstance(event, TrialFinished)]
    assert Counter(finished) == Counter(spec.id for spec in SPECS)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"seed{spec.seed}")
def test_a_trial_starts_progresses_and_finishes_in_that_order(told: Observation, spec: TrialSpec) -> None:
    events = told.of(spec)
    assert [type(event) for event in events] == [TrialStarted, *[EpochFinished] * EPOCHS[spec.seed], TrialFinished]
    assert all(event.spec == spec for event in events)


def test_how_a_trial_ended_has_a_name_and_a_failure_stops_no_other(told: Observation) -> None:
    assert {spec.seed: told.outcomes[spec.id].state for spec in SPECS} == STATES


def test_the_outcome_holds_the_epochs_that_were_told(told: Observation) -> None:
    for spec in SPECS:
        epochs = tuple(event.epoch for event in told.of(spec) if isinstance(event, EpochFinished))
        assert told.outcomes[spec.id].epochs == epochs
        assert [epoch.index for epoch in epochs] == list(range(1, EPOCHS[spec.seed] + 1))


def test_only_a_complete_trial_has_an_accuracy(told: Observation) -> None:
    for outcome in told.outcomes.values():
        if outcome.state == "complete":
            assert outcome.accuracy == outcome.epochs[-1].val_accuracy
        else:
            assert outcome.accuracy is None


def test_the_reason_is_one_short_line(told: Observation) -> None:
    messages = {spec.seed: told.outcomes[spec.id].message for spec in SPECS}
    assert messages[0] == "the loss is no longer finite in epoch 1"
    assert messages[1].startswith("RuntimeError: broken in two lines at planted.py:")
    assert messages[3] == "out of memory"
    assert messages[5].startswith("ValueError: very long very long")
    assert max(map(len, messages.values())) == 500
    assert messages[2] == messages[4] == messages[6] == ""


def test_trials_begin_in_the_order_that_is_given(inline: Observation) -> None:
    """Side by side, two that begin at a time may be told of in either order; `test_ray` looks at one slot."""
    assert [event.spec for event in inline.events if isinstance(event, TrialStarted)] == list(SPECS)


def test_times_are_measured(told: Observation) -> None:
    for spec in SPECS:
        outcome = told.outcomes[spec.id]
        assert outcome.training_seconds == pytest.approx(0.05 * EPOCHS[spec.seed])
        assert 0.05 * max(1, EPOCHS[spec.seed]) <= outcome.seconds < 5


def test_nothing_to_run_is_no_event(told: Observation) -> None:
    events: list[Event] = []
    told.runner.run([[]], OBJECTIVE, events.append)
    assert events == []


def test_a_wave_is_asked_for_when_the_last_one_is_told(told: Observation) -> None:
    """A rung is chosen by the accuracies of the one below: all of them, retried ones too."""
    ends: list[TrialSpec] = []
    seen: list[list[TrialSpec]] = []

    def waves() -> Iterator[Sequence[TrialSpec]]:
        for wave in (SPECS[:3], SPECS[:0], SPECS[3:4], SPECS[4:6]):
            seen.append(list(ends))
            yield wave
        seen.append(list(ends))

    def listener(event: Event) -> None:
        if isinstance(event, TrialFinished):
            ends.append(event.spec)

    told.runner.run(waves(), OBJECTIVE, listener)
    assert [len(one) for one in seen] == [0, 3, 3, 4, 6]
    assert {spec.id for spec in seen[1]} == {spec.id for spec in SPECS[:3]}
    assert seen[3][-1] == SPECS[3]


@pytest.mark.slow  # the way of what a listener raises, and Ray has to start again
def test_what_a_wave_raises_ends_the_run_as_it_is(told: Observation) -> None:
    def waves() -> Iterator[Sequence[TrialSpec]]:
        yield SPECS[:1]
        raise OSError("a record cannot be read")

    with pytest.raises(OSError, match=r"^a record cannot be read$"):
        told.runner.run(waves(), OBJECTIVE, lambda event: None)


def test_what_a_listener_raises_ends_the_run_as_it_is(told: Observation) -> None:
    """A record that could not be written must not be taken for one that was, nor hide in Ray's traceback."""

    def listener(event: Event) -> None:
        if isinstance(event, TrialFinished):
            raise OSError("disk full")

    with pytest.raises(OSError, match=r"^disk full$"):
        told.runner.run([SPECS[:2]], OBJECTIVE, listener)


def test_ctrl_c_while_an_event_is_told_leaves_as_ctrl_c(told: Observation) -> None:
    def listener(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        told.runner.run([SPECS[:1]], OBJECTIVE, listener)


def test_all_runners_find_the_same(inline: Observation, ray: Observation) -> None:
    def facts(told: Observation) -> dict[str, tuple[object, ...]]:
        return {key: (one.state, one.epochs, one.message) for key, one in told.outcomes.items()}

    assert facts(inline) == facts(ray)


def test_the_execution_of_a_trial_goes_epoch_by_epoch() -> None:
    execution = TrialExecution(SPECS[0], Planted(epochs=1))
    first, last = execution.step(), execution.step()
    assert isinstance(first, Epoch)
    assert isinstance(last, Outcome)
    assert last.epochs == (first,)


@pytest.mark.parametrize("debug", [False, True])
def test_code_that_leaves_the_program_is_a_failed_trial(
    debug: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And its traceback is there for who asked for it, by `--debug`."""

    def leave(_: TrialSpec) -> Epoch:
        raise SystemExit(0)

    def objective(spec: TrialSpec) -> Iterator[Epoch]:
        yield from map(leave, [spec])

    if debug:
        monkeypatch.setenv(DEBUG, "1")
    else:
        monkeypatch.delenv(DEBUG, raising=False)
    outcome = TrialExecution(SPECS[0], objective).step()
    assert isinstance(outcome, Outcome)
    assert outcome.state == "failed"
    assert outcome.message.startswith("SystemExit: 0 at test_contract.py:")
    assert ("raise SystemExit(0)" in capsys.readouterr().err) == debug
