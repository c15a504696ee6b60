"""The environment of a study: the versions and hardware that its numbers depend on."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("scalesearch", "torch", "numpy", "ray", "fvcore")
"""The packages whose versions are recorded."""


def environment() -> dict[str, str]:
    """Return the versions, processor, number of cores and GPU of this machine as texts."""
    facts = {name: _version(name) for name in PACKAGES}
    facts["python"] = ".".join(map(str, sys.version_info[:3]))
    facts["system"] = f"{platform.system()} {platform.machine()}"
    facts["processor"] = _processor()
    facts["cores"] = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    facts["gpu"] = _gpu()
    return facts


def own_version() -> str:
    """Return the version of this program, as `environment` records it."""
    return _version("scalesearch")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """Return the processor model and the instruction set of torch's kernels: both change the last bits."""
    import torch

    model = platform.processor() or "unknown"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model} ({torch.backends.cpu.get_cpu_capability()})"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none"
    return f"{torch.cuda.device_count()} × {torch.cuda.get_device_name(0)}"
