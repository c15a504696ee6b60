"""Computes the rewards of MnasNet and EfficientNetV2, which trade accuracy for cost.

Each reward is accuracy times a factor that is known before training, so rewards are ranked like accuracies.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from scalesearch import choices
from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.errors import SpaceError
from scalesearch.search.sampler_space import RelativeTime

REWARDS = ("flops", "latency", "step")

SOFT = Decimal("-0.07")
"""w: twice the cost is worth 5 % of the accuracy (Tan et al. 2019, section 3)."""
HARD = Decimal(-1)
PARAMETERS = Decimal("-0.05")
"""v (Tan & Le 2021, section 3.3)."""


@dataclass(frozen=True, slots=True)
class Reward:
    """Multiplies accuracy by powers of costs: ACC·(cost/T)^w or, for a training step, A·S^w·P^v.

    `flops`, `latency`: Tan et al. 2019 (arXiv 1807.11626), eq. 2 and 3. w is α up to the target and β above it;
    α = β = −0.07 is the paper's soft constraint, α = 0, β = −1 its hard one. EfficientNet-B0 uses FLOPS in place of
    LAT (Tan & Le 2019, section 4).
    `step`: Tan & Le 2021 (arXiv 2104.00298), section 3.3. S is the training step time and P the number of
    parameters, both relative to the baseline here.
    """

    kind: choices.RewardKind = "flops"
    target: Decimal | None = None
    """T: multiply-adds, or seconds; None: the baseline's."""
    below: Decimal = SOFT
    """α: the exponent where the cost is at most the target."""
    above: Decimal = SOFT
    """β: the exponent where it is larger."""
    parameters: Decimal = PARAMETERS
    """v: the exponent of the parameters; used by `step` only."""

    def __post_init__(self) -> None:
        if self.kind not in REWARDS:
            raise SpaceError(f"reward is {self.kind!r}, but it must be one of {', '.join(REWARDS)}")
        if self.target is not None and (self.kind == "step" or not self.target > 0):
            raise SpaceError(f"target is {self.target}, but only flops and latency have one, above 0")
        for name in ("below", "above", "parameters"):
            if not -10 <= getattr(self, name) <= 0:
                raise SpaceError(f"{name} is {getattr(self, name)}, but an exponent is in −10 … 0: less is better")

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives that the reward combines: the axes of the Pareto front."""
        return {
            "flops": ("accuracy", "macs"),
            "latency": ("accuracy", "latency"),
            "step": ("accuracy", "step", "params"),
        }[self.kind]

    @property
    def measured(self) -> Literal["latency", "step"] | None:
        """The time that must be measured for a network; None: multiply-adds are counted in closed form."""
        return None if self.kind == "flops" else self.kind

    @property
    def formula(self) -> str:
        """The formula of the reward as text."""
        cost_word = {"flops": "FLOPS/T", "latency": "LAT/T", "step": "S"}[self.kind]
        if self.kind == "step":
            return f"A·S^{self.below}·P^{self.parameters}"
        if self.below == self.above:
            return f"ACC·({cost_word})^{self.below}"
        return f"ACC·({cost_word})^w, w = {self.below} up to T and {self.above} above"

    def factor(self, network: Architecture, baseline: Architecture, time: RelativeTime | None = None) -> float:
        """Return the factor that turns an accuracy of the network into its reward.

        Args:
            network: at its own size.
            baseline: the network whose cost is the target where none is given.
            time: the measured time of the network, where the reward uses one.
        """
        network_cost, baseline_cost = cost(network), cost(baseline)
        if self.kind == "flops":
            return self.of(network_cost.macs / float(self.target or baseline_cost.macs))
        assert time is not None, "a reward of time has been measured"
        if self.kind == "latency":
            return self.of(time.ratio if self.target is None else time.seconds / float(self.target))
        return float(self.of(time.ratio) * (network_cost.params / baseline_cost.params) ** float(self.parameters))

    def of(self, ratio: float) -> float:
        """Return (cost/T)^w for `ratio`, the cost over its target."""
        return float(ratio ** float(self.below if ratio <= 1 else self.above))
