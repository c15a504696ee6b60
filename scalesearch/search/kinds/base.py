"""What a kind of study is: which candidates it compares, under which conditions, and how it is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from scalesearch.design.exact import plain
from scalesearch.design.factory import Network
from scalesearch.errors import SpaceError
from scalesearch.search.candidates import Candidate, CandidateSet, farthest_points
from scalesearch.search.canonical import Json, as_json, from_json
from scalesearch.search.metrics import metric_words
from scalesearch.search.sampler_space import SamplerSpace
from scalesearch.search.setting import Setting
from scalesearch.search.timings import ScalingPath

FEWEST = 2
"""A comparison needs two candidates."""

PROPOSALS = 20
"""How many proposals within the limits a sampler's search has, where the budget names no number."""


class StudyKind(ABC):
    """What candidates a study compares; implementations are frozen values.

    Whatever differs between kinds of study is asked of the kind here, or, in words and files, of its counterparts
    in `study.kinds` and `report.kinds`.
    """

    __slots__ = ()

    key: ClassVar[str] = ""
    """The key of study.json that holds it; none: the grid, whose steps stand in the budget."""
    proposes: ClassVar[bool] = False
    """Whether a sampler proposes the candidates while the search runs."""
    recommends: ClassVar[bool] = True
    """Whether one candidate is recommended; else all are compared by name."""
    scales: ClassVar[bool] = True
    """Whether candidates are the baseline scaled by (α, β, γ); else costs are weighed by a reward."""
    enlarges_proxies: ClassVar[bool] = False
    """Whether candidates are ways of scaling, which proxies of a larger φ stand for as well; see `proxies`."""
    from_grid: ClassVar[bool] = False
    """Whether candidates are the points of a grid of (α, β, γ), with nominal costs of their own."""
    no_proxy_validation: ClassVar[str] = ""
    """Why further budgets cannot validate the proxy of such a study, said of the study; empty where they can."""
    exports_proposals: ClassVar[bool] = False
    """Whether each proposal, with its objectives, is a trial of an exported Optuna study; else each training is."""
    default_count: ClassVar[int | None] = None
    """How many candidates there are where the budget names no number; None: all."""
    points_noun: ClassVar[str]
    """What candidates come from, such as `triples`."""

    @abstractmethod
    def validate(self, setting: Setting) -> None:
        """Check what the kind and the rest of the configuration say together.

        Raises:
            SpaceError: in a line, what does not go together.
        """

    @abstractmethod
    def candidates(self, setting: Setting, proposals: Sequence[Any] | None = None) -> CandidateSet:
        """Every candidate, matched in cost or not.

        Args:
            setting: the study.
            proposals: of a sampler, so far; None: what a search can come to, before it begins.
        """

    def select(self, setting: Setting, candidate_set: CandidateSet) -> tuple[Candidate, ...]:
        """Of the candidates those that are trained: all, or as many as the budget says, spread over the grid."""
        count = self.count(setting)
        return candidate_set.candidates if count is None else farthest_points(candidate_set.candidates, count)

    def count(self, setting: Setting) -> int | None:
        """How many candidates are trained at most; None: all."""
        return setting.budget.candidates or self.default_count

    @abstractmethod
    def too_few(self, setting: Setting, count: int, candidate_set: CandidateSet) -> SpaceError:
        """The error where fewer than two candidates can be compared, with what to do."""

    def proposal_space(self, setting: Setting) -> SamplerSpace[Any] | None:
        """What proposals are judged by; None where none are made."""
        del setting
        return None

    def num_feasible(self, candidate_set: CandidateSet) -> int:
        """How many of those that are wanted have been proposed."""
        return sum(len(candidate.aliases) for candidate in candidate_set.candidates)

    # The next two are asked only where `proposes`: kinds that do so override them.

    def placeholder_points(self, setting: Setting) -> tuple[Any, ...]:
        """As many proposals as there will be, spread over what the search can come to: for an estimate."""
        raise NotImplementedError(f"{setting.baseline.name}: candidates of this kind are not proposed")

    def proposals_from_json(self, tree: Any) -> tuple[Any, ...]:
        """Proposals as they were written.

        Raises:
            MalformedError: they are not what was written.
            SpaceError: one breaks a rule of its own type.
        """
        raise NotImplementedError(f"{tree}: candidates of this kind are not proposed")

    def reward_factors(self, setting: Setting, proposals: Sequence[Any]) -> Mapping[Network, float]:
        """What the accuracy of each network is multiplied by to be ranked; 1 for those that are not named."""
        del setting, proposals
        return {}

    @property
    def name_suffix(self) -> str:
        """What the default name of a study ends in; empty: nothing."""
        return ""

    @property
    def has_family(self) -> bool:
        """Whether the coefficients that are found give a family of scaled networks."""
        return self.scales and self.recommends

    def value_name(self, setting: Setting) -> str:
        """What candidates are ranked by, in words."""
        return metric_words(setting.metric)

    @property
    def objectives(self) -> tuple[str, ...]:
        """What a front of the candidates is in; of `sought.DIRECTIONS`."""
        return ("accuracy",)

    def paths_to_time(self, setting: Setting) -> list[ScalingPath]:
        """Where the networks are looked for that take 2^φ × the baseline's time.

        Raises:
            SpaceError: candidates of this kind are not matched by latency.
        """
        del setting
        raise SpaceError("cost is latency, but candidates of this kind are not matched by it")

    def to_json(self) -> dict[str, Json]:
        """What study.json holds of it, under its key: its fields."""
        return {self.key: as_json(self)}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The kind of which study.json holds `value` under its key.

        Raises:
            MalformedError: it is not what `to_json` wrote.
            SpaceError: a value breaks a rule of its own type.
        """
        return from_json(cls, value, (cls.key,))

    @abstractmethod
    def summary(self, setting: Setting) -> dict[str, str]:
        """What was asked, by name, for tables; the kind of study first."""


def scaling_summary(name: str, setting: Setting) -> dict[str, str]:
    """The part of a summary that all kinds have which scale the baseline."""
    matched = setting.cost if setting.match == "flops" else "nothing"
    return {"kind": name, "φ": plain(setting.phi), "rounding": setting.rounding, "matched": matched}


def limits_summary(params: int | None, memory: int | None) -> dict[str, str]:
    """Limits as entries of a summary; empty where there is none."""
    return {
        "limit of parameters": "" if params is None else f"{params:,}",
        "limit of training memory": "" if memory is None else f"{memory:,} bytes",
    }


ADVICE_OF_COST: Mapping[str, str] = {
    "macs": " or --match none",
    "activations": " or --cost flops",
    "latency": " or --cost flops, or time them on a quieter machine",
}
"""The last advice where too few networks are matched, by cost."""
