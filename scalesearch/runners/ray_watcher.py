"""Connects Ray Tune to a search, in the driver: hands out trials wave by wave and turns results into events."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from scalesearch.runners.execution import EpochFinished, Event, Listener, TrialFinished, TrialStarted
from scalesearch.runners.patience import Patience
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, TrialSpec

MAX_FAILURES = 2
"""How often a trial is restarted after its worker died, once the others of its wave are done."""

MAX_STALLS = 1
"""How often a trial is restarted after its worker finished no epoch for too long."""

_DIED = f"its worker process died {MAX_FAILURES + 1} times (out of memory, or a crash in native code)"


_NODE_DIED = "its node has died"
"""The words of `ActorDeathCause` for the loss of a node, in Ray's `gcs_actor_manager.cc`."""
_UNREACHABLE = "The actor is temporarily unavailable"
"""The words of `ActorUnavailableError` in Ray's `exceptions.py`.

The node of a worker that dies by itself reports it as dead. Where the node does not answer either, Ray says this
first, and that the node died only after its health checks."""


class TrialDispatcher:
    """Gives Tune its trials and turns Tune's callbacks into events.

    Tune pickles its callbacks and searchers, so these hold only the dispatcher's key; see `_DISPATCHERS`.
    """

    def __init__(
        self, waves: Iterable[Sequence[TrialSpec]], listener: Listener, stall_seconds: float | None = None
    ) -> None:
        self._patience = Patience(stall_seconds)
        self._stalls: Counter[str] = Counter()
        self.key = f"{os.getpid()}-{id(self)}"
        self.error: Exception | None = None
        """The error that the listener or a wave raised, such as a full disk; Tune wraps it in its own traceback."""
        self._waves = iter(waves)
        self._listener = listener
        self._queue: deque[TrialSpec] = deque()
        self._unfinished: set[str] = set()
        self._to_restart: list[TrialSpec] = []
        self._deaths: Counter[str] = Counter()
        self._order: dict[str, int] = {}
        """The order in which trials were handed out, by Tune's id."""
        self._workers: set[Any] = set()
        """The actors that have begun a trial."""
        self._handler = signal.getsignal(signal.SIGUSR1) if hasattr(signal, "SIGUSR1") else None
        _DISPATCHERS[self.key] = self

    def restore_signal_handler(self) -> None:
        """Restore the handler of SIGUSR1 that Tune replaced by its own."""
        if self._handler is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGUSR1, self._handler)

    def close(self) -> None:
        """Unregister the dispatcher: no further callbacks reach it."""
        del _DISPATCHERS[self.key]

    def next_spec(self, trial_id: str) -> TrialSpec | None:
        """Return the trial to start next; None while that depends on running trials.

        Args:
            trial_id: the id that Tune gives to the trial.

        A network that kills its worker must not delay the others, so it is restarted after them.

        Raises:
            StopIteration: no trial remains to run.
        """
        while not self._queue:
            if self._unfinished:
                return None
            self._queue.extend(self._to_restart or self._next_wave())
            self._to_restart.clear()
        spec = self._queue.popleft()
        self._unfinished.add(spec.id)
        self._order[trial_id] = len(self._order)
        return spec

    def choose(self, pending: Iterable[Any], slots: int) -> Any:
        """Return the trial that gets a worker which has become free; None if none is pending.

        Tune starts a worker for every pending trial, and ends the start if the trial gets a free worker before.
        From the first worker on, and until there are as many as slots, a free worker therefore gets the trial that
        is last in order: the workers that are starting are those of the first ones.
        """
        are_starting = 0 < len(self._workers) < slots
        ordered = sorted(pending, key=lambda trial: self._order.get(trial.trial_id, 0), reverse=are_starting)
        return ordered[0] if ordered else None

    def _next_wave(self) -> Sequence[TrialSpec]:
        try:
            return next(self._waves)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise

    def on_start(self, trial: Any) -> None:
        """Report that a trial got a slot."""
        self._patience.begin(_trial_spec(trial))
        self._workers.add(trial.temporary_state.ray_actor)
        self._notify(TrialStarted(_trial_spec(trial)))

    def kill_stalled(self, trials: Iterable[Any]) -> None:
        """Kill the worker of every trial that has made no progress for too long; `on_worker_death` follows."""
        running = ((trial.temporary_state.ray_actor, trial) for trial in trials)
        for actor, spec in ((actor, _trial_spec(trial)) for actor, trial in running if actor is not None):
            if spec.id in self._unfinished and self._patience.is_over(spec):
                self._patience.end(spec)  # so that the worker is killed only once
                self._stalls[spec.id] += 1
                ray.kill(actor)

    def on_result(self, trial: Any, result: Mapping[str, Any]) -> None:
        """Report that a trial finished an epoch, or its outcome."""
        if "outcome" in result:
            self._finish(_trial_spec(trial), from_json(Outcome, result["outcome"]))
        elif "epoch" in result:
            self._patience.record_epoch(_trial_spec(trial))
            self._notify(EpochFinished(_trial_spec(trial), from_json(Epoch, result["epoch"])))

    def on_worker_death(self, trial: Any) -> None:
        """Restart a trial whose worker died before the outcome, or end it as failed or stalled after too many.

        A worker that went with its node does not count: preemptible nodes go for no fault of the trial.
        """
        spec = _trial_spec(trial)
        if spec.id not in self._unfinished:
            return
        if not _lost_its_node(trial):
            self._deaths[spec.id] += 1
        if self._stalls[spec.id] > MAX_STALLS:
            no_progress = f"no epoch was finished in {self._patience.seconds(spec):.0f} s, {MAX_STALLS + 1} times"
            self._finish(spec, Outcome("stalled", (), 0.0, 0.0, no_progress))
        elif self._deaths[spec.id] > MAX_FAILURES:
            self._finish(spec, Outcome("failed", (), 0.0, 0.0, _DIED))
        else:
            self._unfinished.remove(spec.id)
            self._to_restart.append(spec)

    def _finish(self, spec: TrialSpec, outcome: Outcome) -> None:
        self._patience.end(spec)
        if spec.id in self._unfinished:
            self._unfinished.remove(spec.id)
            self._notify(TrialFinished(spec, outcome))

    def _notify(self, event: Event) -> None:
        try:
            self._listener(event)
        except Exception as error:
            self.error = error
            raise


