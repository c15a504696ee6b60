"""Where a training stands after an epoch: one safetensors file, replaced in one step.

It holds the tensors that the next epoch depends on and, as metadata, whose they are and the epochs so far, so that
state and history never disagree. Unlike a search's checkpoints it is no cache: nothing else knows what was trained.
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
from scalesearch.training.events import Row

NAME = "checkpoint.safetensors"


def write_checkpoint(folder: Path, run: str, rows: list[Row], state: dict[str, Tensor]) -> None:
    """Replace the checkpoint by the state after `rows`; a kill at any moment leaves the old or the new one.

    Raises:
        StorageError: the folder cannot be written.
    """
    history = json.dumps(as_json(rows, floats=True), allow_nan=False)
    metadata = {"run": run, "history": history, "sha256": tensors_sum(state)}
    replace_atomically(folder / NAME, save(state, metadata))


def read_checkpoint(folder: Path, run: str) -> tuple[list[Row], dict[str, Tensor]] | None:
    """The epochs so far and the state after them; None where there is no checkpoint.

    Args:
        folder: of the run.
        run: the id that it must have been written by.

    Raises:
        InputError: another run's, or a damaged file.
    """
    path = folder / NAME
    where = printable(str(path))
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        rows = [from_json(Row, row) for row in json.loads(metadata["history"])]
        sound = tensors_sum(state) == metadata["sha256"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: is damaged; delete it to train from the beginning") from error
    if not sound:
        raise InputError(f"{where}: is damaged; delete it to train from the beginning")
    if metadata.get("run") != run:
        raise InputError(f"{where}: is another training's; give another --results, or delete the folder")
    return rows, state


def tensors_sum(state: dict[str, Tensor]) -> str:
    """SHA-256 over names and bytes.

    Not of a file: safetensors loads flipped bits without a word, and writes its metadata in any order.
    """
    found = hashlib.sha256()
    for name in sorted(state):
        found.update(name.encode())
        found.update(np.ascontiguousarray(state[name].numpy()).tobytes())
    return found.hexdigest()
