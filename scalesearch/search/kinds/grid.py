"""Defines the grid search of the EfficientNet paper: (α, β, γ) of a grid, merged by network and matched in cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.matching import Shape
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError
from scalesearch.search.candidates import CandidateSet, candidates, grid_shapes
from scalesearch.search.canonical import Json
from scalesearch.search.factory_grid import FactoryBaseline, NetworkCounter
from scalesearch.search.grid import triples
from scalesearch.search.kinds.base import ADVICE_OF_COST, StudyKind, scaling_summary
from scalesearch.search.setting import Setting
from scalesearch.search.timings import ScalingPath, shape_paths


@dataclass(frozen=True, slots=True)
class GridSearch(StudyKind):
    """Compares the points of a grid with the budget's step and tolerance (Tan & Le 2019, section 3.3, step 1)."""

    enlarges_proxies: ClassVar[bool] = True
    from_grid: ClassVar[bool] = True
    points_noun: ClassVar[str] = "triples"

    def validate(self, setting: Setting) -> None:
        """Accept any setting."""

    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """Return every candidate of the grid."""
        del proposals
        grid = triples(setting.budget.step, setting.budget.tolerance, setting.baseline.axes)
        options = (setting.rounding, setting.match, setting.cost, setting.timings)
        return candidates(setting.baseline, grid, setting.phi, *options)

    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """Return the error for a study with fewer than two candidates."""
        advice = f"a smaller --step, a larger --tolerance{ADVICE_OF_COST[setting.cost]}"
        points = f"only {count} of {candidate_set.triples} grid points gives a network of the wanted cost"
        return SpaceError(f"{points}; take {advice}")

    def count_networks(self, setting: Setting, counter: NetworkCounter) -> tuple[FactoryNetwork, ...]:
        """Return one network for each depth and width of the grid and, where it is not matched, px."""
        grid = triples(setting.budget.step, setting.budget.tolerance, setting.baseline.axes)
        return count_grid(setting, counter, grid)

    def paths_to_time(self, setting: Setting) -> list[ScalingPath]:
        """Return one path for each shape: its possible resolutions."""
        baseline = setting.baseline
        assert isinstance(baseline, Baseline), "Python functions are not timed"
        grows, ratio = "resolution" in baseline.axes, Decimal(2) ** setting.phi
        return shape_paths(baseline.architecture, shapes_to_time(setting), ratio, grows)

    def to_json(self) -> dict[str, Json]:
        """Return nothing: the step and tolerance are part of the budget."""
        return {}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Create the grid search, which has no fields."""
        del value
        return cls()

    def summary(self, setting: Setting) -> dict[str, str]:
        """Return the configuration as names and values."""
        return scaling_summary("search by grid", setting)


def count_grid(
    setting: Setting, counter: NetworkCounter, grid: Sequence[Coefficients]
) -> tuple[FactoryNetwork, ...]:
    """Return a function's network for each depth and width of a grid and, where it is not matched, px.

    Args:
        setting: the study; its baseline has the unscaled network. Where it matches costs, each network has the px,
            never below the unscaled network's, whose counted cost is nearest to 2^φ × that network's.
        counter: builds and counts networks.
        grid: the points whose nominal cost is within the tolerance.

    Raises:
        InputError: the function fails for one of them.
    """
    base = setting.baseline.architecture
    assert isinstance(setting.baseline, FactoryBaseline), "a function's networks are counted"
    target_cost = float(getattr(cost(base), setting.cost)) * 2 ** float(setting.phi)
    networks: dict[tuple[Decimal, Decimal, int], FactoryNetwork] = {}
    for point in (coefficients.at(setting.phi).rounded() for coefficients in grid):
        is_matched = setting.match == "flops"
        px = 0 if is_matched else setting.baseline.literal_px(point.resolution)
        key = (point.depth, point.width, px)
        if key not in networks:
            networks[key] = (
                counter.match(point.depth, point.width, target_cost, setting.cost)
                if is_matched
                else counter.count(*key)
            )
    return tuple(networks.values())


def shapes_to_time(setting: Setting) -> tuple[Shape, ...]:
    """Return the widths and depths of a study's grid, which are timed where latency is matched."""
    assert isinstance(setting.baseline, Baseline), "Python functions are not timed"
    grid = triples(setting.budget.step, setting.budget.tolerance, setting.baseline.axes)
    return grid_shapes(setting.baseline, grid, setting.phi, setting.rounding)
