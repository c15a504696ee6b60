"""Cache decoded data sets as files: one safetensors file per content key, verified when it is read.

A file is written under a temporary name and moved into place in one step, so a reader sees a complete file or none,
and processes that race for one key replace it with equal content. A file that is torn, or whose bytes do not give
the fingerprint that it states, is silently built again: the cache never decides what the data are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file

from scalesearch.errors import StorageError

_ARRAYS = ("train_images_NHWC", "train_labels_N", "val_images_NHWC", "val_labels_N")


@dataclass(frozen=True, slots=True, eq=False)
class SplitArrays:
    """Holds a decoded data set as it is stored.

    Images are uint8 (N, px, px, 1, 3 or 4) and labels int64 (N,); class names stand beside them.
    """

    train_images_NHWC: NDArray[np.uint8]
    train_labels_N: NDArray[np.int64]
    val_images_NHWC: NDArray[np.uint8]
    val_labels_N: NDArray[np.int64]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What a user should know about decisions in reading it, one line each."""


def fingerprint(arrays: SplitArrays) -> str:
    """Return the SHA-256 (hex) over class names, shapes, images and labels of both splits, and nothing else."""
    shapes = [list(getattr(arrays, name).shape) for name in _ARRAYS]
    digest = hashlib.sha256(json.dumps([list(arrays.classes), shapes]).encode())
    for name in _ARRAYS:
        array = getattr(arrays, name)
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(little_endian).data)
    return digest.hexdigest()


def cached(key: str, cache_dir: Path, build: Callable[[], SplitArrays]) -> tuple[SplitArrays, str]:
    """Return the arrays stored under `key` (hex) and their fingerprint; build and store them if there are none.

    Arrays from the cache are memory-mapped and shared by every process that reads them.

    Raises:
        StorageError: nothing usable is stored and the folder cannot be written.
    """
    path = cache_dir / f"{key}.safetensors"
    stored = _read_arrays(path)
    if stored is not None:
        return stored
    with _storage_errors(cache_dir):
        # Before the build, which may take minutes: a folder that cannot be written should be reported at once.
        cache_dir.mkdir(parents=True, exist_ok=True)
        descriptor, temporary_name = tempfile.mkstemp(prefix=".building-", dir=cache_dir)
        os.close(descriptor)
        temporary = Path(temporary_name)
    try:
        arrays = build()
        fingerprint_hex = fingerprint(arrays)
        with _storage_errors(cache_dir):
            _write_arrays(arrays, fingerprint_hex, temporary)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return arrays, fingerprint_hex


@contextlib.contextmanager
def _storage_errors(cache_dir: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise StorageError(
            f"cannot write the image cache in {str(cache_dir)!r} ({reason}): "
            "free space there, or set XDG_CACHE_HOME to a folder on another disk"
        ) from error


def _write_arrays(arrays: SplitArrays, fingerprint_hex: str, path: Path) -> None:
    tensors = {name: torch.from_numpy(np.ascontiguousarray(getattr(arrays, name))) for name in _ARRAYS}
    metadata = {
        "classes": json.dumps(arrays.classes),
        "notes": json.dumps(arrays.notes),
        "fingerprint": fingerprint_hex,
    }
    save_file(tensors, path, metadata)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _read_arrays(path: Path) -> tuple[SplitArrays, str] | None:
    """Return the arrays in a file and their fingerprint, or None if there is no file or its bytes do not match."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            arrays_by_name = {name: tensor.numpy() for name, tensor in _load_arrays(file, path).items()}
        classes, notes = (tuple(json.loads(metadata.get(name, "[]"))) for name in ("classes", "notes"))
        arrays = SplitArrays(**arrays_by_name, classes=classes, notes=notes)
        is_intact = fingerprint(arrays) == metadata["fingerprint"]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    return (arrays, metadata["fingerprint"]) if is_intact else None


def _load_arrays(file: safe_open, path: Path) -> dict[str, torch.Tensor]:
    """Return the arrays, mapped from the file, or read into memory where the file system supports no mapping."""
    try:
        return {name: file.get_tensor(name) for name in _ARRAYS}  # type: ignore[no-untyped-call]
    except RuntimeError:
        stored = load(path.read_bytes())
        return {name: stored[name] for name in _ARRAYS}
