"""What a trained network is called where the user gives no name."""

from __future__ import annotations

from pathlib import Path


def network_label(path: Path, otherwise: str) -> str:
    """The folder's name for a file that `train` or `transfer` wrote, which all have one name; else another word."""
    from scalesearch.training.job import WEIGHTS

    return path.parent.resolve().name if path.name == WEIGHTS else otherwise
