"""Read the arguments KEY=VALUE of a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def read_options(arguments: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults with the values that are given.

    Raises:
        SystemExit: an argument has no value, or its key is not among the defaults.
    """
    options = dict(defaults)
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key not in options or not value:
            raise SystemExit(f"{argument}: must be KEY=VALUE, with one of {', '.join(defaults)}")
        options[key] = value
    return options
