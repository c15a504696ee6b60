"""A budget that trains next to nothing, for tests of what is around training."""

from __future__ import annotations

LEAST = """name: least
step: 0.1
tolerance: 0.1
seeds: 1
finalists: 0
final_seeds: 0
width_divisor: 4
resolution: 12
recipe: {epochs: 1, batch: 16, learning_rate: 0.1}
scenes: {classes: 3, train: 48, val: 33}
"""
