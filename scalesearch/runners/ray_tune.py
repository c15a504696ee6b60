"""Runs trials with Ray Tune: on this machine's cores or GPUs, or on a cluster.

Ray is only the executor. Its own state lives in a temporary folder and is never read back (`Tuner.restore` loses
finished trials); a study resumes from its own records. Actors are reused, so each slot imports torch once; the
objective, and with it the data set, is put into the object store once.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import ray
import ray._private.worker
from ray import tune

from scalesearch.errors import InputError
from scalesearch.redaction import HIDDEN, redacted
from scalesearch.runners.execution import Listener
from scalesearch.runners.ray_alone import (
    LOOPBACK,
    loopback_with_token,
    require_token,
    session_folder,
    shield_from_job_signals,
    temporary_folder,
)
from scalesearch.runners.ray_watcher import TrialDispatcher, TuneCallback, WaveScheduler, WaveSearcher
from scalesearch.runners.ray_worker import Worker
from scalesearch.search.trial import Objective, TrialSpec

# Ray reads these once, at its start. Our own progress replaces Tune's table, and Tune's files are thrown away.
_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    # Seconds until a process whose head is gone gives up; by default it waits a minute.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
    "RAY_DEDUP_LOGS": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "100000",
    # Tune would start the actors of a searcher's trials one after the other; a wave's are known at once.
    "TUNE_MAX_PENDING_TRIALS_PG": "200",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Without this, `fit` swallows Ctrl-C and returns as if all were well.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
}


@dataclass(frozen=True, slots=True)
class RayRunner:
    """Runs trials with Ray Tune, in a local Ray or on the cluster at an address.

    Args (fields):
        address: of a running cluster (`auto`, `ray://…`, `host:port`); None starts Ray here.
        insecure_cluster: accept a cluster that requires no token.
        gpus_per_trial: share of a GPU for each trial; None: one where there is a GPU, else none.
        stall_seconds: a trial that finishes no epoch for this long is restarted, and then ends as `stalled`; None:
            see `Patience`.
        cores: how many trials run at a time on this machine's CPU; None: as many as it has.
        logical_gpus: start Ray with so many GPUs whatever the hardware; for tests of placement.
    """

    address: str | None = None
    insecure_cluster: bool = False
    gpus_per_trial: float | None = None
    stall_seconds: float | None = None
    cores: int | None = None
    logical_gpus: int | None = None

    def run(self, waves: Iterable[Sequence[TrialSpec]], objective: Objective, listener: Listener) -> None:
        """Run the waves; see `Runner.run`. The trials of a wave run in parallel and start in its order."""
        with self.session():
            self._fit(waves, objective, listener)

    def _fit(self, waves: Iterable[Sequence[TrialSpec]], objective: Objective, listener: Listener) -> None:
        dispatcher = TrialDispatcher(waves, listener, self.stall_seconds)
        trainable = tune.with_parameters(Worker, objective=objective)
        resources = self._resources()
        with temporary_folder() as folder:
            tuner = tune.Tuner(
                tune.with_resources(trainable, resources),
                tune_config=tune.TuneConfig(
                    search_alg=WaveSearcher(dispatcher.key),
                    scheduler=WaveScheduler(dispatcher.key, _num_slots(resources)),
                    num_samples=-1,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name="scalesearch",
                    storage_path=folder,
                    verbose=0,
                    callbacks=[TuneCallback(dispatcher.key)],
                    # No retries by Tune: they would run before the other trials.
                    failure_config=tune.FailureConfig(max_failures=0),
                    checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                ),
            )
            try:
                tuner.fit()
            except BaseException as error:
                # The frames of the traceback hold the actors, and these hold their slots: only this frees both.
                ray.shutdown()
                raise dispatcher.error or error from None
            finally:
                dispatcher.close()

    def _resources(self) -> dict[str, float]:
        gpus = self.gpus_per_trial
        if gpus is None:
            gpus = 1.0 if ray.cluster_resources().get("GPU", 0) else 0.0
        _require_gpus(gpus, ray.cluster_resources().get("GPU", 0))
        return {"cpu": 1, "gpu": gpus}

    def check(self) -> None:
        """Check that the address answers, or that this machine has the GPUs; a cluster's GPUs are checked later."""
        if self.address is not None:
            _require_reachable(self.address)
        elif self.gpus_per_trial and self.logical_gpus is None:
            import torch

            _require_gpus(self.gpus_per_trial, torch.cuda.device_count())

    @contextmanager
    def session(self) -> Iterator[None]:
        """Start Ray, or join the cluster at the address; do nothing if Ray is initialized already.

        Raises:
            InputError: nothing answers at the address, or Ray does not start.
        """
        if ray.is_initialized():
            yield
            return
        self.check()
        os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
        # BLAS and OpenMP read these when a worker imports torch; a trial has one thread.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        common: dict[str, Any] = {"runtime_env": {"env_vars": threads}, "log_to_driver": False}
        session = nullcontext({"address": self.address}) if self.address is not None else self._alone()
        with session as init_args:
            try:
                with shield_from_job_signals():
                    ray.init(logging_level="error", **init_args, **common)
            # Ray raises Exception itself where a busy machine's node takes too long to start.
            except Exception as error:
                reason = " ".join(str(error).split())[:200]
                if self.address is None:
                    raise InputError(f"Ray does not start on this machine ({reason})") from error
                raise InputError(f"--address {self.address}: Ray does not start there ({reason})") from error
            _silence_ray()
            try:
                if self.address is not None and not self.insecure_cluster:
                    require_token(self.address)
                yield
            finally:
                ray.shutdown()

    @contextmanager
    def _alone(self) -> Iterator[dict[str, Any]]:
        """Return the arguments of `ray.init` for a Ray that serves this run only."""
        with session_folder() as folder, loopback_with_token():
            yield {
                "address": "local",  # never a cluster that RAY_ADDRESS or an earlier `ray start` names
                "num_cpus": self.cores,
                "num_gpus": self.logical_gpus,
                "include_dashboard": False,
                "_node_ip_address": LOOPBACK,
                "_temp_dir": folder,
            }


