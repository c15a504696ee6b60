"""Compare the networks of a published family with those that a scaling rule gives of its smallest at equal cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from math import log2

from scalesearch.design.architecture import Architecture
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.matching import before_match, match_resolutions
from scalesearch.design.published_networks import larger_published
from scalesearch.design.scaling import Baseline, scaled
from scalesearch.design.v2_rule import cap_resolution, with_late_layers


@dataclass(frozen=True, slots=True)
class PublishedComparison:
    """A published comparison holds a published network and the network that a scaling rule gives at its cost."""

    published: Baseline
    phi: Decimal
    """The φ at which 2^φ is the published multiply-adds over the baseline's, to two decimal places."""
    by_rule: Architecture
    """The network that the rule gives."""


def compare_to_published(
    baseline: Baseline, coefficients: Coefficients, scaling: str, rounding: str
) -> list[PublishedComparison]:
    """Compare each larger published network with the one that `scaling` gives at as many multiply-adds.

    Args:
        baseline: the smallest network of the family.
        coefficients: they give depth α^φ and width β^φ; the resolution is the one at which the cost is equal.
        scaling: the scaling rule, `v1` or `v2` (`design.v2_rule`).
        rounding: the rounding rule.

    Raises:
        InputError: no published family of this baseline is known.
    """
    rule = replace(baseline, rounding=replace(baseline.rounding, rule=rounding))
    return [_compare(rule, published, coefficients, scaling) for published in larger_published(baseline)]


def _compare(
    baseline: Baseline, published: Baseline, coefficients: Coefficients, scaling: str
) -> PublishedComparison:
    net = baseline.architecture
    phi = round(Decimal(log2(cost(published.architecture).macs / cost(net).macs)), 2)
    candidate = scaled(net, before_match(coefficients.at(phi).rounded()), baseline.rounding)
    if scaling == "v2":
        candidate = with_late_layers(net, candidate)
    (matched,) = match_resolutions(net, [(candidate.widths, candidate.depths)], Decimal(2) ** phi)
    return PublishedComparison(published, phi, cap_resolution(net, matched) if scaling == "v2" else matched)
