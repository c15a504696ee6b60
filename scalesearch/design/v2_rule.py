"""EfficientNetV2's rule of scaling: where layers go, and how large images become.

Tan & Le 2021 (arXiv 2104.00298, section 3.3) scale V2-S as EfficientNet was scaled, with two changes: the inference
size is at most 480 px, "as very large images often lead to expensive memory and training speed overhead", and "we
also gradually add more layers to later stages (e.g., stage 5 and 6 in Table 4)", which cost capacity little time.
The paper states no numbers for the second. Here all layers that the multiplier adds go to the last two stages, in
proportion to their own; the published M and L add some everywhere, and a seventh stage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from math import log2

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.matching import match_resolutions
from scalesearch.design.rounding import handed_out
from scalesearch.design.scaling import Baseline, scaled

LARGEST_PX = 480
_LATE = 2
"""Stages at the end that get the extra layers: 5 and 6 of V2-S's six."""

_PUBLISHED = {"efficientnet_v2_s": ("efficientnet_v2_m", "efficientnet_v2_l")}


def with_late_layers(before: Architecture, after: Architecture) -> Architecture:
    """`after`, scaled from `before`, with all the layers that it has more in the last two stages.

    A stage whose depth is fixed is none of them. A network that has no more layers than before stays as it is.
    """
    extra = sum(after.depths) - sum(before.depths)
    if extra <= 0:
        return after
    free = [place for place, stage in enumerate(before.stages) if not stage.depth_fixed][-_LATE:]
    late = tuple(before.depths[place] for place in free)
    grown = dict(zip(free, handed_out(late, sum(late) + extra), strict=True))
    depths = tuple(grown.get(place, depth) for place, depth in enumerate(before.depths))
    return after.resized(after.widths, depths, after.resolution)


def within_px(before: Architecture, after: Architecture) -> Architecture:
    """`after` at no more than 480 px, or than `before` had."""
    return replace(after, resolution=min(after.resolution, max(LARGEST_PX, before.resolution)))


@dataclass(frozen=True, slots=True)
class Beside:
    """A published network that no multipliers give, and what a rule gives at its cost."""

    published: Baseline
    phi: Decimal
    """At which 2^φ is the published cost over the baseline's, in hundredths."""
    by_rule: Architecture


def has_beside(baseline: Baseline) -> bool:
    """Whether larger networks were published that a rule of scaling was said to give."""
    return baseline.name in _PUBLISHED


def beside_published(baseline: Baseline, coefficients: Coefficients, scaling: str, rounding: str) -> list[Beside]:
    """Each larger network as published, and the one of `scaling` at 2^φ of the baseline's multiply-adds."""
    found, net = [], baseline.architecture
    for name in _PUBLISHED[baseline.name]:
        published = load_baseline(name)
        phi = round(Decimal(log2(cost(published.architecture).macs / cost(net).macs)), 2)
        grown = scaled(net, coefficients.at(phi).rounded(), replace(baseline.rounding, rule=rounding))
        if scaling == "v2":
            grown = with_late_layers(net, grown)
        (matched,) = match_resolutions(net, [(grown.widths, grown.depths)], Decimal(2) ** phi)
        found.append(Beside(published, phi, within_px(net, matched) if scaling == "v2" else matched))
    return found
