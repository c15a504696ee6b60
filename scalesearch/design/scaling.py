"""Define baselines and scale them: multipliers are rounded to integer sizes by a named rule."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_DOWN, Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import AXES, Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.decimals import format_decimal
from scalesearch.design.factory import Network
from scalesearch.design.images import ImageSize, image_size, sides_of, size_ratio
from scalesearch.design.rounding import Rounding
from scalesearch.errors import SpaceError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LONGEST_NAME, _LONGEST_SOURCE = 64, 1000


def scaled(architecture: Architecture, multipliers: Multipliers, rounding: Rounding) -> Architecture:
    """Return `architecture` with depth, width and resolution multiplied and rounded.

    The widths of stem and head and the depth of every stage are scaled too, unless the baseline file says that they
    are fixed.
    """
    old_widths, has_head = architecture.widths, architecture.head.width is not None
    units, groups = architecture.units, architecture.group_widths
    new_widths = rounding.widths(old_widths, multipliers.width, units, groups, has_head)
    return architecture.resized(
        [old if fixed else new for old, new, fixed in zip(old_widths, new_widths, architecture.fixed, strict=True)],
        _depths(architecture, multipliers.depth, rounding),
        _scaled_size(architecture, multipliers.resolution, rounding),
    )


def _scaled_size(architecture: Architecture, multiplier: Decimal, rounding: Rounding) -> ImageSize:
    """Return the scaled size of the images; each side of a rectangle is scaled and rounded by itself."""
    multiple = architecture.resolution_multiple
    height, width = (
        _scaled_side(side, multiplier, multiple, rounding) for side in sides_of(architecture.resolution)
    )
    return image_size(height, width)


def _scaled_side(side: int, multiplier: Decimal, multiple: int, rounding: Rounding) -> int:
    """Return the scaled side, the nearest multiple of `multiple`; the smaller of equally near ones."""
    if multiplier == 1 or multiple == 1:
        return rounding.resolution(side, multiplier)
    exact = side * multiplier
    return multiple * max(1, int((exact / multiple).to_integral_value(ROUND_HALF_DOWN)))


def _depths(architecture: Architecture, multiplier: Decimal, rounding: Rounding) -> tuple[int, ...]:
    """Return the scaled depth of every stage; the rule sees only the stages whose depth is not fixed."""
    free = [stage.depth for stage in architecture.stages if not stage.depth_fixed]
    scaled_depths = iter(rounding.depths(free, multiplier) if free else ())
    return tuple(stage.depth if stage.depth_fixed else next(scaled_depths) for stage in architecture.stages)


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin says what a scaled network was made from; it is written to the network's file."""

    baseline: str
    """The name of the baseline."""
    rounding: str
    """The rounding rule."""
    multipliers: Multipliers
    """The multipliers; that of the resolution is the configured one, before rounding or matching."""
    flops_ratio: Decimal
    """The measured multiply-adds over the baseline's, to five decimal places.

    The file also has the nominal ratio d·w²·r².
    """

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.baseline):
            raise SpaceError(f"baseline is {self.baseline!r}, but it must match {_NAME.pattern}")
        Rounding(self.rounding)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline is a network to scale: its architecture, and how its file says to round and search it."""

    name: str
    source: str
    architecture: Architecture
    rounding: Rounding
    axes: tuple[str, ...] = AXES
    """The dimensions that a search may scale."""
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

    def scale(
        self,
        multipliers: Multipliers,
        rule: str | None = None,
        name: str | None = None,
        size: ImageSize | None = None,
    ) -> Baseline:
        """Return the network scaled by `multipliers`.

        Args:
            multipliers: what depth, width and image size are multiplied by.
            rule: the rounding rule; None: the file's.
            name: the name of the scaled network; None: one that is made of its multipliers.
            size: the size of the images (px) that the multiplier stands for, which may have other proportions than
                the network's own; None: the size that the multiplier gives.
        """
        rounding = self.rounding if rule is None else replace(self.rounding, rule=rule)
        if size is None:
            architecture = scaled(self.architecture, multipliers, rounding)
        else:
            unresized = scaled(self.architecture, replace(multipliers, resolution=Decimal(1)), rounding)
            architecture = replace(unresized, resolution=size)
        return self.member(architecture, multipliers, rounding, name)

    def at(self, size: ImageSize) -> Baseline:
        """Return the network for images of another size (px), as a baseline of its own, named after the size."""
        if size == self.architecture.resolution:
            return self
        architecture = replace(self.architecture, resolution=size)
        name = _with_suffix(self.name, f"-{size}px")
        return replace(self, name=name, architecture=architecture, origin=None)

    @property
    def deployed(self) -> Baseline:
        """The network in its deployed form (`Architecture.deployed`), with `-deployed` after its name.

        Raises:
            SpaceError: no block has a deployed form that differs.
        """
        architecture = self.architecture.deployed
        if architecture == self.architecture:
            raise SpaceError(f"{self.name}: no block is deployed in another form than it is trained in")
        return replace(self, name=_with_suffix(self.name, "-deployed"), architecture=architecture)

    def member(
        self,
        architecture: Architecture,
        multipliers: Multipliers,
        rounding: Rounding,
        name: str | None = None,
    ) -> Baseline:
        """Return `architecture`, which was scaled from this baseline, as a baseline with its origin."""
        ratio = flops_ratio(architecture, self.architecture)
        origin = Origin(self.name, rounding.rule, multipliers.rounded(), ratio)
        return replace(
            self,
            name=name or scaled_name(self.name, multipliers, architecture.resolution),
            architecture=architecture,
            rounding=rounding,
            origin=origin,
        )


def scaled_name(name: str, multipliers: Multipliers, px: ImageSize) -> str:
    """Return a name such as `b0-d1.4-w1.2-300px`, so that each size of a network has its own name and file."""
    depth, width = (format_decimal(round(multiplier, 3)) for multiplier in (multipliers.depth, multipliers.width))
    return _with_suffix(name, f"-d{depth}-w{width}-{px}px")


def _with_suffix(name: str, suffix: str) -> str:
    return f"{name[: _LONGEST_NAME - len(suffix)]}{suffix}"


def px_multiplier(px: ImageSize, base: ImageSize) -> Decimal:
    """Return the resolution multiplier px / base (`size_ratio`), with enough digits that scaling rounds to `px`."""
    return round(size_ratio(px, base), 12)


def flops_ratio(network: Network, baseline: Network) -> Decimal:
    """Return the measured multiply-adds over the baseline's, rounded to five decimal places."""
    return cost_ratio(network, baseline, "macs")


def cost_ratio(network: Network, baseline: Network, cost_kind: str) -> Decimal:
    """Return a field of the network's `Cost` over the baseline's, rounded to five decimal places."""
    return round(Decimal(getattr(cost(network), cost_kind)) / Decimal(getattr(cost(baseline), cost_kind)), 5)
