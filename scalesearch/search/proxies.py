"""The proxies that are trained in place of a study's networks, what they cost, and one trial of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import Cost, cost
from scalesearch.design.factory import Network
from scalesearch.design.matching import match_resolutions
from scalesearch.design.scaling import scaled
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.search.candidates import Candidate
from scalesearch.search.canonical import digest
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.study_config import StudyConfig, enumerate_candidates, select_candidates
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
    """The networks that a study trains, by id, each as its proxy on a data set."""

    config: StudyConfig
    data: DataFacts
    candidates: Mapping[str, Candidate]
    """By the id of their network; the baseline is added."""

    @cached_property
    def networks(self) -> dict[str, Network]:
        """The baseline and the candidates."""
        own = {key: one.architecture for key, one in self.candidates.items()}
        return {self._base_id: self.config.baseline.architecture, **own}

    @cached_property
    def _found(self) -> dict[str, Network]:
        classes = self.data.classes
        base = proxy_of(self.config, self.config.baseline.architecture, classes)
        own = {key: candidate_proxy(self.config, one, classes) for key, one in self.candidates.items()}
        return {self._base_id: base, **own}

    @cached_property
    def _base_id(self) -> str:
        return digest(self.config.baseline.architecture)

    @cached_property
    def _costs(self) -> dict[str, Cost]:
        return {key: cost(proxy) for key, proxy in self._found.items()}

    def spec(self, key: str, seed: int) -> TrialSpec:
        """The trial of one network with one seed, trained to the end."""
        recipe, data = self.config.budget.recipe, self.data.fingerprint
        return TrialSpec(self.networks[key], self._found[key], recipe, data, seed, metric=self.config.metric)

    def images(self, spec: TrialSpec) -> int:
        """How many training images a trial sees, those of the rungs before left out."""
        recipe = self.config.budget.recipe
        batch = min(recipe.batch, self.data.train)
        whole = recipe.epochs * (self.data.train // batch) * batch
        return (whole if spec.samples is None else spec.samples) - spec.since

    def ratio(self, key: str, by: str = "macs") -> float:
        """A cost of the network's proxy over 2^φ × that of the baseline's proxy, at the φ of the proxies."""
        own, wanted = (getattr(self._costs[one], by) for one in (key, self._base_id))
        return float(own / wanted / 2 ** float(phi_of_proxies(self.config)))

    def adjusted_ratio(self, key: str) -> float:
        """The matched cost of a network's proxy over the wanted one, which its accuracy is adjusted for; or 1."""
        return self.ratio(key, self.config.cost) if self.config.adjusts else 1.0


def phi_of_proxies(config: StudyConfig) -> Decimal:
    """The φ at which the candidates' proxies are made: the study's own, or the budget's where that is larger.

    Below φ = 0 it is the study's own: networks that grow do not stand for those that shrink.
    """
    own, wanted = config.phi, config.budget.proxy_phi
    enlarges = config.kind.enlarges_proxies and not config.shrinks
    return own if wanted is None or not enlarges else max(own, wanted)


def candidate_proxy(config: StudyConfig, candidate: Candidate, classes: int) -> Network:
    """The small network that is trained for a candidate, at the φ of the proxies.

    Where that is larger than the study's, differences between candidates are larger too: the baseline is scaled by
    the candidate's own α and β to that φ, and by the side at which the proxy costs 2^φ × the baseline's proxy (by
    its own γ where costs are not matched by counting).
    """
    phi, baseline = phi_of_proxies(config), config.baseline
    if phi == config.phi or isinstance(baseline, FactoryBaseline):
        return proxy_of(config, candidate.architecture, classes)
    rounding = replace(baseline.rounding, rule=config.rounding)
    larger = scaled(baseline.architecture, candidate.coefficients.at(phi), rounding)
    found = proxy_of(config, larger, classes)
    if not config.adjusts:
        return found
    base = proxy_of(config, baseline.architecture, classes)
    assert isinstance(base, Architecture), "a baseline file's networks are architectures"
    assert isinstance(found, Architecture), "a baseline file's networks are architectures"
    shape, grows = (found.widths, found.depths), "resolution" in baseline.axes
    (matched,) = match_resolutions(base, [shape], Decimal(2) ** phi, grows, config.cost)
    return replace(found, resolution=matched.resolution)


def proxy_of(config: StudyConfig, network: Network, classes: int) -> Network:
    """The network, smaller by the budget's factors, with as many logits as there are classes."""
    budget, baseline = config.budget, config.baseline
    if isinstance(baseline, FactoryBaseline):
        return baseline.proxy_of(network)
    assert isinstance(network, Architecture), "a baseline file's networks are architectures"
    return make_proxy(network, baseline, budget.width_divisor, budget.resolution, classes)


def image_px(config: StudyConfig) -> int:
    """The side at which images are kept: that of the largest proxy, so that none is scaled up."""
    every = replace(config, only=())  # the same images whichever of the candidates are asked about
    base = proxy_of(config, config.baseline.architecture, 2)
    sides = [
        candidate_proxy(config, one, 2).resolution for one in select_candidates(every, enumerate_candidates(every))
    ]
    return max(base.resolution, *sides)
