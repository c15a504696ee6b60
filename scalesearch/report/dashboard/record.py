"""A record as the dashboard reads it: its figures alone, without building the networks that they are of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome, State
from scalesearch.study.files import read_file

_MOST = 16 * 2**20
"""Bytes of a record; a real one has some thousands."""
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Trial:
    """One finished trial."""

    id: str
    network: str
    """The id of its network."""
    seed: int
    samples: int | None
    """Training images at which it ended; None: the recipe's whole."""
    since: int
    px: int
    proxy_px: int
    macs: int
    params: int
    activations: int
    proxy_macs: int
    fvcore_total: int | None
    outcome: Outcome

    @property
    def accuracy(self) -> float | None:
        """Of a complete trial."""
        return self.outcome.accuracy

    @property
    def images(self) -> int:
        """Training images seen, also by a trial that went wrong."""
        return self.outcome.epochs[-1].samples if self.outcome.epochs else self.since


CANNOT_BE_READ = "cannot be read"
"""What is said of a file that the system does not hand out, or that is none; its content is not to blame."""


class BrokenError(ValueError):
    """A record that is not what was written; the message is one line."""


def read_trial(path: Path) -> Trial:
    """The figures of one record, its checksum and its id verified.

    Raises:
        BrokenError: it is not what was written.
    """
    try:
        if path.stat().st_size > _MOST:
            raise BrokenError("is too large for a record")
        tree = json.loads(read_file(path))
        checksum = tree.pop("sha256")
        if checksum != _digest(tree):
            raise BrokenError("its checksum does not match")
        if _digest(tree["spec"])[:16] != path.stem:
            raise BrokenError("its name is not the id of what it holds")
        return _trial(path.stem, tree["spec"], tree["cost"], tree["outcome"])
    except BrokenError:
        raise
    except OSError as error:
        raise BrokenError(f"{CANNOT_BE_READ} ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenError("is not a whole record") from error


def _digest(tree: object) -> str:
    """SHA-256 of canonical JSON, which both checksums and ids are."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _trial(key: str, spec: Mapping[str, object], price: Mapping[str, object], said: Mapping[str, object]) -> Trial:
    network, proxy = spec["network"], spec["proxy"]
    if not isinstance(network, dict) or not isinstance(proxy, dict):
        raise BrokenError("is not a whole record")
    return Trial(
        id=key,
        network=_digest(network)[:16],
        seed=_whole(spec["seed"]),
        samples=_whole(spec["samples"]) if spec.get("samples") is not None else None,
        since=_whole(spec.get("since", 0)),
        px=_whole(network["resolution"]),
        proxy_px=_whole(proxy["resolution"]),
        macs=_whole(price["macs"]),
        params=_whole(price["params"]),
        activations=_whole(price["activations"]),
        proxy_macs=_whole(price["proxy_macs"]),
        fvcore_total=_whole(price["fvcore_total"]) if price.get("fvcore_total") is not None else None,
        outcome=_outcome(said),
    )


def _outcome(said: Mapping[str, object]) -> Outcome:
    state, epochs = said["state"], said["epochs"]
    if state not in STATES or not isinstance(epochs, list):
        raise BrokenError("is not a whole record")
    found = tuple(
        Epoch(
            index=_whole(one["index"]),
            samples=_whole(one["samples"]),
            train_loss=_number(one["train_loss"]),
            val_loss=_number(one["val_loss"]),
            val_accuracy=_number(one["val_accuracy"]),
            seconds=_number(one["seconds"]),
            score=_number(one["score"]) if one.get("score") is not None else None,
        )
        for one in epochs
    )
    seconds, training = _number(said["seconds"]), _number(said["training_seconds"])
    return Outcome(state, found, seconds, training, str(said.get("message", ""))[:1000])


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise BrokenError(f"{str(value)[:40]!r} is no count")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float):
        raise BrokenError(f"{str(value)[:40]!r} is no number")
    return float(value)  # type: ignore[arg-type]
