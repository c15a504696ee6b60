"""The cache returns what was built, or builds again."""

from __future__ import annotations

import multiprocessing
import queue
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalesearch.errors import InputError, StorageError
from scalesearch.proxy.cache import SplitArrays, cached, fingerprint

KEY = "ab12"


def _arrays(first: int = 0) -> SplitArrays:
    train = np.arange(5 * 4 * 4 * 3, dtype=np.uint8).reshape(5, 4, 4, 3)
    val = train[:2] + 100
    train[0, 0, 0, 0] = first
    return SplitArrays(train, np.array([0, 1, 2, 0, 1]), val, np.array([2, 1]), ("a", "b", "ç"))


def _never() -> SplitArrays:
    raise AssertionError("built although a sound file is stored")


def test_what_was_stored_comes_back(tmp_path: Path) -> None:
    built, print_hex = cached(KEY, tmp_path / "new" / "folder", _arrays)
    stored, again = cached(KEY, tmp_path / "new" / "folder", _never)
    assert print_hex == again == fingerprint(built) == fingerprint(stored)
    assert stored.classes == ("a", "b", "ç")
    assert (stored.train_images_NHWC == _arrays().train_images_NHWC).all()
    assert stored.val_labels_N.tolist() == [2, 1]
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == [f"{KEY}.safetensors"]


def test_the_fingerprint_covers_every_part() -> None:
    base = _arrays()
    others: list[dict[str, Any]] = [
        {"train_images_NHWC": _arrays(7).train_images_NHWC},
        {"train_labels_N": np.array([0, 1, 2, 0, 2])},
        {"val_images_NHWC": base.val_images_NHWC[::-1]},
        {"val_labels_N": np.array([1, 2])},
        {"classes": ("a", "b", "c")},
        {"train_images_NHWC": base.train_images_NHWC.reshape(5, 2, 8, 3)},
    ]
    prints = [fingerprint(base)] + [fingerprint(replace(base, **other)) for other in others]
    assert len(set(prints)) == 7
    assert fingerprint(replace(base, classes=base.classes)) == prints[0]


@pytest.mark.parametrize("damage", ["cut", "empty", "header", "pixel", "label", "garbage"])
def test_a_damaged_file_is_built_again(tmp_path: Path, damage: str) -> None:
    _, print_hex = cached(KEY, tmp_path, _arrays)
    path = tmp_path / f"{KEY}.safetensors"
    data = bytearray(path.read_bytes())
    if damage == "pixel":
        data[data.index(bytes(range(100, 120)))] ^= 1
    elif damage == "label":
        data[data.index((2).to_bytes(8, "little") + (1).to_bytes(8, "little"))] = 0
    elif damage == "header":
        data[12] ^= 0x55
    whole: dict[str, bytes] = {"cut": bytes(data[:-40]), "empty": b"", "garbage": b"\xff" * 300}
    path.write_bytes(whole.get(damage, bytes(data)))
    calls: list[int] = []

    def build() -> SplitArrays:
        calls.append(1)
        return _arrays()

    assert cached(KEY, tmp_path, build)[1] == print_hex
    assert calls == [1]
    assert cached(KEY, tmp_path, _never)[1] == print_hex


def test_loading_maps_the_file_and_does_not_copy(tmp_path: Path) -> None:
    cached(KEY, tmp_path, _arrays)
    stored, _ = cached(KEY, tmp_path, _never)
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("needs /proc")
    assert str(tmp_path / f"{KEY}.safetensors") in maps.read_text()
    assert stored.train_images_NHWC.shape == (5, 4, 4, 3)


def test_a_failed_build_leaves_nothing_behind(tmp_path: Path) -> None:
    def build() -> SplitArrays:
        raise InputError("no")

    with pytest.raises(InputError):
        cached(KEY, tmp_path, build)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_storage_error_before_the_build(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(StorageError) as caught:
            cached(KEY, folder, _never)
        assert "cannot write the image cache" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_full_disk_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scalesearch.proxy.cache.save_file", full)
    with pytest.raises(StorageError, match="No space left on device"):
        cached(KEY, tmp_path, _arrays)
    assert list(tmp_path.iterdir()) == []


def _race(folder: Path, barrier: Any, prints: Any) -> None:
    def build() -> SplitArrays:
        barrier.wait(60)
        return _arrays()

    prints.put(cached(KEY, folder, build)[1])


def _assert_harmless(folder: Path, workers: list[Any], prints: Any) -> None:
    for worker in workers:
        worker.start()
    found = {prints.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(60)
    assert found == {fingerprint(_arrays())}
    assert cached(KEY, folder, _never)[1] in found
    assert [path.name for path in folder.iterdir()] == [f"{KEY}.safetensors"]


def test_two_threads_that_build_at_once_do_no_harm(tmp_path: Path) -> None:
    prints: queue.Queue[str] = queue.Queue()
    arguments = (tmp_path, threading.Barrier(2), prints)
    _assert_harmless(tmp_path, [threading.Thread(target=_race, args=arguments) for _ in range(2)], prints)


@pytest.mark.slow
def test_two_processes_that_build_at_once_do_no_harm(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    prints = context.Queue()
    arguments = (tmp_path, context.Barrier(2), prints)
    _assert_harmless(tmp_path, [context.Process(target=_race, args=arguments) for _ in range(2)], prints)
