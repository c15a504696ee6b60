"""The program's help lists every command whole, and completion in a shell knows commands and values."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from command import scalesearch

from scalesearch.cli.commands import GROUPS, modernize
from scalesearch.cli.main import app, run

PROGRAM = Path(sys.executable).with_name("scalesearch")


def test_every_command_stands_in_one_group() -> None:
    group = typer.main.get_command(app)
    listed = [name for commands in GROUPS.values() for name in commands]
    assert sorted(listed) == sorted(group.commands)  # type: ignore[attr-defined]


def test_no_summary_is_cut_or_wrapped_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = scalesearch("--help").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for commands in GROUPS.values():
        for name, summary in commands.items():
            assert f"  {name:<16}{summary}" in lines


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("scalesearch tr", {"train", "transfer"}),
        ("scalesearch grid --runner ", {"ray", "inline"}),
        ("scalesearch compare --cost ", {"flops", "activations", "latency"}),
    ],
)
def test_bash_completes_commands_and_values(typed: str, offered: set[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_SCALESEARCH_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [PROGRAM], env={**os.environ, **words}, capture_output=True, text=True, timeout=60, check=False
    )
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash is installed")
def test_what_install_completion_writes_completes_in_a_new_shell(tmp_path: Path) -> None:
    home = {**os.environ, "HOME": str(tmp_path), "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"}
    asked = "scalesearch --install-completion; exit $?"
    done = subprocess.run(["bash", "-c", asked], env=home, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    ask = (
        "source ~/.bashrc; COMP_WORDS=(scalesearch export tiny --to ''); COMP_CWORD=4; "
        "_scalesearch_completion scalesearch; echo ${COMPREPLY[*]}"
    )
    new = subprocess.run(["bash", "-c", ask], env=home, capture_output=True, text=True, timeout=60, check=False)
    assert new.stdout.split() == ["torch", "timm", "torchvision", "onnx", "torch-export"], new.stderr


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("train tiny --px 7 --train-px=16", "train tiny --resolution 7 --train-resolution=16"),
        ("cost b0 --receipt", "cost b0 --breakdown"),
        ("grid --check-phi 2 --scheduler grid", "grid --transfer-phi 2 --scheduler full"),
        ("--debug trust trust --plan", "--debug validate-proxy trust --plan"),
        ("show trust", "show trust"),
    ],
)
def test_earlier_names_are_read_as_the_present_ones(typed: str, read: str) -> None:
    assert modernize(typed.split()) == read.split()


@pytest.mark.parametrize(
    ("earlier", "command"), [("--px", "train"), ("--receipt", "cost"), ("--check-phi", "grid"), ("trust", "")]
)
def test_help_does_not_list_earlier_names(earlier: str, command: str) -> None:
    words = scalesearch(*command.split(), "--help").stdout.split()
    assert words
    assert earlier not in words


def test_an_earlier_command_still_runs(tmp_path: Path) -> None:
    done = scalesearch("trust", str(tmp_path / "none"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is not a folder" in done.stderr


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (["--cost", "macs"], ["--cost", "flops"]),
        (["--cost=macs"], ["--cost=flops"]),
        (["--objectives", "accuracy,macs,latency"], ["--objectives", "accuracy,flops,latency"]),
        (["--objectives=macs,accuracy"], ["--objectives=flops,accuracy"]),
        (["--scheduler", "grid"], ["--scheduler", "full"]),
        (["--scheduler=grid"], ["--scheduler=full"]),
        (["--name", "macs", "--cost", "latency"], ["--name", "macs", "--cost", "latency"]),
    ],
)
def test_values_are_read_by_their_former_names_too(typed: list[str], read: list[str]) -> None:
    assert modernize(["grid", *typed]) == ["grid", *read]


@pytest.mark.parametrize("cost", ["flops", "macs"])
def test_flops_are_written_as_multiply_adds(
    cost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Studies of before resume, whichever name is typed; nothing of the cost is written, as ever."""
    words = f"grid --baseline tiny --budget smoke --data digits --cost {cost} --results {tmp_path} --plan"
    asked = []
    monkeypatch.setattr("scalesearch.cli.search_command.run_or_plan", lambda config, *_, **__: asked.append(config))
    monkeypatch.setattr("sys.argv", ["scalesearch", *words.split()])
    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 0, capsys.readouterr().err
    assert [one.cost for one in asked] == ["macs"]
