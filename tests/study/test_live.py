"""What a search tells those who look on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from planted import Planted, plan, study

from scalesearch.runners.execution import EpochFinished, Event, TrialFinished, TrialStarted
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Outcome
from scalesearch.study.run_status import FILE, RunStatus, fan_out, publish, read_run_status
from scalesearch.study.search import search
from scalesearch.study.study import open_or_create

FIRST, SECOND = plan().waves({})[0][:2]
EPOCHS = tuple(Epoch(index, index * 100, 2.5 / index, 2.25, 0.125 * index, 1.5) for index in (1, 2))


def test_who_looks_on_sees_running_trials_and_their_epochs(tmp_path: Path) -> None:
    began = time.time()
    with publish(tmp_path, 7) as tell:
        for spec in (FIRST, SECOND):
            tell(TrialStarted(spec))
        for epoch in EPOCHS:
            tell(EpochFinished(SECOND, epoch))
        found = read_run_status(tmp_path)
        assert found is not None
        assert (found.before, found.done) == (7, 0)
        assert began - 1 < found.began < time.time() + 1
        assert [(one.trial, one.network, one.seed, one.epochs) for one in found.running] == [
            (FIRST.id, FIRST.network_id, FIRST.seed, ()),
            (SECOND.id, SECOND.network_id, SECOND.seed, EPOCHS),
        ]
        tell(TrialFinished(FIRST, Outcome("failed", (), 1.0, 1.0, "no luck")))
        found = read_run_status(tmp_path)
        assert found is not None
        assert found.done == 1
        assert [one.trial for one in found.running] == [SECOND.id]
    assert not (tmp_path / FILE).exists()
    assert read_run_status(tmp_path) is None


def test_a_trial_that_begins_anew_begins_with_no_epoch(tmp_path: Path) -> None:
    with publish(tmp_path, 0) as tell:
        for event in (TrialStarted(FIRST), EpochFinished(FIRST, EPOCHS[0]), TrialStarted(FIRST)):
            tell(event)
        found = read_run_status(tmp_path)
        assert found is not None
        assert [one.epochs for one in found.running] == [()]


def test_a_search_that_was_killed_is_none(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from scalesearch.study.run_status import publish\n"
        "with publish(Path(sys.argv[1]), 3):\n"
        "    print('up', flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=False)
    assert killed.stdout == b"up\n"
    assert (tmp_path / FILE).stat().st_size > 0
    assert read_run_status(tmp_path) is None
    with publish(tmp_path, 4):
        found = read_run_status(tmp_path)
        assert found is not None
        assert found == RunStatus(found.began, 4, 0, ())


@pytest.mark.parametrize(
    "torn", ['{"trial": "ab', '{"trial": "ab", "at": 1, "epoch": {}}\n', "[]\n", "\xff\n", "{}\n"]
)
def test_a_line_that_is_not_whole_is_passed_over(torn: str, tmp_path: Path) -> None:
    with publish(tmp_path, 0) as tell:
        tell(TrialStarted(FIRST))
        with (tmp_path / FILE).open("ab") as stream:
            stream.write(torn.encode("latin-1"))
        found = read_run_status(tmp_path)
        assert found is not None
        assert [one.trial for one in found.running] == [FIRST.id]


def test_a_folder_that_refuses_the_file_stops_no_search(tmp_path: Path) -> None:
    with publish(tmp_path / "nowhere", 0) as tell:
        tell(TrialStarted(FIRST))
    (tmp_path / FILE).mkdir()
    with publish(tmp_path, 0) as tell:
        tell(TrialStarted(FIRST))
    assert read_run_status(tmp_path) is None


def test_the_file_stays_small_and_keeps_what_is_under_way(tmp_path: Path) -> None:
    with publish(tmp_path, 2) as tell:
        tell(TrialStarted(SECOND))
        tell(EpochFinished(SECOND, EPOCHS[0]))
        for _ in range(2000):
            tell(TrialStarted(FIRST))
            tell(TrialFinished(FIRST, Outcome("complete", EPOCHS, 1.0, 1.0)))
        assert (tmp_path / FILE).stat().st_size < 300_000
        found = read_run_status(tmp_path)
        assert found is not None
        assert (found.before, found.done) == (2, 2000)
        assert [(one.trial, one.epochs) for one in found.running] == [(SECOND.id, EPOCHS[:1])]
    assert not list(tmp_path.iterdir())


def test_a_whole_search_announces_each_trial_and_changes_no_record(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def look(_: Event) -> None:
        found = read_run_status(tmp_path)
        assert found is not None
        seen.append((found.done, len(found.running)))

    begun = open_or_create(study(tmp_path))
    with publish(tmp_path, 0) as tell:
        search(begun, InlineRunner(), Planted(), fan_out(tell, look))
    total = begun.plan.total_trials()
    assert seen[-1] == (total, 0)
    assert set(seen) == {(done, 1) for done in range(total)} | {(done, 0) for done in range(1, total + 1)}
    assert not list(tmp_path.glob("running*"))
    assert all(json.loads(path.read_text())["outcome"] for path in (tmp_path / "trials").iterdir())
