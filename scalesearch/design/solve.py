"""The best member of a family under limits: equation 2 of Tan & Le 2019, solved.

The paper maximises accuracy subject to memory ≤ target and FLOPS ≤ target over d, w, r of one family. With the
family's coefficients fixed, accuracy grows with its cost; so the *best member* is the one with the most
multiply-adds that keeps every limit, and of equal ones the one with the fewest parameters. Costs do not grow
evenly with φ (rounding makes one grow while another waits), so all members are looked at, not a bracket of φ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scalesearch import choices
from scalesearch.design.architecture import Architecture
from scalesearch.design.exact import plain
from scalesearch.design.phi_members import PhiMember
from scalesearch.errors import InputError


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a member may have of something."""

    name: str
    """`multiply-adds`, `parameters`, `memory`, `latency`."""
    flag: str
    at_most: float
    measure: Callable[[Architecture], float]
    """What a network has of it."""
    shown: Callable[[float], str]
    """An amount of it as a person reads it."""
    quantity: choices.Quantity
    """The same for programs, with its unit."""
    timed: bool = False
    """Whether it is measured, which costs time: then it is found by bisection, once all others hold."""

    def holds(self, network: Architecture) -> bool:
        """Whether the network keeps it."""
        return self.measure(network) <= self.at_most


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a limit a member takes."""

    limit: Limit
    amount: float
    binds: bool
    """Whether the next larger member would break it."""

    @property
    def free(self) -> float:
        """The share of the limit that is left."""
        return 1 - self.amount / self.limit.at_most


@dataclass(frozen=True, slots=True)
class Solution:
    """The best member, and why it is not the next."""

    member: PhiMember
    network: Architecture
    uses: tuple[Use, ...]
    following: PhiMember | None
    """The member with the next more multiply-adds, which breaks the limits that bind; None: the list ends."""


def solve(baseline: Architecture, members: Sequence[PhiMember], limits: Sequence[Limit]) -> Solution:
    """The member with the most multiply-adds that keeps every limit.

    Args:
        baseline: what the members are scaled from.
        members: from the fewest multiply-adds to the most, of equal ones the fewest parameters last.
        limits: at most one of them timed. A timed one is met by bisection in the order of multiply-adds: the
            answer keeps it, as measured, but time is not quite ordered by multiply-adds.

    Raises:
        InputError: no member keeps all limits; says which one is missed, and by how much.
    """
    counted = [one for one in limits if not one.timed]
    timed = [one for one in limits if one.timed]

    def keeps(member: PhiMember) -> bool:
        network = member.network(baseline)
        return all(limit.holds(network) for limit in counted)

    if not timed:
        place = next((i for i in reversed(range(len(members))) if keeps(members[i])), None)
        if place is None:
            raise _infeasible(baseline, members, counted)
    else:
        places = [i for i, one in enumerate(members) if keeps(one)]
        if not places:
            raise _infeasible(baseline, members, counted)
        kept = _bisected(baseline, [members[i] for i in places], timed[0])
        if kept is None:
            raise _infeasible(baseline, [members[places[0]]], timed)
        place = places[kept]
    return _solution(baseline, members, place, limits)


def _bisected(baseline: Architecture, members: Sequence[PhiMember], limit: Limit) -> int | None:
    """The place of a member that keeps a timed limit while the next does not, or is the last; None: not even
    the first does.

    From the smallest on in steps that double the multiply-adds, so that nothing much slower than the limit is
    ever timed; then by halves between the last two.
    """

    def holds(place: int) -> bool:
        return limit.holds(members[place].network(baseline))

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
    baseline: Architecture, members: Sequence[PhiMember], place: int, limits: Sequence[Limit]
) -> Solution:
    network = members[place].network(baseline)
    following = members[place + 1] if place + 1 < len(members) else None
    broken: list[Limit] = []
    if following is not None:
        larger = following.network(baseline)
        # A timed limit is asked only where no other says why: the bisection has measured it above the limit.
        broken = [limit for limit in limits if not limit.timed and not limit.holds(larger)]
        broken = broken or [limit for limit in limits if limit.timed]
    uses = tuple(Use(limit, limit.measure(network), limit in broken) for limit in limits)
    return Solution(members[place], network, uses, following)


def _infeasible(baseline: Architecture, members: Sequence[PhiMember], limits: Sequence[Limit]) -> InputError:
    """Names the member that misses least, and every limit that it misses."""

    def excesses(member: PhiMember) -> list[tuple[float, Limit]]:
        network = member.network(baseline)
        return [(limit.measure(network) / limit.at_most, limit) for limit in limits]

    def worst(member: PhiMember) -> float:
        return max(ratio for ratio, _ in excesses(member))

    nearest = min(members, key=worst)
    missed = [
        f"{one.flag} {one.shown(one.at_most)}: the nearest member (φ = {plain(nearest.phi)}) has "
        f"{one.shown(ratio * one.at_most)}, {_times(ratio)}x as much"
        for ratio, one in excesses(nearest)
        if ratio > 1
    ]
    return InputError(
        f"{'; '.join(missed)}; nothing in the family fits: raise the limit or take a smaller baseline"
    )


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"
