"""A study's folder: what it asks, who may work on it, and how it is taken up again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from networks import staged
from planted import ENVIRONMENT, Planted, budget, log_lines, plan, study

from scalesearch.errors import CountError, InputError, LockedError, StorageError
from scalesearch.runners.execution import Event, TrialFinished
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.plan import Plan
from scalesearch.study.search import search
from scalesearch.study.study import locked, open_or_create, open_study


def quiet(event: Event) -> None:
    """Hear nothing."""


def test_a_study_comes_back_as_it_was_asked(tmp_path: Path) -> None:
    begun = open_or_create(study(tmp_path / "s"))
    found = open_study(tmp_path / "s")
    assert found == begun
    assert [spec.id for spec in found.plan.waves({})[0]] == [spec.id for spec in begun.plan.waves({})[0]]


def test_study_json_holds_question_data_and_environment_and_is_written_once(tmp_path: Path) -> None:
    open_or_create(study(tmp_path))
    before = (tmp_path / "study.json").read_bytes()
    tree = json.loads(before)
    assert sorted(tree) == ["command", "data", "environment", "question", "version"]
    assert tree["environment"] == ENVIRONMENT
    open_or_create(replace(study(tmp_path), command="scalesearch grid --another way"))
    assert (tmp_path / "study.json").read_bytes() == before


OTHERS = {
    "phi": plan(phi="2"),
    "budget.step": plan(budget(step=Decimal("0.2"))),
    "budget.recipe.epochs": plan(budget(recipe=replace(budget().recipe, epochs=17))),
    "rounding": Plan(replace(plan().config, rounding="paper"), plan().data),
    "match": Plan(replace(plan().config, match="none"), plan().data),
    "data.fingerprint": Plan(plan().config, replace(plan().data, fingerprint="0" * 64)),
    "baseline": Plan(replace(plan().config, baseline=replace(plan().config.baseline, name="tin")), plan().data),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_question_is_refused_and_the_difference_named(name: str, tmp_path: Path) -> None:
    open_or_create(study(tmp_path / "s"))
    with pytest.raises(InputError) as caught:
        open_or_create(study(tmp_path / "s", OTHERS[name]))
    assert f"({name}: " in str(caught.value)
    assert "choose another --name" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["torch", "numpy", "processor", "gpu"])
def test_another_environment_is_refused_and_named(part: str, tmp_path: Path) -> None:
    open_or_create(study(tmp_path))
    moved = replace(study(tmp_path), environment={**ENVIRONMENT, part: "another"})
    with pytest.raises(InputError, match=rf"another environment \({part} {ENVIRONMENT[part]} → another\)"):
        open_or_create(moved)


def test_what_decides_no_bits_may_change(tmp_path: Path) -> None:
    open_or_create(study(tmp_path))
    open_or_create(replace(study(tmp_path), environment={**ENVIRONMENT, "cores": "64", "ray": "9"}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: text.replace('"phi": "1"', '"phi": "one"'),
        lambda text: text.replace('"phi": "1"', '"phi": "-5"'),
        lambda text: text.replace('"match": "flops"', '"match": "maybe"'),
        lambda text: text.replace('"rounding": "balanced"', '"rounding": "up"'),
        lambda text: text.replace('"environment"', '"surroundings"'),
        lambda text: text.replace("mbconv", "convmb"),
        lambda text: text.replace('"seeds": 1', '"seeds": 0'),
    ],
)
def test_a_spoilt_study_json_is_one_line(spoil: object, tmp_path: Path) -> None:
    open_or_create(study(tmp_path))
    path = tmp_path / "study.json"
    before = path.read_text()
    assert callable(spoil)
    path.write_text(spoil(before))
    assert path.read_text() != before
    with pytest.raises(CountError) as caught:
        open_study(tmp_path).plan.waves({})[0]
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_study_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no study"):
        open_study(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    with pytest.raises(StorageError), locked(tmp_path / "s"):
        pass
    with pytest.raises(StorageError):
        open_or_create(study(tmp_path / "s"))


HOLD = """
import sys, time
from pathlib import Path
from scalesearch.study.study import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_keeps_us_out_until_it_dies(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match="another run is working on this study"), locked(tmp_path):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with locked(tmp_path):
        pass


def test_a_lock_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StorageError), locked(tmp_path):
        pass


def test_only_what_has_no_record_is_run_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    begun = open_or_create(study(tmp_path / "s"))
    ends = Counter[str]()

    def stop_after_three(event: Event) -> None:
        ends.update([event.spec.id] if isinstance(event, TrialFinished) else [])
        if len(ends) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(begun, InlineRunner(), Planted(log=str(log)), stop_after_three)
    assert set(begun.outcomes()) == set(ends), "what a listener hears of is on disk already"
    search(begun, InlineRunner(), Planted(log=str(log)), quiet)
    starts = Counter(trial for what, trial, *_ in log_lines(log) if what == "start")
    assert starts == {spec.id: 1 for spec in begun.plan.waves({})[0]}
    lines = len(log_lines(log))
    search(begun, InlineRunner(), Planted(log=str(log)), quiet)
    assert len(log_lines(log)) == lines


def test_the_best_get_their_further_seeds_after_the_first_wave(tmp_path: Path) -> None:
    asked = plan(budget(finalists=2, final_seeds=4))
    begun = open_or_create(study(tmp_path, asked))
    order: list[int] = []
    search(begun, InlineRunner(), Planted(), lambda event: order.append(event.spec.seed))
    outcomes = begun.outcomes()
    assert len(outcomes) == asked.total_trials() == len(asked.trained) + 1 + 2 * 3
    first = len(asked.trained) + 1
    assert set(order[: first * 4]) == {0}
    seeds = Counter(record.spec.network_id for record in begun.records().values())
    by_depth = sorted(asked.trained, key=lambda one: sum(staged(one.architecture).depths))
    assert sorted(seeds.values()) == [1] * (first - 2) + [4, 4]
    assert seeds[asked.spec(by_depth[-1].architecture, 0).network_id] == 4


def test_fvcores_count_stands_in_the_record(tmp_path: Path) -> None:
    begun = open_or_create(study(tmp_path))
    totals = {begun.plan.base_id: 123456}
    search(begun, InlineRunner(), Planted(), quiet, totals)
    for record in begun.records().values():
        expected = 123456 if record.spec.network_id == begun.plan.base_id else None
        assert record.cost.fvcore_total == expected


def test_a_record_that_cannot_be_written_stops_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    begun = open_or_create(study(tmp_path))
    monkeypatch.setattr(os, "link", full)
    heard: list[Event] = []
    with pytest.raises(StorageError, match="No space left on device"):
        search(begun, InlineRunner(), Planted(), heard.append)
    assert not any(isinstance(event, TrialFinished) for event in heard)
    assert begun.records() == {}
