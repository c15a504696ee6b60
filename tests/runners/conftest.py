"""One Ray for all tests of a module, as starting it takes seconds; a run that breaks off shuts it down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import ray
from planted import importable_by_workers

from scalesearch.runners.ray_tune import RayRunner


@pytest.fixture(scope="module")
def start_ray() -> Iterator[Callable[[], None]]:
    """Sees that Ray is up, with four cores and, as far as it knows, one GPU."""
    with ExitStack() as stack:
        stack.enter_context(importable_by_workers())

        def start() -> None:
            if not ray.is_initialized():
                stack.enter_context(RayRunner(cores=4, logical_gpus=1).session())

        yield start
