"""What killed runs leave in the temporary folder goes at the next start, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scalesearch.runners.ray_alone import remove_leftovers, temporary_folder


def test_folders_of_dead_runs_go(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    gone = [tmp_path / f"scalesearch-ray-{process.pid}-abc", tmp_path / f"ssray-{process.pid}-abc"]
    kept = [
        tmp_path / f"scalesearch-ray-{os.getpid()}-abc",
        tmp_path / "scalesearch-ray-1-abc",
        tmp_path / "scalesearch-ray-notes-abc",
        tmp_path / f"other-{process.pid}-abc",
    ]
    for path in [*gone, *kept]:
        path.mkdir()
        (path / "file").write_text("")
    link = tmp_path / f"scalesearch-ray-{process.pid}-link"
    link.symlink_to(kept[0])
    remove_leftovers(tmp_path)
    assert not any(path.exists() for path in gone)
    assert all((path / "file").exists() for path in kept)
    assert link.is_symlink()


def test_a_run_leaves_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with temporary_folder() as folder:
        assert Path(folder).parent == tmp_path
        assert Path(folder).is_dir()
    assert list(tmp_path.iterdir()) == []
