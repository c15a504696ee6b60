"""Describe one network of a user's Python function as `design.scaling.Baseline` describes a network of stages.

Commands that need a network's cost, name and module, and no stages, take a `Definition`, either of the two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.factory_call import LARGEST_SIDE, FactoryCall, call_text, factory_name, parse_call
from scalesearch.design.scaling import Baseline, scaled_name
from scalesearch.errors import InputError
from scalesearch.nets.factory import check_source, count_factory, load_factory
from scalesearch.search.factory_grid import literal_px


@dataclass(frozen=True, slots=True)
class FactoryDefinition:
    """A factory definition is one network that a function builds: its multipliers, its name and its source."""

    name: str
    """The name for folders and files, such as `my_net-build-d1.2-w1.1-37px`."""
    architecture: FactoryNetwork
    """The counted network."""
    fingerprint: str
    """The SHA-256 (hex) of the function's source (`nets.imported_source`)."""

    @property
    def call(self) -> FactoryCall:
        """The call that builds the network; it is bound to no source."""
        network = self.architecture
        return FactoryCall(network.factory, network.depth, network.width, network.resolution)

    def check_source(self) -> None:
        """Check that the function's source is still the one that was counted.

        Raises:
            InputError: it has changed since, or is another one on this node of a cluster.
        """
        check_source(self.architecture.factory, self.fingerprint)

    @property
    def bound_call(self) -> FactoryCall:
        """The call, bound to the function's source."""
        return replace(self.call, fingerprint=self.fingerprint)

    def scale(
        self, multipliers: Multipliers, rule: str | None = None, name: str | None = None
    ) -> FactoryDefinition:
        """Return the network whose depth, width and resolution are this network's times `multipliers`.

        Args:
            multipliers: the multipliers; the side is rounded to the nearest px.
            rule: a rounding rule, which is refused: the function rounds depth and width itself.
            name: the name of the scaled network; None: one that is made of its multipliers.

        Raises:
            InputError: a rule is given, a multiplier or the side is out of range, or the function fails.
        """
        network = self.architecture
        if rule is not None:
            raise InputError(f"--rounding: {network.factory} is a function, which rounds by itself; leave it out")
        if multipliers == Multipliers():
            return self if name is None else replace(self, name=name)
        px = literal_px(network.resolution, multipliers.resolution)
        depth, width = network.depth * multipliers.depth, network.width * multipliers.width
        scaled = load_definition(FactoryCall(network.factory, depth, width, px))
        return scaled if name is None else replace(scaled, name=name)


Definition = Baseline | FactoryDefinition
"""The types of a network that a command was given: one of stages, or one that a function builds."""


def load_definition(call: FactoryCall) -> FactoryDefinition:
    """Import the function of a call, build its network and count it.

    Raises:
        InputError: the function cannot be imported, fails, or has another source than the one that the call is
            bound to; its network cannot be counted; or a multiplier or the side is out of range.
    """
    factory = load_factory(call.factory)
    if call.fingerprint not in (None, factory.fingerprint):
        raise InputError(
            f"{call.factory}: its source has changed since; restore it, or the network here may be another one"
        )
    px = factory.resolution if call.resolution is None else call.resolution
    if not 1 <= px <= LARGEST_SIDE:
        raise InputError(
            f"{call.factory}: its images would have a side of {px} px; it must be in 1 … {LARGEST_SIDE}"
        )
    multipliers = Multipliers(call.depth, call.width).rounded()
    network = count_factory(factory, multipliers.depth, multipliers.width, px)
    return FactoryDefinition(_network_name(network, factory.resolution), network, factory.fingerprint)


def with_side(definition: Definition, px: int) -> Definition:
    """Return the definition with another side of the image, under the same name.

    Raises:
        InputError: the function fails at that side.
    """
    if isinstance(definition, Baseline):
        return replace(definition, architecture=replace(definition.architecture, resolution=px))
    if px == definition.architecture.resolution:
        return definition
    return replace(load_definition(replace(definition.call, resolution=px)), name=definition.name)


def definition_text(definition: Definition) -> str:
    """Return the text from which `parse_definition` gives the network again, of the same source only."""
    return baseline_text(definition) if isinstance(definition, Baseline) else call_text(definition.bound_call)


def unscaled(definition: FactoryDefinition) -> FactoryDefinition:
    """Return the network that the function builds at depth 1, width 1 and its own default side."""
    return load_definition(FactoryCall(definition.architecture.factory))


def parse_definition(text: str, source: str) -> Definition:
    """Return the network in the text of a file: a network of stages, or the call of a function.

    Args:
        text: the YAML text.
        source: the name that error messages begin with, such as the file's path.

    Raises:
        InputError: the text is invalid (`source:line: key: reason`), or the function cannot be used.
    """
    call = parse_call(text, source)
    return parse_baseline(text, source) if call is None else load_definition(call)


def _network_name(network: FactoryNetwork, default_px: int) -> str:
    name = factory_name(network.factory)
    if (network.depth, network.width, network.resolution) == (Decimal(1), Decimal(1), default_px):
        return name
    return scaled_name(name, Multipliers(network.depth, network.width), network.resolution)
