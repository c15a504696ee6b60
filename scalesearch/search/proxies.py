"""Determines the proxies that are trained in place of a study's networks, their costs, and their trials."""

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
    """Names the class with most validation images."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class DataFacts:
    """Holds the facts of the data set that the plan needs."""

    name: str
    fingerprint: str
    classes: int
    train: int
    val: int
    notes: tuple[str, ...] = field(default=(), metadata=OMIT_IF_DEFAULT)
    """Decisions made in reading the data set that a reader of the study should know, one line each."""
    majority: Majority | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The class that has more than half of the validation images; None: there is none."""
    counts: tuple[int, ...] = field(default=(), metadata=OMIT_IF_DEFAULT)
    """Validation images by class; empty where all classes have equally many, and in older studies."""

    @property
    def sizes(self) -> tuple[float, ...]:
        """Validation images by class; where unknown, the classes other than the majority are taken as equal."""
        if self.counts:
            return self.counts
        if self.majority is None:
            return (self.val / self.classes,) * self.classes
        others = (self.val - self.majority.count) / max(1, self.classes - 1)
        return (self.majority.count, *[others] * (self.classes - 1))


@dataclass(frozen=True)
class Proxies:
    """Maps the networks of a study, by id, to their proxies on a data set."""

    config: StudyConfig
    data: DataFacts
    candidates: Mapping[str, Candidate]
    """The candidates by the id of their network; the baseline is added to them."""

    @cached_property
    def networks(self) -> dict[str, Network]:
        """The networks of the baseline and of the candidates, by id."""
        candidates = {key: candidate.architecture for key, candidate in self.candidates.items()}
        return {self._base_id: self.config.baseline.architecture, **candidates}

    @cached_property
    def _proxies(self) -> dict[str, Network]:
        classes = self.data.classes
        base = proxy_of(self.config, self.config.baseline.architecture, classes)
        proxies = {
            key: candidate_proxy(self.config, candidate, classes) for key, candidate in self.candidates.items()
        }
        return {self._base_id: base, **proxies}

    @cached_property
    def _base_id(self) -> str:
        return digest(self.config.baseline.architecture)

    @cached_property
    def _costs(self) -> dict[str, Cost]:
        return {key: cost(proxy) for key, proxy in self._proxies.items()}

    def spec(self, key: str, seed: int) -> TrialSpec:
        """Return the trial of one network with one seed, trained to the end."""
        spec = self._specs.get((key, seed))
        if spec is None:
            recipe, data = self.config.budget.recipe, self.data.fingerprint
            trunk = self._proxies[self._base_id] if recipe.trunk_epochs else None
            spec = self._specs[key, seed] = TrialSpec(
                self.networks[key], self._proxies[key], recipe, data, seed, metric=self.config.metric, trunk=trunk
            )
        return spec

    @cached_property
    def _specs(self) -> dict[tuple[str, int], TrialSpec]:
        """The trials that were requested so far: every step of a search needs all of them."""
        return {}

    def images(self, spec: TrialSpec) -> int:
        """Return how many training images a trial sees, without those of the trunk and of the rungs before."""
        recipe = self.config.budget.recipe
        batch = min(recipe.batch, self.data.train)
        full_length = recipe.epochs * (self.data.train // batch) * batch
        return (full_length if spec.samples is None else spec.samples) - spec.since

    @property
    def trunk_images(self) -> int:
        """The number of training images that the trunk of one seed sees; 0: there are no trunks."""
        recipe = self.config.budget.recipe
        batch = min(recipe.batch, self.data.train)
        return recipe.trunk_epochs * (self.data.train // batch) * batch

    def ratio(self, key: str, cost_kind: str = "macs") -> float:
        """Return a cost of the network's proxy over 2^φ × that of the baseline's proxy, at the φ of the proxies."""
        proxy_cost, base_cost = (getattr(self._costs[network_id], cost_kind) for network_id in (key, self._base_id))
        return float(proxy_cost / base_cost / 2 ** float(phi_of_proxies(self.config)))

    def adjusted_ratio(self, key: str) -> float:
        """Return the cost ratio for which a network's accuracy is adjusted; 1 where it is not adjusted."""
        return self.ratio(key, self.config.cost) if self.config.adjusts else 1.0


def phi_of_proxies(config: StudyConfig) -> Decimal:
    """Return the φ at which the candidates' proxies are made: the study's, or the budget's where that is larger.

    For φ < 0 it is always the study's: networks that grow cannot represent networks that shrink.
    """
    study_phi, budget_phi = config.phi, config.budget.proxy_phi
    enlarges = config.kind.enlarges_proxies and not config.shrinks
    return study_phi if budget_phi is None or not enlarges else max(study_phi, budget_phi)


def candidate_proxy(config: StudyConfig, candidate: Candidate, classes: int) -> Network:
    """Return the proxy that is trained for a candidate, at the φ of the proxies.

    A φ larger than the study's makes differences between candidates larger. The baseline is then scaled to that φ
    by the candidate's own α and β. The side of a larger φ and of a budget that matches proxies is the one at which
    the proxy costs 2^φ × the baseline's proxy: at so few px, feature maps of a rounded size make the cost of a side
    in proportion too large or too small. Where costs are not matched by counting, the side follows from γ.
    """
    phi, baseline, network = phi_of_proxies(config), config.baseline, candidate.architecture
    if isinstance(baseline, FactoryBaseline):
        return proxy_of(config, network, classes)
    if phi != config.phi:
        rounding = replace(baseline.rounding, rule=config.rounding)
        network = scaled(baseline.architecture, candidate.coefficients.at(phi), rounding)
    proxy = proxy_of(config, network, classes)
    if not config.adjusts or (phi == config.phi and config.budget.proxy_side == "proportional"):
        return proxy
    base = proxy_of(config, baseline.architecture, classes)
    assert isinstance(base, Architecture), "a baseline file's networks are architectures"
    assert isinstance(proxy, Architecture), "a baseline file's networks are architectures"
    shape, grows = (proxy.widths, proxy.depths), "resolution" in baseline.axes
    (matched,) = match_resolutions(base, [shape], Decimal(2) ** phi, grows, config.cost)
    return replace(proxy, resolution=matched.resolution)


def proxy_of(config: StudyConfig, network: Network, classes: int) -> Network:
    """Return the network, reduced by the budget's factors, with as many logits as there are classes."""
    budget, baseline = config.budget, config.baseline
    if isinstance(baseline, FactoryBaseline):
        return baseline.proxy_of(network)
    assert isinstance(network, Architecture), "a baseline file's networks are architectures"
    return make_proxy(network, baseline, budget.width_divisor, budget.resolution, classes)


def image_px(config: StudyConfig) -> int:
    """Return the side (px) at which images are stored: that of the largest proxy, so that none is upscaled."""
    unrestricted = replace(config, only=())  # the images do not depend on a restriction to some candidates
    base = proxy_of(config, config.baseline.architecture, 2)
    sides = [
        candidate_proxy(config, candidate, 2).side
        for candidate in select_candidates(unrestricted, enumerate_candidates(unrestricted))
    ]
    return max(base.side, *sides)
