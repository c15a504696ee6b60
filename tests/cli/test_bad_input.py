"""Whatever a user types: one line that says what, where and what to do; never a traceback."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from command import scalesearch

from scalesearch.cli.main import run
from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers

SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke"]

BAD = [
    ["nope"],
    ["cost"],
    ["cost", "b99"],
    ["cost", "missing.yaml"],
    ["cost", "."],
    ["cost", "./folder.yaml"],
    ["cost", "bad.yaml"],
    ["cost", "line\nbreak.yaml"],
    ["cost", "b0", "--depth", "nan"],
    ["cost", "b0", "--depth", "inf"],
    ["cost", "b0", "--depth", "-1"],
    ["cost", "b0", "--depth", "0"],
    ["cost", "b0", "--depth", "1e9"],
    ["cost", "b0", "--width", "x"],
    ["cost", "b0", "--width", "0.00000000000000000000000000000000001"],
    ["cost", "b0", "--resolution", "0"],
    ["cost", "b0", "--resolution", "99999999"],
    ["cost", "b0", "--resolution", "2.5"],
    ["cost", "b0", "--batch", "0"],
    ["cost", "b0", "--rounding", "nope"],
    ["train"],
    ["train", "b99"],
    ["train", "tiny", "--recipe", "nope"],
    ["train", "tiny", "--epochs", "0"],
    ["train", "tiny", "--learning-rate", "x"],
    ["train", "tiny", "--learning-rate", "0"],
    ["train", "tiny", "--resolution", "4"],
    ["train", "tiny", "--data", "nowhere"],
    ["train", "tiny", "--budget", "nope"],
    ["train", "tiny", "--name", "UPPER"],
    ["train", "tiny", "--address", "auto"],
    ["train", "tiny", "--address", "127.0.0.1:1", "--workers", "2"],
    ["transfer", "missing.safetensors", "--data", "digits", "--address", "auto"],
    ["transfer", "missing.safetensors", "--data", "digits"],
    ["transfer", "bad.py", "--data", "digits"],
    ["transfer", "bad.yaml", "--data", "digits", "--network", "b0"],
    ["family", "b0"],
    ["family", "tiny", "--published", "--coefficients", "1.2", "1.1", "1.15"],
    ["family", "b0", "--published", "--match", "none"],
    ["family", "b0", "--coefficients", "1.2", "1.1"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--phi", "0"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--phi", "-4.5"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--phi", "1e-30"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--phi", "x"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--phi", "-1", "--phi", "-1.0"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--phi", "-1", "--times", "0.5"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--times", "1"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--times", "-2"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--times", "0.01"],
    ["family", "b0", "--coefficients", "4", "1.1", "1.15", "--phi", "9"],
    ["family", "b0", "--published", "--phi", "-1"],
    ["family", "b0", "--coefficients", "a", "b", "c"],
    ["family", "b0", "--coefficients", "0.9", "1.1", "1.15"],
    ["family", "b0", "--coefficients", "nan", "1.1", "1.15"],
    ["family", "tiny", "--published"],
    ["family", "b0", "--published", "--rounding", "paper"],
    ["family", "b0", "--coefficients", "1.2", "1.1", "1.15", "--match", "x"],
    ["explain"],
    ["explain", "b0"],
    ["explain", "b8"],
    ["explain", "missing.yaml"],
    ["explain", "b1", "--rounding", "paper"],
    ["explain", "b0", "--depth", "x"],
    ["explain", "b0", "--width", "0"],
    ["explain", "b0", "--resolution", "0"],
    ["explain", "b1", "--coefficients", "0.9", "1", "1"],
    ["explain", "orphan.yaml"],
    ["solve", "b0"],
    ["solve", "b99", "--max-flops", "1G"],
    ["solve", "b0", "--max-flops", "600MB"],
    ["solve", "b0", "--max-params", "-1"],
    ["solve", "b0", "--max-memory", "2"],
    ["solve", "b0", "--max-latency", "5"],
    ["solve", "b0", "--max-latency", "0ms"],
    ["solve", "b0", "--max-flops", "1G", "--batch", "8"],
    ["solve", "b0", "--max-flops", "1G", "--training"],
    ["solve", "b0", "--max-memory", "1GiB", "--batch", "0"],
    ["solve", "b0", "--max-flops", "1G", "--coefficients", "a", "b", "c"],
    ["solve", "b0", "--max-flops", "1G", "--rounding", "x"],
    ["solve", "b0", "--max-flops", "1G", "--out", "member.txt"],
    ["solve", "tiny", "--max-flops", "1k", "--max-params", "1"],
    ["latency"],
    ["latency", "b99"],
    ["latency", "tiny", "missing.yaml"],
    ["latency", "tiny", "--against", "nope"],
    ["latency", "tiny", "--batch", "0"],
    ["latency", "tiny", "--runs", "2"],
    ["cam"],
    ["cam", "missing.safetensors"],
    ["cam", "bad.yaml"],
    ["cam", "name=missing.safetensors"],
    ["cam", "pickled.pt"],
    ["cam", "bad.yaml", "--out", "x.jpg"],
    ["cam", "bad.yaml", "--count", "0"],
    ["tables", "--rounding", "x"],
    ["export", "b0"],
    ["export", "b0", "--to", "keras"],
    ["export", "b99", "--to", "torch"],
    ["export", "tiny", "--to", "torch", "--seed", "-1"],
    ["export", "tiny", "--to", "torch", "--depth", "0"],
    ["export", "tiny", "--to", "timm", "--rounding", "nope"],
    ["export", "mnasnet", "--to", "torchvision"],
    ["import", "missing.py", "--out", "x.yaml"],
    ["import", "bad.yaml", "--out", "x.yaml"],
    ["import", "bad.py", "--out", "x.yaml"],
    ["import", "good.py", "--out", "x.txt"],
    ["import", "good.py", "--out", "No Name.yaml"],
    ["import", "good.py"],
    ["show", "missing"],
    ["show", "."],
    ["verify", "missing"],
    [*SMOKE, "--phi", "0"],
    [*SMOKE, "--phi", "abc"],
    [*SMOKE, "--phi", "11"],
    [*SMOKE, "--phi", "-4.1"],
    [*SMOKE, "--phi", "-1", "--transfer-phi", "-1"],
    [*SMOKE, "--phi", "-1", "--transfer-phi", "0"],
    [*SMOKE, "--step", "0"],
    [*SMOKE, "--step", "nan"],
    [*SMOKE, "--step", "-0.1"],
    [*SMOKE, "--tolerance", "0", "--step", "0.3"],
    [*SMOKE, "--seeds", "0"],
    [*SMOKE, "--match", "x"],
    [*SMOKE, "--cost", "x"],
    [*SMOKE, "--cost", "activations", "--match", "none"],
    [*SMOKE, "--cost", "latency", "--match", "none"],
    ["grid", "--baseline", "any.module:build", "--budget", "smoke", "--cost", "latency"],
    ["compare", "--baseline", "tiny", "--cost", "x"],
    [*SMOKE, "--rounding", "x"],
    [*SMOKE, "--runner", "x"],
    [*SMOKE, "--runner", "inline", "--gpus-per-trial", "1"],
    [*SMOKE, "--name", "../x"],
    [*SMOKE, "--name", "reference"],
    [*SMOKE, "--results", "results/reference"],
    [*SMOKE, "--data", "missing"],
    [*SMOKE, "--data", ""],
    ["grid", "--baseline", "tiny", "--budget", "nope"],
    ["grid", "--baseline", "tiny", "--budget", "budget.yaml"],
    ["grid", "--baseline", "nope"],
    ["compare", "--baseline", "tiny", "--times", "1"],
    ["compare", "--baseline", "tiny", "--times", "x"],
    ["compare", "--baseline", "tiny", "--times", "0.01"],
    ["compare", "--baseline", "tiny", "--times", "-2"],
    ["compare", "--baseline", "tiny", "--times", "nan"],
    ["compare", "--baseline", "tiny", "--times", "4", "--times", "1025"],
    ["compare", "--baseline", "tiny", "--times", "4", "--times", "2", "--times", "4.0"],
    ["compare", "--baseline", "tiny", "--times", "2", "--times", "4", "--name", "n" * 62],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "bad.yaml").write_text("name: no\n")
    (folder / "good.py").write_text("arch_def = [['ds_r1_k3_s1_e1_c16']]\n")
    (folder / "bad.py").write_text("arch_def = [['ds_r1_k3_s1_e1_c16'],\n['xx_r1']]\n")
    (folder / "folder.yaml").mkdir()
    (folder / "pickled.pt").write_bytes(pickle.dumps({}))
    member = load_baseline("tiny").scale(Multipliers(depth=Decimal(2)))
    lost = replace(member, origin=replace(member.origin, baseline="lost") if member.origin else None)
    (folder / "orphan.yaml").write_text(baseline_text(lost))
    (folder / "budget.yaml").write_text("name: mine\nstep: 0.1\nspeed: 3\n")
    return folder


def is_one_line(out: str, error: str) -> bool:
    lines = error.splitlines()
    return out == "" and len(lines) == 1 and lines[0].startswith("scalesearch: ") and "Traceback" not in error


@pytest.mark.parametrize("words", BAD, ids=lambda words: " ".join(words).replace("\n", "␤"))
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))
    monkeypatch.setattr(sys, "argv", ["scalesearch", *words])
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 2
    assert is_one_line(*capsys.readouterr())


@pytest.mark.parametrize("words", BAD[::12], ids=lambda words: " ".join(words).replace("\n", "␤"))
def test_it_is_so_in_a_process_of_its_own(words: list[str], folder: Path) -> None:
    done = scalesearch(*words, cwd=folder)
    assert done.returncode == 2
    assert is_one_line(done.stdout, done.stderr), done.stderr


def test_too_few_values_of_an_option_are_told_with_their_number() -> None:
    done = scalesearch("family", "b0", "--coefficients", "1.2", "1.1")
    wanted = "scalesearch: --coefficients: must be followed by 3 values; see scalesearch family --help\n"
    assert (done.returncode, done.stderr) == (2, wanted)


def test_the_line_and_key_of_a_bad_file_are_named(folder: Path) -> None:
    assert "bad.yaml:1: name:" in scalesearch("cost", "bad.yaml", cwd=folder).stderr
    assert "budget.yaml:3: speed:" in scalesearch("grid", "--budget", "budget.yaml", cwd=folder).stderr


def test_a_definition_that_is_not_understood_is_named_with_its_line(folder: Path) -> None:
    done = scalesearch("import", "bad.py", "--out", "x.yaml", cwd=folder)
    assert done.stderr.startswith("scalesearch: bad.py:2: 'xx_r1': ")
    assert not (folder / "x.yaml").exists()


def test_a_results_folder_that_cannot_be_one_is_exit_code_4(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for more in ((), ("--plan",)):
        done = scalesearch(*SMOKE, "--runner", "inline", "--results", "file", *more, cwd=tmp_path)
        assert done.returncode == 4
        assert done.stderr == ("scalesearch: file: cannot be written (Not a directory); choose another folder\n")
