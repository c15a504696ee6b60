"""For every test: the same random examples on every run, one torch thread, and Ray workers that get their turn."""

from __future__ import annotations

import os
import sys

import pytest
from hypothesis import settings

# Ray gives its workers a nice value of 15; beside other tests, on two cores, they would hardly run.
os.environ.setdefault("RAY_worker_niceness", "0")

settings.register_profile("repeatable", deadline=None, database=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _one_torch_thread() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)
