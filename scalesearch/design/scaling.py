"""Baselines and how they are scaled: multipliers → integers by a named rounding rule → a baseline again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.exact import plain
from scalesearch.design.factory import Network
from scalesearch.design.rounding import Rounding
from scalesearch.errors import SpaceError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LONGEST_NAME, _LONGEST_SOURCE = 64, 1000


def scaled(architecture: Architecture, multipliers: Multipliers, rounding: Rounding) -> Architecture:
    """`architecture` with depth, width and resolution multiplied and rounded.

    The widths of stem and head and the depth of every stage are scaled too, unless the file says that they are
    fixed.
    """
    before, has_head = architecture.widths, architecture.head.width is not None
    units, groups = architecture.units, architecture.group_widths
    after = rounding.widths(before, multipliers.width, units, groups, has_head)
    return architecture.resized(
        [old if fixed else new for old, new, fixed in zip(before, after, architecture.fixed, strict=True)],
        _depths(architecture, multipliers.depth, rounding),
        rounding.resolution(architecture.resolution, multipliers.resolution),
    )


def _depths(architecture: Architecture, multiplier: Decimal, rounding: Rounding) -> tuple[int, ...]:
    """The scaled depth of every stage; a rule sees only the stages whose depth is free."""
    free = [stage.depth for stage in architecture.stages if not stage.depth_fixed]
    grown = iter(rounding.depths(free, multiplier) if free else ())
    return tuple(stage.depth if stage.depth_fixed else next(grown) for stage in architecture.stages)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a scaled network was made from; it stands in the network's own file."""

    baseline: str
    rounding: str
    multipliers: Multipliers
    """The resolution multiplier is what was asked for, before rounding or matching."""
    flops_ratio: Decimal
    """Measured multiply-adds over the baseline's, to five places; the nominal d·w²·r² stands beside it."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.baseline):
            raise SpaceError(f"baseline is {self.baseline!r}, but it must match {_NAME.pattern}")
        Rounding(self.rounding)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A network to scale: the architecture, and how its file says that it is rounded and searched."""

    name: str
    source: str
    architecture: Architecture
    rounding: Rounding
    axes: tuple[str, ...] = AXES
    """The dimensions that a search may grow."""
    origin: Origin | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SpaceError(f"name is {self.name!r}, but it must match {_NAME.pattern}")
        if not self.source.isprintable():
            raise SpaceError("source holds a line break or control character, but it must be one line of text")
        if len(self.source) > _LONGEST_SOURCE:
            raise SpaceError(f"source has more than {_LONGEST_SOURCE} characters, but it must be one short line")
        if not self.axes or len(set(self.axes)) != len(self.axes) or not set(self.axes) <= set(AXES):
            raise SpaceError(f"axes is {list(self.axes)}, but it must name some of {', '.join(AXES)} once each")

    def scale(self, multipliers: Multipliers, rule: str | None = None, name: str | None = None) -> Baseline:
        """The network scaled by `multipliers`, rounded by `rule` (default: the file's own)."""
        rounding = self.rounding if rule is None else replace(self.rounding, rule=rule)
        architecture = scaled(self.architecture, multipliers, rounding)
        return self.member(architecture, multipliers, rounding, name)

    @property
    def deployed(self) -> Baseline:
        """The network as it is deployed, `Architecture.deployed`, under a name of its own.

        Raises:
            SpaceError: no block has another form.
        """
        architecture = self.architecture.deployed
        if architecture == self.architecture:
            raise SpaceError(f"{self.name}: no block is deployed in another form than it is trained in")
        return replace(self, name=_with_end(self.name, "-deployed"), architecture=architecture)

    def member(
        self,
        architecture: Architecture,
        multipliers: Multipliers,
        rounding: Rounding,
        name: str | None = None,
    ) -> Baseline:
        """`architecture` as a baseline of its own, with what it was made from."""
        ratio = flops_ratio(architecture, self.architecture)
        origin = Origin(self.name, rounding.rule, multipliers.rounded(), ratio)
        return replace(
            self,
            name=name or _scaled_name(self.name, multipliers, architecture.resolution),
            architecture=architecture,
            rounding=rounding,
            origin=origin,
        )


def _scaled_name(name: str, by: Multipliers, px: int) -> str:
    """`b0` as `b0-d1.4-w1.2-300px`: two sizes of a network have two names, and so their files."""
    depth, width = (plain(round(one, 3)) for one in (by.depth, by.width))
    return _with_end(name, f"-d{depth}-w{width}-{px}px")


def _with_end(name: str, end: str) -> str:
    return f"{name[: _LONGEST_NAME - len(end)]}{end}"


def px_multiplier(px: int, side: int) -> Decimal:
    """The resolution multiplier that makes `px` of `side`, with digits enough that rounding to px gives it back."""
    return round(Decimal(px) / side, 12)


def flops_ratio(network: Network, baseline: Network) -> Decimal:
    """Measured multiply-adds over the baseline's, rounded to five decimal places."""
    return cost_ratio(network, baseline, "macs")


def cost_ratio(network: Network, baseline: Network, by: str) -> Decimal:
    """A field of the network's `Cost` over the baseline's, rounded to five decimal places."""
    return round(Decimal(getattr(cost(network), by)) / Decimal(getattr(cost(baseline), by)), 5)
