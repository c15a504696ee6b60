"""The networks of a notebook: `baseline("b0").scale(depth=1.2, width=1.1, resolution=258).cost()`."""

from __future__ import annotations

import html
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from operator import index
from typing import TYPE_CHECKING, SupportsIndex

from scalesearch.design.architecture import Architecture
from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.baselines import is_timm
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost as count
from scalesearch.design.factory_call import call_text, read_call
from scalesearch.design.images import LARGEST_SIDE, ImageSize, Rectangle, parse_image_size, sides_of
from scalesearch.design.networks import load_network
from scalesearch.design.rounding import ROUNDING_RULES
from scalesearch.design.scaling import Baseline, px_multiplier
from scalesearch.errors import InputError
from scalesearch.units import mebibytes, si

if TYPE_CHECKING:
    from scalesearch.design.factory import Network as AnyNetwork
    from scalesearch.nets.factory_definition import Definition

Number = int | float | str | Decimal


@dataclass(frozen=True, slots=True)
class CostSummary:
    """The cost of a network for one image; `memory` is that of a training step."""

    name: str
    macs: int
    """The multiply-adds of convolutions and linear layers."""
    params: int
    activations: int
    """The number of elements that convolutions and linear layers output."""
    flops_ratio: float
    """The multiply-adds over those of the network that was scaled; 1 for a network that was not scaled."""
    stored: int
    """The number of elements that are saved for the backward pass of one image."""

    def memory(self, batch: int = 32) -> int:
        """Return the approximate bytes of float32 that a training step takes.

        Args:
            batch: the number of images in a step.
        """
        from scalesearch.design.cost import Cost

        return Cost(self.macs, self.params, self.activations, self.stored).memory_bytes(batch)

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("multiply-adds", f"{self.macs:,} ({si(self.macs)})"),
            ("parameters", f"{self.params:,} ({si(self.params)})"),
            ("activations", f"{self.activations:,} ({si(self.activations)})"),
            ("FLOPs ratio, measured", f"{self.flops_ratio:.4f}"),
            ("training memory, batch 32", f"about {mebibytes(self.memory())}"),
        ]

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td style='text-align:right'>{value}</td></tr>"
            for name, value in self._rows()
        )
        return f"<table><caption>{html.escape(self.name)}</caption>{lines}</table>"


@dataclass(frozen=True, slots=True)
class Network:
    """A baseline or a scaled network; scaling returns a new one."""

    definition: Definition
    """The definition that its file holds."""
    before: Definition | None = None
    """The definition before any scaling; None for a network that was not scaled."""

    @property
    def name(self) -> str:
        """The name in the definition."""
        return self.definition.name

    @property
    def architecture(self) -> AnyNetwork:
        """The stages, widths, depths and resolution; of a Python function, its arguments and what was counted."""
        return self.definition.architecture

    def scale(
        self,
        depth: Number = 1,
        width: Number = 1,
        resolution: SupportsIndex | str | None = None,
        rounding: str | None = None,
        name: str | None = None,
    ) -> Network:
        """Return the network with depth and width multiplied and the resolution set.

        Args:
            depth: the factor of the number of layers, taken as it is written: 1.1 is exactly eleven tenths.
            width: the factor of the number of channels.
            resolution: the side of the input in px, or height x width as in "192x320"; None: the network's own.
            rounding: one of `design.rounding.ROUNDING_RULES`; None: the rule in the network's file.
            name: the name of the result; None: one that tells how the network was scaled.

        Raises:
            InputError: a value is no number, is out of range, or is no such rule.
        """
        if rounding is not None and rounding not in ROUNDING_RULES:
            raise InputError(f"rounding {rounding!r}: must be one of {', '.join(ROUNDING_RULES)}")
        own = self.architecture.resolution
        size = own if resolution is None else _check_resolution(resolution)
        multipliers = Multipliers(
            _to_decimal(depth, "depth"),
            _to_decimal(width, "width"),
            px_multiplier(size, own),
        )
        return Network(self._scale(multipliers, size, rounding, name), self.before or self.definition)

    def _scale(
        self, multipliers: Multipliers, size: ImageSize, rounding: str | None, name: str | None
    ) -> Definition:
        definition = self.definition
        if isinstance(definition, Baseline):
            return definition.scale(multipliers, rounding, name, size)
        if isinstance(size, Rectangle):
            raise InputError(f"resolution {size}: {self.name} is a function, which takes one side")
        return definition.scale(multipliers, rounding, name)

    def cost(self) -> CostSummary:
        """Count the cost exactly."""
        network_cost, base_cost = count(self.architecture), count((self.before or self.definition).architecture)
        return CostSummary(
            self.name,
            network_cost.macs,
            network_cost.params,
            network_cost.activations,
            network_cost.macs / base_cost.macs,
            network_cost.stored,
        )

    def yaml(self) -> str:
        """Return the text of the network's file: its stages, or the call of the function that builds it."""
        definition = self.definition
        return baseline_text(definition) if isinstance(definition, Baseline) else call_text(definition.call)

    def __repr__(self) -> str:
        architecture = self.architecture
        if not isinstance(architecture, Architecture):
            return f"<Network {self.name}: {architecture.resolution} px>"
        return (
            f"<Network {self.name}: {sum(architecture.depths)} layers in {len(architecture.depths)} stages, "
            f"{architecture.resolution} px>"
        )

    def _repr_html_(self) -> str:
        architecture = self.architecture
        if not isinstance(architecture, Architecture):
            return self.cost()._repr_html_()
        header = "".join(f"<th>{heading}</th>" for heading in ("stage", "kind", "layers", "channels"))
        body = "".join(
            f"<tr><td>{number}</td><td>{html.escape(stage.kind)}</td><td>{stage.depth}</td><td>{stage.width}</td></tr>"
            for number, stage in enumerate(architecture.stages)
        )
        caption = (
            f"{html.escape(self.name)}, {architecture.resolution} px, {si(count(architecture).macs)} multiply-adds"
        )
        return f"<table><caption>{caption}</caption><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def baseline(name: str) -> Network:
    """Return a shipped baseline, a published member such as `b4`, or the network of a file or a Python function.

    Args:
        name: the name, the path of a file, `timm:NAME` for one of timm's models (the extra `timm`), or
            `module:function`, which needs torch.

    Raises:
        InputError: there is no such network or file, the file is invalid (`file:line: key: reason`), or the
            function cannot be used.
    """
    call = read_call(name)
    if call is None:
        if not is_timm(name):
            return Network(load_network(name))
        from scalesearch.export.timm_model import load_timm

        return Network(load_timm(name))
    from scalesearch.nets.factory_definition import load_definition

    return Network(load_definition(call))


def _check_resolution(value: SupportsIndex | str) -> ImageSize:
    """Return a size in px, also from numpy's integers, which a table of trials holds; True is an error."""
    size = parse_image_size(value) if isinstance(value, str) else None
    if isinstance(value, SupportsIndex) and not isinstance(value, bool):
        size = index(value)
    if size is None or not all(1 <= side <= LARGEST_SIDE for side in sides_of(size)):
        raise InputError(
            f'resolution {value!r}: must be a whole number of px, 1 … {LARGEST_SIDE}, or two as in "192x320"'
        )
    return size


def _to_decimal(value: Number, name: str) -> Decimal:
    """Return a number as it is written: 1.1 is 11/10, not the float nearest to it."""
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise InputError(f"{name} {value!r}: must be a number such as 1.2") from error
