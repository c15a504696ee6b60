"""From the network that a user will pay for to the small one that stands for it in the search."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from math import gcd

from scalesearch.design.architecture import Architecture
from scalesearch.design.exact import nearest, product
from scalesearch.design.rounding import round_grouped
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError


def make_proxy(
    network: Architecture, baseline: Baseline, width_divisor: int, resolution: int, classes: int
) -> Architecture:
    """The proxy of `network`: narrower and smaller by common factors, never shallower.

    Widths are divided by `width_divisor`, and so is the number that they are multiples of, which keeps
    every candidate's relative width, and so is `inner_divisor`; a head's hidden layer shrinks as well. The side is
    the px nearest to the same multiple of `resolution`, or the smallest that the network can have. Groups become
    narrower too, by what `width_divisor` and their width have in common, so that their number stays.

    Args:
        network: the baseline's architecture or a scaled one.
        baseline: what `network` was scaled from.
        width_divisor: k; must divide the baseline's divisor.
        resolution: the side (px) at which the baseline itself is trained, or more where its patches need more.
        classes: of the data set.
    """
    multiple, rest = divmod(baseline.rounding.divisor, width_divisor)
    if rest:
        raise SpaceError(
            f"width_divisor is {width_divisor}, but it must divide {baseline.name}'s divisor "
            f"({baseline.rounding.divisor}), or widths would no longer be comparable"
        )
    groups = [_shared(group_width, width_divisor) for group_width in network.group_widths]
    widths = [
        unit * round_grouped(partial(_narrowed, width, width_divisor * unit), multiple, group_width)
        for width, unit, group_width in zip(network.widths, network.units, groups, strict=True)
    ]
    resolution = max(resolution, baseline.architecture.smallest_resolution)
    side = product(Decimal(network.resolution), resolution) / baseline.architecture.resolution
    ungrouped = replace(network, stages=tuple(replace(stage, group_width=None) for stage in network.stages))
    small = ungrouped.resized(widths, network.depths, max(network.smallest_resolution, nearest(side)))
    hidden = small.head.hidden
    if small.rounds:
        small = replace(small, inner_divisor=max(1, small.inner_divisor // width_divisor))
    stages = zip(small.stages, groups[1:], strict=False)
    return replace(
        small,
        stages=tuple(replace(stage, group_width=group_width) for stage, group_width in stages),
        head=replace(
            small.head, classes=classes, hidden=hidden and max(1, nearest(Decimal(hidden) / width_divisor))
        ),
    )


def _shared(group_width: int | None, divisor: int) -> int | None:
    """The group width over what it shares with the divisor; widths that were multiples of it stay multiples."""
    return None if group_width is None else group_width // gcd(group_width, divisor)


def _narrowed(width: int, divisor: int, multiple: int) -> int:
    """The multiple, one at least, that is nearest to width / divisor, halves up."""
    return max(1, nearest(Decimal(width) / (divisor * multiple))) * multiple
