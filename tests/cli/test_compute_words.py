"""What `--plan` says of hours and energy, with GPUs that tell their power and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from scalesearch.cli.estimate import _compute_words
from scalesearch.proxy.timing import gpu_watts


def _refuse(index: int) -> int:
    raise ModuleNotFoundError(f"nvidia-ml-py, for {index}")


def _fail(index: int) -> int:
    raise type("NVMLError_NotSupported", (Exception,), {})(index)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_gpus")
def test_all_gpus_are_busy_and_tell_their_power(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "power_draw", lambda index: [300_000, 420_000][index])
    assert gpu_watts() == 720
    assert _compute_words(1800) == "1 GPU-hours, 0.36 kWh at the 720 W of the timed steps"


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("tell", [_refuse, _fail])
def test_power_that_is_not_known_is_not_said(monkeypatch: pytest.MonkeyPatch, tell: Callable[[int], int]) -> None:
    monkeypatch.setattr(torch.cuda, "power_draw", tell)
    assert gpu_watts() is None
    assert _compute_words(1800) == "1 GPU-hours"


def test_cores_are_counted_where_no_gpu_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
    assert _compute_words(600) == "0.5 core-hours"
