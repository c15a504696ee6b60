"""`scalesearch verify`: its lines, its exit codes, and trials that are trained again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command import scalesearch

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


def test_what_is_wrong_is_said_and_ends_with_1(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE / "resnet18-phi1-quick", tmp_path / "s")
    done = scalesearch("verify", "s", cwd=tmp_path)
    assert done.returncode == 0
    assert "27 of 27 records, all as written (checksums find damage; they are no signature)" in done.stdout
    min((tmp_path / "s" / "trials").glob("*.json")).unlink()
    done = scalesearch("verify", "s", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("scalesearch: s: is finished, but 1 of its records are missing; rerun: ")


@pytest.mark.slow  # trains
def test_the_cheapest_trials_are_trained_again() -> None:
    """On the processor of the records to the bit, on others within the noise."""
    done = scalesearch("verify", str(REFERENCE / "nas-tiny-digits"), "--rerun", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("trained again, the same curve") + done.stdout.count("within the noise") == 2


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study by halving."""
    folder = tmp_path_factory.mktemp("smoke")
    done = scalesearch(
        *("grid", "--baseline", "tiny", "--budget", "smoke", "--data", "digits", "--runner", "inline"), cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder / "results" / "tiny-phi1-smoke"


@pytest.mark.slow
def test_trials_of_every_rung_are_trained_again(smoke: Path) -> None:
    """A rung's record begins where the one below ended; nothing is left of the checkpoint it went on from."""
    done = scalesearch("verify", str(smoke), "--rerun", "14")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("trained again, the same curve") == 14


@pytest.mark.slow
def test_a_forged_curve_is_found_by_training(smoke: Path, tmp_path: Path) -> None:
    """Consistent in every file: only the training itself gives other figures."""
    import json

    from scalesearch.search.canonical import json_digest
    from scalesearch.study.result import analyze
    from scalesearch.study.result_files import write_result_files
    from scalesearch.study.study import open_study
    from scalesearch.study.verification import disagreements

    folder = tmp_path / "study"
    shutil.copytree(smoke, folder)
    for path in (folder / "trials").glob("*.json"):
        tree = json.loads(path.read_text())
        del tree["sha256"]
        tree["outcome"]["epochs"][-1]["train_loss"] += 0.001
        path.write_text(json.dumps({**tree, "sha256": json_digest(tree)}))
    study = open_study(folder)
    result = analyze(study.plan, study.outcomes())
    assert result is not None
    write_result_files(folder, result)
    assert list(disagreements(study)) == []
    done = scalesearch("verify", str(folder), "--rerun", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert "trained again, its curve is another one" in done.stdout
    assert "1 of the trials that were trained again came to something else" in done.stderr


def test_another_set_of_images_is_refused(tmp_path: Path) -> None:
    done = scalesearch(
        "verify", str(REFERENCE / "nas-tiny-digits"), "--rerun", "1", "--data", "nowhere", cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
