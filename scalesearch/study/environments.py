"""Comparison of two environments: whether the same seed gives the same numbers in both."""

from __future__ import annotations

DECISIVE = ("torch", "numpy", "processor", "gpu")
"""If one of these differs, the same seed gives other numbers."""


def compare_environments(recorded: dict[str, str], current: dict[str, str]) -> str | None:
    """Return as text which decisive parts of the environment have changed, or None if none has."""
    changed = [
        f"{name} {recorded.get(name, 'unknown')} → {current.get(name, 'unknown')}"
        for name in DECISIVE
        if recorded.get(name) != current.get(name)
    ]
    return ", ".join(changed) or None
