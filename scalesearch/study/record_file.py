"""The reader of a record's file: it verifies the file at once, and builds the parts when they are requested.

A search needs the specification of a trial. A dashboard of ten thousand trials needs numbers, and not the networks
of each trial, which take time to build.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from scalesearch.errors import SpaceError
from scalesearch.search.canonical import ID_DIGITS, Json, MalformedError, from_json, json_digest
from scalesearch.search.trial import Outcome, TrialSpec
from scalesearch.study.files import read_file

VERSION = 1
"""The version of the format that is read and written."""
CANNOT_BE_READ = "cannot be read"
"""The beginning of a reason if the system does not allow a file to be read; its content may be correct."""

_MAX_BYTES = 16 * 2**20
"""The largest size of a record's file; real records have some thousands of bytes."""
_KEYS = {"version", "id", "spec", "cost", "outcome"}
_INCOMPLETE = "it is not a whole record"
_T = TypeVar("_T")


class BrokenRecordError(ValueError):
    """A file does not hold what was written; the message is the reason, on one line."""


@dataclass(frozen=True, slots=True)
class TrialCost:
    """The costs of a trial's network, for one image."""

    macs: int
    """Multiply-adds of convolutions and linear layers: by the closed form, and by fvcore where it counted."""
    params: int
    activations: int
    """Elements that convolutions and linear layers output."""
    proxy_macs: int
    """Multiply-adds of the small network that was trained."""
    fvcore_total: int | None = None
    """Everything that fvcore counts (batch norm too); None if fvcore did not count."""


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The content of a record's file, with verified checksum, version and id."""

    id: str
    _body: Mapping[str, Json]

    @property
    def spec(self) -> TrialSpec:
        """The specification of the trial; building it builds both networks.

        Raises:
            BrokenRecordError: the record holds no valid specification.
        """
        return self._part(TrialSpec, "spec")

    @property
    def outcome(self) -> Outcome:
        """The outcome of the trial.

        Raises:
            BrokenRecordError: the record holds no valid outcome.
        """
        return self._part(Outcome, "outcome")

    @property
    def cost(self) -> TrialCost:
        """The costs of the trial's networks.

        Raises:
            BrokenRecordError: the record holds no valid costs.
        """
        return self._part(TrialCost, "cost")

    @property
    def network_id(self) -> str:
        """The id `TrialSpec.network_id`, computed without building the network."""
        return json_digest(self.field("network"))[:ID_DIGITS]

    def field(self, *path: str) -> Json:
        """Return a value of the specification as it is written, or None if it is left out.

        Args:
            path: the keys that lead to the value.

        Raises:
            BrokenRecordError: a parent of the value is not a mapping.
        """
        value: Json = self._body["spec"]
        for key in path:
            if not isinstance(value, dict):
                raise BrokenRecordError(_INCOMPLETE)
            value = value.get(key)
        return value

    def _part(self, kind: type[_T], key: str) -> _T:
        try:
            return from_json(kind, self._body[key])
        except MalformedError as error:
            raise BrokenRecordError(error.reason) from error
        except (ValueError, TypeError, AttributeError, RecursionError, SpaceError) as error:
            raise BrokenRecordError(_INCOMPLETE) from error


def read_record_file(path: Path) -> RecordFile:
    """Read the record in `<id>.json`.

    Raises:
        BrokenRecordError: the file cannot be read, or is not what was written.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BrokenRecordError("it is too large for a record")
        body = json.loads(read_file(path))
        checksum = body.pop("sha256")
        if checksum != json_digest(body):
            raise BrokenRecordError("its checksum does not match")
        if not json_digest(body["spec"])[:ID_DIGITS] == path.stem == body["id"]:
            raise BrokenRecordError("its name is not the id of what it holds")
    except OSError as error:
        raise BrokenRecordError(f"{CANNOT_BE_READ} ({error.strerror})") from error
    except BrokenRecordError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenRecordError(_INCOMPLETE) from error
    if body.get("version") != VERSION:
        raise BrokenRecordError(f"it is of version {body.get('version')!r}, which is not known here")
    if body.keys() - _KEYS:
        raise BrokenRecordError("it holds more than a record does")
    if _KEYS - body.keys():
        raise BrokenRecordError(_INCOMPLETE)
    return RecordFile(path.stem, body)
