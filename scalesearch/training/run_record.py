"""Write run.json: the configuration of a training, its environment, and its result."""

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
"""`--name` is not mentioned because `transfer` does not have it."""


def open_run(folder: Path, job: Job, command: str) -> bool:
    """Begin the folder's run or resume it; return whether it is finished already.

    A run without a finished epoch has nothing to lose: another may begin there.

    Raises:
        InputError: the folder holds another run, or this one was begun in another environment.
    """
    path = folder / RUN
    current_environment = environment()
    if not path.exists() or not any((folder / name).exists() for name in (NAME, HISTORY, WEIGHTS)):
        record = {"format": 1, "asked": job.config(), "command": command, "environment": current_environment}
        replace_atomically(path, _text(record))
        return False
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        recorded_config, recorded_environment, result = record["asked"], record["environment"], record.get("result")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is damaged; {_ELSEWHERE}") from error
    changed = list(_changed_keys(recorded_config, job.config()))
    if changed:
        raise InputError(f"{folder}: holds another training (other {', '.join(changed)}); {_ELSEWHERE}")
    if result is not None and (folder / WEIGHTS).is_file():
        return True
    if (environment_change := compare_environments(recorded_environment, current_environment)) is not None:
        raise InputError(f"{folder}: was begun in another environment ({environment_change}); {_ELSEWHERE}")
    return False


def _changed_keys(old: object, new: object, path: str = "") -> Iterator[str]:
    """Yield the keys whose values differ, such as `seed` or `sizes.batch`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _changed_keys(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif old != new:
        yield path


def write_result(folder: Path, job: Job) -> None:
    """Add the result of the training to the record."""
    path = folder / RUN
    record = json.loads(path.read_text(encoding="utf-8"))
    rows = read_history(folder)
    costs = cost(job.definition.architecture)
    record["result"] = {
        "val_accuracy": rows[-1].val_accuracy,
        "val_loss": rows[-1].val_loss,
        "seconds": sum(row.seconds for row in rows),
        "params": costs.params,
        "macs": costs.macs,
        "weights_sha256": hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest(),
    }
    replace_atomically(path, _text(record))


def _text(record: dict[str, object]) -> str:
    return json.dumps(record, indent=1, allow_nan=False) + "\n"
