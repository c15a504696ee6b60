"""A process group of workers that are all on this machine: they meet in a file and speak over loopback.

torch's store of a process group listens on every interface, and asks nobody for a token; so does gloo on the
machine's own address. A file needs no listener, and gloo and NCCL take the interface that they are told.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any

import torch.distributed as dist
from ray import train
from ray.train.backend import Backend, BackendConfig
from ray.train.torch import TorchConfig


@dataclass
class LoopbackConfig(TorchConfig):  # type: ignore[misc]  # Ray Train has no types
    """Ray Train's configuration of torch, for workers of one machine.

    Attributes:
        meeting_file: does not exist yet, in a folder that all workers can write.
    """

    meeting_file: str = ""

    @property
    def backend_cls(self) -> type[Backend]:
        """What sets up the process group."""
        return _LoopbackBackend


class _LoopbackBackend(Backend):  # type: ignore[misc]
    share_cuda_visible_devices = True

    def on_start(self, worker_group: Any, backend_config: BackendConfig) -> None:
        assert isinstance(backend_config, LoopbackConfig)
        worker_group.execute(_join, backend_config.backend, backend_config.meeting_file)

    def on_shutdown(self, worker_group: Any, backend_config: BackendConfig) -> None:  # noqa: ARG002 (its signature)
        worker_group.execute(_leave)


def _join(backend: str, meeting_file: str) -> None:
    """In each worker."""
    name = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
    os.environ.update({"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name})
    context = train.get_context()
    os.environ["LOCAL_RANK"] = str(context.get_local_rank())
    dist.init_process_group(
        backend,
        init_method=f"file://{meeting_file}",
        rank=context.get_world_rank(),
        world_size=context.get_world_size(),
    )


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
