"""`verify` finds what a checksum cannot: impossible figures, a winner or a table that the records do not give."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from planted import plan_by, study

from scalesearch.errors import CountError, StorageError
from scalesearch.report.tables import ranking_csv
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.canonical import digest, json_digest
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialEndedError, TrialSpec
from scalesearch.study.files import json_files, read_file
from scalesearch.study.records import problems
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study
from scalesearch.study.verification import disagreements, rerun

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
EARLIER = Path(__file__).parents[1] / "fixtures" / "studies"
"""Studies by earlier versions of a budget."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(REFERENCE / "b0-phi1-quick", tmp_path / "study")
    return tmp_path / "study"


def forge(
    folder: Path,
    change: Callable[[dict], None],  # type: ignore[type-arg]
    keep_id: bool = True,
    trial: str = "",
) -> Path:
    """A changed record with a checksum that fits, as one makes it who wants to be believed."""
    path = folder / "trials" / f"{trial}.json" if trial else sorted((folder / "trials").glob("*.json"))[3]
    tree = json.loads(path.read_text())
    del tree["sha256"]
    change(tree)
    if not keep_id:
        path.unlink()
        tree["id"] = digest(tree["spec"])
        path = path.with_name(f"{tree['id']}.json")
    path.write_text(json.dumps({**tree, "sha256": json_digest(tree)}))
    return path


def last(tree: dict) -> dict:  # type: ignore[type-arg]
    epoch: dict = tree["outcome"]["epochs"][-1]  # type: ignore[type-arg]
    return epoch


FORGED: list[tuple[str, Callable[[dict], None], str]] = [  # type: ignore[type-arg]
    ("accuracy", lambda tree: last(tree).update(val_accuracy=1.5), "an accuracy is not in 0 … 1"),
    ("time", lambda tree: tree["outcome"].update(seconds=-1.0), "a time is negative"),
    ("epoch's time", lambda tree: last(tree).update(seconds=-0.1), "a time is negative"),
    ("loss", lambda tree: last(tree).update(val_loss=-0.3), "a loss is negative"),
    (
        "macs",
        lambda tree: tree["cost"].update(macs=tree["cost"]["macs"] + 1),
        "its costs are not those of its network",
    ),
    ("params", lambda tree: tree["cost"].update(params=7), "its costs are not those of its network"),
    ("proxy", lambda tree: tree["cost"].update(proxy_macs=7), "its costs are not those of its network"),
    ("epochs", lambda tree: last(tree).update(samples=0), "its epochs do not follow one another"),
    ("all of fvcore's", lambda tree: tree["cost"].update(fvcore_total=7), "its costs are not those of its network"),
    ("an epoch's number", lambda tree: last(tree).update(index=9), "its epochs do not follow one another"),
    ("first epoch", lambda tree: tree["outcome"]["epochs"].pop(0), "its epochs do not follow one another"),
    ("training", lambda tree: tree["outcome"].update(training_seconds=1e6), "its training took longer than the"),
    ("message", lambda tree: tree["outcome"].update(message="won"), "it is complete, but has a message"),
    ("no epochs", lambda tree: tree["outcome"].update(epochs=[]), "its epochs do not follow one another"),
]


DISGUISED: dict[str, tuple[Callable[[dict], None], str]] = {  # type: ignore[type-arg]
    "id": (lambda tree: tree.update(id="0" * 16), "its name is not the id of what it holds"),
    "version": (lambda tree: tree.update(version=99), "it is of version 99, which is not known here"),
    "key": (lambda tree: tree.update(note="true"), "it holds more than a record does"),
}


@pytest.mark.parametrize("name", DISGUISED)
def test_a_record_is_what_its_frame_says(name: str, folder: Path) -> None:
    change, reason = DISGUISED[name]
    path = forge(folder, change)
    assert list(problems(folder / "trials")) == [f"{path}: {reason}; delete the file to run this trial again"]


@pytest.mark.parametrize("command", ["rm -rf /home/u", "scalesearchx grid", ""])
def test_only_our_own_command_is_offered(command: str, folder: Path) -> None:
    tree = json.loads((folder / "study.json").read_text())
    (folder / "study.json").write_text(json.dumps({**tree, "command": command}))
    next((folder / "trials").glob("*.json")).unlink()
    (line,) = disagreements(open_study(folder))
    assert line.endswith("; rerun: the command that began it")


