"""What a search under way tells those who look on: running trials and their epochs, in a file that goes with it.

`running.jsonl` beside the lock has a line an event. It is no part of the truth: nothing that is computed reads it,
and a search whose disk refuses it goes on without.
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
_LARGE = 2**17
"""Bytes at which the file is put anew."""
_MOST = 2**24
"""Bytes of the file that are read."""


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial under way."""

    trial: str
    network: str
    seed: int
    samples: int | None
    """Training images at which it ends; None: the recipe's whole."""
    since: int
    """Of these, seen on an earlier rung."""
    epochs: tuple[Epoch, ...]
    began: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """A search under way."""

    began: float
    """Seconds since 1970."""
    before: int
    """Trials that had a record then."""
    done: int
    """Trials finished since."""
    running: tuple[RunningTrial, ...]


@contextmanager
def publish(folder: Path, before: int) -> Iterator[Listener]:
    """A listener that writes down what it hears, as long as the search lasts.

    Args:
        folder: of the study.
        before: trials that have a record already.

    The file is locked while it is written, so that the kernel tells a search that was killed from one that lasts.
    """
    announcer = _Announcer(folder / FILE, before)
    try:
        announcer.begin()
        yield announcer
    finally:
        announcer.close()


class _Announcer:
    """Appends a line an event; a file that has grown is put anew in one step, without what is over."""

    def __init__(self, path: Path, before: int) -> None:
        self._path, self._began, self._before, self._done = path, time.time(), before, 0
        self._lines: dict[str, list[bytes]] = {}
        """Of the trials under way."""
        self._descriptor: int | None = None
        self._size = 0

    def begin(self) -> None:
        """Put a new file in the place of the one that is there."""
        fresh = self._path.with_name(f".{FILE}.{os.getpid()}.tmp")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        except OSError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            head = {"began": self._began, "before": self._before, "done": self._done}
            kept = b"".join([_encoded(head), *(line for own in self._lines.values() for line in own)])
            os.write(descriptor, kept)
            fresh.replace(self._path)
        except OSError:
            os.close(descriptor)
            with suppress(OSError):
                fresh.unlink()
            return
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._size = descriptor, len(kept)

    def __call__(self, event: Event) -> None:
        """Take up one event; a full disk costs the line and nothing else."""
        if self._descriptor is None:
            return
        key, line = event.spec.id, b""
        with suppress(ValueError):
            line = _encoded(_said(event))
        if isinstance(event, TrialFinished):
            self._done += 1
            self._lines.pop(key, None)
        elif isinstance(event, EpochFinished):
            self._lines.get(key, []).append(line)
        else:
            self._lines[key] = [line]
        with suppress(OSError):
            self._size += os.write(self._descriptor, line)
        if self._size > _LARGE + 2 * sum(len(line) for own in self._lines.values() for line in own):
            self.begin()

    def close(self) -> None:
        """Take the file away; the lock goes with it."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)


def both(first: Listener, second: Listener) -> Listener:
    """A listener that tells two."""

    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell


def read_live(folder: Path) -> RunStatus | None:
    """The search that works in a folder now; None where none does, or none that can be told of.

    A line that is not whole, as the last may be, is passed over.
    """
    try:
        with (folder / FILE).open("rb") as stream:
            if not _held(stream.fileno()):
                return None
            lines = stream.read(_MOST).split(b"\n")[:-1]
    except OSError:
        return None
    live = RunStatus(began=time.time(), before=0, done=0, running=())
    running: dict[str, RunningTrial] = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError, MalformedError):
            live = _told(live, running, json.loads(line))
    return replace(live, running=tuple(running.values()))


def _told(live: RunStatus, running: dict[str, RunningTrial], said: Mapping[str, object]) -> RunStatus:
    """What one line changes."""
    if "began" in said and "trial" not in said:
        before, done = (int(_number(said[name])) for name in ("before", "done"))
        return RunStatus(_number(said["began"]), before, done, ())
    trial, at = str(said["trial"]), _number(said["at"])
    if "end" in said:
        running.pop(trial, None)
        return replace(live, done=live.done + 1)
    if "epoch" in said:
        epoch = from_json(Epoch, said["epoch"])
        running[trial] = replace(running[trial], epochs=(*running[trial].epochs, epoch))
        return live
    samples = None if said["samples"] is None else int(_number(said["samples"]))
    numbers = {"seed": int(_number(said["seed"])), "since": int(_number(said["since"]))}
    running[trial] = RunningTrial(trial, str(said["network"]), samples=samples, epochs=(), began=at, **numbers)
    return live


def _said(event: Event) -> dict[str, object]:
    said: dict[str, object] = {"trial": event.spec.id, "at": time.time()}
    if isinstance(event, TrialFinished):
        return {**said, "end": event.outcome.state}
    if isinstance(event, EpochFinished):
        return {**said, "epoch": as_json(event.epoch, floats=True)}
    return {**said, **_who(event.spec)}


def _who(spec: TrialSpec) -> dict[str, object]:
    return {"network": spec.network_id, "seed": spec.seed, "samples": spec.samples, "since": spec.since}


def _encoded(said: Mapping[str, object]) -> bytes:
    return (json.dumps(said, allow_nan=False) + "\n").encode()


def _held(descriptor: int) -> bool:
    """Whether the process that writes the file is alive."""
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
