"""The network that a command was given: a shipped one, a file, or a user's own Python function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.images import ImageSize
    from scalesearch.design.scaling import Baseline
    from scalesearch.nets.factory_definition import Definition


def load_definition(name_or_path: str) -> Definition:
    """Return the network of that name, in that file, or of that function.

    Args:
        name_or_path: a shipped baseline, a published member, the path of a baseline file, `MODULE:FUNCTION`, the
            path of a file of a function's family, such as `family/phi3.yaml`, or one of timm's models, `timm:NAME`.

    Raises:
        InputError: there is no such network or file, or it is invalid; or the function cannot be used.
    """
    from scalesearch.design.factory_call import read_call

    call = read_call(name_or_path)
    if call is None:
        return load_stages(name_or_path)
    from scalesearch.nets.factory_definition import load_definition as load_factory_definition

    return load_factory_definition(call)


def load_stages(name_or_path: str) -> Baseline:
    """Return the network of stages of that name, in that file, or of timm's model.

    Raises:
        InputError: there is no such network, or it is invalid; or it is of a Python function.
    """
    from scalesearch.design.baselines import is_timm
    from scalesearch.design.networks import load_network

    if not is_timm(name_or_path):
        return load_network(name_or_path)
    from scalesearch.export.timm_model import load_timm

    return load_timm(name_or_path)


def load_stage_baseline(name_or_path: str, results: Path) -> Baseline:
    """Return the baseline of a search of stages: a shipped one, a file's, or timm's model.

    Where timm is not installed, its model is what a study of it has recorded, so that a study can be resumed.

    Args:
        name_or_path: the name or path of the baseline.
        results: the folder of the studies.

    Raises:
        InputError: there is no such baseline, or it is invalid.
    """
    from dataclasses import replace

    from scalesearch.design.baselines import is_timm, load_baseline

    if not is_timm(name_or_path):
        return load_baseline(name_or_path)
    from scalesearch.export.timm_model import baseline_name, is_installed, load_timm
    from scalesearch.study.study import recorded_baseline

    recorded = None if is_installed() else recorded_baseline(results, baseline_name(name_or_path))
    if recorded is None:
        return load_timm(name_or_path)
    return replace(recorded, architecture=replace(recorded.architecture, resolution_multiple=1))


def with_multiple(definition: Baseline, multiple: int | None) -> Baseline:
    """Return the network with the multiple of `--resolution-multiple` for its scaled sides; None: its own."""
    from dataclasses import replace

    if multiple is None:
        return definition
    return replace(definition, architecture=replace(definition.architecture, resolution_multiple=multiple))


def with_size(definition: Definition, size: ImageSize | None) -> Definition:
    """Return the baseline of a family with images of the size of `--resolution`; None: its own.

    Raises:
        InputError: the baseline is of a function, whose argument `resolution` has the size as its default.
    """
    from scalesearch.design.scaling import Baseline

    if size is None:
        return definition
    if not isinstance(definition, Baseline):
        raise size_of_function_error(size, definition.architecture.factory)
    return definition.at(size)


def size_of_function_error(size: ImageSize, function: str) -> InputError:
    """Return the error of a `--resolution` that is given for the baseline of a Python function."""
    return InputError(
        f"--resolution {size}: {function} is a function, whose unscaled side is the default of its argument "
        "resolution; change that"
    )


def check_size(definition: Definition, resolution: ImageSize | None) -> None:
    """Refuse a size (`--resolution`) that the network's file or function does not allow.

    Raises:
        InputError: a side is no multiple of the px that the file asks for, or the size is a rectangle, but the
            network is of a function.
    """
    from scalesearch.design.images import Rectangle, sides_of
    from scalesearch.design.scaling import Baseline

    if not isinstance(definition, Baseline):
        if isinstance(resolution, Rectangle):
            raise InputError(
                f"--resolution {resolution}: {definition.architecture.factory} is a function, which takes one "
                "side; rectangles are for networks of stages"
            )
        return
    if resolution is None or resolution == definition.architecture.resolution:
        return
    multiple = definition.architecture.resolution_multiple
    if any(side % multiple for side in sides_of(resolution)):
        raise InputError(
            f"--resolution {resolution}: must be a multiple of {multiple}, {definition.name}'s resolution_multiple"
        )


def load_scaled(
    name_or_path: str, depth: str, width: str, resolution: str | None, rounding: str | None = None
) -> Definition:
    """Return the network (see `load_definition`) that `--depth`, `--width` and `--resolution` scale.

    A network whose sizes the options leave alone keeps its name.

    Args:
        name_or_path: the network.
        depth: `--depth`.
        width: `--width`.
        resolution: `--resolution`; None: the network's own.
        rounding: `--rounding`; None: the network's own.

    Raises:
        InputError: the network cannot be used, or a value is no number or out of range.
    """
    from scalesearch.design.coefficients import Multipliers

    size = options.parse_resolution(resolution)
    definition = load_definition(name_or_path)
    multipliers = parse_multipliers(definition, depth, width, size)
    if multipliers == Multipliers() and size in (None, definition.architecture.resolution):
        return definition
    return scale_to(definition, multipliers, size, rounding)


def scale_to(
    definition: Definition,
    multipliers: Multipliers,
    size: ImageSize | None,
    rounding: str | None = None,
    name: str | None = None,
) -> Definition:
    """Return the network that `parse_multipliers` scales, with images of exactly `size` (None: its own)."""
    from scalesearch.design.scaling import Baseline

    if isinstance(definition, Baseline):
        return definition.scale(multipliers, rounding, name, size)
    return definition.scale(multipliers, rounding, name)


def parse_multipliers(definition: Definition, depth: str, width: str, size: ImageSize | None) -> Multipliers:
    """Return the multipliers that `--depth`, `--width` and `--resolution` set.

    Args:
        definition: the network that is scaled.
        depth: `--depth`.
        width: `--width`.
        size: `--resolution`; None: the network's own.

    Raises:
        InputError: a value is not a number, or is out of range, or the network does not allow the size.
    """
    from decimal import Decimal

    from scalesearch.design.coefficients import Multipliers
    from scalesearch.design.scaling import px_multiplier

    check_size(definition, size)
    ratio = Decimal(1) if size is None else px_multiplier(size, definition.architecture.resolution)
    return Multipliers(_parse_multiplier(depth, "--depth"), _parse_multiplier(width, "--width"), ratio)


def _parse_multiplier(value: str, option: str) -> Decimal:
    number = options.parse_decimal(value, option)
    if number is None or not 0 < number <= 64:
        raise InputError(f"{option} {value}: must be above 0 and at most 64")
    return number