@pytest.mark.parametrize(("change", "reason"), [pytest.param(*rest, id=name) for name, *rest in FORGED])
def test_impossible_figures_are_found(change: Callable[[dict], None], reason: str, folder: Path) -> None:  # type: ignore[type-arg]
    path = forge(folder, change)
    first, *_ = disagreements(open_study(folder))
    assert first.startswith(f"{path}: {reason}")


def test_a_better_accuracy_contradicts_the_winner_and_the_table(folder: Path) -> None:
    study = open_study(folder)
    last_wave = study.plan.waves(study.outcomes())[-1]
    forge(folder, lambda tree: last(tree).update(val_accuracy=0.999), trial=last_wave[0].id)
    found = list(disagreements(open_study(folder)))
    assert any("winner.yaml: " in line for line in found)
    assert any("trials.csv: accuracy is " in line for line in found)


def test_a_changed_winner_and_table_are_found(folder: Path) -> None:
    winner = yaml.safe_load((folder / "winner.yaml").read_text())
    winner["beta"] += 0.1
    (folder / "winner.yaml").write_text(yaml.safe_dump(winner))
    (line,) = disagreements(open_study(folder))
    assert f"winner.yaml: beta is {winner['beta']}, but the records give " in line
    shutil.copy(REFERENCE / "b0-phi1-quick" / "winner.yaml", folder)
    table = (folder / "trials.csv").read_text()
    (folder / "trials.csv").write_text(table.replace(",complete,", ",failed,", 1))
    (line,) = disagreements(open_study(folder))
    assert "trials.csv: state is failed, but a record gives complete" in line


def test_words_of_another_version_are_no_disagreement(folder: Path) -> None:
    winner = yaml.safe_load((folder / "winner.yaml").read_text())
    assert winner["in_words"]
    (folder / "winner.yaml").write_text(yaml.safe_dump({**winner, "in_words": "said otherwise"}))
    assert list(disagreements(open_study(folder))) == []


class FromZero:
    """Trains from the first image on, a hundred at a time, as where no checkpoint is left."""

    def __init__(self, forged: str = "", diverges: str = "") -> None:
        self.forged, self.diverges = forged, diverges

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        if spec.id == self.diverges:
            raise TrialEndedError("diverged", "the loss is no longer finite")
        assert spec.samples is not None
        accuracy = 0.5 + int(spec.checkpoint_id, 16) % 997 * 1e-5
        for index, samples in enumerate(range(100, spec.samples + 1, 100), 1):
            score = 0.25 if spec.id == self.forged else -0.5
            yield Epoch(index, samples, 1 / index, 1.0, accuracy, 0.001, score)


def halved(tmp_path: Path) -> Study:
    """A search by halving, of images enough for several epochs a rung."""
    asked = plan_by("halving")
    own = open_or_create(study(tmp_path / "s", replace(asked, data=replace(asked.data, train=700))))
    search(own, InlineRunner(), FromZero(), lambda event: None)
    return own


def test_every_rung_is_trained_again(tmp_path: Path) -> None:
    """A rung's record has its own epochs only, and its training may have to begin with those before it."""
    own = halved(tmp_path)
    records = own.own_records()
    later = sorted(key for key, one in records.items() if one.spec.since > 0)
    assert later
    assert all(records[key].outcome.epochs[0].index > 1 for key in later)
    assert dict(rerun(own, FromZero(), 99, True)) == dict.fromkeys(records, "")
    assert dict(rerun(own, FromZero(), 99, False)) == dict.fromkeys(records, "")
    wrong = dict(rerun(own, FromZero(forged=later[0], diverges=later[1]), 99, True))
    assert {key: reason for key, reason in wrong.items() if reason} == {
        later[0]: "its curve is another one",
        later[1]: "it ended as diverged (the loss is no longer finite)",
    }


def test_last_digits_of_the_validation_loss_are_no_other_curve(tmp_path: Path) -> None:
    own = halved(tmp_path)
    key = min(own.own_records())
    other = FromZero()

    def shifted(relative: float) -> Iterator[tuple[str, str]]:
        def objective(spec: TrialSpec) -> Iterator[Epoch]:
            for epoch in other(spec):
                yield replace(epoch, val_loss=epoch.val_loss * (1 + relative))

        return rerun(own, objective, 99, True)

    assert not any(reason for _, reason in shifted(1e-8))
    assert dict(shifted(1e-4))[key] == "its curve is another one"


