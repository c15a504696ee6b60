"""The answer of a study and the files that say it; all derived, all rebuilt from the records at will."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.cost import cost
from scalesearch.design.exact import plain
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.design.family import PHIS, Member, family
from scalesearch.search.candidates import Candidate
from scalesearch.search.canonical import digest
from scalesearch.search.catalogue import FactoryBaseline, literal_px
from scalesearch.search.plan import Plan
from scalesearch.search.ranking import Ranked, Ranking
from scalesearch.search.trial import FAILURES, Outcome
from scalesearch.study.files import make_folder, write_over

if TYPE_CHECKING:
    import pandas as pd

_SEVERAL = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What a study came to."""

    plan: Plan
    outcomes: Mapping[str, Outcome]
    ranking: Ranking
    winner: Candidate
    place: Ranked
    """The winner's row in the ranking."""

    @property
    def whole(self) -> bool:
        """Whether every candidate has a completed trial."""
        return len(self.ranking.arms) == len(self.plan.chosen)

    @property
    def failures(self) -> int:
        """Trials that ended for reasons of the machine."""
        return sum(outcome.state in FAILURES for outcome in self.outcomes.values())

    @property
    def certainty(self) -> str:
        """In words how far the winner stands out."""
        others = len(self.ranking.tied) - 1
        if self.ranking.significant:
            return "it leads every other candidate by more than the noise (95 %)"
        if self.ranking.degrees_of_freedom == 0:
            return "one seed each proves nothing: take --seeds 3 for a claim"
        are = "candidates are" if others >= _SEVERAL else "candidate is"
        return f"no single winner: {others} other {are} within the noise (95 %)"


def answer(plan: Plan, outcomes: Mapping[str, Outcome]) -> Answer | None:
    """The answer so far; None while no candidate has a completed trial."""
    ranking = plan.ranking(outcomes)
    if ranking is None:
        return None
    place = next(arm for arm in ranking.arms if arm.key == ranking.recommended)
    return Answer(plan, outcomes, ranking, plan.recommended(ranking), place)


def found_family(plan: Plan, coefficients: Coefficients) -> tuple[Member, ...]:
    """The members that the coefficients give, by the rounding and matching of the search; none for a factory."""
    question = plan.question
    if isinstance(question.baseline, FactoryBaseline):
        return ()
    return family(question.baseline, coefficients, question.rounding, question.match == "flops")


def write_answer(folder: Path, found: Answer) -> None:
    """Write winner.yaml, family/*.yaml, trials.csv and trials.parquet.

    Raises:
        StorageError: the folder cannot be written.
    """
    write_over(folder / "winner.yaml", winner_text(found))
    _write_texts(folder / "family", _family_texts(found.plan, found.winner.coefficients))
    table = trials_table(found.plan, found.outcomes)
    write_over(folder / "trials.csv", table.to_csv(index=False))
    write_over(folder / "trials.parquet", table.to_parquet(index=False))


def write_family(folder: Path, members: Sequence[Member]) -> None:
    """Write one baseline file a member."""
    _write_texts(folder, {member.baseline.name: member_text(member) for member in members})


def _write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    make_folder(folder)
    for name, text in texts.items():
        write_over(folder / f"{name}.yaml", text)


def _family_texts(plan: Plan, coefficients: Coefficients) -> dict[str, str]:
    """The files of the family by name: baselines, or for a user's own function the calls that give them."""
    baseline = plan.question.baseline
    if not isinstance(baseline, FactoryBaseline):
        return {one.baseline.name: member_text(one) for one in found_family(plan, coefficients)}
    return {f"phi{phi}": _call_text(baseline, coefficients, phi) for phi in PHIS}


def _call_text(baseline: FactoryBaseline, coefficients: Coefficients, phi: int) -> str:
    by, base = coefficients.at(phi).rounded(), baseline.architecture
    return (
        "# Not counted: px follows from γ, so measured costs may be off from 2^φ\n"
        f"factory: {base.factory}\n"
        f"depth: {plain(by.depth)}\n"
        f"width: {plain(by.width)}\n"
        f"resolution: {literal_px(base.resolution, by.resolution)}\n"
        f"nominal_flops_ratio: {plain(round(by.nominal_flops_ratio, 5))}\n"
    )


def member_text(member: Member) -> str:
    """A member as a baseline file, with its cost in a comment on top."""
    price = cost(member.baseline.architecture)
    off = "" if member.matched else "  (more than 5 % off)"
    head = (
        f"# {member.baseline.name}: nominal FLOPs ratio {member.nominal_flops_ratio}, "
        f"measured {member.flops_ratio}{off}\n"
        f"# {price.macs} multiply-adds, {price.params} parameters, {price.activations} activations\n"
    )
    return head + baseline_text(member.baseline)


