"""Records: written once, whole or not at all, and found out when they are not what was written."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from planted import Planted, trials

from scalesearch.errors import CountError, StorageError
from scalesearch.runners.execution import TrialFinished
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.task import Epoch
from scalesearch.search.trial import FAILURES, Outcome, State
from scalesearch.study.files import create_atomically, make_folder, replace_atomically
from scalesearch.study.records import TrialRecord, problems, read_records, trial_cost, write_record

SPEC = trials(1)[0]
OUTCOME = Outcome(
    "complete", (Epoch(1, 100, 1.5, 1.25, 0.1 + 0.2, 3.5), Epoch(2, 200, 0.75, 1e-9, 2 / 3, 0.125)), 4.25, 3.625
)
RECORD = TrialRecord(SPEC, OUTCOME, trial_cost(SPEC, 123_456_789))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    assert write_record(tmp_path, RECORD)
    return tmp_path / f"{SPEC.id}.json"


def test_a_record_comes_back_to_the_last_bit(written: Path) -> None:
    assert read_records(written.parent) == {SPEC.id: RECORD}


@pytest.mark.parametrize("state", ["diverged", *FAILURES])
def test_a_trial_without_a_result_comes_back_with_its_reason(state: State, tmp_path: Path) -> None:
    record = TrialRecord(SPEC, Outcome(state, OUTCOME.epochs[:1], 7.5, 3.5, "weiß nicht: „≈“"), trial_cost(SPEC))
    write_record(tmp_path, record)
    assert read_records(tmp_path) == {SPEC.id: record}
    assert record.outcome.accuracy is None


def test_a_second_write_changes_nothing(written: Path) -> None:
    before, stamp = written.read_bytes(), written.stat().st_mtime_ns
    other = replace(RECORD, outcome=replace(OUTCOME, seconds=99.0))
    assert not write_record(written.parent, other)
    assert written.read_bytes() == before
    assert written.stat().st_mtime_ns == stamp
    assert list(written.parent.iterdir()) == [written]


def test_the_file_is_json_without_nan_and_named_after_its_trial(written: Path) -> None:
    tree = json.loads(written.read_text())
    assert tree["id"] == written.stem == SPEC.id
    assert sorted(tree) == ["cost", "id", "outcome", "sha256", "spec", "version"]
    broken = replace(OUTCOME, epochs=(replace(OUTCOME.epochs[0], val_loss=float("nan")),))
    with pytest.raises(ValueError, match="JSON"):
        write_record(written.parent, replace(RECORD, spec=trials(2)[1], outcome=broken))
    assert list(written.parent.iterdir()) == [written]


def test_every_flipped_bit_is_found(written: Path) -> None:
    whole, random = written.read_bytes(), Random(5)
    for place in sorted(random.sample(range(len(whole) - 1), 150)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << random.randrange(7)
        written.write_bytes(flipped)
        if json_or_none(bytes(flipped)) == json.loads(whole):
            continue  # another white space between the same values
        with pytest.raises(CountError) as caught:
            read_records(written.parent)
        assert "\n" not in str(caught.value)
        assert str(written) in str(caught.value)


def json_or_none(data: bytes) -> object:
    try:
        found: object = json.loads(data)
    except ValueError:
        return None
    return found


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_a_torn_record_is_found(written: Path, share: float) -> None:
    whole = written.read_bytes()
    written.write_bytes(whole[: int(len(whole) * share)])
    (problem,) = problems(written.parent)
    assert str(written) in problem
    assert "delete the file" in problem
    with pytest.raises(CountError):
        read_records(written.parent)


def test_a_renamed_record_is_found(written: Path) -> None:
    other = trials(2)[1]
    written.rename(written.with_name(f"{other.id}.json"))
    (problem,) = problems(written.parent)
    assert "its name is not the id" in problem


def test_an_edited_record_is_found(written: Path) -> None:
    written.write_text(written.read_text().replace('"val_accuracy": 0.6666', '"val_accuracy": 0.7666'))
    (problem,) = problems(written.parent)
    assert "checksum" in problem


@pytest.mark.parametrize("text", ["[]", "null", "7", '"x"', "{}", '{"sha256": 3}', "\ufeff{}", "[" * 100_000])
def test_what_is_no_record_at_all_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "0000000000000000.json").write_text(text)
    (problem,) = problems(tmp_path)
    assert "\n" not in problem


def test_ids_are_of_what_is_trained_and_of_nothing_else() -> None:
    ids = [spec.id for spec in trials(5)]
    assert len(set(ids)) == 5
    assert ids == [spec.id for spec in trials(5)]
    assert all(len(one) == 16 and set(one) <= set("0123456789abcdef") for one in ids)
    others = [
        replace(SPEC, data="e" * 64),
        replace(SPEC, seed=77),
        replace(SPEC, recipe=replace(SPEC.recipe, epochs=SPEC.recipe.epochs + 1)),
        replace(SPEC, proxy=replace(SPEC.proxy, resolution=SPEC.proxy.side + 1)),
        replace(SPEC, network=replace(SPEC.network, resolution=SPEC.network.side + 1)),
    ]
    assert len({SPEC.id, *(spec.id for spec in others)}) == 6


def test_what_a_crash_left_behind_is_not_a_record_and_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f".{SPEC.id}.json.{os.getpid()}.tmp").write_text("half a rec")
    assert read_records(tmp_path) == {}
    assert list(problems(tmp_path)) == []
    assert write_record(tmp_path, RECORD)
    assert read_records(tmp_path) == {SPEC.id: RECORD}


def test_records_hold_what_a_runner_tells(tmp_path: Path) -> None:
    def keep(event: object) -> None:
        if isinstance(event, TrialFinished):
            write_record(tmp_path, TrialRecord(event.spec, event.outcome, trial_cost(event.spec)))

    InlineRunner().run([trials(4)], Planted(diverges=(2,)), keep)
    found = read_records(tmp_path)
    assert [found[spec.id].outcome.state for spec in trials(4)] == ["complete", "complete", "diverged", "complete"]


def test_a_file_where_the_folder_should_be_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("not a folder")
    with pytest.raises(StorageError, match="cannot be written"):
        make_folder(tmp_path / "trials")
    for write in (create_atomically, replace_atomically):
        with pytest.raises(StorageError) as caught:
            write(tmp_path / "trials" / "x.json", "x")
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 4


def test_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        write_record(tmp_path / "gone", RECORD)


@pytest.mark.parametrize("name", ["link", "fsync", "open"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fails_leaves_no_half_record(
    name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`open` is that of the folder, the last step: then the record is there, and whole."""

    def fails(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, fails)
        with pytest.raises(StorageError, match="free space or choose another folder"):
            write_record(tmp_path, RECORD)
    assert [path for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
    assert (name == "open") == (SPEC.id in read_records(tmp_path))
    assert write_record(tmp_path, RECORD) == (name != "open")
    assert [path.name for path in tmp_path.iterdir()] == [f"{SPEC.id}.json"]


def test_a_derived_file_that_cannot_be_replaced_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "winner.yaml"
    replace_atomically(path, "old\n")

    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StorageError, match="No space left"):
        replace_atomically(path, "new, and longer\n")
    assert path.read_text() == "old\n"
