"""Where training stood when a rung's learning rate began to fall, so that the next rung goes on from there.

Checkpoints are a cache and never the truth: training begun anew gives the same numbers. So one that is gone, torn
or on another machine only costs time; its name holds the checksum of its bytes, since safetensors loads flipped
bits without a word.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from safetensors.torch import load, save
from torch import Tensor


def keep(folder: Path, trunk: str, step: int, state: dict[str, Tensor], needed: int = 0) -> None:
    """Write the state at `step` and drop the trunk's before step `needed`; what cannot be written is not kept.

    The state that this rung began with stays until the next one: a rung that is killed begins with it again.
    """
    data = save({name: value.contiguous() for name, value in state.items()})
    path = folder / f"{trunk}-{step:09}-{_sum(data)}.safetensors"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with suppress(OSError):
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)  # on a full disk it holds the space that a record needs
            raise
        for older in folder.glob(f"{trunk}-*.safetensors"):
            if int(older.stem.split("-")[1]) < needed:
                older.unlink(missing_ok=True)


def kept(folder: Path, trunk: str, until: int) -> dict[str, Tensor] | None:
    """The whole state of the trunk that is nearest to step `until` and not beyond; None where there is none."""
    for path in sorted(folder.glob(f"{trunk}-*.safetensors"), reverse=True):
        _, step, checksum = path.stem.split("-")
        if int(step) > until:
            continue
        with suppress(OSError):
            data = path.read_bytes()
            if _sum(data) == checksum:
                return load(data)
    return None


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
