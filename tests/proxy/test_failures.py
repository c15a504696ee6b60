"""What stops training on a machine is told from the real errors, with the option that helps; nothing else is."""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from small_training import bright_images
from torch import nn

from scalesearch.design.baselines import load_baseline
from scalesearch.errors import StorageError
from scalesearch.proxy import cache
from scalesearch.proxy.cache import SplitArrays, cached
from scalesearch.proxy.failures import training_failure
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe
from scalesearch.search.trial import TrialEndedError, TrialSpec


def raised(call: Callable[[], Any]) -> Exception:
    with pytest.raises((RuntimeError, ValueError, MemoryError, OSError)) as caught:
        call()
    return caught.value


REAL: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: nn.BatchNorm2d(3)(torch.zeros(1, 3, 1, 1)), "failed", "a larger --batch, a smaller --accumulate"),
    (lambda: nn.BatchNorm1d(3)(torch.zeros(1, 3)), "failed", "or a larger --resolution"),
    (lambda: nn.InstanceNorm2d(3)(torch.zeros(2, 3, 1, 1)), "failed", "or a larger --resolution"),
    (lambda: torch.empty(2**46), "oom", "(268435456 MiB more were asked for); give a smaller --batch"),
    (lambda: np.empty(2**46), "oom", "(512. TiB more were asked for)"),
]


@pytest.mark.parametrize(("call", "state", "advice"), REAL)
def test_real_errors_name_the_option(call: Callable[[], Any], state: str, advice: str) -> None:
    failure = training_failure(raised(call))
    assert failure is not None
    assert failure.state == state
    assert advice in failure.for_options()


@pytest.mark.parametrize(
    ("text", "state", "reason"),
    [
        ("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has", "oom", "GPU's memory is exhausted (2.50 GiB"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling", "oom", "the GPU's memory is exhausted"),
        ("unable to mmap 1200 bytes from file <x>: Cannot allocate memory (12)", "oom", "cannot be mapped"),
        ("I/O error: No space left on device (os error 28)", "failed", "the disk of the image cache is full"),
    ],
)
def test_texts_of_other_machines_are_known(text: str, state: str, reason: str) -> None:
    failure = training_failure(RuntimeError(text))
    assert failure is not None
    assert failure.state == state
    assert reason in failure.reason
    assert failure == training_failure(f"ray.exceptions.RayTaskError: {text}")


def test_a_library_that_blames_its_installation_is_looked_through() -> None:
    try:
        try:
            raise ImportError("libgfortran.so.5: failed to map segment from shared object")
        except ImportError as cause:
            raise ImportError("the scipy install you are using seems to be broken") from cause
    except ImportError as error:
        failure = training_failure(error)
    assert failure is not None
    assert failure.state == "oom"
    assert training_failure(RuntimeError("could not create a primitive")) == failure


def test_other_errors_are_not_explained_away() -> None:
    for error in (ValueError("batch"), RuntimeError("mat1 and mat2 shapes cannot be multiplied"), KeyError("a")):
        assert training_failure(error) is None
    assert training_failure(OSError(errno.ENOSPC, "full")) is not None


def test_a_trials_record_has_the_same_reason() -> None:
    base = load_baseline("tiny")
    proxy = make_proxy(base.architecture, base, 4, 8, 3)
    recipe = Recipe(epochs=1, batch=1, learning_rate=Decimal("0.1"))
    with pytest.raises(TrialEndedError) as caught:
        list(ProxyTraining(bright_images())(TrialSpec(base.architecture, proxy, recipe, "bright", 2)))
    assert caught.value.state == "failed"
    failure = training_failure("Expected more than 1 value per channel when training")
    assert failure is not None
    assert caught.value.message == failure.for_budget()
    assert "recipe.batch" in caught.value.message


def arrays() -> SplitArrays:
    images = np.arange(5 * 40 * 40 * 3, dtype=np.uint8).reshape(5, 40, 40, 3)
    return SplitArrays(images[:3], np.arange(3), images[3:], np.arange(2), ("a", "b", "c"))


def test_a_full_disk_is_the_caches(tmp_path: Path) -> None:
    """A file that may not grow fails as one on a full disk does, in the midst of writing."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StorageError, match=r"cannot write the image cache .* set XDG_CACHE_HOME to a folder"):
            cached("ab", tmp_path, arrays)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_mapping_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, fingerprint = cached("ab", tmp_path, arrays)

    class Unmapped:
        def __init__(self, path: Path, framework: str) -> None:
            self._file = safe_open(path, framework)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        def metadata(self) -> Any:
            return self._file.metadata()  # type: ignore[no-untyped-call]

        def get_tensor(self, _: str) -> Any:
            raise RuntimeError("unable to mmap 14400 bytes from file: No such device (19)")

    monkeypatch.setattr(cache, "safe_open", Unmapped)

    def never() -> SplitArrays:
        raise AssertionError("it is in the cache")

    read, again = cached("ab", tmp_path, never)
    assert again == fingerprint
    np.testing.assert_array_equal(read.train_images_NHWC, arrays().train_images_NHWC)
