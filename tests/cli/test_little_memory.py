"""What a machine cannot train ends in one line that names the option to change, and leaves a usable folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import scalesearch

TRAIN = (
    "train",
    "tiny",
    "--budget",
    "smoke",
    "--resolution",
    "8",
    "--epochs",
    "2",
    "--threads",
    "1",
    "--name",
    "a",
)
LIMIT_KIB = 6_000_000


@pytest.mark.parametrize("parts", [("--batch", "1"), ("--batch", "4", "--accumulate", "4")])
def test_a_step_of_one_value_names_the_options(parts: tuple[str, ...], tmp_path: Path) -> None:
    done = scalesearch(*TRAIN, *parts, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr == (
        "scalesearch: results/a: batch normalisation in training needs more than one value per channel; give a "
        "larger --batch, a smaller --accumulate or a larger --resolution; no epoch was finished, so the corrected "
        "command begins in the same folder\n"
    )


def test_the_corrected_command_begins_in_the_same_folder(tmp_path: Path) -> None:
    assert scalesearch(*TRAIN, "--batch", "1", cwd=tmp_path).returncode == 3
    done = scalesearch(*TRAIN, "--batch", "8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def limited(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command with less memory than it needs, as a machine that has no more."""
    line = 'ulimit -v "$0"; exec "$@"'
    command = ["bash", "-c", line, str(LIMIT_KIB), sys.executable, "-m", "scalesearch", *words]
    environment = os.environ | {"XDG_CACHE_HOME": str(cwd / ".cache")}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow  # each imports torch anew
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            (
                "train",
                "b0",
                "--budget",
                "smoke",
                "--resolution",
                "224",
                "--batch",
                "256",
                "--epochs",
                "1",
                "--threads",
                "1",
            ),
            3,
            "more were asked for); give a smaller --batch, a larger --accumulate or a smaller --resolution; no",
        ),
        (
            ("grid", "--baseline", "b0", "--budget", "full", "--data", "digits", "--plan"),
            2,
            "more were asked for); take a budget with a smaller recipe.batch or resolution",
        ),
        (
            (
                "train",
                "b0",
                "--data",
                "digits",
                "--resolution",
                "768",
                "--epochs",
                "1",
                "--batch",
                "256",
                "--threads",
                "1",
            ),
            2,
            "a smaller --batch, a larger --accumulate or a smaller --resolution. What is recorded is kept; rerun",
        ),
        (("latency", "b4", "--batch", "256"), 2, "256 images a pass: more than the memory holds; take fewer"),
        (("cost", "b7", "--resolution", "4000", "--breakdown"), 2, "take a smaller network, batch or image side"),
    ],
)
def test_too_little_memory_is_one_line(words: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    done = limited(*words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
