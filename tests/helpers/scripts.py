"""Scripts and pages of the repository, for tests that compare them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent.parent


def script(name: str, folder: str = "benchmarks") -> ModuleType:
    """Load a script of a folder as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a dataclass looks its module up
    spec.loader.exec_module(module)
    return module


def page(name: str) -> str:
    """Read a page of the docs."""
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
