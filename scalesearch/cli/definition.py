"""The network that a command was given: a shipped one, a file, or a user's own Python function."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scalesearch.nets.factory_definition import Definition


def load_definition(name_or_path: str) -> Definition:
    """Return the network of that name, in that file, or of that function.

    Args:
        name_or_path: a shipped baseline, a published member, the path of a baseline file, `MODULE:FUNCTION`, or
            the path of a file of a function's family, such as `family/phi3.yaml`.

    Raises:
        InputError: there is no such network or file, or it is invalid; or the function cannot be used.
    """
    from scalesearch.design.factory_call import read_call
    from scalesearch.design.networks import load_network

    call = read_call(name_or_path)
    if call is None:
        return load_network(name_or_path)
    from scalesearch.nets.factory_definition import load_definition as load_factory_definition

    return load_factory_definition(call)


def load_scaled(
    name_or_path: str, depth: str, width: str, resolution: int | None, rounding: str | None = None
) -> Definition:
    """Return the network (see `load_definition`) that `--depth`, `--width` and `--resolution` scale.

    A network whose sizes the options leave alone keeps its name.

    Args:
        name_or_path: the network.
        depth: `--depth`.
        width: `--width`.
        resolution: `--resolution`, px; None: the network's own.
        rounding: `--rounding`; None: the network's own.

    Raises:
        InputError: the network cannot be used, or a value is no number or out of range.
    """
    from scalesearch.cli.cost import parse_multipliers
    from scalesearch.design.coefficients import Multipliers

    definition = load_definition(name_or_path)
    multipliers = parse_multipliers(definition.architecture.resolution, depth, width, resolution)
    return definition if multipliers == Multipliers() else definition.scale(multipliers, rounding)
