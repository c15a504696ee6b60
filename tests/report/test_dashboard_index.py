"""The index of records: what is read once, what is read again, and what is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from looking import searched
from planted import Planted

from scalesearch.report.dashboard.index import Index, index_path, load, refresh_index, save
from scalesearch.study.record_file import BrokenRecordError
from scalesearch.study.study import Study, open_study
from scalesearch.study.trial_summary import TrialSummary, read_trial, summarize


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished search of which one seed diverged."""
    return searched(tmp_path_factory.mktemp("index") / "s", Planted(epochs=3))


@pytest.fixture
def copied(study: Study, tmp_path: Path) -> Path:
    """Its records in a folder of their own, as a copy by hand leaves them."""
    folder = tmp_path / "trials"
    folder.mkdir()
    for path in study.trials_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_trial_is_what_its_record_says(study: Study) -> None:
    records = study.records()
    found = refresh_index(Index(), study.trials_folder)
    assert found.all_read
    assert found.trials.keys() == records.keys()
    for key, one in found.trials.items():
        spec, price = records[key].spec, records[key].cost
        assert one.outcome == records[key].outcome
        assert (one.network, one.seed, one.since, one.samples) == (
            spec.network_id,
            spec.seed,
            spec.since,
            spec.samples,
        )
        assert (one.px, one.proxy_px) == (spec.network.resolution, spec.proxy.resolution)
        assert (one.macs, one.params, one.activations) == (price.macs, price.params, price.activations)
        assert (one.proxy_macs, one.fvcore_total) == (price.proxy_macs, price.fvcore_total)
        assert summarize(spec, one.outcome) == replace(one, fvcore_total=None)


def test_committed_records_are_read_alike() -> None:
    folder = Path(__file__).parents[2] / "results" / "reference" / "b0-phi1-quick"
    found = refresh_index(Index(), folder / "trials", 60)
    assert {key: one.outcome for key, one in found.trials.items()} == open_study(folder).outcomes()


def test_what_is_kept_comes_back_and_is_not_read_again(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = refresh_index(Index(), copied)
    path = index_path(tmp_path / "cache", tmp_path)
    save(whole, path)
    again = load(path)
    assert (again.trials, again.stamps) == (whole.trials, whole.stamps)
    read: list[Path] = []

    def told(one: Path) -> TrialSummary:
        read.append(one)
        return read_trial(one)

    monkeypatch.setattr("scalesearch.report.dashboard.index.read_trial", told)
    assert refresh_index(again, copied).trials is again.trials
    assert read == []
    gone, *_, last = sorted(copied.iterdir())
    gone.unlink()
    body = last.read_bytes()
    last.write_bytes(body + b" ")
    found = refresh_index(again, copied)
    assert read == [last]
    assert found.trials.keys() == whole.trials.keys() - {gone.stem}


def test_nothing_changed_is_the_same_index(copied: Path) -> None:
    first = refresh_index(Index(), copied)
    assert refresh_index(first, copied) is first


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\x80\x04cos\nsystem\n", None])
def test_a_cache_that_cannot_be_used_is_done_without(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert load(path) == Index()


def test_an_index_of_another_version_is_not_used(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(refresh_index(Index(), copied), tmp_path / "one.parquet")
    monkeypatch.setattr("scalesearch.report.dashboard.index.VERSION", b"other")
    assert load(tmp_path / "one.parquet") == Index()


def test_a_cache_that_cannot_be_written_is_done_without(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    save(refresh_index(Index(), copied), tmp_path / "file" / "below" / "one.parquet")


def test_many_records_are_read_a_part_at_a_time(copied: Path) -> None:
    found, looks = Index(), 0
    while looks == 0 or not found.all_read:
        before = len(found.trials)
        found, looks = refresh_index(found, copied, seconds=0), looks + 1
        assert len(found.trials) == before + 1
    assert looks == len(list(copied.iterdir()))


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda body: body[: len(body) // 2],
    "empty": lambda body: b"",
    "a figure changed": lambda body: body.replace(b'"complete"', b'"diverged"'),
    "a list": lambda body: b"[]",
    "deep": lambda body: b"[" * 100_000,
    "not text": lambda body: b"\xff\xfe",
    "no number": lambda body: body.replace(b'"seconds": ', b'"seconds": NaN, "x": '),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_record_is_named_and_left_out_until_it_is_whole(how: str, copied: Path) -> None:
    path = sorted(copied.iterdir())[1]
    body = path.read_bytes()
    path.write_bytes(BROKEN[how](body))
    found = refresh_index(Index(), copied)
    assert list(found.broken) == [path.name]
    assert "\n" not in found.broken[path.name]
    assert path.stem not in found.trials
    path.write_bytes(body)
    os.utime(path, ns=(1, 1))
    found = refresh_index(found, copied)
    assert (found.broken, path.stem in found.trials) == ({}, True)


def test_a_record_under_another_name_is_refused(copied: Path) -> None:
    path = min(copied.iterdir())
    other = path.rename(copied / ("0" * 16 + ".json"))
    with pytest.raises(BrokenRecordError, match="its name is not the id"):
        read_trial(other)


def test_temporary_files_are_passed_over(copied: Path) -> None:
    count = len(list(copied.iterdir()))
    (copied / ".x.json.7.tmp").write_text("{")
    (copied / ".y.json").write_text("{")
    found = refresh_index(Index(), copied)
    assert (len(found.trials), found.broken) == (count, {})


def test_a_study_without_trials_is_empty(tmp_path: Path) -> None:
    assert refresh_index(Index(), tmp_path / "trials") == Index()


def test_records_hold_no_pickle(study: Study) -> None:
    """What is read is JSON and parquet alone."""
    assert all(json.loads(path.read_bytes()) for path in study.trials_folder.iterdir())
    folder = Path(__file__).parents[2] / "scalesearch" / "report" / "dashboard"
    words = ("pickle", "eval(", "exec(", "read_pickle", "torch.load")
    for path in folder.glob("*.py"):
        assert not [word for word in words if word in path.read_text(encoding="utf-8")], path
