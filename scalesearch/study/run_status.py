"""The status of a running search, for observers: its running trials and their epochs, in a temporary file.

`running.jsonl` next to the lock has one line per event, and is removed when the search ends. It is not part of the
results: no computation reads it, and a search continues without it if the disk refuses it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from scalesearch.runners.execution import EpochFinished, Event, Listener, TrialFinished
from scalesearch.search.canonical import MalformedError, as_json, from_json
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec

FILE = "running.jsonl"
"""The name of the file, in the folder of the study."""
_REWRITE_SIZE = 2**17
"""The file is written anew when it is this many bytes larger than twice the lines of the running trials."""
_MAX_READ = 2**24
"""Bytes of the file that are read at most."""


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial that is running."""

    trial: str
    """The id of the trial."""
    network: str
    """The id of its network."""
    seed: int
    samples: int | None
    """Training images at which it ends; None: at the end of the recipe."""
    since: int
    """Training images of these that were seen on an earlier rung."""
    epochs: tuple[Epoch, ...]
    """The epochs that have finished."""
    began: float
    """The time of its start, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A search that is running."""

    began: float
    """The time of its start, in seconds since 1970."""
    before: int
    """Trials that had a record at its start."""
    done: int
    """Trials that have finished since."""
    running: tuple[RunningTrial, ...]


@contextmanager
def publish(folder: Path, before: int) -> Iterator[Listener]:
    """Yield a listener that writes the events it receives to the file, as long as the search runs.

    Args:
        folder: the folder of the study.
        before: the number of trials that have a record already.

    The file is locked while the search runs. The kernel releases the lock of a killed process, so a reader can tell
    a killed search from a running one.
    """
    publisher = _Publisher(folder / FILE, before)
    try:
        publisher.begin()
        yield publisher
    finally:
        publisher.close()


class _Publisher:
    """Appends one line per event; a file that has grown is replaced by one without finished trials."""

    def __init__(self, path: Path, before: int) -> None:
        self._path, self._began, self._before, self._done = path, time.time(), before, 0
        self._lines: dict[str, list[bytes]] = {}
        """The lines of each running trial."""
        self._lines_size = 0
        self._descriptor: int | None = None
        self._size = 0

    def begin(self) -> None:
        """Write a new file in place of the present one."""
        fresh = self._path.with_name(f".{FILE}.{os.getpid()}.tmp")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        except OSError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            header = {"began": self._began, "before": self._before, "done": self._done}
            content = b"".join(
                [_encode_line(header), *(line for trial_lines in self._lines.values() for line in trial_lines)]
            )
            os.write(descriptor, content)
            fresh.replace(self._path)
        except OSError:
            os.close(descriptor)
            with suppress(OSError):
                fresh.unlink()
            return
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._size = descriptor, len(content)

    def __call__(self, event: Event) -> None:
        """Write one event; if the disk is full, only the line is lost."""
        if self._descriptor is None:
            return
        key, line = event.spec.id, b""
        with suppress(ValueError):
            line = _encode_line(_event_json(event))
        if isinstance(event, TrialFinished):
            self._done += 1
            self._lines_size -= sum(map(len, self._lines.pop(key, [])))
        elif isinstance(event, EpochFinished):
            if key in self._lines:
                self._lines[key].append(line)
                self._lines_size += len(line)
        else:
            self._lines_size += len(line) - sum(map(len, self._lines.get(key, [])))
            self._lines[key] = [line]
        with suppress(OSError):
            self._size += os.write(self._descriptor, line)
        if self._size > _REWRITE_SIZE + 2 * self._lines_size:
            self.begin()

    def close(self) -> None:
        """Remove the file and release its lock."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)


def fan_out(first: Listener, second: Listener) -> Listener:
    """Return a listener that passes each event to two listeners."""

    def notify(event: Event) -> None:
        first(event)
        second(event)

    return notify


def read_run_status(folder: Path) -> RunStatus | None:
    """Return the status of the search that runs in a folder, or None if none runs or its file cannot be read.

    An incomplete line is skipped; the last line may be one.
    """
    try:
        with (folder / FILE).open("rb") as stream:
            if not _is_locked(stream.fileno()):
                return None
            lines = stream.read(_MAX_READ).split(b"\n")[:-1]
    except OSError:
        return None
    status = RunStatus(began=time.time(), before=0, done=0, running=())
    running: dict[str, RunningTrial] = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError, MalformedError):
            status = _apply_line(status, running, json.loads(line))
    return replace(status, running=tuple(running.values()))


def _apply_line(status: RunStatus, running: dict[str, RunningTrial], line: Mapping[str, object]) -> RunStatus:
    """Return the status after one line; changes the running trials in place."""
    if "began" in line and "trial" not in line:
        before, done = (int(_number(line[name])) for name in ("before", "done"))
        return RunStatus(_number(line["began"]), before, done, ())
    trial, seconds = str(line["trial"]), _number(line["at"])
    if "end" in line:
        running.pop(trial, None)
        return replace(status, done=status.done + 1)
    if "epoch" in line:
        epoch = from_json(Epoch, line["epoch"])
        running[trial] = replace(running[trial], epochs=(*running[trial].epochs, epoch))
        return status
    samples = None if line["samples"] is None else int(_number(line["samples"]))
    numbers = {"seed": int(_number(line["seed"])), "since": int(_number(line["since"]))}
    running[trial] = RunningTrial(trial, str(line["network"]), samples=samples, epochs=(), began=seconds, **numbers)
    return status


def _event_json(event: Event) -> dict[str, object]:
    line: dict[str, object] = {"trial": event.spec.id, "at": time.time()}
    if isinstance(event, TrialFinished):
        return {**line, "end": event.outcome.state}
    if isinstance(event, EpochFinished):
        return {**line, "epoch": as_json(event.epoch, floats=True)}
    return {**line, **_trial_json(event.spec)}


def _trial_json(spec: TrialSpec) -> dict[str, object]:
    return {"network": spec.network_id, "seed": spec.seed, "samples": spec.samples, "since": spec.since}


def _encode_line(line: Mapping[str, object]) -> bytes:
    return (json.dumps(line, allow_nan=False) + "\n").encode()


def _is_locked(descriptor: int) -> bool:
    """Return whether the process that writes the file is alive: it holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    return float(value)
