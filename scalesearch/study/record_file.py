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
NETWORKS = ("network", "proxy", "trunk")
"""The keys of a specification that hold networks."""
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
    _networks: Mapping[str, Json] | None = None
    """The networks that the specification names by their ids, in segments; None: it describes them."""

    @property
    def spec(self) -> TrialSpec:
        """The specification of the trial; building it builds both networks.

        Raises:
            BrokenRecordError: the record holds no valid specification.
        """
        spec = self._body["spec"]
        if self._networks is not None and isinstance(spec, dict):
            spec = {**spec, **{key: self._network(spec[key]) for key in NETWORKS if key in spec}}
        return self._part(TrialSpec, spec)

    @property
    def outcome(self) -> Outcome:
        """The outcome of the trial.

        Raises:
            BrokenRecordError: the record holds no valid outcome.
        """
        return self._part(Outcome, self._body["outcome"])

    @property
    def cost(self) -> TrialCost:
        """The costs of the trial's networks.

        Raises:
            BrokenRecordError: the record holds no valid costs.
        """
        return self._part(TrialCost, self._body["cost"])

    @property
    def network_id(self) -> str:
        """The id `TrialSpec.network_id`, computed without building the network."""
        name = self.value("network")
        is_name = self._networks is not None and isinstance(name, str)
        return str(name) if is_name else json_digest(name)[:ID_DIGITS]

    def px(self, key: str) -> Json:
        """Return the resolution of one of the networks as it is written, without building the network.

        Raises:
            BrokenRecordError: there is no such network.
        """
        network = self._network(self.value(key))
        if not isinstance(network, dict):
            raise BrokenRecordError(_INCOMPLETE)
        return network.get("resolution")

    def _network(self, value: Json) -> Json:
        """Return a network that is described or named by its id."""
        if self._networks is None or not isinstance(value, str):
            return value
        if value not in self._networks:
            raise BrokenRecordError(f"its network {value[:ID_DIGITS]} is not described above it")
        return self._networks[value]

    def value(self, key: str) -> Json:
        """Return a value of the specification as it is written, or None if it is left out.

        Raises:
            BrokenRecordError: the specification is not a mapping.
        """
        spec = self._body["spec"]
        if not isinstance(spec, dict):
            raise BrokenRecordError(_INCOMPLETE)
        return spec.get(key)

    def _part(self, kind: type[_T], tree: Json) -> _T:
        try:
            return from_json(kind, tree)
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
        body = read_body(read_file(path))
        if not json_digest(body["spec"])[:ID_DIGITS] == path.stem == body["id"]:
            raise BrokenRecordError("its name is not the id of what it holds")
    except OSError as error:
        raise BrokenRecordError(f"{CANNOT_BE_READ} ({error.strerror})") from error
    except BrokenRecordError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenRecordError(_INCOMPLETE) from error
    check_keys(body)
    return RecordFile(path.stem, body)


def read_body(text: bytes) -> dict[str, Json]:
    """Return the JSON of a record or of a line, without its checksum.

    Raises:
        BrokenRecordError: it is not what was written.
    """
    try:
        body: dict[str, Json] = json.loads(text)
        checksum = body.pop("sha256")
        digest = json_digest(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenRecordError(_INCOMPLETE) from error
    if checksum != digest:
        raise BrokenRecordError("its checksum does not match")
    return body


def check_keys(body: Mapping[str, Json]) -> None:
    """Check that a record has the version and the keys that are known here.

    Raises:
        BrokenRecordError: it has others.
    """
    if body.get("version") != VERSION:
        raise BrokenRecordError(f"it is of version {body.get('version')!r}, which is not known here")
    if body.keys() - _KEYS:
        raise BrokenRecordError("it holds more than a record does")
    if _KEYS - body.keys():
        raise BrokenRecordError(_INCOMPLETE)