def winner_text(found: Answer) -> str:
    """winner.yaml: the coefficients first, then how sure they are and what they rest on."""
    import yaml

    plan, ranking, best = found.plan, found.ranking, found.ranking.arms[0]
    question, own = plan.question, found.winner.coefficients
    base = plan.base_arm(found.outcomes).accuracies
    body = {
        "alpha": float(own.alpha),
        "beta": float(own.beta),
        "gamma": float(own.gamma),
        "product": round(float(own.product), 5),
        "flops_ratio": float(found.winner.flops_ratio),
        "accuracy": round(found.place.mean, 5),
        "standard_error": round(found.place.standard_error, 5),
        "seeds": found.place.seeds,
        "significant": ranking.significant,
        "in_words": found.certainty,
        "tied": [_triple(plan.by_network[key].coefficients) for key in ranking.tied],
        "best_mean": _triple(plan.by_network[best.key].coefficients),
        "aliases": [_triple(alias) for alias in found.winner.aliases],
        "rests_on": {
            "baseline": question.baseline.name,
            "phi": float(question.phi),
            "data": plan.data.name,
            "data_fingerprint": plan.data.fingerprint,
            "budget": question.budget.name,
            "rounding": question.rounding,
            "match": question.match,
            "candidates": len(plan.chosen),
            "trials": len(found.outcomes),
            "validation_images": plan.data.val,
            "noise_per_trial": round(ranking.noise, 5),
            "degrees_of_freedom": ranking.degrees_of_freedom,
            "baseline_accuracy": round(sum(base.values()) / len(base), 5) if base else None,
        },
    }
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))


def _triple(coefficients: Coefficients) -> str:
    return str(coefficients)


def trials_table(plan: Plan, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """One row a trial, baseline included, in the order of the plan."""
    import pandas as pd

    rows = [
        _row(plan, spec.network_id, spec.seed, spec.id, outcomes[spec.id])
        for spec in plan.planned(outcomes)
        if spec.id in outcomes
    ]
    return pd.DataFrame(rows)


def _row(plan: Plan, network_id: str, seed: int, trial_id: str, outcome: Outcome) -> dict[str, object]:
    candidate = plan.by_network.get(network_id)
    network = candidate.architecture if candidate else plan.question.baseline.architecture
    own = candidate.coefficients if candidate else None
    proxy, price = plan.spec(network, seed).proxy, cost(network)
    last = outcome.epochs[-1] if outcome.epochs else None
    return {
        "trial": trial_id,
        "network": network_id,
        "role": "candidate" if candidate else "baseline",
        "seed": seed,
        "state": outcome.state,
        "accuracy": outcome.accuracy,
        "alpha": float(own.alpha) if own else 1.0,
        "beta": float(own.beta) if own else 1.0,
        "gamma": float(own.gamma) if own else 1.0,
        "product": float(own.product) if own else 1.0,
        "flops_ratio": float(candidate.flops_ratio) if candidate else 1.0,
        "macs": price.macs,
        "params": price.params,
        "activations": price.activations,
        "resolution": network.resolution,
        "depths": _sizes(network, "depth"),
        "widths": _sizes(network, "width"),
        "proxy_resolution": proxy.resolution,
        "proxy_macs": cost(proxy).macs,
        "proxy_macs_ratio": plan.proxy_macs_ratio(network) if candidate else None,
        "epochs": len(outcome.epochs),
        "samples": last.samples if last else 0,
        "train_loss": last.train_loss if last else None,
        "val_loss": last.val_loss if last else None,
        "seconds": outcome.seconds,
        "training_seconds": outcome.training_seconds,
        "message": outcome.message,
        "aliases": " ".join(str(alias).replace(" ", "") for alias in candidate.aliases) if candidate else "",
    }


def _sizes(network: Network, axis: str) -> str:
    """Layers or channels one by one; for a user's own function the multiplier."""
    if isinstance(network, FactoryNetwork):
        return plain(network.depth if axis == "depth" else network.width)
    return " ".join(map(str, network.depths if axis == "depth" else network.widths))


def network_ids(plan: Plan) -> dict[str, str]:
    """A short name for every network of the plan: `base`, or the coefficients."""
    names = {digest(one.architecture): one.label for one in plan.chosen}
    return {plan.base_id: "base", **names}


def summary_lines(found: Answer, folder: Path) -> list[str]:
    """The last lines of a search: the winner, how sure it is, what it rests on, where the family lies."""
    plan, own = found.plan, found.winner.coefficients
    question = plan.question
    names = [name for name in _family_texts(plan, own) if name != question.baseline.name]
    seeds = "1 seed" if found.place.seeds == 1 else f"{found.place.seeds} seeds"
    ties = len(found.ranking.tied) - 1
    measured = f"{found.place.mean:.4f} ± {found.place.standard_error:.4f} ({seeds})"
    cost_words = f"αβ²γ² = {float(own.product):.3f}; measured {float(found.winner.flops_ratio):.3f}x"
    rests_on = f"{plan.data.name} ({plan.data.train} + {plan.data.val} images, {plan.data.classes} classes)"
    kind = "a proxy's answer on synthetic images, not ImageNet's" if _synthetic(plan) else "a proxy's answer"
    return [
        f"Winner: {_greek(own)} ({cost_words} {question.baseline.name})",
        f"Accuracy: {measured}; {ties} of {len(found.ranking.arms) - 1} others tie with it; {found.certainty}",
        f"Rests on: {rests_on}, budget {question.budget.name}, {len(found.outcomes)} trials; {kind}",
        f"Family: {names[0]} … {names[-1]} in {folder / 'family'}",
    ]


def _greek(own: Coefficients) -> str:
    return f"α = {plain(own.alpha)}, β = {plain(own.beta)}, γ = {plain(own.gamma)}"


def _synthetic(plan: Plan) -> bool:
    return plan.data.name == "fractal scenes"
