"""Ray's sockets have short names wherever the temporary folder lies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scalesearch.errors import InputError
from scalesearch.runners import ray_alone
from scalesearch.runners.ray_alone import session_folder

LONGEST = "/tmp/" + "a" * 30


@pytest.mark.parametrize("name", ["TMPDIR", "RAY_TMPDIR"])
def test_a_long_folder_is_replaced_by_a_short_one_that_goes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv(name, LONGEST)
    with session_folder() as folder:
        assert folder is None
    monkeypatch.setenv(name, LONGEST + "a")
    with session_folder() as folder:
        assert folder is not None
        assert len(folder) <= len(LONGEST)
        assert Path(folder).is_dir()
    assert not Path(folder).exists()


def test_without_a_short_folder_the_variable_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", LONGEST + "a")
    monkeypatch.setattr(ray_alone, "_SHORT_TEMPORARY_FOLDER", str(tmp_path / "absent"))
    said = r"^TMPDIR: is longer than the 35 .* set TMPDIR to a shorter folder$"
    with pytest.raises(InputError, match=said), session_folder():
        pass


@pytest.mark.slow  # Ray starts twice
@pytest.mark.parametrize("length", [35, 101])
def test_ray_starts_in_the_longest_and_in_a_longer_folder(length: int, tmp_path: Path) -> None:
    folder = Path("/tmp") / ("t" * (length - 5))
    folder.mkdir()
    program = (
        "from scalesearch.runners.ray_tune import RayRunner\n"
        "with RayRunner(cores=1).session():\n"
        "    import ray; print(ray.is_initialized())"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"TMPDIR": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == "True\n", done.stderr
    finally:
        shutil.rmtree(folder)
