"""What is decided in reading images is printed, and stands in the study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from command import scalesearch
from PIL import Image

SMOKE = ["grid", "--baseline", "tiny", "--budget", "smoke", "--runner", "inline"]


def _pictures(folder: Path, count: int, seed: int) -> None:
    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    for index in range(count):
        Image.fromarray(draw.integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(folder / f"{index}.png")


def test_a_plan_says_that_test_is_not_used(tmp_path: Path) -> None:
    for number, (split, count) in enumerate((("train", 9), ("val", 4), ("test", 5))):
        _pictures(tmp_path / "pets" / split / "ant", count, 10 + number)
        _pictures(tmp_path / "pets" / split / "bee", count, 20 + number)
    for _ in range(2):  # read, and from the cache
        done = scalesearch(*SMOKE, "--data", "pets", "--plan", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Data: test (10 images) is not used\n" in done.stdout + done.stderr
