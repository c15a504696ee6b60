"""Units, written once: one multiply-add (MAC) is one FLOP, as in the EfficientNet paper.

Counters that call a multiply-add two FLOPs (torch's `FlopCounterMode`, for one) show twice our figure.
"""

from __future__ import annotations

MAX_MEGAPIXELS = 200
"""Pictures whose header states more are refused before they are decoded, unless another limit is given."""

BYTES_PER_FLOAT = 4
"""Weights, gradients and activations are float32 in every memory estimate."""

_PREFIXES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def si(value: float) -> str:
    """`value` with four significant digits and an SI prefix: 385814752 is `385.8M`."""
    for size, prefix in _PREFIXES:
        if abs(value) >= size * 0.99995:
            scaled = value / size
            whole = int(float(f"{abs(scaled):.4g}"))  # rounded first: 99.996 has three digits before the point
            return f"{scaled:.{max(4 - len(str(whole)), 0)}f}{prefix}"
    return f"{value:.4g}"


def mebibytes(count: int) -> str:
    """A count of bytes in MiB with one digit after the point."""
    return f"{count / 2**20:,.1f} MiB"


def duration(seconds: float) -> str:
    """Seconds as a person says them: `42 s`, `8 min 5 s`, `3 h 20 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
