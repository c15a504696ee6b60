"""Compound scaling of ConvNets: a search for how depth, width and resolution grow best together.

In a notebook: `import scalesearch as ss`, then `ss.open_study(path)` and `ss.baseline("b0")`. The package imports
its modules lazily: each name is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    from scalesearch.errors import ScalesearchError
    from scalesearch.notebook.networks import baseline
    from scalesearch.notebook.studies import open_study

__all__ = ["ScalesearchError", "__version__", "baseline", "open_study"]

_MODULES = {
    "ScalesearchError": "scalesearch.errors",
    "baseline": "scalesearch.notebook.networks",
    "open_study": "scalesearch.notebook.studies",
}
"""The module that defines each public name."""


def __getattr__(name: str) -> object:
    if name == "__version__":  # pyproject.toml is the one place that states it
        return version("scalesearch")
    if name not in _MODULES:
        raise AttributeError(f"module 'scalesearch' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
