"""One Ray for all tests of runners: starting it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from planted import importable_by_workers

from scalesearch.runners.ray_tune import RayRunner


@pytest.fixture(scope="package")
def started_ray() -> Iterator[None]:
    """Four cores and one GPU, as far as Ray knows."""
    with importable_by_workers(), RayRunner(cores=4, logical_gpus=1).session():
        yield
