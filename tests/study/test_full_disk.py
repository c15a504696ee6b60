"""On a disk that is full, records come before checkpoints, and nothing half written stays."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from planted import Planted, study

from scalesearch.errors import StorageError
from scalesearch.proxy.checkpoints import load_checkpoint, save_checkpoint
from scalesearch.runners.inline import InlineRunner
from scalesearch.study import files
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create

SIZE = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small file system can be mounted here: it takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    """Use up all that is free, but for `leave` bytes."""
    free = os.statvfs(folder)
    path = folder / "filler"
    path.write_bytes(b"x" * (free.f_bavail * free.f_frsize - leave))
    return path


def test_a_checkpoint_that_does_not_fit_leaves_nothing(disk: Path) -> None:
    fill(disk, leave=64 * 1024)
    save_checkpoint(disk, "trunk", 3, {"weights": torch.zeros(SIZE // 8)})
    assert [path.name for path in disk.iterdir()] == ["filler"]
    assert load_checkpoint(disk, "trunk", 3) is None
    save_checkpoint(disk, "trunk", 3, {"weights": torch.zeros(9)})
    assert load_checkpoint(disk, "trunk", 3) is not None


def begun(disk: Path) -> Study:
    own = study(disk / "study")
    open_or_create(own)
    own.checkpoints_folder.mkdir()
    return own


def test_a_record_takes_the_room_of_checkpoints(disk: Path) -> None:
    own = begun(disk)
    save_checkpoint(own.checkpoints_folder, "trunk", 3, {"weights": torch.zeros(SIZE // 16)})
    fill(disk)
    search(own, InlineRunner(), Planted(), lambda event: None)
    assert len(own.outcomes()) == own.plan.total_trials()


def test_a_disk_that_stays_full_keeps_all_and_resumes(disk: Path) -> None:
    """However many records fit: those that were written stay as they are, and the rest is run later."""
    own = begun(disk)
    for leave in (0, 4096, 2 * 4096):
        filler = fill(disk, leave)
        with pytest.raises(StorageError, match="cannot be written"):
            search(own, InlineRunner(), Planted(), lambda event: None)
        before = {path.name: path.read_bytes() for path in own.trials_folder.iterdir()}
        assert all(name.endswith(".json") and not name.startswith(".") for name in before)
        assert len(own.outcomes()) == len(before)
        filler.unlink()
    search(own, InlineRunner(), Planted(), lambda event: None)
    after = {path.name: path.read_bytes() for path in own.trials_folder.iterdir()}
    assert before.items() <= after.items()
    assert len(after) == own.plan.total_trials()


def begin_and_search(own: Study) -> None:
    open_or_create(own)
    search(own, InlineRunner(), Planted(), lambda event: None)


def test_a_failing_write_at_every_place_of_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The k-th write and the next one (a record is tried twice) fail, for every k; a rerun ends as a calm one."""
    calm = study(tmp_path / "calm")
    writes = 0
    real = files._write_temporary

    def counting(path: Path, text: str | bytes) -> Path:
        nonlocal writes
        writes += 1
        return real(path, text)

    monkeypatch.setattr(files, "_write_temporary", counting)
    begin_and_search(calm)
    total, expected = writes, sorted(calm.outcomes())
    assert total == 1 + len(expected)
    for fails_at in range(total):
        own = study(tmp_path / str(fails_at))
        count = 0

        def failing(path: Path, text: str | bytes, fails_at: int = fails_at) -> Path:
            nonlocal count
            count += 1
            if count - 1 in (fails_at, fails_at + 1):
                path.with_name(f".{path.name}.tmp").unlink(missing_ok=True)
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return real(path, text)

        monkeypatch.setattr(files, "_write_temporary", failing)
        with pytest.raises(StorageError, match="No space left on device"):
            begin_and_search(own)
        monkeypatch.setattr(files, "_write_temporary", real)
        assert len(own.outcomes()) == max(0, fails_at - 1)
        begin_and_search(own)
        assert sorted(own.outcomes()) == expected
