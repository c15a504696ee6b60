"""Trials as Ray Tune trials: on this machine's cores or GPUs, or on a cluster.

Ray is the executor and nothing more. Its own state lives in a temporary folder and is never read back
(`Tuner.restore` loses finished trials); what a study knows are its records. Actors are reused, so torch is
imported once a slot; the objective, and with it the data set, is put into the object store once.
"""

from __future__ import annotations

import logging
import math
import os
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
import ray._private.worker
from ray import tune
from ray.tune import Callback, Trainable

from scalesearch.errors import InputError
from scalesearch.runners.execution import Event, Execution, Finished, Listener, Progressed, Started
from scalesearch.search.canonical import as_json, from_json
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Objective, Outcome, TrialSpec

MAX_FAILURES = 2
"""How often a trial is begun anew after its worker died."""

# Read once, before Ray: our own progress replaces Tune's table, and its files are thrown away anyway.
_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_DEDUP_LOGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "100000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Without this, `fit` swallows Ctrl-C and returns as if all were well.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
}


@dataclass(frozen=True, slots=True)
class RayRunner:
    """Ray Tune, local or at an address.

    Args (fields):
        address: of a running cluster (`auto`, `ray://…`, `host:port`); None starts Ray here.
        gpus_per_trial: share of a GPU for each trial; None: one where there is a GPU, else none.
        stall_seconds: a trial without a finished epoch for so long is given up as `stalled`.
        cores: how many trials run at a time on this machine's CPU; None: as many as it has.
        logical_gpus: start Ray with so many GPUs whatever the hardware; for tests of placement.
    """

    address: str | None = None
    gpus_per_trial: float | None = None
    stall_seconds: float = 1800
    cores: int | None = None
    logical_gpus: int | None = None

    def run(self, specs: Sequence[TrialSpec], objective: Objective, listener: Listener) -> None:
        """See `Runner`; trials run side by side, begun in the order of `specs`."""
        if not specs:
            return
        with self.session(), _temporary_folder() as folder:
            watcher = _Watcher(specs, listener)
            trainable = tune.with_parameters(_Worker, objective=objective, stall_seconds=self.stall_seconds)
            tuner = tune.Tuner(
                tune.with_resources(trainable, self._resources()),
                param_space={"spec": tune.grid_search([as_json(spec) for spec in specs])},
                tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=None),
                run_config=tune.RunConfig(
                    name="scalesearch",
                    storage_path=folder,
                    verbose=0,
                    callbacks=[_Bridge(watcher.key)],
                    failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                ),
            )
            try:
                tuner.fit()
                watcher.give_up()
            except Exception as error:
                raise watcher.error or error from None
            finally:
                watcher.close()

    def _resources(self) -> dict[str, float]:
        gpus = self.gpus_per_trial
        if gpus is None:
            gpus = 1.0 if ray.cluster_resources().get("GPU", 0) else 0.0
        available = ray.cluster_resources().get("GPU", 0)
        if gpus > available:
            raise InputError(
                f"--gpus-per-trial {gpus:g}: there are {available:g} GPUs here; take less, or leave it out"
            )
        return {"cpu": 1, "gpu": gpus}

    @contextmanager
    def session(self) -> Iterator[None]:
        """Start Ray, or join the cluster at the address; nothing where Ray is up already.

        Raises:
            InputError: nothing answers at the address.
        """
        if ray.is_initialized():
            yield
            return
        if self.address is not None:
            _must_answer(self.address)
        os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
        # BLAS and OpenMP read these when a worker imports torch; a trial has one thread.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        common: dict[str, Any] = {"runtime_env": {"env_vars": threads}, "log_to_driver": False}
        try:
            if self.address is not None:
                ray.init(address=self.address, logging_level="error", **common)
            else:
                ray.init(
                    address="local",  # never a cluster that RAY_ADDRESS or an earlier `ray start` names
                    num_cpus=self.cores,
                    num_gpus=self.logical_gpus,
                    include_dashboard=False,
                    _node_ip_address="127.0.0.1",
                    logging_level="error",
                    **common,
                )
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"--address {self.address or 'local'}: Ray does not start there ({reason})") from error
        _silence()
        try:
            yield
        finally:
            ray.shutdown()


def _must_answer(address: str) -> None:
    """Refuse at once what Ray would try for a quarter of an hour.

    Raises:
        InputError: the address is of no known form, or nothing listens there.
    """
    if address == "auto":
        return
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise InputError(f"--address {address!r}: must be auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((found["host"], int(found["port"])), _CONNECT_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--address {address}: nothing answers there ({reason}); start a cluster first") from error


_ADDRESS = re.compile(r"(ray://)?\[?(?P<host>[^\s\[\]/@]+)\]?:(?P<port>[0-9]{1,5})")
_CONNECT_SECONDS = 10


def _silence() -> None:
    """What fails is told in our own words; Ray would add a page of traceback for every dead worker."""
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    logging.getLogger("ray.air").setLevel(logging.CRITICAL)
    ray._private.worker.print_to_stdstream = lambda *_, **__: None


