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

from scalesearch.runners.execution import Event, Finished, Listener, Progressed
from scalesearch.search.canonical import MalformedError, as_json, from_json
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec

FILE = "running.jsonl"
_MOST = 32 * 2**20
"""Bytes of the file that are read; a search of 10,000 trials of ten epochs writes 25 MB."""
_TRIES = 50


@dataclass(frozen=True, slots=True)
class Running:
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
class Live:
    """A search under way."""

    began: float
    """Seconds since 1970."""
    before: int
    """Trials that had a record then."""
    done: int
    """Trials finished since."""
    running: tuple[Running, ...]


@contextmanager
def announced(folder: Path, before: int) -> Iterator[Listener]:
    """A listener that writes down what it hears, as long as the search lasts.

    Args:
        folder: of the study.
        before: trials that have a record already.

    The file is locked while it is written, so that the kernel tells a search that was killed from one that lasts.
    """
    try:
        descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError:
        yield lambda _: None
        return
    try:
        _hold(descriptor)
        _write(descriptor, {"began": time.time(), "before": before})
        yield lambda event: _write(descriptor, _line(event))
    finally:
        with suppress(OSError):
            (folder / FILE).unlink()
        os.close(descriptor)


def both(first: Listener, second: Listener) -> Listener:
    """A listener that tells two."""

    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell


def read_live(folder: Path) -> Live | None:
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
    live = Live(began=time.time(), before=0, done=0, running=())
    running: dict[str, Running] = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError, MalformedError):
            live = _told(live, running, json.loads(line))
    return replace(live, running=tuple(running.values()))


def _told(live: Live, running: dict[str, Running], said: Mapping[str, object]) -> Live:
    """What one line changes."""
    if "began" in said and "trial" not in said:
        return replace(live, began=_number(said["began"]), before=int(_number(said["before"])))
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
    running[trial] = Running(trial, str(said["network"]), samples=samples, epochs=(), began=at, **numbers)
    return live


def _line(event: Event) -> dict[str, object]:
    said: dict[str, object] = {"trial": event.spec.id, "at": time.time()}
    if isinstance(event, Finished):
        return {**said, "end": event.outcome.state}
    if isinstance(event, Progressed):
        return {**said, "epoch": as_json(event.epoch, floats=True)}
    return {**said, **_who(event.spec)}


def _who(spec: TrialSpec) -> dict[str, object]:
    return {"network": spec.network_id, "seed": spec.seed, "samples": spec.samples, "since": spec.since}


def _write(descriptor: int, said: Mapping[str, object]) -> None:
    """One line in one write; a full disk costs the line and nothing else."""
    with suppress(OSError, ValueError):
        os.write(descriptor, (json.dumps(said, allow_nan=False) + "\n").encode())


def _hold(descriptor: int) -> None:
    """Lock the emptied file; who looks holds it for an instant, and whoever holds it longer is not waited for."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.02)
        else:
            return


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
