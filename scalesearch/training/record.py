"""run.json: what a training was asked for, where it ran, and what it came to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.study.environments import compare_environments
from scalesearch.study.files import replace_atomically
from scalesearch.study.provenance import environment
from scalesearch.training.checkpoint import NAME
from scalesearch.training.job import HISTORY, RUN, WEIGHTS, Job, read_history

_ELSEWHERE = "give another --results, or delete the folder"
"""Not --name, which transfer has not."""


def open_run(folder: Path, job: Job, command: str) -> bool:
    """Begin the folder's run, or take it up; whether it is finished already.

    One that came to no epoch has nothing to lose: another may begin there.

    Raises:
        InputError: the folder holds another run, or this one was begun in another environment.
    """
    path = folder / RUN
    now = environment()
    if not path.exists() or not any((folder / name).exists() for name in (NAME, HISTORY, WEIGHTS)):
        record = {"format": 1, "asked": job.asked(), "command": command, "environment": now}
        replace_atomically(path, _text(record))
        return False
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        asked, before, result = record["asked"], record["environment"], record.get("result")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is damaged; {_ELSEWHERE}") from error
    changed = list(_changed(asked, job.asked()))
    if changed:
        raise InputError(f"{folder}: holds another training (other {', '.join(changed)}); {_ELSEWHERE}")
    if result is not None and (folder / WEIGHTS).is_file():
        return True
    if (other := compare_environments(before, now)) is not None:
        raise InputError(f"{folder}: was begun in another environment ({other}); {_ELSEWHERE}")
    return False


def _changed(before: object, now: object, path: str = "") -> Iterator[str]:
    """The keys whose values differ, such as `seed` or `sizes.batch`."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            yield from _changed(before.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif before != now:
        yield path


def write_result(folder: Path, job: Job) -> None:
    """Add what the training came to."""
    path = folder / RUN
    record = json.loads(path.read_text(encoding="utf-8"))
    rows = read_history(folder)
    price = cost(job.definition.architecture)
    record["result"] = {
        "val_accuracy": rows[-1].val_accuracy,
        "val_loss": rows[-1].val_loss,
        "seconds": sum(row.seconds for row in rows),
        "params": price.params,
        "macs": price.macs,
        "weights_sha256": hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest(),
    }
    replace_atomically(path, _text(record))


def _text(record: dict[str, object]) -> str:
    return json.dumps(record, indent=1, allow_nan=False) + "\n"
