"""Save the training state where a rung's learning rate begins to decay, so that the next rung resumes from it.

Checkpoints are a cache and never the truth: training from the beginning gives the same numbers. A checkpoint that
is missing, torn or on another machine therefore costs time only. Its name holds the checksum of its bytes, because
safetensors loads flipped bits without an error.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from safetensors.torch import load, save
from torch import Tensor


def save_checkpoint(
    folder: Path, checkpoint_id: str, step: int, state: dict[str, Tensor], oldest_needed: int = 0
) -> None:
    """Write the state at `step` and delete this id's checkpoints before step `oldest_needed`.

    A checkpoint that cannot be written is skipped. The state that this rung began with stays until the next rung is
    saved: a rung that is killed begins with it again.
    """
    data = save({name: value.contiguous() for name, value in state.items()})
    path = folder / f"{checkpoint_id}-{step:09}-{_checksum(data)}.safetensors"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with suppress(OSError):
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)  # on a full disk it holds the space that a record needs
            raise
        for older in folder.glob(f"{checkpoint_id}-*.safetensors"):
            if int(older.stem.split("-")[1]) < oldest_needed:
                older.unlink(missing_ok=True)


def load_checkpoint(folder: Path, checkpoint_id: str, max_step: int) -> dict[str, Tensor] | None:
    """Return the newest intact state of this id at or before step `max_step`; None where there is none."""
    for path in sorted(folder.glob(f"{checkpoint_id}-*.safetensors"), reverse=True):
        _, step, checksum = path.stem.split("-")
        if int(step) > max_step:
            continue
        with suppress(OSError):
            data = path.read_bytes()
            if _checksum(data) == checksum:
                return load(data)
    return None


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
