"""What a study's numbers depend on besides the configuration: versions and hardware."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("scalesearch", "torch", "numpy", "ray", "fvcore")


def environment() -> dict[str, str]:
    """Versions, processor, cores and GPU of this machine, as texts."""
    found = {name: _version(name) for name in PACKAGES}
    found["python"] = ".".join(map(str, sys.version_info[:3]))
    found["system"] = f"{platform.system()} {platform.machine()}"
    found["processor"] = _processor()
    found["cores"] = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    found["gpu"] = _gpu()
    return found


def own_version() -> str:
    """The version of this program, as `environment` has it."""
    return _version("scalesearch")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The model's name, and the instruction set that torch's kernels use: both decide the last bits."""
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