def _num_slots(resources: Mapping[str, float]) -> int:
    """Return how many trials Ray can run at a time now."""
    total = ray.cluster_resources()
    kinds = {"CPU": resources["cpu"], "GPU": resources["gpu"]}
    return int(min(total.get(kind, 0) / share for kind, share in kinds.items() if share))


def _require_gpus(gpus: float, available: float) -> None:
    if gpus > available:
        raise InputError(
            f"--gpus-per-trial {gpus:g}: there are {available:g} GPUs here; take less, or leave it out"
        )


def _require_reachable(address: str) -> None:
    """Refuse at once an address that Ray would try for a quarter of an hour.

    Raises:
        InputError: the address is of no known form, or nothing listens there.
    """
    if address == "auto":
        return
    match = _ADDRESS.fullmatch(address)
    if match is None:
        shown = f"{HIDDEN}@{address.rpartition('@')[2]}" if "@" in address else address
        raise InputError(f"--address {redacted(shown)!r}: must be auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((match["host"], int(match["port"])), _CONNECT_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--address {address}: nothing answers there ({reason}); start a cluster first") from error


_ADDRESS = re.compile(r"(ray://)?\[?(?P<host>[^\s\[\]/@]+)\]?:(?P<port>[0-9]{1,5})")
_CONNECT_SECONDS = 10


def _silence_ray() -> None:
    """Silence Ray's logs: the runner reports failures, and Ray would log a traceback for every dead worker."""
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    logging.getLogger("ray.air").setLevel(logging.CRITICAL)
    ray._private.worker.print_to_stdstream = lambda *_, **__: None
