"""The label of a trained network that the user did not name."""

from __future__ import annotations

from pathlib import Path


def network_label(path: Path, default: str) -> str:
    """Return the folder's name for a file of `train` or `transfer`, which all have one name; else `default`."""
    from scalesearch.training.job import WEIGHTS

    return path.parent.resolve().name if path.name == WEIGHTS else default
