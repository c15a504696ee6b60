"""From the network that a user will pay for to the small one that stands for it in the search."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from scalesearch.design.architecture import Architecture
from scalesearch.design.exact import nearest, product
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError


def shrink(
    network: Architecture, baseline: Baseline, width_divisor: int, resolution: int, classes: int
) -> Architecture:
    """The proxy of `network`: narrower and smaller by common factors, never shallower.

    Widths are divided by `width_divisor`, and so is the number that they are multiples of, which keeps
    every candidate's relative width, and so is `inner_divisor`; a head's hidden layer shrinks as well. The side is
    the px nearest to the same multiple of `resolution`.

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
    steps = [multiple * unit for unit in network.units]
    widths = [
        max(step, nearest(Decimal(width) / (width_divisor * step)) * step)
        for width, step in zip(network.widths, steps, strict=True)
    ]
    resolution = max(resolution, baseline.architecture.smallest_resolution)
    side = product(Decimal(network.resolution), resolution) / baseline.architecture.resolution
    small = network.resized(widths, network.depths, max(1, nearest(side)))
    hidden = small.head.hidden
    head = replace(small.head, classes=classes, hidden=hidden and max(1, nearest(Decimal(hidden) / width_divisor)))
    if small.rounds:
        small = replace(small, inner_divisor=max(1, small.inner_divisor // width_divisor))
    return replace(small, head=head)
