"""Find the largest network of a function's family under limits (Tan & Le 2019, equation 2).

The sizes of a function's networks are known only once they are built. So the search does not list every member, as
`design.solve` does: it takes steps of 1 from φ = 0 and then bisects, and a few networks are built. The cost of
members is taken to grow with φ. Where rounding makes it fall, a larger member that fits may be missed, but the one
that is returned fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from scalesearch.design.coefficients import HIGHEST_PHI, LOWEST_PHI, Coefficients, Multipliers
from scalesearch.design.decimals import format_decimal
from scalesearch.design.phi_members import STEP
from scalesearch.design.scaling import px_multiplier
from scalesearch.design.solve import Limit, LimitUsage
from scalesearch.errors import InputError, SpaceError
from scalesearch.nets.factory_definition import FactoryDefinition
from scalesearch.search.factory_grid import literal_px


@dataclass(frozen=True, slots=True)
class FactorySolution:
    """A solution is the largest member that fits, and the next one, which does not."""

    phi: Decimal
    member: FactoryDefinition
    uses: tuple[LimitUsage, ...]
    following: tuple[Decimal, FactoryDefinition] | None
    """The member at the next φ; None: this is the largest φ that is looked at."""


def solve_factory(
    base: FactoryDefinition, coefficients: Coefficients, limits: Sequence[Limit], multiple: int = 1
) -> FactorySolution:
    """Return the member of the largest φ, in steps of `STEP`, that keeps every limit.

    Depth and width are those of α^φ and β^φ, and the side is that of γ^φ, as in the files of the family.

    Args:
        base: the network that the members are scaled from, at φ = 0.
        coefficients: α, β, γ.
        limits: at least one.
        multiple: the number of px that the sides of members are multiples of.

    Raises:
        InputError: no member keeps all limits, or the function fails for a member that is not below φ = 0.
    """
    members: dict[Decimal, FactoryDefinition] = {}

    def member(phi: Decimal) -> FactoryDefinition:
        if phi not in members:
            members[phi] = base.scale(_multipliers(base, coefficients.at(phi), multiple))
        return members[phi]

    def is_too_small(phi: Decimal) -> bool:
        """Whether the function fails for a member below the unscaled network, as for too few px."""
        try:
            member(phi)
        except InputError:
            if phi >= 0:
                raise
            return True
        return False

    def broken(phi: Decimal) -> list[Limit]:
        # What is too small to exist breaks no limit, so that the search goes on above it.
        return [] if is_too_small(phi) else [limit for limit in limits if not limit.holds(member(phi).architecture)]

    def solution(phi: Decimal, next_phi: Decimal | None) -> FactorySolution:
        binding = [] if next_phi is None else broken(next_phi)
        network = member(phi).architecture
        uses = tuple(LimitUsage(limit, limit.measure(network), limit in binding) for limit in limits)
        following = None if next_phi is None else (next_phi, member(next_phi))
        return FactorySolution(phi, member(phi), uses, following)

    highest = _highest(coefficients)
    low, high = _bracket(broken, highest)
    if low is None:
        raise _infeasible(member(high), high, limits)
    while high - low > STEP:
        middle = low + (high - low) / 2 // STEP * STEP
        low, high = (low, middle) if broken(middle) else (middle, high)
    if is_too_small(low):
        raise _infeasible(member(high), high, limits)
    return solution(low, None if high == low else high)


def _multipliers(base: FactoryDefinition, multipliers: Multipliers, multiple: int) -> Multipliers:
    """Return the multipliers with the resolution's moved to the nearest multiple of px."""
    if multiple == 1:
        return multipliers
    side = base.architecture.resolution
    return replace(multipliers, resolution=px_multiplier(literal_px(side, multipliers.resolution, multiple), side))


def _highest(coefficients: Coefficients) -> Decimal:
    """Return the largest φ whose multipliers are in range."""
    phi = HIGHEST_PHI
    while phi > 0:
        try:
            coefficients.at(phi)
        except SpaceError:
            phi -= 1
        else:
            break
    return phi


def _bracket(broken: Callable[[Decimal], list[Limit]], highest: Decimal) -> tuple[Decimal | None, Decimal]:
    """Return a φ that keeps the limits and one, at most 1 above, that breaks them.

    Both are `highest` where it keeps them. The first is None, and the second the lowest φ, where no φ keeps them.
    """
    phi = Decimal(0)
    if broken(phi):
        while phi > LOWEST_PHI:
            phi -= 1
            if not broken(phi):
                return phi, phi + 1
        return None, phi
    while phi < highest:
        if broken(phi + 1):
            return phi, phi + 1
        phi += 1
    return phi, phi


def _infeasible(smallest: FactoryDefinition, phi: Decimal, limits: Sequence[Limit]) -> InputError:
    network = smallest.architecture
    missed = "; ".join(
        f"{limit.flag} {limit.shown(limit.at_most)}: the smallest member (φ = {format_decimal(phi)}) has "
        f"{limit.shown(limit.measure(network))}"
        for limit in limits
        if not limit.holds(network)
    )
    return InputError(f"{missed}; nothing in the family fits: raise the limit or take a smaller network")
