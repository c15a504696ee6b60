"""Segments: no crash, kill or full disk loses an acknowledged record, and damage is named by its line."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from planted import Planted, budget, importable_by_workers, log_lines, plan, plan_by, planted_by, study

from scalesearch.errors import CountError, StorageError
from scalesearch.report.dashboard.index import Index, index_path, load, refresh_index, save
from scalesearch.runners.execution import Event, TrialFinished, TrialStarted
from scalesearch.runners.inline import InlineRunner
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.search.trial import network_id
from scalesearch.study import record_writer, segments
from scalesearch.study.records import (
    TrialRecord,
    count_records,
    problems,
    read_records,
    record_json,
    trial_cost,
    write_record,
)
from scalesearch.study.search import search
from scalesearch.study.segments import SegmentWriter, read_segment, segment_sizes
from scalesearch.study.study import Study, open_or_create

SPECS = plan_by("grid").waves({})[0]


def record_of(number: int) -> TrialRecord:
    spec = SPECS[number]
    events: list[Event] = []
    InlineRunner().run([[spec]], Planted(epochs=3), events.append)
    assert isinstance(events[-1], TrialFinished)
    return TrialRecord(spec, events[-1].outcome, trial_cost(spec))


RECORDS = [record_of(number) for number in range(5)]


def append(writer: SegmentWriter, record: TrialRecord) -> None:
    writer.add(record_json(record), {key: network_id(net) for key, net in record.spec.networks.items()})


def written(folder: Path, records: Sequence[TrialRecord] = RECORDS) -> Path:
    with SegmentWriter(folder) as writer:
        for record in records:
            append(writer, record)
        writer.sync()
    return list(segment_sizes(folder))[-1]


def by_id(records: Sequence[TrialRecord]) -> dict[str, TrialRecord]:
    return {record.spec.id: record for record in records}


def test_records_come_back_to_the_last_bit(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert path.name == "segment-0001.jsonl"
    assert read_records(tmp_path) == by_id(RECORDS)
    assert list(problems(tmp_path)) == []
    assert count_records(tmp_path) == len(RECORDS)


def test_a_network_is_described_once(tmp_path: Path) -> None:
    networks = {network_id(net) for record in RECORDS for net in record.spec.networks.values()}
    lines = written(tmp_path).read_text().splitlines()
    assert sum("definition" in json.loads(line) for line in lines) == len(networks)
    assert len(lines) == len(networks) + len(RECORDS)


def test_files_and_segments_are_read_together(tmp_path: Path) -> None:
    write_record(tmp_path, RECORDS[0])
    written(tmp_path, RECORDS[1:3])
    assert written(tmp_path, RECORDS[3:]).name == "segment-0002.jsonl"
    assert read_records(tmp_path) == by_id(RECORDS)
    assert count_records(tmp_path) == len(RECORDS)


def test_a_torn_end_loses_no_whole_line_and_is_no_damage(tmp_path: Path) -> None:
    path = written(tmp_path)
    content = path.read_bytes()
    ends = {line.end: line.record.id for line in read_segment(path) if line.record is not None}
    for size in range(0, len(content), 97):
        path.write_bytes(content[:size])
        assert list(problems(tmp_path)) == []
        assert set(read_records(tmp_path)) == {key for end, key in ends.items() if end <= size}
    # The next writer leaves the torn segment as it is.
    written(tmp_path, RECORDS[-1:])
    assert path.read_bytes() == content[:size]
    assert RECORDS[-1].spec.id in read_records(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda line: line.replace(b'"seconds":', b'"seconds":1', 1), "its checksum does not match"),
        (lambda line: b"{" + line[2:], "it is not a whole record"),
        (lambda _: b"\n", "it is not a whole record"),
    ],
)
def test_damage_is_named_by_its_line(change, reason: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines, 1) if b"definition" not in line)
    path.write_bytes(b"".join([*lines[: number - 1], change(lines[number - 1]), *lines[number:]]))
    with pytest.raises(CountError, match=rf"segment-0001.jsonl, line {number}: {reason}; delete the line"):
        read_records(tmp_path)
    assert len(list(problems(tmp_path))) == 1


def test_a_record_whose_network_is_not_described_is_no_record(tmp_path: Path) -> None:
    path = written(tmp_path)
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if b"definition" not in line]
    path.write_bytes(b"".join(lines))
    with pytest.raises(CountError, match=r"line 1: its network [0-9a-f]{16} is not described above it"):
        read_records(tmp_path)


def test_a_full_disk_leaves_the_segment_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write

    def fill(descriptor: int, data: bytes) -> int:
        monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        return whole(descriptor, data[:50])

    with SegmentWriter(tmp_path) as writer:
        append(writer, RECORDS[0])
        before = next(iter(segment_sizes(tmp_path))).read_bytes()
        monkeypatch.setattr(os, "write", fill)
        with pytest.raises(StorageError, match="No space left"):
            append(writer, RECORDS[1])
        assert next(iter(segment_sizes(tmp_path))).read_bytes() == before
        monkeypatch.setattr(os, "write", whole)
        append(writer, RECORDS[1])
        writer.sync()
    assert read_records(tmp_path) == by_id(RECORDS[:2])


def test_what_a_disk_refused_to_keep_is_never_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.fdatasync

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with SegmentWriter(tmp_path) as writer:
        append(writer, RECORDS[0])
        monkeypatch.setattr(os, "fdatasync", refuse)
        with pytest.raises(StorageError):
            writer.sync()
        monkeypatch.setattr(os, "fdatasync", whole)  # which succeeds now, although the data may be lost
        with pytest.raises(StorageError):
            writer.sync()


@pytest.fixture
def in_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_writer, "MOST_FILES", 0)


@pytest.mark.parametrize("scheduler", ["grid", "halving", "sequential", "adaptive"])
def test_a_search_is_the_same_in_files_and_in_segments(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def searched(folder: Path) -> Study:
        begun = open_or_create(study(folder, plan_by(scheduler)))
        search(begun, InlineRunner(), planted_by(scheduler), lambda _: None)
        return begun

    files = searched(tmp_path / "files")
    monkeypatch.setattr(record_writer, "MOST_FILES", 0)
    packed = searched(tmp_path / "packed")
    assert not list(packed.trials_folder.glob("*.json"))
    specs = {key: record.spec for key, record in files.records().items()}
    assert {key: record.spec for key, record in packed.records().items()} == specs
    epochs = {key: outcome.epochs for key, outcome in files.outcomes().items()}
    assert {key: outcome.epochs for key, outcome in packed.outcomes().items()} == epochs


@pytest.mark.usefixtures("in_segments")
def test_events_are_passed_on_in_order_once_records_are_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(segments, "SYNC_SECONDS", 3600.0)
    monkeypatch.setattr(os, "fdatasync", synced.append)
    events: list[Event] = []

    def listen(event: Event) -> None:
        assert synced or not isinstance(event, TrialFinished)
        events.append(event)

    begun = open_or_create(study(tmp_path / "s"))
    search(begun, InlineRunner(), Planted(), listen)
    inline: list[Event] = []
    InlineRunner().run([begun.plan.waves({})[0]], Planted(), inline.append)
    assert [(type(event), event.spec) for event in events] == [(type(event), event.spec) for event in inline]
    # The first record was made durable at once, the others together, after the wave.
    assert len(synced) == 2


@pytest.mark.usefixtures("in_segments")
def test_a_stopped_search_resumes_and_a_deleted_line_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SYNC_SECONDS", 0.0)
    begun = open_or_create(study(tmp_path / "s"))

    def stop(event: Event) -> None:
        if isinstance(event, TrialFinished) and len(begun.records()) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(begun, InlineRunner(), Planted(), stop)
    kept = begun.records()
    assert len(kept) == 3
    ran: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, TrialStarted):
            ran.append(event.spec.id)

    search(begun, InlineRunner(), Planted(), note)
    assert not set(ran) & set(kept)
    assert begun.plan.is_complete(begun.outcomes())
    path = next(iter(segment_sizes(begun.trials_folder)))
    *others, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(others))
    ran.clear()
    search(begun, InlineRunner(), Planted(), note)
    assert ran == [json.loads(last)["id"]]


_KILLED = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from planted import Planted, study
from scalesearch.runners.execution import TrialFinished
from scalesearch.runners.inline import InlineRunner
from scalesearch.runners.ray_tune import RayRunner
from scalesearch.study import record_writer
from scalesearch.study.search import search
from scalesearch.study.study import open_or_create
record_writer.MOST_FILES = 0
def tell(event):
    if isinstance(event, TrialFinished):
        print(event.spec.id, flush=True)
search(open_or_create(study(Path({folder!r}))), InlineRunner(), Planted(seconds=0.005), tell)
"""


