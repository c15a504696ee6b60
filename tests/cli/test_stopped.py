"""`scalesearch grid` stopped by Ctrl-C or by a kill ends, once rerun, as if it had been left alone."""

from __future__ import annotations

import os
import re
import shlex
import signal
import time
from pathlib import Path

import pytest
from stopping import Place

SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke", "--data", "digits"]
STUDY = Path("results") / "tiny-phi1-smoke"


class Search(Place):
    """Where `SMOKE` runs."""

    def stop_at(self, number: int, records: int, *words: str) -> tuple[int, str]:
        """Once there are so many records."""
        return self.stop(number, lambda: len(self.records()) >= records, *words)

    def records(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / STUDY / "trials").glob("*.json")}

    def winner(self) -> str:
        return (self.folder / STUDY / "winner.yaml").read_text()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def calm(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    place = Search(tmp_path_factory.mktemp("calm"), cache)
    place.run(*SMOKE, "--runner", "inline")
    return place


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["inline", "ray"])
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(
    runner: str, calm: Search, cache: Path, tmp_path: Path
) -> None:
    place = Search(tmp_path, cache)
    code, said = place.stop_at(signal.SIGINT, 2, *SMOKE, "--runner", runner)
    assert code == 130, said
    kept = place.records()
    (line,) = said.splitlines()
    found = re.fullmatch(r"scalesearch: interrupted; (\d+)/14 trials are kept\. Resume: scalesearch (.*)", line)
    assert found is not None, line
    assert int(found[1]) == len(kept) < 14
    assert place.printed.splitlines()[-1].startswith("Recommended so far: ")
    assert not (tmp_path / STUDY / "winner.yaml").exists()
    out = place.run(*shlex.split(found[2]))
    assert f"{len(kept)}/14 done, resuming" in out
    assert {name: data for name, data in place.records().items() if name in kept} == kept
    assert len(place.records()) == 14
    assert place.winner() == calm.winner()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("records", "runner"),  # the rungs end at 7, 11 and 14
    [(1, "inline"), (4, "inline"), (8, "inline"), (12, "inline"), (4, "ray"), (12, "ray")],
)
def test_a_killed_search_is_taken_up_again(
    runner: str, records: int, calm: Search, cache: Path, tmp_path: Path
) -> None:
    place = Search(tmp_path, cache)
    code, _ = place.stop_at(signal.SIGKILL, records, *SMOKE, "--runner", runner)
    assert code == -signal.SIGKILL
    kept = place.records()
    place.run(*SMOKE, "--runner", runner)
    assert {name: data for name, data in place.records().items() if name in kept} == kept
    assert place.winner() == calm.winner()


def test_ctrl_c_before_anything_is_begun_is_one_line(cache: Path, tmp_path: Path) -> None:
    place = Search(tmp_path, cache)
    for seconds in (0.9, 1.5):  # in imports, where an exception could be swallowed or end the process in C++
        process = place.start(*SMOKE, "--runner", "inline")
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert said.startswith("scalesearch: interrupted")
        assert len(said.splitlines()) == 1
