"""Find the best member of a family under limits (Tan & Le 2019, equation 2).

The paper maximises accuracy subject to memory ≤ target and FLOPS ≤ target over d, w, r of one family. With the
family's coefficients fixed, accuracy grows with cost. The *best member* is therefore the one with the most
multiply-adds that keeps every limit, and of equal ones the one with the fewest parameters. Costs do not grow
evenly with φ: rounding makes one grow while another stays. The search therefore looks at all members, not at a
bracket of φ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scalesearch import choices
from scalesearch.design.architecture import Architecture
from scalesearch.design.decimals import format_decimal
from scalesearch.design.factory import Network
from scalesearch.design.phi_members import PhiMember
from scalesearch.errors import InputError


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit is the largest amount of one cost that a member may have."""

    name: str
    """The name of the cost in tables: `multiply-adds`, `parameters`, `memory` or `latency`."""
    flag: str
    at_most: float
    measure: Callable[[Network], float]
    """The function that measures the cost of a network."""
    shown: Callable[[float], str]
    """The function that formats an amount for people."""
    quantity: choices.Quantity
    """The name of the cost for programs, with its unit."""
    timed: bool = False
    """Whether measuring takes time. Such a limit is met by bisection among the members that keep the others."""

    def holds(self, network: Network) -> bool:
        """Return whether the network keeps the limit."""
        return self.measure(network) <= self.at_most


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """A limit usage is how much of a limit a member takes."""

    limit: Limit
    amount: float
    binds: bool
    """Whether the next larger member would break the limit."""

    @property
    def free(self) -> float:
        """The share of the limit that remains, in 0 … 1."""
        return 1 - self.amount / self.limit.at_most


@dataclass(frozen=True, slots=True)
class Solution:
    """A solution is the best member, with the limits that exclude the next larger member."""

    member: PhiMember
    network: Architecture
    uses: tuple[LimitUsage, ...]
    following: PhiMember | None
    """The next member by multiply-adds, which breaks the limits that bind; None: there is no larger member."""


def solve(baseline: Architecture, members: Sequence[PhiMember], limits: Sequence[Limit]) -> Solution:
    """Return the member with the most multiply-adds that keeps every limit.

    Args:
        baseline: the network that the members are scaled from.
        members: sorted by multiply-adds, ascending; of equal ones the one with the fewest parameters comes last.
        limits: at most one of them is timed. A timed limit is met by bisection in the order of multiply-adds. The
            solution keeps it, as measured, but time is not strictly ordered by multiply-adds.

    Raises:
        InputError: no member keeps all limits. The message names the limits that are missed, and by how much.
    """
    counted = [limit for limit in limits if not limit.timed]
    timed = [limit for limit in limits if limit.timed]

    def keeps(member: PhiMember) -> bool:
        network = member.network(baseline)
        return all(limit.holds(network) for limit in counted)

    if not timed:
        index = next((i for i in reversed(range(len(members))) if keeps(members[i])), None)
        if index is None:
            raise _infeasible(baseline, members, counted)
    else:
        feasible = [i for i, member in enumerate(members) if keeps(member)]
        if not feasible:
            raise _infeasible(baseline, members, counted)
        last = _bisect_timed(baseline, [members[i] for i in feasible], timed[0])
        if last is None:
            raise _infeasible(baseline, [members[feasible[0]]], timed)
        index = feasible[last]
    return _solution(baseline, members, index, limits)


def _bisect_timed(baseline: Architecture, members: Sequence[PhiMember], limit: Limit) -> int | None:
    """Return the index of a member that keeps a timed limit and is the last, or is followed by one that breaks it.

    Return None where the first member breaks the limit. The search begins at the smallest member and doubles the
    multiply-adds at each step, so that no network much slower than the limit is timed. Then it bisects between the
    last two.
    """

    def holds(index: int) -> bool:
        return limit.holds(members[index].network(baseline))

    low, high = -1, 0
    while high < len(members) and holds(high):
        low = high
        doubled = (i for i in range(low + 1, len(members)) if members[i].macs >= 2 * members[low].macs)
        high = next(doubled, len(members) - 1 if low < len(members) - 1 else len(members))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return None if low < 0 else low


def _solution(
    baseline: Architecture, members: Sequence[PhiMember], index: int, limits: Sequence[Limit]
) -> Solution:
    network = members[index].network(baseline)
    next_member = members[index + 1] if index + 1 < len(members) else None
    broken: list[Limit] = []
    if next_member is not None:
        next_network = next_member.network(baseline)
        # A timed limit counts as broken only where no other is: the bisection found the next member too slow.
        broken = [limit for limit in limits if not limit.timed and not limit.holds(next_network)]
        broken = broken or [limit for limit in limits if limit.timed]
    uses = tuple(LimitUsage(limit, limit.measure(network), limit in broken) for limit in limits)
    return Solution(members[index], network, uses, next_member)


def _infeasible(baseline: Architecture, members: Sequence[PhiMember], limits: Sequence[Limit]) -> InputError:
    """Return the error that names the member that comes closest, and every limit that it misses."""

    def usages(member: PhiMember) -> list[tuple[float, Limit]]:
        network = member.network(baseline)
        return [(limit.measure(network) / limit.at_most, limit) for limit in limits]

    def worst_ratio(member: PhiMember) -> float:
        return max(ratio for ratio, _ in usages(member))

    nearest = min(members, key=worst_ratio)
    missed = [
        f"{limit.flag} {limit.shown(limit.at_most)}: the nearest member (φ = {format_decimal(nearest.phi)}) has "
        f"{limit.shown(ratio * limit.at_most)}, {_format_ratio(ratio)}x as much"
        for ratio, limit in usages(nearest)
        if ratio > 1
    ]
    return InputError(
        f"{'; '.join(missed)}; nothing in the family fits: raise the limit or take a smaller baseline"
    )


def _format_ratio(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"
