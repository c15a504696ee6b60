"""Form a process group of workers on one machine: they meet in a file and communicate over loopback.

The store of a torch process group listens on every interface and asks for no token; so does gloo on the machine's
own address. A file needs no listener, and gloo and NCCL use the interface that they are given.
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
    """Configures torch in Ray Train for workers of one machine.

    Attributes:
        meeting_file: a path that does not exist yet, in a folder that all workers can write.
    """

    meeting_file: str = ""

    @property
    def backend_cls(self) -> type[Backend]:
        """The class that sets up the process group."""
        return _LoopbackBackend


class _LoopbackBackend(Backend):  # type: ignore[misc]
    share_cuda_visible_devices = True

    def on_start(self, worker_group: Any, backend_config: BackendConfig) -> None:
        assert isinstance(backend_config, LoopbackConfig)
        worker_group.execute(_join_process_group, backend_config.backend, backend_config.meeting_file)

    def on_shutdown(self, worker_group: Any, backend_config: BackendConfig) -> None:  # noqa: ARG002 (its signature)
        worker_group.execute(_leave_process_group)


def _join_process_group(backend: str, meeting_file: str) -> None:
    """Join the process group, in each worker."""
    interface = next(interface for _, interface in socket.if_nameindex() if interface.startswith("lo"))
    os.environ.update({"GLOO_SOCKET_IFNAME": interface, "NCCL_SOCKET_IFNAME": interface})
    context = train.get_context()
    os.environ["LOCAL_RANK"] = str(context.get_local_rank())
    dist.init_process_group(
        backend,
        init_method=f"file://{meeting_file}",
        rank=context.get_world_rank(),
        world_size=context.get_world_size(),
    )


def _leave_process_group() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
