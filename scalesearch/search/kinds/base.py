"""Defines the interface of a kind of study: which candidates it compares, and how it is checked and serialized."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from scalesearch.design.decimals import format_decimal
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.errors import SpaceError
from scalesearch.search.candidates import Candidate, CandidateSet, farthest_points
from scalesearch.search.canonical import Json, as_json, from_json
from scalesearch.search.factory_grid import NetworkCounter
from scalesearch.search.metrics import metric_words
from scalesearch.search.sampler_space import SamplerSpace
from scalesearch.search.setting import Setting
from scalesearch.search.timings import ScalingPath

FEWEST = 2
"""A comparison needs two candidates."""

PROPOSALS = 20
"""The number of feasible proposals in a sampler's search where the budget names none."""


class StudyKind(ABC):
    """Determines which candidates a study compares; implementations are frozen values.

    Everything that differs between kinds of study is a method of the kind here or, for text and files, of its
    counterparts in `study.kinds` and `report.kinds`.
    """

    __slots__ = ()

    key: ClassVar[str] = ""
    """The key of study.json that holds the kind; empty: the grid, whose step is part of the budget."""
    proposes: ClassVar[bool] = False
    """Whether a sampler proposes the candidates while the search runs."""
    recommends: ClassVar[bool] = True
    """Whether one candidate is recommended; otherwise all are compared by name."""
    scales: ClassVar[bool] = True
    """Whether candidates are the baseline scaled by (α, β, γ); otherwise a reward trades accuracy for cost."""
    enlarges_proxies: ClassVar[bool] = False
    """Whether candidates are coefficients, for which proxies of a larger φ may stand in; see `proxies`."""
    from_grid: ClassVar[bool] = False
    """Whether candidates are the points of a grid of (α, β, γ), each with its own nominal cost."""
    no_proxy_validation: ClassVar[str] = ""
    """Why further budgets cannot validate the proxy, as a phrase about the study; empty where they can."""
    exports_proposals: ClassVar[bool] = False
    """Whether each trial of an exported Optuna study is a proposal with its objectives; otherwise a training."""
    default_count: ClassVar[int | None] = None
    """The number of candidates where the budget names none; None: all."""
    points_noun: ClassVar[str]
    """The noun for the points that candidates come from, such as `triples`."""

    @abstractmethod
    def validate(self, setting: Setting) -> None:
        """Check that the kind and the rest of the configuration are compatible.

        Raises:
            SpaceError: they are not; the message says in one line why.
        """

    @abstractmethod
    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """Return every candidate, matched in cost or not.

        Args:
            setting: the study.
            proposals: a sampler's proposals so far; None: candidates that represent the whole search space, for use
                before the search starts.
        """

    def select(self, setting: Setting, candidate_set: CandidateSet) -> tuple[Candidate, ...]:
        """Return the candidates that are trained: all, or as many as the budget says, spread over the grid."""
        count = self.count(setting)
        return candidate_set.candidates if count is None else farthest_points(candidate_set.candidates, count)

    def count(self, setting: Setting) -> int | None:
        """Return how many candidates are trained at most; None: all."""
        return setting.budget.candidates or self.default_count

    @abstractmethod
    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """Return the error for a study with fewer than two candidates, with advice."""

    def proposal_space(self, setting: Setting) -> SamplerSpace[Any] | None:
        """Return the space that a sampler searches; None where no sampler is used."""
        del setting
        return None

    def num_feasible(self, candidate_set: CandidateSet) -> int:
        """Return how many proposals count toward the number that the budget asks for."""
        return sum(len(candidate.aliases) for candidate in candidate_set.candidates)

    # The next two are called only where `proposes` is true: such kinds override them.

    def placeholder_points(self, setting: Setting) -> tuple[Any, ...]:
        """Return as many points as there will be proposals, spread over the search space, for an estimate."""
        raise NotImplementedError(f"{setting.baseline.name}: candidates of this kind are not proposed")

    def proposals_from_json(self, tree: Any) -> tuple[Any, ...]:
        """Return the proposals that a study file holds.

        Raises:
            MalformedError: the tree does not have the form in which proposals are written.
            SpaceError: one breaks a rule of its own type.
        """
        raise NotImplementedError(f"{tree}: candidates of this kind are not proposed")

    def reward_factors(self, setting: Setting, proposals: Sequence[Any]) -> Mapping[Network, float]:
        """Return the factor that turns each network's accuracy into its reward; networks left out have factor 1."""
        del setting, proposals
        return {}

    @property
    def name_suffix(self) -> str:
        """The suffix of a study's default name; may be empty."""
        return ""

    @property
    def has_family(self) -> bool:
        """Whether the recommended coefficients define a family of scaled networks."""
        return self.scales and self.recommends

    def value_name(self, setting: Setting) -> str:
        """Return the name of the value that candidates are ranked by."""
        return metric_words(setting.metric)

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives of the candidates' Pareto front; keys of `sampler_space.DIRECTIONS`."""
        return ("accuracy",)

    def count_networks(self, setting: Setting, counter: NetworkCounter) -> tuple[FactoryNetwork, ...]:
        """Return the scaled networks of a Python function that the study needs; they are built and counted here.

        Args:
            setting: the study; its baseline has the unscaled network only.
            counter: builds and counts networks.

        Raises:
            SpaceError: candidates of this kind are not made by a function, or a multiplier is out of range.
            InputError: the function fails for one of the networks.
        """
        del setting, counter
        raise SpaceError(
            "baseline is a Python function, but candidates of this kind are made of baseline files only"
        )

    def paths_to_time(self, setting: Setting) -> list[ScalingPath]:
        """Return the paths along which networks are searched that take 2^φ × the baseline's time.

        Raises:
            SpaceError: candidates of this kind are not matched by latency.
        """
        del setting
        raise SpaceError("cost is latency, but candidates of this kind are not matched by it")

    def to_json(self) -> dict[str, Json]:
        """Return the fields of the kind under its key, as study.json holds them."""
        return {self.key: as_json(self)}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Create the kind from the value that study.json holds under its key.

        Raises:
            MalformedError: the value is not what `to_json` wrote.
            SpaceError: a value breaks a rule of its own type.
        """
        return from_json(cls, value, (cls.key,))

    @abstractmethod
    def summary(self, setting: Setting) -> dict[str, str]:
        """Return the configuration as names and values for tables; the kind of study comes first."""


def scaling_summary(name: str, setting: Setting) -> dict[str, str]:
    """Return the part of a summary that all kinds share which scale the baseline."""
    matched = setting.cost if setting.match == "flops" else "nothing"
    return {"kind": name, "φ": format_decimal(setting.phi), "rounding": setting.rounding, "matched": matched}


def limits_summary(params: int | None, memory: int | None) -> dict[str, str]:
    """Return the limits as entries of a summary; the text is empty where there is no limit."""
    return {
        "limit of parameters": "" if params is None else f"{params:,}",
        "limit of training memory": "" if memory is None else f"{memory:,} bytes",
    }


ADVICE_OF_COST: Mapping[str, str] = {
    "macs": " or --match none",
    "activations": " or --cost flops",
    "latency": " or --cost flops, or time them on a quieter machine",
}
"""The last part of the advice where too few networks are matched, by kind of cost."""
