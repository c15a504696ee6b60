"""A continuous search in a database, as optuna-dashboard finds it; SQLite, and a real PostgreSQL server."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import optuna
import pytest
from planted import DATA, Planted, budget, study
from planted_studies import rules

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.errors import InputError, StorageError
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.kinds.sampler import CoefficientSearch, Suggestion
from scalesearch.search.observations import observe
from scalesearch.search.plan import Plan
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.optuna_storage import OptunaStorage
from scalesearch.study.search import search, search_in_rounds
from scalesearch.study.study import Study, open_or_create


def searched(folder: Path, storage: OptunaStorage, phi: str = "1", diverges: tuple[int, ...] = ()) -> Study:
    continuum = CoefficientSearch("nsga2", ("accuracy", "macs"))
    config = StudyConfig(load_baseline("tiny"), Decimal(phi), budget(candidates=8), match="none", kind=continuum)
    begun = open_or_create(study(folder, Plan(config, DATA)))

    def one_round(now: Study) -> None:
        search(now, InlineRunner(), Planted(diverges=diverges), lambda event: None)
        storage.update(now)

    return search_in_rounds(begun, one_round)


def check(done: Study, url: str) -> None:
    """Every suggestion is in the database, with its values, its limits and what it means."""
    found = optuna.load_study(study_name=done.folder.name, storage=url)
    assert found.metric_names == ["accuracy", "macs"]
    assert [one.name for one in found.directions] == ["MAXIMIZE", "MINIMIZE"]
    known = observe(done.plan, done.outcomes())
    assert len(found.trials) == len(known) >= 8
    for trial, one in zip(found.trials, known, strict=True):
        price = cost(one.judged.network)
        assert isinstance(one.point, Suggestion)
        assert trial.values == pytest.approx([one.accuracy, price.macs], abs=1e-12)
        assert trial.params["alpha"] == float(one.point.alpha)
        assert trial.user_attrs["macs"] == price.macs
        assert trial.user_attrs["resolution"] == one.judged.network.resolution
        assert trial.user_attrs["label"].startswith(f"{one.point.alpha.normalize()}/")


def test_sqlite_holds_the_search_and_is_filled_up_by_a_later_run(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    storage = OptunaStorage(url)
    done = searched(tmp_path / "s", storage)
    check(done, url)
    (tmp_path / "studies.db").unlink()
    again = OptunaStorage(url)
    again.update(done)
    again.update(done)
    check(done, url)


def test_what_is_still_to_be_trained_is_no_failure_and_what_changed_is_written_anew(tmp_path: Path) -> None:
    """As after a kill within a round: the proposals give on disk, some of their trials are not."""
    url = f"sqlite:///{tmp_path}/studies.db"
    done = searched(tmp_path / "s", OptunaStorage(url))
    whole = [(one.state.name, one.values) for one in optuna.load_study(study_name="s", storage=url).trials]
    first, *_ = (one for one in observe(done.plan, done.outcomes())[2:] if not one.judged.violated)
    (own,) = (spec for spec in done.plan.planned(done.outcomes()) if spec.network_id == first.key)
    record = done.trials_folder / f"{own.id}.json"
    kept = record.read_bytes()
    record.unlink()
    OptunaStorage(url).update(done)
    trials = optuna.load_study(study_name="s", storage=url).trials
    assert len(trials) < len(whole)
    assert [one.state.name for one in trials] == [state for state, _ in whole[: len(trials)]]
    record.write_bytes(kept)
    OptunaStorage(url).update(done)
    check(done, url)


def test_what_breaks_a_limit_is_pruned_and_what_has_no_result_failed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    limited = CoefficientSearch("tpe", ("accuracy",), int(cost(load_baseline("tiny").architecture).params * 1.6))
    plan = Plan(StudyConfig(load_baseline("tiny"), Decimal(1), budget(), kind=limited), DATA)
    storage = OptunaStorage(url)

    def one_round(now: Study) -> None:
        search(now, InlineRunner(), Planted(diverges=(0,)), lambda event: None)
        storage.update(now)

    done = search_in_rounds(open_or_create(study(tmp_path / "s", plan)), one_round)
    trials = optuna.load_study(study_name="s", storage=url).trials
    broken = [bool(one.judged.violated) for one in observe(done.plan, done.outcomes())]
    assert [trial.state.name for trial in trials] == ["PRUNED" if one else "FAIL" for one in broken]
    assert [any(value > 0 for value in trial.constraints.values()) for trial in trials] == broken
    assert {"cost", "max-params"} == set(trials[0].constraints)


def test_another_search_of_the_same_name_is_refused(tmp_path: Path) -> None:
    storage = OptunaStorage(f"sqlite:///{tmp_path}/studies.db")
    searched(tmp_path / "a" / "s", storage)
    with pytest.raises(
        InputError, match="holds a study s with another configuration; choose another database or --name"
    ):
        searched(tmp_path / "b" / "s", storage, phi="2")


@pytest.mark.parametrize("url", ["nonsense", "mysqlx://host/name", "sqlite//studies.db"])
def test_what_is_no_url_of_a_database_is_bad_input(url: str) -> None:
    with pytest.raises(InputError, match=r"must be a URL such as sqlite:///studies\.db"):
        OptunaStorage(url)


def test_a_database_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be used") as caught:
        OptunaStorage(f"sqlite:///{tmp_path}/nowhere/studies.db")
    assert "\n" not in str(caught.value)
    (tmp_path / "other.db").write_text("no database at all, but a text of some length")
    with pytest.raises(StorageError, match=r"other\.db: cannot be used"):
        OptunaStorage(f"sqlite:///{tmp_path}/other.db")


def programs() -> Path | None:
    """Where a PostgreSQL server's programs are."""
    own = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(own).parent if own else debian[-1].parent if debian else None


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of an empty database on a server of this test's own, on a socket."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("no PostgreSQL server is installed")
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (extra postgres)")
    user = None
    if os.getuid() == 0:  # a server refuses to run as root
        if "postgres" not in {one.pw_name for one in pwd.getpwall()}:
            pytest.skip("root cannot run a server, and there is no user postgres")
        user = "postgres"
    with tempfile.TemporaryDirectory() as name:
        if user:
            shutil.chown(name, user)
        folder = Path(name)

        def call(*words: str) -> None:
            subprocess.run(words, user=user, cwd=folder, check=True, capture_output=True, timeout=120)

        call(str(bin_folder / "initdb"), "-D", "data", "-U", "me", "--auth=trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -F"
        call(str(bin_folder / "pg_ctl"), "-D", "data", "-w", "-l", "log", "-o", options, "start")
        try:
            yield f"postgresql://me@/postgres?host={folder}"
        finally:
            call(str(bin_folder / "pg_ctl"), "-D", "data", "-m", "immediate", "stop")


def test_postgresql_holds_the_search(server: str, tmp_path: Path) -> None:
    done = searched(tmp_path / "s", OptunaStorage(server))
    check(done, server)
    assert OptunaStorage(server, "--export-optuna").copy(done) == len(observe(done.plan, done.outcomes()))
    check(done, server)
    compared = rules().study
    assert OptunaStorage(server).copy(compared) == len(compared.records())
    assert len(optuna.load_study(study_name=compared.folder.name, storage=server).trials) == len(compared.records())


def test_a_server_that_is_not_there_is_one_line() -> None:
    if find_spec("psycopg") is None:
        with pytest.raises(
            InputError, match=r"its driver is not installed .* pip install 'scalesearch\[postgres\]'"
        ):
            OptunaStorage("postgresql://me:secret@127.0.0.1:1/name")
        return
    with pytest.raises(StorageError, match="cannot be used") as caught:
        OptunaStorage("postgresql://me:secret@127.0.0.1:1/name")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
