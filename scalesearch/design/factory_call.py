"""Read and write the call of a user's Python function: the file of one network of its family."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scalesearch.design.baseline_file import Count, Number, validation_line
from scalesearch.design.baselines import FACTORY_PATTERN, is_factory, is_path
from scalesearch.design.coefficients import LARGEST_MULTIPLIER
from scalesearch.design.decimals import format_decimal
from scalesearch.design.strict_yaml import parse, read_text
from scalesearch.errors import InputError, printable

LARGEST_SIDE = 16384
"""The largest side of an image that a function may be called with, in px."""
_Multiplier = Annotated[Number, Field(gt=0, le=LARGEST_MULTIPLIER)]


@dataclass(frozen=True, slots=True)
class FactoryCall:
    """A factory call is a function with the arguments that give one of its networks."""

    factory: str
    """The name of the function, `package.module:function`."""
    depth: Decimal = Decimal(1)
    width: Decimal = Decimal(1)
    resolution: int | None = None
    """The side of the image, in px; None: the default of the function's own argument."""
    fingerprint: str | None = None
    """The SHA-256 (hex) of the function's source that the file is bound to; None: it is bound to none."""


class _CallFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    factory: str = Field(pattern=f"^{FACTORY_PATTERN}$")
    depth: _Multiplier = Decimal(1)
    width: _Multiplier = Decimal(1)
    resolution: Annotated[Count, Field(le=LARGEST_SIDE)] | None = None
    nominal_flops_ratio: Number | None = None
    source_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")


def read_call(name_or_path: str) -> FactoryCall | None:
    """Return the call that `package.module:function` or a file such as `family/phi3.yaml` stands for.

    Return None for everything else: the name of a shipped network, or a file with a network of stages.

    Raises:
        InputError: the file cannot be read, is no YAML, or is a call with an invalid value
            (`file:line: key: reason`).
    """
    if is_factory(name_or_path):
        return FactoryCall(name_or_path)
    if not is_path(name_or_path):
        return None
    path = Path(name_or_path)
    return parse_call(read_text(path), printable(str(path)))


def parse_call(text: str, source: str) -> FactoryCall | None:
    """Return the call that the text of a file holds; None where it holds no key `factory`, or stages too.

    Args:
        text: the YAML text.
        source: the name that error messages begin with, such as the file's path.

    Raises:
        InputError: the text is no plain YAML, or a value is invalid. The message is one line,
            `source:line: key: reason`.
    """
    if "factory" not in text:
        return None  # without parsing a large file twice
    tree, lines = parse(text, source)
    if not isinstance(tree, dict) or "factory" not in tree or "stages" in tree:
        return None
    try:
        file = _CallFile.model_validate(tree)
    except ValidationError as error:
        raise InputError(validation_line(error, source, lines)) from error
    return FactoryCall(file.factory, file.depth, file.width, file.resolution, file.source_sha256)


def call_text(call: FactoryCall, nominal_flops_ratio: Decimal | None = None) -> str:
    """Return the text of a file that holds the call: `parse_call(call_text(c), …) == c`.

    Args:
        call: the call.
        nominal_flops_ratio: d·w²·r² over the unscaled network's, for the reader; None: it is left out.
    """
    lines = [
        f"factory: {call.factory}",
        f"depth: {format_decimal(call.depth)}",
        f"width: {format_decimal(call.width)}",
    ]
    if call.resolution is not None:
        lines.append(f"resolution: {call.resolution}")
    if nominal_flops_ratio is not None:
        lines.append(f"nominal_flops_ratio: {format_decimal(nominal_flops_ratio)}")
    if call.fingerprint is not None:
        lines.append(f"source_sha256: {call.fingerprint}")
    return "\n".join(lines) + "\n"


def factory_name(factory: str) -> str:
    """Return the name of a function's networks and studies: lower case, at most 57 characters."""
    return re.sub(r"[^a-z0-9._-]", "-", factory.lower()).strip("._-")[:57] or "factory"