def test_kill_9_loses_nothing_that_was_reported(tmp_path: Path) -> None:
    helpers = str(Path(__file__).parents[1] / "helpers")
    script = _KILLED.format(paths=[helpers], folder=str(tmp_path / "s"))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = [process.stdout.readline().strip() for _ in range(4)]
        process.send_signal(signal.SIGKILL)
        reported += process.stdout.read().split()
    begun = open_or_create(study(tmp_path / "s"))
    assert len(reported) >= 4
    assert set(reported) <= set(begun.records())
    assert list(problems(begun.trials_folder)) == []


def test_the_index_reads_only_what_was_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "trials"
    folder.mkdir()
    path = written(folder, RECORDS[:3])
    index = refresh_index(Index(), folder)
    assert index.trials.keys() == by_id(RECORDS[:3]).keys()
    assert index.all_read
    assert refresh_index(index, folder) is index
    content = path.read_bytes()
    line = content.splitlines(keepends=True)[-1]
    with path.open("ab") as stream:
        stream.write(line[:40])
    torn = refresh_index(index, folder)
    assert torn.trials == index.trials
    assert refresh_index(torn, folder) is torn  # an unfinished line is not read again and again
    saved = index_path(tmp_path, tmp_path)
    save(index, saved)
    kept = load(saved)
    assert (kept.trials, kept.segments) == (index.trials, index.segments)
    path.write_bytes(content)
    written(folder, RECORDS[3:])
    assert refresh_index(kept, folder).trials.keys() == by_id(RECORDS).keys()


