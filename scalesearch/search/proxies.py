"""What is trained in place of the networks of a question: their proxies, what these cost, and one trial of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from scalesearch.design.cost import Cost, cost
from scalesearch.design.factory import Network
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.search.canonical import digest
from scalesearch.search.question import Question, proxy_of
from scalesearch.search.trial import TrialSpec


@dataclass(frozen=True, slots=True)
class Majority:
    """The class of most validation images."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class DataFacts:
    """What the plan must know of the data set."""

    name: str
    fingerprint: str
    classes: int
    train: int
    val: int
    notes: tuple[str, ...] = field(default=(), metadata=OMIT_IF_DEFAULT)
    """What was decided in reading it that a reader of the study should know, a line each."""
    majority: Majority | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The class of more than half of the validation images; None: there is none."""
    counts: tuple[int, ...] = field(default=(), metadata=OMIT_IF_DEFAULT)
    """Validation images by class; empty where all classes have equally many, and in studies that did not say it."""

    @property
    def sizes(self) -> tuple[float, ...]:
        """Validation images by class; where they are not written, as even as the largest class lets them be."""
        if self.counts:
            return self.counts
        if self.majority is None:
            return (self.val / self.classes,) * self.classes
        rest = (self.val - self.majority.count) / max(1, self.classes - 1)
        return (self.majority.count, *[rest] * (self.classes - 1))


@dataclass(frozen=True)
class Proxies:
    """The networks that a question trains, by id, each as its proxy on a data set."""

    question: Question
    data: DataFacts
    networks: Mapping[str, Network]

    @cached_property
    def _found(self) -> dict[str, Network]:
        return {key: proxy_of(self.question, one, self.data.classes) for key, one in self.networks.items()}

    @cached_property
    def _base_id(self) -> str:
        return digest(self.question.baseline.architecture)

    @cached_property
    def _costs(self) -> dict[str, Cost]:
        return {key: cost(proxy) for key, proxy in self._found.items()}

    def spec(self, key: str, seed: int) -> TrialSpec:
        """The trial of one network with one seed, trained to the end."""
        recipe, data = self.question.budget.recipe, self.data.fingerprint
        return TrialSpec(self.networks[key], self._found[key], recipe, data, seed, metric=self.question.metric)

    def images(self, spec: TrialSpec) -> int:
        """How many training images a trial sees, those of the rungs before left out."""
        recipe = self.question.budget.recipe
        batch = min(recipe.batch, self.data.train)
        whole = recipe.epochs * (self.data.train // batch) * batch
        return (whole if spec.samples is None else spec.samples) - spec.since

    def ratio(self, key: str, by: str = "macs") -> float:
        """A cost of the network's proxy over 2^φ × that of the baseline's proxy."""
        own, wanted = (getattr(self._costs[one], by) for one in (key, self._base_id))
        return float(own / wanted / 2 ** float(self.question.phi))

    def adjusted_ratio(self, key: str) -> float:
        """The matched cost of a network's proxy over the wanted one, which its accuracy is adjusted for; or 1."""
        return self.ratio(key, self.question.cost) if self.question.adjusts else 1.0
