"""What a kind of study says of its answer, and which files it writes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.search.candidates import Candidate
from scalesearch.search.plan import Plan
from scalesearch.study.result import StudyResult
from scalesearch.study.samplers import distributions

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_AXES = ("alpha", "beta", "gamma")
_LARGEST = 4.0
"""That a coefficient can be (`design.coefficients`)."""


class KindResults(ABC):
    """The counterpart of a `search.kinds.StudyKind`: the words and files of its answer."""

    @abstractmethod
    def summary(self, result: StudyResult, folder: Path) -> list[str]:
        """The last lines of a search: what was found, how sure it is, what it is based on, where to go on.

        Args:
            result: the answer.
            folder: of the study.
        """

    @abstractmethod
    def winner(self, result: StudyResult) -> dict[str, object]:
        """What winner.yaml holds: what was found first, then how sure it is and what it is based on."""

    def files(self, result: StudyResult, name: str) -> dict[str, str]:
        """Files that only studies of this kind have, by name.

        Args:
            result: the answer.
            name: of the study.
        """
        del result, name
        return {}

    def definition(self, plan: Plan, candidate: Candidate) -> tuple[str, str]:
        """The name and the source of a candidate as a baseline file; no source: the baseline's."""
        del candidate
        return f"{plan.config.baseline.name}_scaled"[-64:], ""

    def parameters(self, plan: Plan) -> dict[str, dict[str, float | str]]:
        """By the id of each network that is trained: what an Optuna trial of it has as parameters."""
        found: dict[str, dict[str, float | str]] = {plan.base_id: dict.fromkeys(_AXES, 1.0)}
        for key, one in plan.by_network.items():
            found[key] = {name: float(getattr(one.coefficients, name)) for name in _AXES}
        return found

    def distributions(self, plan: Plan) -> dict[str, BaseDistribution]:
        """What those parameters are drawn from."""
        from optuna.distributions import FloatDistribution

        space = plan.config.space
        return {name: FloatDistribution(1.0, _LARGEST) for name in _AXES} if space is None else distributions(space)
