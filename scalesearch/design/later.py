"""Fields that came after results had been written."""

from __future__ import annotations

ADDED_LATER = {"left_out_at_default": True}
"""Metadata of such a field: canonical JSON leaves it out at its default, so that older ids still hold."""
