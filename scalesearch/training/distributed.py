"""One training by several workers, each with its share of every batch: DistributedDataParallel by Ray Train.

Each worker reads the images and the checkpoint for itself, so on several machines the run's folder must lie where
all of them see it; the first worker writes. Gradients are averaged, batch norm's statistics are each worker's own
(the first one's are kept), as is usual on several GPUs.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from ray import train
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer, get_device

from scalesearch.errors import ScalesearchError, TrialsFailedError
from scalesearch.nets.memory import disable_malloc_trim
from scalesearch.proxy.failures import training_failure
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.training.events import Row, WorkerContext
from scalesearch.training.job import Job, follow, read_history
from scalesearch.training.loopback import LoopbackConfig

_POLL_SECONDS = 0.5


def train_together(job: Job, folder: Path, cluster: RayRunner | None, listener: Callable[[Row], None]) -> None:
    """Train with `job.workers` workers, on a GPU each where there are any; hear of every epoch.

    Raises:
        InputError: no cluster at the address.
        TrialsFailedError: a worker failed.
    """
    os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
    gpus = torch.cuda.is_available()
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(folder, len(read_history(folder)), over, listener), daemon=True)
    with replace(cluster or RayRunner(), cores=job.workers).session(), tempfile.TemporaryDirectory() as scratch:
        trainer = TorchTrainer(
            _work,
            train_loop_config={"job": job, "folder": str(folder.resolve()), "cwd": str(Path.cwd())},
            scaling_config=ScalingConfig(num_workers=job.workers, use_gpu=gpus, resources_per_worker={"CPU": 1}),
            torch_config=_process_group("nccl" if gpus else "gloo", cluster, Path(scratch)),
            run_config=RunConfig(name="scalesearch", storage_path=scratch),
        )
        watcher.start()
        try:
            trainer.fit()
        except (KeyboardInterrupt, ScalesearchError):
            raise
        except Exception as error:  # whatever a worker raised, wrapped by Ray in ways that change
            if (failure := training_failure(str(error))) is not None:
                raise TrialsFailedError(f"{folder}: a worker failed: {failure.for_options()}") from error
            reason = str(error).strip().splitlines()
            words = re.sub(r"^[\w.]+Error: ", "", reason[-1])[:300] if reason else type(error).__name__
            raise TrialsFailedError(f"{folder}: a worker failed ({words})") from error
        finally:
            over.set()
            watcher.join()


def _process_group(backend: str, cluster: RayRunner | None, scratch: Path) -> TorchConfig:
    """On a cluster the first worker listens for the others; on one machine nobody needs to be let in."""
    if cluster is not None and cluster.address is not None:
        return TorchConfig(backend=backend)
    return LoopbackConfig(backend=backend, meeting_file=str(scratch / "meeting"))


def _work(config: dict[str, Any]) -> None:
    """One worker."""
    job, folder = config["job"], Path(config["folder"])
    with suppress(OSError):  # a path of images may be relative; another machine may lack the folder
        os.chdir(config["cwd"])
    torch.set_num_threads(job.threads)
    disable_malloc_trim()
    context = train.get_context()
    team = WorkerContext(context.get_world_rank(), context.get_world_size())
    for _ in follow(job, folder, job.source.load(), get_device(), team):
        pass


def _watch(folder: Path, known: int, over: threading.Event, listener: Callable[[Row], None]) -> None:
    """Tell of the rows that come to the history."""
    while True:
        last = over.wait(_POLL_SECONDS)
        rows = read_history(folder)
        for row in rows[known:]:
            listener(row)
        known = max(known, len(rows))
        if last:
            return
