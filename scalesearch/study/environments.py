"""Comparison of two environments: whether the same seed gives the same numbers in both."""

from __future__ import annotations

DECISIVE = ("torch", "numpy", "processor", "gpu")
"""If one of these differs, the same seed gives other numbers."""


def compare_environments(before: dict[str, str], now: dict[str, str]) -> str | None:
    """Return as text which decisive parts of the environment have changed, or None if none has."""
    changed = [
        f"{name} {before.get(name, 'unknown')} → {now.get(name, 'unknown')}"
        for name in DECISIVE
        if before.get(name) != now.get(name)
    ]
    return ", ".join(changed) or None
