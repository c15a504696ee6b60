"""Apply EfficientNetV2's scaling rule: extra layers go to late stages, and images have at most 480 px.

Tan & Le 2021 (arXiv 2104.00298, section 3.3) scale V2-S as EfficientNet was scaled, with two changes. The
inference size is at most 480 px, "as very large images often lead to expensive memory and training speed
overhead". And "we also gradually add more layers to later stages (e.g., stage 5 and 6 in Table 4)", which adds
capacity at little runtime. The paper gives no numbers for the second change. Here all layers that the multiplier
adds go to the last two stages, in proportion to their depths. The published M and L add some layers to every
stage, and a seventh stage.
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
from scalesearch.design.rounding import apportion_layers
from scalesearch.design.scaling import Baseline, scaled

LARGEST_PX = 480
"""The largest image side under the rule."""
_LATE = 2
"""How many stages at the end get the extra layers: 5 and 6 of V2-S's six."""

_PUBLISHED = {"efficientnet_v2_s": ("efficientnet_v2_m", "efficientnet_v2_l")}


def with_late_layers(before: Architecture, after: Architecture) -> Architecture:
    """Return `after`, which was scaled from `before`, with all extra layers moved to the last two stages.

    Stages whose depth is fixed are not counted among these two. A network that has no extra layers is returned as
    it is.
    """
    extra = sum(after.depths) - sum(before.depths)
    if extra <= 0:
        return after
    indices = [index for index, stage in enumerate(before.stages) if not stage.depth_fixed][-_LATE:]
    late_depths = tuple(before.depths[index] for index in indices)
    new_depths = dict(zip(indices, apportion_layers(late_depths, sum(late_depths) + extra), strict=True))
    depths = tuple(new_depths.get(index, depth) for index, depth in enumerate(before.depths))
    return after.resized(after.widths, depths, after.resolution)


def cap_resolution(before: Architecture, after: Architecture) -> Architecture:
    """Return `after` with at most 480 px, or with at most as many as `before` where that has more."""
    return replace(after, resolution=min(after.resolution, max(LARGEST_PX, before.resolution)))


@dataclass(frozen=True, slots=True)
class PublishedComparison:
    """A published comparison holds a published network and the network that a scaling rule gives at its cost.

    No multipliers give the published networks, so they are compared at equal cost.
    """

    published: Baseline
    phi: Decimal
    """The φ at which 2^φ is the published multiply-adds over the baseline's, to two decimal places."""
    by_rule: Architecture
    """The network that the rule gives."""


def has_published_comparison(baseline: Baseline) -> bool:
    """Return whether larger networks of this baseline were published as the result of a scaling rule."""
    return baseline.name in _PUBLISHED


def compare_to_published(
    baseline: Baseline, coefficients: Coefficients, scaling: str, rounding: str
) -> list[PublishedComparison]:
    """Compare each larger published network with the one that `scaling` gives at as many multiply-adds."""
    comparisons, net = [], baseline.architecture
    for name in _PUBLISHED[baseline.name]:
        published = load_baseline(name)
        phi = round(Decimal(log2(cost(published.architecture).macs / cost(net).macs)), 2)
        candidate = scaled(net, coefficients.at(phi).rounded(), replace(baseline.rounding, rule=rounding))
        if scaling == "v2":
            candidate = with_late_layers(net, candidate)
        (matched,) = match_resolutions(net, [(candidate.widths, candidate.depths)], Decimal(2) ** phi)
        comparisons.append(
            PublishedComparison(published, phi, cap_resolution(net, matched) if scaling == "v2" else matched)
        )
    return comparisons
