"""Derives proxies: the small networks that are trained in place of full-size ones."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from math import gcd

from scalesearch.design.architecture import Architecture
from scalesearch.design.decimals import nearest, product
from scalesearch.design.images import ImageSize, size_ratio
from scalesearch.design.rounding import round_grouped
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError


def make_proxy(
    network: Architecture, baseline: Baseline, width_divisor: int, resolution: int, classes: int
) -> Architecture:
    """Return the proxy of `network`: narrower and of lower resolution by common factors, but equally deep.

    Widths are divided by `width_divisor`. The number that widths are multiples of is divided as well, which keeps
    every candidate's relative width, and so are `inner_divisor` and the hidden layer of a head. A proxy takes
    square images, as data sets are read. The side is the px nearest to the same multiple of `resolution` (of images
    that are not square, the multiple that the root of the area has), or the smallest that the network can have.
    Group widths are divided by the greatest common divisor of `width_divisor` and themselves, so that the number of
    groups stays.

    Args:
        network: the baseline's architecture or a scaled one.
        baseline: the baseline that `network` was scaled from.
        width_divisor: k; must divide the baseline's divisor.
        resolution: the side (px) at which the baseline itself is trained; raised where its patches need more.
        classes: number of classes of the data set.

    Raises:
        SpaceError: `width_divisor` does not divide the baseline's divisor.
    """
    multiple, remainder = divmod(baseline.rounding.divisor, width_divisor)
    if remainder:
        raise SpaceError(
            f"width_divisor is {width_divisor}, but it must divide {baseline.name}'s divisor "
            f"({baseline.rounding.divisor}), or widths would no longer be comparable"
        )
    groups = [_reduce_group_width(group_width, width_divisor) for group_width in network.group_widths]
    widths = [
        unit * round_grouped(partial(_narrow_width, width, width_divisor * unit), multiple, group_width)
        for width, unit, group_width in zip(network.widths, network.units, groups, strict=True)
    ]
    resolution = max(resolution, baseline.architecture.smallest_resolution)
    side = _proxy_side(network.resolution, baseline.architecture.resolution, resolution)
    # A proxy stands for its network at another side, which need not be such a multiple.
    ungrouped = replace(
        network, resolution_multiple=1, stages=tuple(replace(stage, group_width=None) for stage in network.stages)
    )
    proxy = ungrouped.resized(widths, network.depths, max(network.smallest_resolution, nearest(side)))
    hidden = proxy.head.hidden
    if proxy.rounds:
        proxy = replace(proxy, inner_divisor=max(1, proxy.inner_divisor // width_divisor))
    stages = zip(proxy.stages, groups[1:], strict=False)
    return replace(
        proxy,
        stages=tuple(replace(stage, group_width=group_width) for stage, group_width in stages),
        head=replace(
            proxy.head, classes=classes, hidden=hidden and max(1, nearest(Decimal(hidden) / width_divisor))
        ),
    )


def _proxy_side(size: ImageSize, base: ImageSize, resolution: int) -> Decimal:
    """Return `resolution` times the ratio of two sizes, before rounding."""
    if isinstance(size, int) and isinstance(base, int):
        return product(Decimal(size), resolution) / base
    return size_ratio(size, base) * resolution


def _reduce_group_width(group_width: int | None, divisor: int) -> int | None:
    """Divide a group width by its common divisor with `divisor`; widths that were its multiples stay multiples."""
    return None if group_width is None else group_width // gcd(group_width, divisor)


def _narrow_width(width: int, divisor: int, multiple: int) -> int:
    """Return the positive multiple of `multiple` that is nearest to width / divisor, halves rounded up."""
    return max(1, nearest(Decimal(width) / (divisor * multiple))) * multiple
