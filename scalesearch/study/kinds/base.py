"""The interface by which a kind of study writes the summary and the files of its result."""

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
"""The coefficients of depth, width and resolution."""
_LARGEST = 4.0
"""The largest value of a coefficient (`design.coefficients`)."""


class KindResults(ABC):
    """The counterpart of a `search.kinds.StudyKind`: it writes the summary and the files of a result."""

    @abstractmethod
    def summary(self, result: StudyResult, folder: Path) -> list[str]:
        """Return the last lines that a search prints.

        They state the result, how certain it is, what it is based on, and what to do next.

        Args:
            result: the result of the study.
            folder: the folder of the study.
        """

    @abstractmethod
    def winner(self, result: StudyResult) -> dict[str, object]:
        """Return the content of winner.yaml.

        The entries begin with the winner. How certain it is and what it is based on follow.
        """

    def files(self, result: StudyResult, name: str) -> dict[str, str]:
        """Return the files that only studies of this kind have, by name.

        Args:
            result: the result of the study.
            name: the name of the study.
        """
        del result, name
        return {}

    def definition(self, plan: Plan, candidate: Candidate) -> tuple[str, str]:
        """Return the name and the source of a candidate's baseline file.

        If the source is empty, the file has the source of the baseline.
        """
        del candidate
        # A name has at most 64 characters (`design.scaling`); its end is kept.
        return f"{plan.config.baseline.name}_scaled"[-64:], ""

    def parameters(self, plan: Plan) -> dict[str, dict[str, float | str]]:
        """Return the parameters of an Optuna trial of each trained network, by the id of the network."""
        parameters: dict[str, dict[str, float | str]] = {plan.base_id: dict.fromkeys(_AXES, 1.0)}
        for key, candidate in plan.by_network.items():
            parameters[key] = {name: float(getattr(candidate.coefficients, name)) for name in _AXES}
        return parameters

    def distributions(self, plan: Plan) -> dict[str, BaseDistribution]:
        """Return the distributions that these parameters are drawn from."""
        from optuna.distributions import FloatDistribution

        space = plan.config.space
        return {name: FloatDistribution(1.0, _LARGEST) for name in _AXES} if space is None else distributions(space)