_DISPATCHERS: dict[str, TrialDispatcher] = {}
"""The dispatchers of the running searches of this process, by key."""


def _trial_spec(trial: Any) -> TrialSpec:
    return from_json(TrialSpec, trial.config["spec"])


def _lost_its_node(trial: Any) -> bool:
    """Return whether the trial's worker is gone because its node is, which only the text of Ray's error says."""
    path = trial.error_file
    with suppress(OSError):
        text = "" if path is None else Path(path).read_text(encoding="utf-8")
        return _NODE_DIED in text or _UNREACHABLE in text
    return False


class TuneCallback(Callback):  # type: ignore[misc]  # ray has no types
    """Passes Tune's callbacks to the dispatcher in the same process; holds only its key, so that it pickles."""

    def __init__(self, key: str) -> None:
        self._key = key

    def setup(self, **_: Any) -> None:
        """Restore the handler of SIGUSR1: Tune's would end the run as if all trials were over."""
        _DISPATCHERS[self._key].restore_signal_handler()

    def on_trial_start(self, *, trial: Any, **_: Any) -> None:
        """Report that a trial got a slot."""
        _DISPATCHERS[self._key].on_start(trial)

    def on_step_end(self, *, trials: list[Any], **_: Any) -> None:
        """Kill stalled workers; Tune calls this several times a second."""
        _DISPATCHERS[self._key].kill_stalled(trials)

    def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:
        """Report that a trial finished an epoch, or its outcome."""
        _DISPATCHERS[self._key].on_result(trial, result)

    def on_trial_complete(self, *, trial: Any, **_: Any) -> None:
        """Report the last result of a trial, which Tune passes to this callback only."""
        _DISPATCHERS[self._key].on_result(trial, trial.last_result or {})

    def on_trial_error(self, *, trial: Any, **_: Any) -> None:
        """Report that a trial's worker died."""
        _DISPATCHERS[self._key].on_worker_death(trial)


class WaveSearcher(Searcher):  # type: ignore[misc]  # ray has no types
    """Gets every trial from the dispatcher, so that one Tune run, with its actors, lasts for all waves."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._key = key

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """Return the config of the next trial; None while there is none yet."""
        try:
            spec = _DISPATCHERS[self._key].next_spec(trial_id)
        except StopIteration:
            return str(Searcher.FINISHED)
        return None if spec is None else {"spec": as_json(spec)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: `TuneCallback` has reported the trial to the dispatcher."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: a study resumes from its own records."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing; see `save`."""


class WaveScheduler(FIFOScheduler):  # type: ignore[misc]  # ray has no types
    """Has the dispatcher choose the trial that gets a free worker; no trial is stopped early."""

    def __init__(self, key: str, slots: int) -> None:
        super().__init__()
        self._key = key
        self._slots = slots

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """Return the pending trial that gets the next free worker; None if none is pending."""
        pending = (trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING)
        return _DISPATCHERS[self._key].choose(pending, self._slots)
