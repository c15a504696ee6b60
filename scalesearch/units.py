"""Units and their formats: one multiply-add (MAC) counts as one FLOP, as in the EfficientNet paper.

Counters that count a multiply-add as two FLOPs, such as torch's `FlopCounterMode`, report twice our number.
"""

from __future__ import annotations

MAX_MEGAPIXELS = 200
"""Images whose header states more megapixels are rejected before they are decoded, unless another limit is
given."""

BYTES_PER_FLOAT = 4
"""The size of a float32: every memory estimate assumes float32 weights, gradients and activations."""

_PREFIXES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def si(value: float) -> str:
    """Return `value` with four significant digits and an SI prefix: 385814752 is `385.8M`."""
    for size, prefix in _PREFIXES:
        if abs(value) >= size * 0.99995:
            scaled = value / size
            # Rounded first: 99.996 becomes 100.0, which has three digits before the point.
            integer_part = int(float(f"{abs(scaled):.4g}"))
            return f"{scaled:.{max(4 - len(str(integer_part)), 0)}f}{prefix}"
    return f"{value:.4g}"


def mebibytes(count: int) -> str:
    """Return a number of bytes in MiB, with one digit after the point."""
    return f"{count / 2**20:,.1f} MiB"


def device_hours(seconds: float, device: str) -> str:
    """Return seconds of a kind of device as hours with two digits: `0.31 core-hours`, `12 GPU-hours`."""
    hours = seconds / 3600
    return f"{hours:.0f} {device}-hours" if hours >= 10 else f"{hours:.2g} {device}-hours"


def duration(seconds: float) -> str:
    """Return a number of seconds as text: `42 s`, `8 min 5 s`, `3 h 20 min`."""
    total = max(0, round(seconds))
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600} h {total % 3600 // 60} min"