def test_the_index_reads_a_segment_that_was_changed_by_hand_anew(tmp_path: Path) -> None:
    path = written(tmp_path, RECORDS)
    index = refresh_index(Index(), tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert refresh_index(index, tmp_path).trials.keys() == by_id(RECORDS[:-1]).keys()


def test_the_index_leaves_records_to_the_next_call_when_time_is_up(tmp_path: Path) -> None:
    written(tmp_path, RECORDS)
    index = refresh_index(Index(), tmp_path, seconds=0)
    assert len(index.trials) == 1
    assert index.waiting == len(RECORDS) - 1
    for _ in RECORDS[1:]:
        index = refresh_index(index, tmp_path, seconds=0)
    assert index.all_read
    assert index.trials.keys() == by_id(RECORDS).keys()


@pytest.mark.slow
@pytest.mark.usefixtures("in_segments")
def test_eight_workers_of_ray_record_many_short_trials(tmp_path: Path) -> None:
    asked = plan(budget(seeds=60))
    begun, calm = (open_or_create(study(tmp_path / name, asked)) for name in ("ray", "inline"))
    log = tmp_path / "log"
    with importable_by_workers():
        search(begun, RayRunner(cores=8), Planted(seconds=0.05, log=str(log)), lambda _: None)
    search(calm, InlineRunner(), Planted(), lambda _: None)
    assert len({process for _, _, process, _ in log_lines(log)}) == 8
    assert asked.is_complete(begun.outcomes())
    curves = {key: [epoch.val_accuracy for epoch in outcome.epochs] for key, outcome in calm.outcomes().items()}
    found = begun.outcomes().items()
    assert {key: [epoch.val_accuracy for epoch in outcome.epochs] for key, outcome in found} == curves


def test_a_damaged_network_is_named_once(tmp_path: Path) -> None:
    path = written(tmp_path, RECORDS[:1])
    line, *others = path.read_bytes().splitlines(keepends=True)
    assert b"definition" in line
    path.write_bytes(b"".join([line.replace(b'"kernel":', b'"kernel":1', 1), *others]))
    whole = list(read_segment(path))
    assert [one.number for one in whole if one.reason == "its checksum does not match"] == [1]
    assert list(read_segment(path, whole[-1].end)) == []
