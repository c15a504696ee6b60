"""Networks in a notebook: `baseline("b0").scale(depth=1.2, width=1.1, resolution=258).cost()`."""

from __future__ import annotations

import html
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from operator import index
from typing import TYPE_CHECKING, SupportsIndex

from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost as count
from scalesearch.design.networks import load_network
from scalesearch.design.rounding import ROUNDING_RULES
from scalesearch.design.scaling import Baseline, px_multiplier
from scalesearch.errors import InputError
from scalesearch.units import mebibytes, si

if TYPE_CHECKING:
    from scalesearch.design.architecture import Architecture

Number = int | float | str | Decimal
_LARGEST_PX = 16384


@dataclass(frozen=True, slots=True)
class CostSummary:
    """What a network costs for one image; `memory` is of a training step."""

    name: str
    macs: int
    """Multiply-adds of convolutions and linear layers."""
    params: int
    activations: int
    """Elements that convolutions and linear layers put out."""
    flops_ratio: float
    """Multiply-adds over those of the network that was scaled; 1 where none was."""
    stored: int
    """Elements that the backward pass keeps for one image."""

    def memory(self, batch: int = 32) -> int:
        """Bytes of float32 that a training step takes, about.

        Args:
            batch: images a step.
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
    """A baseline or a scaled network; scaling gives a new one."""

    definition: Baseline
    """As its file has it."""
    before: Baseline | None = None
    """What it was scaled from."""

    @property
    def name(self) -> str:
        """Of the definition."""
        return self.definition.name

    @property
    def architecture(self) -> Architecture:
        """Stages, widths, depths, side."""
        return self.definition.architecture

    def scale(
        self,
        depth: Number = 1,
        width: Number = 1,
        resolution: SupportsIndex | None = None,
        rounding: str | None = None,
        name: str | None = None,
    ) -> Network:
        """The network with depth and width multiplied and the side set.

        Args:
            depth: multiplies the number of layers; as it is written, 1.1 is exactly eleven tenths.
            width: multiplies the number of channels.
            resolution: side of the input, px; None: the network's own.
            rounding: one of `design.rounding.ROUNDING_RULES`; None: the file's own.
            name: of the result.

        Raises:
            InputError: a value is no number, out of range, or no such rule.
        """
        if rounding is not None and rounding not in ROUNDING_RULES:
            raise InputError(f"rounding {rounding!r}: must be one of {', '.join(ROUNDING_RULES)}")
        side = self.architecture.resolution if resolution is None else _side(resolution)
        by = Multipliers(
            _exact(depth, "depth"), _exact(width, "width"), px_multiplier(side, self.architecture.resolution)
        )
        return Network(self.definition.scale(by, rounding, name), self.before or self.definition)

    def cost(self) -> CostSummary:
        """What it costs, counted exactly."""
        price, base = count(self.architecture), count((self.before or self.definition).architecture)
        return CostSummary(
            self.name, price.macs, price.params, price.activations, price.macs / base.macs, price.stored
        )

    def yaml(self) -> str:
        """The definition as a baseline file."""
        return baseline_text(self.definition)

    def __repr__(self) -> str:
        net = self.architecture
        return f"<Network {self.name}: {sum(net.depths)} layers in {len(net.depths)} stages, {net.resolution} px>"

    def _repr_html_(self) -> str:
        net = self.architecture
        head = "".join(f"<th>{one}</th>" for one in ("stage", "kind", "layers", "channels"))
        body = "".join(
            f"<tr><td>{place}</td><td>{html.escape(stage.kind)}</td><td>{stage.depth}</td><td>{stage.width}</td></tr>"
            for place, stage in enumerate(net.stages)
        )
        size = f"{html.escape(self.name)}, {net.resolution} px, {si(count(net).macs)} multiply-adds"
        return f"<table><caption>{size}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def baseline(name: str) -> Network:
    """A shipped baseline, a published member such as `b4`, or the network in a file.

    Raises:
        InputError: no such network or file, or the file is bad (`file:line: key: reason`).
    """
    return Network(load_network(name))


def _side(value: SupportsIndex) -> int:
    """Whole px, also as numpy's integers, which a table of trials holds; True is a slip, not 1."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex) or not 1 <= index(value) <= _LARGEST_PX:
        raise InputError(f"resolution {value!r}: must be a whole number of px, 1 … {_LARGEST_PX}")
    return index(value)


def _exact(value: Number, name: str) -> Decimal:
    """A number as it is written: 1.1 is 11/10, not the float nearest to it."""
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise InputError(f"{name} {value!r}: must be a number such as 1.2") from error