@contextmanager
def _temporary_folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="scalesearch-ray-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Worker(Trainable):  # type: ignore[misc]  # ray has no types
    """A long-lived slot: one epoch a `step`, one trial after another."""

    def setup(self, config: Mapping[str, Any], objective: Objective, stall_seconds: float) -> None:
        """Keep the objective and take up the first trial."""
        self._objective = objective
        self._stall_seconds = stall_seconds
        self._hangs = False
        self._begin(config)

    def reset_config(self, new_config: Mapping[str, Any]) -> bool:
        """Take up another trial in the same process."""
        self._begin(new_config)
        return True

    def _begin(self, config: Mapping[str, Any]) -> None:
        self._execution = Execution(from_json(TrialSpec, config["spec"]), self._objective)

    def step(self) -> dict[str, Any]:
        """One epoch, or the outcome and with it the end."""
        if self._hangs:
            # The outcome is out; only the end of the process ends the thread that hangs. Ray replaces it.
            os._exit(1)
        found = self._step_or_stall()
        if isinstance(found, Outcome) and not self._hangs:
            return {"outcome": as_json(found, floats=True), "done": True}
        key = "outcome" if self._hangs else "epoch"
        return {key: as_json(found, floats=True), "done": False}

    def _step_or_stall(self) -> Epoch | Outcome:
        """A hung epoch cannot be stopped from within its thread, so it runs in one that can be left behind."""
        results: list[Epoch | Outcome] = []
        thread = threading.Thread(target=lambda: results.append(self._execution.step()), daemon=True)
        thread.start()
        thread.join(self._stall_seconds if math.isfinite(self._stall_seconds) else None)
        if results:
            return results[0]
        self._hangs = True
        return self._execution.outcome("stalled", f"no epoch was finished in {self._stall_seconds:g} s")

    def cleanup(self) -> None:
        """Nothing to close: the next trial replaces the execution."""

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Trials are short and begin anew; Tune asks for this method all the same."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """See `save_checkpoint`."""


class _Watcher:
    """The driver's side of a run: turns what Tune says into events. Lives outside what Tune pickles."""

    def __init__(self, specs: Sequence[TrialSpec], listener: Listener) -> None:
        self.key = f"{os.getpid()}-{id(self)}"
        self.unfinished = {spec.id: spec for spec in specs}
        self.error: Exception | None = None
        """What the listener raised, such as a full disk; Tune ends with a traceback of its own around it."""
        self._listener = listener
        _WATCHERS[self.key] = self

    def close(self) -> None:
        del _WATCHERS[self.key]

    def started(self, trial: Any) -> None:
        self._tell(Started(from_json(TrialSpec, trial.config["spec"])))

    def reported(self, trial: Any, result: Mapping[str, Any]) -> None:
        spec = from_json(TrialSpec, trial.config["spec"])
        if "outcome" in result:
            outcome = from_json(Outcome, result["outcome"])
            if outcome.state == "stalled":
                trial.max_failures = 0  # its worker is about to end itself; that is no reason to begin anew
            self._finish(spec, outcome)
        elif "epoch" in result:
            self._tell(Progressed(spec, from_json(Epoch, result["epoch"])))

    def broken(self, trial: Any) -> None:
        spec = from_json(TrialSpec, trial.config["spec"])
        reason = f"its worker process died {MAX_FAILURES + 1} times (out of memory, or a crash in native code)"
        self._finish(spec, Outcome("failed", (), 0.0, 0.0, reason))

    def give_up(self) -> None:
        """Whatever Tune left without a word is a failure, and says so."""
        for spec in list(self.unfinished.values()):
            self._finish(spec, Outcome("failed", (), 0.0, 0.0, "Ray ended without this trial's result"))

    def _finish(self, spec: TrialSpec, outcome: Outcome) -> None:
        if self.unfinished.pop(spec.id, None) is not None:
            self._tell(Finished(spec, outcome))

    def _tell(self, event: Event) -> None:
        try:
            self._listener(event)
        except Exception as error:
            self.error = error
            raise


_WATCHERS: dict[str, _Watcher] = {}
"""The runs under way in this process."""


class _Bridge(Callback):  # type: ignore[misc]  # ray has no types
    """Passes Tune's callbacks to the watcher of the same process; holds its key alone, so it pickles."""

    def __init__(self, key: str) -> None:
        self._key = key

    def on_trial_start(self, *, trial: Any, **_: Any) -> None:
        """A trial has a slot."""
        _WATCHERS[self._key].started(trial)

    def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:
        """A trial finished an epoch or itself."""
        _WATCHERS[self._key].reported(trial, result)

    def on_trial_complete(self, *, trial: Any, **_: Any) -> None:
        """The last result of a trial comes here only."""
        _WATCHERS[self._key].reported(trial, trial.last_result or {})

    def on_trial_error(self, *, trial: Any, **_: Any) -> None:
        """A worker died more often than it may."""
        _WATCHERS[self._key].broken(trial)
