"""Load a baseline by the name of a shipped file, or by the path of a user's file."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from scalesearch.design.baseline_file import parse_baseline
from scalesearch.design.scaling import Baseline
from scalesearch.design.strict_yaml import read_text
from scalesearch.errors import InputError, did_you_mean, printable


def spaces_folder() -> Path:
    """Return the folder `search_spaces`: inside an installed package, or beside the package in a checkout."""
    package = Path(str(resources.files("scalesearch")))
    installed = package / "search_spaces"
    return installed if installed.is_dir() else package.parent / "search_spaces"


def baseline_names() -> list[str]:
    """Return the names of the shipped baselines, sorted."""
    return sorted(path.stem for path in spaces_folder().glob("*.yaml"))


FACTORY_PATTERN = r"[A-Za-z_][\w.]*:[A-Za-z_]\w*"
"""The regular expression of a Python function's name, `package.module:function`."""


TIMM_PREFIX = "timm:"
"""The beginning of the name of one of timm's models, such as `timm:resnet50d`, which is no Python function."""


def is_timm(name: str) -> bool:
    """Return whether `name` names one of timm's models (`export.timm_model`)."""
    return name.startswith(TIMM_PREFIX)


def timm_model_name(name: str) -> str:
    """Return timm's name of the model that `timm:NAME` names; a tag behind it (`.a1_in1k`) names weights."""
    return name.removeprefix(TIMM_PREFIX).partition(".")[0]


def is_factory(name: str) -> bool:
    """Return whether `name` names a Python function, `package.module:function`."""
    return re.fullmatch(FACTORY_PATTERN, name) is not None and not is_timm(name)


def is_path(name_or_path: str) -> bool:
    """Return whether the text means a file: it has a slash or the suffix of a YAML file."""
    return "/" in name_or_path or name_or_path.endswith((".yaml", ".yml"))


def load_baseline(name_or_path: str) -> Baseline:
    """Return the baseline of that name, or in that file.

    Raises:
        InputError: there is no such baseline or file, or the file is invalid (`file:line: key: reason`).
    """
    if name_or_path in baseline_names():
        path = spaces_folder() / f"{name_or_path}.yaml"
    elif is_path(name_or_path):
        path = Path(name_or_path)
    else:
        known = baseline_names()
        raise InputError(
            f"baseline {name_or_path!r}: is none of {', '.join(known)}; give one, a path to a .yaml, timm:NAME or "
            f"MODULE:FUNCTION{did_you_mean(name_or_path, known)}"
        )
    return parse_baseline(read_text(path), printable(str(path)))
