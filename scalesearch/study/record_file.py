"""The one reader of a record's file: verified at once, built when it is asked for.

A search needs what a trial was; a dashboard of ten thousand trials needs figures, and no network built for each.
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
CANNOT_BE_READ = "cannot be read"
"""How a reason begins where the system does not hand out a file; its content is not to blame."""

_MOST_BYTES = 16 * 2**20
"""Of a file; a real record has some thousands."""
_KEYS = {"version", "id", "spec", "cost", "outcome"}
_NOT_WHOLE = "it is not a whole record"
_T = TypeVar("_T")


class BrokenRecordError(ValueError):
    """A file that does not hold what was written; the message is the reason, one line."""


@dataclass(frozen=True, slots=True)
class TrialCost:
    """What the trial's network costs, for one image."""

    macs: int
    """Multiply-adds of convolutions and linear layers: closed form, and fvcore's where it counted."""
    params: int
    activations: int
    proxy_macs: int
    """Of the small network that was trained."""
    fvcore_total: int | None = None
    """All that fvcore counts (batch norm too); None where it was not asked."""


@dataclass(frozen=True, slots=True)
class RecordFile:
    """What a record's file holds, its checksum, version and id verified."""

    id: str
    _body: Mapping[str, Json]

    @property
    def spec(self) -> TrialSpec:
        """What was trained; builds both networks.

        Raises:
            BrokenRecordError: it is none.
        """
        return self._part(TrialSpec, "spec")

    @property
    def outcome(self) -> Outcome:
        """What came of it.

        Raises:
            BrokenRecordError: it is none.
        """
        return self._part(Outcome, "outcome")

    @property
    def cost(self) -> TrialCost:
        """What was counted.

        Raises:
            BrokenRecordError: it is none.
        """
        return self._part(TrialCost, "cost")

    @property
    def network_id(self) -> str:
        """`TrialSpec.network_id`, without building the network."""
        return json_digest(self.field("network"))[:ID_DIGITS]

    def field(self, *path: str) -> Json:
        """A value of the specification as it is written; None where it is left out.

        Raises:
            BrokenRecordError: what it should stand in is no mapping.
        """
        found: Json = self._body["spec"]
        for key in path:
            if not isinstance(found, dict):
                raise BrokenRecordError(_NOT_WHOLE)
            found = found.get(key)
        return found

    def _part(self, kind: type[_T], key: str) -> _T:
        try:
            return from_json(kind, self._body[key])
        except MalformedError as error:
            raise BrokenRecordError(error.reason) from error
        except (ValueError, TypeError, AttributeError, RecursionError, SpaceError) as error:
            raise BrokenRecordError(_NOT_WHOLE) from error


def read_record_file(path: Path) -> RecordFile:
    """The record in `<id>.json`.

    Raises:
        BrokenRecordError: it cannot be read, or is not what was written.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
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
        raise BrokenRecordError(_NOT_WHOLE) from error
    if body.get("version") != VERSION:
        raise BrokenRecordError(f"it is of version {body.get('version')!r}, which is not known here")
    if body.keys() - _KEYS:
        raise BrokenRecordError("it holds more than a record does")
    if _KEYS - body.keys():
        raise BrokenRecordError(_NOT_WHOLE)
    return RecordFile(path.stem, body)
