"""Train one network with several workers, each on its share of every batch: DistributedDataParallel by Ray Train.

Each worker reads the images and the checkpoint for itself. On several machines all of them must therefore see the
run's folder; the first worker writes. Gradients are averaged. Batch norm's statistics are each worker's own (those
of the first worker are saved), as is usual on several GPUs.
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
from scalesearch.nets.malloc import disable_malloc_trim
from scalesearch.proxy.failures import training_failure
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.training.events import EpochMetrics, WorkerContext
from scalesearch.training.job import Job, read_history, resume_training
from scalesearch.training.loopback import LoopbackConfig

_POLL_SECONDS = 0.5


def train_distributed(
    job: Job, folder: Path, cluster: RayRunner | None, on_epoch: Callable[[EpochMetrics], None]
) -> None:
    """Train with `job.workers` workers, on one GPU each where there are any.

    `on_epoch` is called with the metrics of every epoch.

    Raises:
        InputError: there is no cluster at the address.
        TrialsFailedError: a worker failed.
    """
    os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
    has_gpus = torch.cuda.is_available()
    is_finished = threading.Event()
    watcher = threading.Thread(
        target=_report_epochs, args=(folder, len(read_history(folder)), is_finished, on_epoch), daemon=True
    )
    with replace(cluster or RayRunner(), cores=job.workers).session(), tempfile.TemporaryDirectory() as scratch:
        trainer = TorchTrainer(
            _train_worker,
            train_loop_config={"job": job, "folder": str(folder.resolve()), "cwd": str(Path.cwd())},
            scaling_config=ScalingConfig(
                num_workers=job.workers, use_gpu=has_gpus, resources_per_worker={"CPU": 1}
            ),
            torch_config=_process_group("nccl" if has_gpus else "gloo", cluster, Path(scratch)),
            run_config=RunConfig(name="scalesearch", storage_path=scratch),
        )
        watcher.start()
        try:
            trainer.fit()
        except (KeyboardInterrupt, ScalesearchError):
            raise
        except Exception as error:  # a worker's error of any type, wrapped by Ray in version-dependent ways
            if (failure := training_failure(str(error))) is not None:
                raise TrialsFailedError(f"{folder}: a worker failed: {failure.for_options()}") from error
            reason = str(error).strip().splitlines()
            message = re.sub(r"^[\w.]+Error: ", "", reason[-1])[:300] if reason else type(error).__name__
            raise TrialsFailedError(f"{folder}: a worker failed ({message})") from error
        finally:
            is_finished.set()
            watcher.join()


def _process_group(backend: str, cluster: RayRunner | None, scratch: Path) -> TorchConfig:
    """Return the torch configuration: the first worker of a cluster listens for the others; locally, none does."""
    if cluster is not None and cluster.address is not None:
        return TorchConfig(backend=backend)
    return LoopbackConfig(backend=backend, meeting_file=str(scratch / "meeting"))


def _train_worker(config: dict[str, Any]) -> None:
    """Run the training of one worker."""
    job, folder = config["job"], Path(config["folder"])
    with suppress(OSError):  # a path of images may be relative; another machine may lack the folder
        os.chdir(config["cwd"])
    torch.set_num_threads(job.threads)
    disable_malloc_trim()
    context = train.get_context()
    worker = WorkerContext(context.get_world_rank(), context.get_world_size())
    for _ in resume_training(job, folder, job.source.load(), get_device(), worker):
        pass


def _report_epochs(
    folder: Path, num_reported: int, is_finished: threading.Event, on_epoch: Callable[[EpochMetrics], None]
) -> None:
    """Call `on_epoch` for the rows that are added to the history."""
    while True:
        is_last = is_finished.wait(_POLL_SECONDS)
        rows = read_history(folder)
        for row in rows[num_reported:]:
            on_epoch(row)
        num_reported = max(num_reported, len(rows))
        if is_last:
            return
