"""What a search says in the end, in a few lines."""

from __future__ import annotations

from pathlib import Path

from scalesearch.design.coefficients import AXES, Coefficients
from scalesearch.design.exact import plain
from scalesearch.search.candidates import tolerance
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.question import Question
from scalesearch.search.scenes import SYNTHETIC
from scalesearch.search.surface import Surface, coefficients_of
from scalesearch.study.answer import Answer
from scalesearch.study.answer_files import surface_verdict
from scalesearch.study.comparison import comparison_lines
from scalesearch.study.continuous import search_lines
from scalesearch.study.family_files import family_texts
from scalesearch.study.other_phi import other_phi_lines
from scalesearch.study.stages_found import stage_lines
from scalesearch.study.trust_words import trust_lines


def summary_lines(found: Answer, folder: Path) -> list[str]:
    """The last lines of a search: the winner, how sure it is, what it rests on, where the family lies."""
    if found.plan.question.rivals:
        return [*comparison_lines(found), *matched_lines(found.plan.question), _rests_on(found)]
    if found.plan.question.stages:
        return stage_lines(found, _rests_on(found), folder)
    plan, own = found.plan, found.winner.coefficients
    question = plan.question
    names = [name for name in family_texts(plan, own) if name != question.baseline.name]
    ties, others = len(found.ranking.tied) - 1, len(found.ranking.arms) - 1
    measured = found.measured(found.place)
    unscaled, word = found.base.mean, metric_words(question.metric)
    base = "" if unscaled is None else f"{question.baseline.name} itself {unscaled:.4f}; "
    cost_words = f"αβ²γ² = {float(own.product):.3f}; measured {float(found.winner.flops_ratio):.3f}x"
    other = "" if question.cost == "macs" else f", {question.cost} {float(found.winner.matched_ratio):.3f}x"
    lines = [
        f"{'Winner' if found.over else 'So far'}: {_greek(own)} ({cost_words} {question.baseline.name}{other})",
        f"{word.capitalize()}: {measured}; {base}{ties} of {others} others tie with the best; {found.certainty}",
        *matched_lines(question),
        _rests_on(found),
        *search_lines(plan, found.outcomes),
    ]
    if found.surface is not None:
        lines.append(_surface_line(found, found.surface))
    lines += trust_lines(found.trust) + other_phi_lines(found, folder)
    if not found.over:
        return lines
    return [*lines, f"Family: {names[0]} … {names[-1]} in {folder / 'family'}"]


def matched_lines(question: Question) -> list[str]:
    """What is equal among the candidates, where it is not multiply-adds."""
    if question.cost == "macs":
        return []
    start = f"Matched: {question.cost}, within {tolerance(question.cost) * 100:.0f} %, not multiply-adds"
    timings = question.timings
    if timings is None:
        return [start]
    base = timings.base
    apart = f"quartiles {100 * base.spread / base.nanoseconds:.0f} % apart"
    took = f"{question.baseline.name} takes {base.nanoseconds / 1e6:,.3g} ms ({apart})"
    return [f"{start}; {timings.conditions}: {took}"]


def _rests_on(found: Answer) -> str:
    plan = found.plan
    images = f"{plan.data.name} ({plan.data.train} + {plan.data.val} images, {plan.data.classes} classes)"
    kind = "a proxy's answer on synthetic images, not ImageNet's" if is_synthetic(plan) else "a proxy's answer"
    notes = "".join(f"; {note}" for note in plan.data.notes)
    return f"Rests on: {images}{notes}, budget {plan.question.budget.name}, {len(found.outcomes)} trials; {kind}"


def _surface_line(found: Answer, fitted: Surface) -> str:
    alpha, beta, gamma = coefficients_of(fitted.optimum)
    low, high = (coefficients_of([fitted.region[axis][end] for axis in AXES]) for end in (0, 1))
    region = ", ".join(f"{name} {low[i]:.2f}–{high[i]:.2f}" for i, name in enumerate("αβγ"))
    return (
        f"Surface: highest at α = {alpha:.2f}, β = {beta:.2f}, γ = {gamma:.2f} (95 %: {region}); "
        f"R² {fitted.r_squared:.2f}; {surface_verdict(found)}"
    )


def _greek(own: Coefficients) -> str:
    return f"α = {plain(own.alpha)}, β = {plain(own.beta)}, γ = {plain(own.gamma)}"


def is_synthetic(plan: Plan) -> bool:
    """Whether the images are drawn."""
    return plan.data.name in SYNTHETIC