def test_in_another_environment_scores_are_compared_by_the_studys_metric(tmp_path: Path) -> None:
    own = halved(tmp_path)
    key = min(own.own_records())
    wrong = dict(rerun(own, FromZero(forged=key), 99, False))
    assert [key] == [one for one, reason in wrong.items() if reason]
    assert wrong[key].startswith("its score differs by 0.7500, the noise is ")


def test_a_missing_record_of_a_finished_study_is_found(folder: Path) -> None:
    removed = min((folder / "trials").glob("*.json"))
    whole = removed.read_bytes()
    removed.unlink()
    (line,) = disagreements(open_study(folder))
    assert "is finished, but 1 of its records are missing; rerun: scalesearch grid" in line
    removed.write_bytes(whole)
    (folder / "winner.yaml").unlink()
    (line,) = disagreements(open_study(folder))
    assert "winner.yaml: is missing or no file, but the study was finished; rerun: scalesearch grid" in line
    removed.unlink()
    shutil.rmtree(folder / "family")
    for name in ("trials.csv", "trials.parquet"):
        assert len(list(disagreements(open_study(folder)))) == 1
        (folder / name).unlink()
    assert list(disagreements(open_study(folder))) == []  # then it is not finished, and nothing is wrong


@pytest.mark.parametrize(
    ("path", "value"),
    [(("rests_on", "noise_per_trial"), 0.001), (("differences", 1, "behind"), 0.5), (("aliases",), ["(9, 9, 9)"]),
     (("tied",), [])],
)  # fmt: skip
def test_a_forged_figure_anywhere_in_the_winner_is_found(
    path: tuple[str | int, ...], value: object, folder: Path
) -> None:
    winner = yaml.safe_load((folder / "winner.yaml").read_text())
    owner = winner
    for key in path[:-1]:
        owner = owner[key]
    assert owner[path[-1]] != value
    owner[path[-1]] = value
    (folder / "winner.yaml").write_text(yaml.safe_dump(winner))
    (line,) = disagreements(open_study(folder))
    assert f"winner.yaml: {path[0]}" in line


def test_a_missing_table_of_a_finished_study_is_found(folder: Path) -> None:
    (folder / "trials.csv").unlink()
    (line,) = disagreements(open_study(folder))
    assert "trials.csv: is missing or no file, but the study was finished; rerun: scalesearch grid" in line


def test_a_row_that_stands_twice_is_found(folder: Path) -> None:
    table = (folder / "trials.csv").read_text()
    (folder / "trials.csv").write_text(table + table.splitlines()[1] + "\n")
    (line,) = disagreements(open_study(folder))
    assert "trials.csv: its rows are not those that the records give (28, not 27)" in line


def without_column(path: Path) -> None:
    pd.read_csv(path).drop(columns="val_loss").to_csv(path, index=False)


def other_cell(path: Path) -> None:
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    table["accuracy"] = table["accuracy"] + 0.01
    table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path, index=False)


def without_key(path: Path) -> None:
    tree = yaml.safe_load(path.read_text())
    del tree["proxy"]
    path.write_text(yaml.safe_dump(tree))


def with_column(path: Path, name: str) -> None:
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{head},{name}", *(f"{row},0.99" for row in rows)]) + "\n")


def swapped(path: Path) -> None:
    first, second, third, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([first, third, second, *rest]))


def add(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text()}{line}\n")


def wider(path: Path) -> None:
    tree = yaml.safe_load(path.read_text())
    tree["stages"][2]["width"] += 8
    path.write_text(yaml.safe_dump(tree))


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("family/b3.yaml", Path.unlink, "is missing or no file, but the study was finished"),
        ("family/b3.yaml", wider, "stages.2.width is "),
        ("trials.parquet", Path.unlink, "is missing or no file, but the study was finished"),
        ("trials.parquet", other_cell, "accuracy is "),
        ("trials.parquet", lambda path: path.write_bytes(path.read_bytes()[:-9]), "is no table ("),
        ("trials.csv", without_column, "has no column val_loss"),
        ("trials.csv", lambda path: with_column(path, "accuracy"), "has a column accuracy.1, which the records do"),
        ("report.csv", lambda path: with_column(path, "true"), "has a column true, which the records do not give"),
        ("report.csv", other_cell, "accuracy is "),
        ("report.csv", Path.unlink, "is missing or no file, but the study was finished"),
        ("trials.csv", swapped, "its rows are not those that the records give (in another order, or other ones)"),
        ("winner.yaml", lambda path: add(path, "bonus: 3"), "bonus is 3, but the records give nothing like it"),
        (
            "winner.yaml",
            lambda path: add(path, "alpha: 1"),
            "cannot be compared with the records (alpha stands",
        ),
        ("family/b3.yaml", lambda path: add(path, "# 9 parameters"), "its comments are not those that the records"),
        ("family/b9.yaml", Path.touch, "is not of this family; remove it"),
        ("winner.yaml", without_key, "proxy is missing, but the records give "),
    ],
)
def test_every_file_of_an_answer_is_compared(
    name: str, damage: Callable[[Path], object], said: str, folder: Path
) -> None:
    assert list(disagreements(open_study(folder), ranking_csv)) == []
    damage(folder / name)
    (line,) = disagreements(open_study(folder), ranking_csv)
    assert line.startswith(f"{folder / name}: {said}")
    advice = "; rerun: scalesearch grid --baseline b0 --phi 1"
    assert line.endswith(advice) or said.endswith("; remove it")


