"""Recognise from the errors of torch, CUDA or the system why training cannot run here, and advise a remedy."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scalesearch.user_code import message_of

Remedy = Literal["larger steps", "smaller steps", "free space"]


@dataclass(frozen=True, slots=True)
class TrainingFailure:
    """Describes why a training step, or reading its images, failed although the network is not at fault."""

    state: Literal["failed", "oom"]
    """The state of a trial that ends with this failure."""
    reason: str
    remedy: Remedy

    def for_options(self) -> str:
        """Return the reason and the remedy for commands with `--batch`, `--accumulate` and `--resolution`."""
        return f"{self.reason}; {_BY_OPTIONS[self.remedy]}"

    def for_budget(self) -> str:
        """Return the reason and the remedy for commands that take batch and resolution from a budget."""
        return f"{self.reason}; {_BY_BUDGET[self.remedy]}"


_BY_OPTIONS: dict[Remedy, str] = {
    "larger steps": "give a larger --batch, a smaller --accumulate or a larger --resolution",
    "smaller steps": "give a smaller --batch, a larger --accumulate or a smaller --resolution",
    "free space": "free space on that disk, or set XDG_CACHE_HOME to a folder on another one",
}
_BY_BUDGET: dict[Remedy, str] = {
    "larger steps": "take a budget with a larger recipe.batch or resolution",
    "smaller steps": "take a budget with a smaller recipe.batch or resolution, or run fewer trials at a time",
    "free space": _BY_OPTIONS["free space"],
}

_REQUESTED = re.compile(
    r"tried to allocate ([0-9.]+ ?[KMGT]?i?B(?:ytes)?)|allocate ([0-9.]+ [KMGT]iB)", re.IGNORECASE
)

_REASONS: tuple[tuple[re.Pattern[str], TrainingFailure], ...] = (
    (
        re.compile(r"Expected more than 1 (value per channel|spatial element)"),
        TrainingFailure(
            "failed", "batch normalisation in training needs more than one value per channel", "larger steps"
        ),
    ),
    (
        re.compile(r"CUDA out of memory|CUDA error: out of memory|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED"),
        TrainingFailure("oom", "the GPU's memory is exhausted", "smaller steps"),
    ),
    (
        re.compile(r"No space left on device|Disk quota exceeded|os error (28|122)\b"),
        TrainingFailure("failed", "the disk of the image cache is full", "free space"),
    ),
    (
        re.compile(r"unable to mmap|mmap\b.*fail|Cannot map"),
        TrainingFailure("oom", "the cached images cannot be mapped into this machine's memory", "smaller steps"),
    ),
    (
        re.compile(
            r"DefaultCPUAllocator|can't allocate memory|Unable to allocate|Cannot allocate memory|bad_alloc"
            r"|MemoryError|could not (create|execute) a (memory|primitive)|failed to map segment"
        ),
        TrainingFailure("oom", "the memory of this machine is exhausted", "smaller steps"),
    ),
)


def training_failure(error: BaseException | str) -> TrainingFailure | None:
    """Return the failure that an error describes; None where it is of another kind.

    Args:
        error: the error, or its text where another process raised it.
    """
    text = error if isinstance(error, str) else " ".join(_error_texts(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        text += " No space left on device"
    failure = next((failure for pattern, failure in _REASONS if pattern.search(text)), None)
    requested = _REQUESTED.search(text)
    if failure is None or failure.state != "oom" or requested is None:
        return failure
    size = _in_mebibytes(requested[1] or requested[2])
    return TrainingFailure(failure.state, f"{failure.reason} ({size} more were asked for)", failure.remedy)


def _error_texts(error: BaseException) -> Iterator[str]:
    """Yield the texts of the error and of its chain.

    The chain counts because a library may report lack of memory as a broken installation.
    """
    chain: BaseException | None = error
    while chain is not None:
        yield f"{type(chain).__name__}: {message_of(chain)}"
        chain = chain.__cause__ or chain.__context__


def _in_mebibytes(size: str) -> str:
    """Convert `108380160 bytes` to `103 MiB`; a size that has a unit is kept."""
    number, unit = re.match(r"([0-9.]+) ?(.*)", size).groups()  # type: ignore[union-attr]  # it was matched before
    return size if unit.lower() != "bytes" else f"{float(number) / 2**20:.0f} MiB"
