"""The one reader of records: what it verifies at once, and what it builds when asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from planted import trials

from scalesearch.search.canonical import ID_DIGITS, json_digest
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome
from scalesearch.study.record_file import BrokenRecordError, read_record_file
from scalesearch.study.records import TrialRecord, read_records, trial_cost, write_record
from scalesearch.study.trial_summary import read_trial

SPEC = trials(1)[0]
OUTCOME = Outcome(
    "complete", (Epoch(1, 96, 2.5, 2.25, 0.125, 3.5), Epoch(2, 192, 1.5, 1.25, 0.625, 3.25)), 9.0, 6.75
)
RECORD = TrialRecord(SPEC, OUTCOME, trial_cost(SPEC))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of one record."""
    write_record(tmp_path, RECORD)
    return tmp_path / f"{SPEC.id}.json"


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The record changed by someone who mends its checksum and its id as well."""
    body = json.loads(path.read_text())
    del body["sha256"]
    change(body)
    body["id"] = json_digest(body["spec"])[:ID_DIGITS]
    path.unlink()
    found = path.with_name(f"{body['id']}.json")
    found.write_text(json.dumps({**body, "sha256": json_digest(body)}))
    return found


def test_its_parts_are_those_that_were_written(path: Path) -> None:
    file = read_record_file(path)
    assert (file.spec, file.outcome, file.cost) == (SPEC, OUTCOME, trial_cost(SPEC))
    assert (file.id, file.network_id) == (SPEC.id, SPEC.network_id)
    assert file.value("seed") == SPEC.seed
    assert file.px("proxy") == SPEC.proxy.resolution
    assert file.value("samples") is None


def test_figures_are_read_where_the_network_is_not_known_here(path: Path) -> None:
    """As of a block kind of a later version: a search refuses it, a dashboard shows it."""

    def later(body: dict[str, Any]) -> None:
        body["spec"]["network"]["stages"][0]["kind"] = "later"

    changed = rewritten(path, later)
    assert read_trial(changed).outcome == OUTCOME
    with pytest.raises(BrokenRecordError, match="not a whole record"):
        _ = read_record_file(changed).spec
    with pytest.raises(Exception, match="delete the file"):
        read_records(changed.parent)


_CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "version": (lambda body: body.update(version=7), "version 7"),
    "more": (lambda body: body.update(more=1), "more than a record"),
    "less": (lambda body: body.pop("cost"), "not a whole record"),
    "state": (lambda body: body["outcome"].update(state="lost"), "must be one of complete"),
    "epochs": (lambda body: body["outcome"].update(epochs=3), "must be a list"),
    "loss": (lambda body: body["outcome"]["epochs"][0].update(val_loss="low"), "must be a number"),
    "count": (lambda body: body["cost"].update(macs=2**63), "is no count"),
    "images": (lambda body: body["outcome"]["epochs"][0].update(samples=-1), "is no count"),
    "network": (lambda body: body["spec"].update(network=[1]), "not a whole record"),
}


@pytest.mark.parametrize("name", _CHANGES)
def test_what_is_not_as_written_is_one_reason(name: str, path: Path) -> None:
    change, reason = _CHANGES[name]
    with pytest.raises(BrokenRecordError, match=reason) as caught:
        read_trial(rewritten(path, change))
    assert "\n" not in str(caught.value)


def test_a_file_of_any_size_is_refused_before_it_is_read(path: Path) -> None:
    with path.open("ab") as stream:
        stream.truncate(2**40)  # sparse
    with pytest.raises(BrokenRecordError, match="too large"):
        read_record_file(path)


def test_a_long_message_is_cut_on_a_dashboard(tmp_path: Path) -> None:
    failed = replace(OUTCOME, state="failed", message="x" * 5000)
    write_record(tmp_path, replace(RECORD, outcome=failed))
    path = tmp_path / f"{SPEC.id}.json"
    assert read_record_file(path).outcome == failed
    assert len(read_trial(path).outcome.message) == 1000
