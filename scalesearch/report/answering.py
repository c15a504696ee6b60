"""The question of a study as a title, and its answer in one sentence with its certainty."""

from __future__ import annotations

from scalesearch.design.coefficients import Coefficients
from scalesearch.design.exact import plain
from scalesearch.report.article import Table
from scalesearch.report.rows import label
from scalesearch.search.metrics import metric_words
from scalesearch.search.question import Question
from scalesearch.study.answer import Answer
from scalesearch.study.cost_words import COST_WORDS, times_of, wanted
from scalesearch.study.trust_words import overall

_SEVERAL = 2
_VERDICTS = {
    "trust": "longer and larger runs rank the networks alike",
    "cannot tell": "longer and larger runs could not tell whether the proxy ranks as they do",
    "do not use": "longer and larger runs rank the networks otherwise, so the answer is the proxy's alone",
}


def title(asked: Question) -> str:
    """The question."""
    if asked.rivals:
        return f"{asked.baseline.name} at {wanted(asked)}: one dimension, or all?"
    what = "compute" if asked.cost == "macs" else COST_WORDS[asked.cost]
    return f"How should {asked.baseline.name} spend its next {times_of(asked)} of {what}?"


def answer_sentence(found: Answer) -> str:
    """What came out and how sure it is."""
    said = _said(found)
    outcomes, plan = found.outcomes, found.plan
    if not found.over:
        done = f"{len(outcomes)} of {plan.total_trials(outcomes)}"
        said = f"So far ({done} trials are done): {said[0].lower()}{said[1:]}"
    if found.trust:
        verdict = overall(found.trust)
        said += f"; {_VERDICTS.get(verdict, f'the proxy {verdict}, which a larger budget would choose more of')}"
    return f"{said}."


def _said(found: Answer) -> str:
    if found.blind is not None:
        return f"Nothing is told apart: the best network is {found.blind_words}, so train longer, or on more images"
    if found.plan.question.stages:
        return _of_stages(found)
    return _of_rules(found) if found.plan.question.rivals else _of_grid(found)


def _not_above(found: Answer, name: str, what: str) -> str:
    base, many = found.plan.question.baseline.name, len(found.ranking.arms)
    best = f"{name}, the best of {many} networks that were trained to the end"
    return f"{best}, has no higher mean {what} than {base} itself"


def _of_stages(found: Answer) -> str:
    ranking, name = found.ranking, found.winner.label
    many = len(ranking.arms)
    if found.worse:
        return _not_above(found, name, "reward")
    if ranking.significant:
        return f"{name} has the best reward of {many} networks, and leads each by more than the noise (95 %)"
    if ranking.degrees_of_freedom == 0:
        return f"{name} has the best reward, but was trained with one seed, which proves nothing"
    ties = len(ranking.tied)
    how_many = f"all {many}" if ties == many else f"{ties} of the {many}"
    return (
        f"{name} has the best reward, but no single winner was found: {how_many} networks that were trained to the "
        "end tie within the noise (95 %)"
    )


def _of_grid(found: Answer) -> str:
    ranking, own = found.ranking, greek(found.winner.coefficients)
    tied, ranked = len(ranking.tied), len(ranking.arms)
    if found.worse:
        return _not_above(found, own, metric_words(found.plan.question.metric))
    if ranking.significant:
        return f"{own} is the best of {ranked} networks, and leads each of them by more than the noise (95 %)"
    if ranking.degrees_of_freedom == 0:
        return f"{own} is recommended, but was trained with one seed, which proves nothing"
    fewer = any(arm.tied and arm.seeds < ranking.arms[0].seeds for arm in ranking.arms)
    how_many = f"all {ranked}" if tied == ranked else f"{tied} of the {ranked}"
    unscaled = found.base.mean
    worse = unscaled is not None and any(arm.tied and arm.mean <= unscaled for arm in ranking.arms)
    of = " of those" if fewer or worse else ""
    of += " with as many seeds as the best" if fewer else ""
    of += f" that are better than {found.plan.question.baseline.name} itself" if worse else ""
    return (
        f"No single winner was found: {how_many} networks that were trained to the end tie within "
        f"the noise (95 %), and of these {own} is recommended because it has the fewest activations{of}"
    )


def _of_rules(found: Answer) -> str:
    ranking, plan = found.ranking, found.plan
    names = {arm.key: label(plan.by_network[arm.key]) for arm in ranking.arms}
    best, others = names[ranking.arms[0].key], [names[key] for key in ranking.tied[1:]]
    if ranking.significant:
        return f"The best of {len(names)} rules is {best}, which leads each of them by more than the noise (95 %)"
    if ranking.degrees_of_freedom == 0:
        return (
            f"The highest {metric_words(plan.question.metric)} has {best}, but with one seed, which proves nothing"
        )
    are = "are" if len(others) >= _SEVERAL else "is"
    return (
        f"No single rule wins: {best} has the highest {metric_words(plan.question.metric)}, but {_listed(others)} "
        f"{are} within the noise (95 %)"
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def greek(own: Coefficients) -> str:
    """Coefficients, γ to three places."""
    return f"(α, β, γ) = ({plain(own.alpha)}, {plain(own.beta)}, {plain(round(own.gamma, 3))})"


def key_figures(found: Answer) -> Table:
    """The answer in figures."""
    plan, place, winner = found.plan, found.place, found.winner
    if plan.question.rivals:  # nothing is recommended: the best is told from the others
        place = found.ranking.arms[0]
        winner = plan.by_network[place.key]
    own, base, word = winner.coefficients, found.base.accuracies, metric_words(plan.question.metric)
    rows = [
        (f"highest {word}", f"{winner.name}: {greek(own)}") if winner.name else ("recommended", greek(own)),
        ("nominal αβ²γ²", f"{float(own.product):.3f}"),
        ("measured FLOPs", f"{float(winner.flops_ratio):.3f}x {plan.question.baseline.name}'s"),
        (word, found.measured(place)),
    ]
    if base:
        mean = sum(base.values()) / len(base)
        rows.append((f"{plan.question.baseline.name} unscaled", f"{mean:.4f} ({seeds_words(len(base))})"))
    needed = found.ranking.seeds_needed
    if needed is not None and not found.ranking.significant:
        rows.append(
            ("seeds for 80 % power", f"{needed}, to show the lead of the best over the second, if it is real")
        )
    return Table("", ("what", "value"), tuple(rows), frozenset(("what", "value")))


def seeds_words(count: int) -> str:
    """`1 seed`, `3 seeds`."""
    return "1 seed" if count == 1 else f"{count} seeds"