def test_what_another_version_does_not_write_is_no_disagreement(folder: Path) -> None:
    without_key(folder / "winner.yaml")
    without_column(folder / "trials.csv")
    study = open_study(folder)
    assert len(list(disagreements(study))) == 2
    study.environment["scalesearch"] = "0.0.9"
    assert list(disagreements(study)) == []


def test_a_record_of_a_further_budget_is_missed(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    shutil.copytree(EARLIER / "b0-phi1-halving", folder)
    assert list(disagreements(open_study(folder), ranking_csv)) == []
    removed = min((folder / "trust" / "larger" / "trials").glob("*.json"))
    removed.unlink()
    (line,) = disagreements(open_study(folder), ranking_csv)
    assert line.startswith(f"{folder / 'trust' / 'larger'}: is finished, but 1 of its records are missing; rerun: ")


def test_a_foreign_record_is_named_and_counts_for_nothing(folder: Path) -> None:
    before = open_study(folder).outcomes()
    foreign = min((REFERENCE / "resnet18-phi1-quick" / "trials").glob("*.json"))
    shutil.copy(foreign, folder / "trials")
    study = open_study(folder)
    assert study.outcomes() == before
    assert len(study.records()) == len(before) + 1
    assert list(disagreements(study)) == [
        f"{folder / 'trials' / foreign.name}: is not a trial of this study; remove it"
    ]


def test_what_is_no_file_is_passed_over_by_name_and_nothing_waits(folder: Path) -> None:
    before = open_study(folder).outcomes()
    trials = folder / "trials"
    os.mkfifo(trials / "pipe.json")
    (trials / "folder.json").mkdir()
    (trials / "nowhere.json").symlink_to(trials / "absent")
    (trials / "device.json").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(trials / "s.json"))
        study = open_study(folder)
        assert study.outcomes() == before
        others = json_files(trials)[1]
        assert others == ["device.json", "folder.json", "nowhere.json", "pipe.json", "s.json"]
        found = list(disagreements(study))
    assert found == [f"{trials / name}: is no regular file and no record; remove it" for name in others]


@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_a_study_that_is_a_pipe_does_not_wait(name: str, folder: Path) -> None:
    path = folder / "study.json"
    path.unlink()
    if name == "pipe":
        os.mkfifo(path)
        with pytest.raises(OSError, match="is not a regular file"):
            read_file(path)
    else:
        with pytest.raises(OSError, match="is not a regular file"):
            read_file(Path(name))


UNREADABLE = """
import os, sys
from pathlib import Path
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study
from scalesearch.study.verification import disagreements, rerun
list(disagreements(open_study(Path(sys.argv[1]))))  # imports what the other account may not read either
os.setuid(65534)
try:
    print(list(disagreements(open_study(Path(sys.argv[1])))))
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account that may read nothing")
@pytest.mark.parametrize("part", ["trials", ".", "trials/{first}", "family"])
def test_an_unreadable_folder_is_no_empty_one(part: str, folder: Path) -> None:
    import subprocess
    import sys

    first = min((folder / "trials").glob("*.json")).name
    for above in [folder, *folder.parents][:4]:
        above.chmod(0o755)
    (folder / part.format(first=first)).chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", UNREADABLE, str(folder)], capture_output=True, text=True, check=False, cwd="/"
    )
    assert "cannot be read (Permission denied); let this account read it" in done.stdout, done.stderr
    assert "delete the file" not in done.stdout
    assert StorageError.exit_code != CountError.exit_code
