"""Save the state of a training after an epoch: one safetensors file, replaced in one step.

It holds the tensors that the next epoch depends on and, as metadata, the id of the run and the epochs so far, so
that state and history never disagree. Unlike a search's checkpoints it is no cache: nothing else holds the trained
weights.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from scalesearch.errors import InputError, printable
from scalesearch.search.canonical import as_json, from_json
from scalesearch.study.files import replace_atomically
from scalesearch.training.events import EpochMetrics

NAME = "checkpoint.safetensors"


def write_checkpoint(folder: Path, run: str, rows: list[EpochMetrics], state: dict[str, Tensor]) -> None:
    """Replace the checkpoint by the state after `rows`; a kill at any moment leaves the old or the new one.

    Raises:
        StorageError: the folder cannot be written.
    """
    history = json.dumps(as_json(rows, floats=True), allow_nan=False)
    metadata = {"run": run, "history": history, "sha256": tensors_checksum(state)}
    replace_atomically(folder / NAME, save(state, metadata))


def read_checkpoint(folder: Path, run: str) -> tuple[list[EpochMetrics], dict[str, Tensor]] | None:
    """Return the epochs so far and the state after them; None where there is no checkpoint.

    Args:
        folder: the folder of the run.
        run: the id of the run that must have written it.

    Raises:
        InputError: the checkpoint is another run's, or damaged.
    """
    path = folder / NAME
    source = printable(str(path))
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        rows = [from_json(EpochMetrics, row) for row in json.loads(metadata["history"])]
        is_intact = tensors_checksum(state) == metadata["sha256"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source}: is damaged; delete it to train from the beginning") from error
    if not is_intact:
        raise InputError(f"{source}: is damaged; delete it to train from the beginning")
    if metadata.get("run") != run:
        raise InputError(f"{source}: is another training's; give another --results, or delete the folder")
    return rows, state


def tensors_checksum(state: dict[str, Tensor]) -> str:
    """Return the SHA-256 over names and bytes.

    The file itself is not hashed: safetensors loads flipped bits without an error, and writes its metadata in any
    order.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(state[name].numpy()).tobytes())
    return digest.hexdigest()
