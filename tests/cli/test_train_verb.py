"""`scalesearch train` as a user meets it: files, resume, kills, two workers."""

from __future__ import annotations

import csv
import json
import re
import shlex
import signal
from pathlib import Path

import pytest
from command import scalesearch
from safetensors import safe_open
from stopping import Place

from scalesearch.nets.weights import read_weights

SMALL = ["train", "tiny", "--budget", "smoke", "--resolution", "16", "--epochs", "3", "--threads", "1"]
RUN = Path("results") / "tiny-train-fast"
LONG = [*SMALL[:-4], "--epochs", "14", "--threads", "1"]


def test_a_training_leaves_weights_a_history_and_a_record(tmp_path: Path) -> None:
    done = scalesearch(*SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *epochs, last = done.stdout.splitlines()
    assert [re.match(r"epoch (\d)/3  (\d+) px", line).groups() for line in epochs] == [  # type: ignore[union-attr]
        ("1", "8"), ("2", "12"), ("3", "16"),
    ]  # fmt: skip
    folder = tmp_path / RUN
    assert sorted(path.name for path in folder.iterdir()) == [
        *("history.csv", "lock", "run.json", "weights.safetensors"),
    ]
    with (folder / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    record = json.loads((folder / "run.json").read_text())
    assert f"accuracy {float(rows[-1]['val_accuracy']):.4f}" in last
    assert record["result"]["val_accuracy"] == float(rows[-1]["val_accuracy"])
    assert record["asked"]["recipe"]["epochs"] == 3
    weights = read_weights(folder / "weights.safetensors")
    assert weights.definition.architecture.resolution == 16
    assert weights.classes == ("fractal 0", "fractal 1", "fractal 2")


class Training(Place):
    """Where a run's folder is."""

    def stop_at(self, number: int, epochs: int, *words: str) -> tuple[int, str]:
        """Once so many epochs are kept."""
        history = self.folder / RUN / "history.csv"
        return self.stop(
            number, lambda: history.exists() and len(history.read_text().splitlines()) > epochs, *words
        )

    def numbers(self) -> list[list[str]]:
        with (self.folder / RUN / "history.csv").open() as stream:
            return [row[:-1] for row in csv.reader(stream)]

    def tensors(self) -> dict[str, bytes]:
        with safe_open(self.folder / RUN / "weights.safetensors", "np") as file:
            return {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Training:
    place = Training(tmp_path_factory.mktemp("calm"), tmp_path_factory.mktemp("cache"))
    place.run(*LONG)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_training_ends_once_rerun_with_the_same_numbers(
    number: signal.Signals, calm: Training, tmp_path: Path
) -> None:
    place = Training(tmp_path, calm.cache)
    for epochs in (2, 7):
        code, said = place.stop_at(number, epochs, *LONG)
        if number == signal.SIGKILL:
            assert code == -signal.SIGKILL
            continue
        assert code == 130, said
        found = re.fullmatch(
            rf"scalesearch: interrupted; (\d+)/14 epochs are kept in {RUN}\. Resume: scalesearch (.*)", said.strip()
        )
        assert found is not None, said
        assert epochs <= int(found[1]) < 14
        assert shlex.split(found[2]) == LONG
    assert "epochs are done, resuming" in place.run(*LONG)
    assert place.numbers() == calm.numbers()
    assert place.tensors() == calm.tensors()
    assert "is trained" in place.run(*LONG)
    _, said = place.start(*LONG, "--seed", "1").communicate(timeout=60)
    assert said.startswith(f"scalesearch: {RUN}: holds another training (other seed)")


@pytest.mark.slow
def test_two_workers_train_one_network(tmp_path: Path) -> None:
    place = Training(tmp_path, tmp_path / ".cache")
    out = place.run(*SMALL, "--workers", "2")
    assert out.count("epoch ") == 3
    folder = tmp_path / RUN
    assert read_weights(folder / "weights.safetensors").definition.name == "tiny"
    assert json.loads((folder / "run.json").read_text())["asked"]["workers"] == 2
    assert "is trained" in place.run(*SMALL, "--workers", "2")
