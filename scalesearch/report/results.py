"""What a study found, as the sections and tables of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.exact import plain
from scalesearch.design.family import Member
from scalesearch.report import figures, tables
from scalesearch.report.answering import key_figures
from scalesearch.report.article import Block, Bullets, Section, Table, Text
from scalesearch.report.figures.frame import Drawing
from scalesearch.report.measuring import matched_words
from scalesearch.report.rows import rows
from scalesearch.search.metrics import ACCURACY, metric_words
from scalesearch.search.surface import Point
from scalesearch.study.answer import Answer
from scalesearch.study.comparison import comparison_lines
from scalesearch.study.continuous import search_lines
from scalesearch.study.cost_words import COST_WORDS, times_of
from scalesearch.study.family_files import found_family
from scalesearch.study.joint import joint
from scalesearch.units import si

_FIVE_PER_CENT = " (more than 5 % off)"


def question(found: Answer) -> Section:
    """What was asked, in the paper's terms."""
    asked = found.plan.question
    base, price = asked.baseline, cost(asked.baseline.architecture)
    size = (
        f"{base.name} has {si(price.macs)} multiply-adds and {si(price.params)} parameters "
        f"at {base.architecture.resolution} px."
    )
    if asked.rivals:
        text = (
            f"{size} Growing depth, width or resolution alone, or all three by a rule, each to {times_of(asked)} "
            f"the {COST_WORDS[asked.cost]}: which gives the highest {metric_words(asked.metric)}? "
            "(Tan & Le 2019, Tables 3 and 7)"
        )
    else:
        text = (
            f"{size} Compound scaling multiplies its depth by α^φ, its width by β^φ and its resolution by γ^φ, "
            "with αβ²γ² ≈ 2 (Tan & Le 2019, equation 3). Which α, β and γ give the highest "
            f"{metric_words(asked.metric)} at φ = {plain(asked.phi)}?"
        )
    return Section("The question", (Text(text), *matched_words(found)))


def answer(found: Answer) -> Section:
    """The answer in figures, and how far each candidate is behind."""
    lines = comparison_lines(found)[1:] if found.plan.question.rivals else search_lines(found.plan, found.outcomes)
    said = [Text(line if line.endswith(":") else f"{line}.") for line in lines if not line.startswith("  ")]
    front = tuple(
        " ".join(line.split()) for line in lines if line.startswith("  ") and not found.plan.question.rivals
    )
    listed = (Bullets(front),) if front else ()
    return Section("The answer", (key_figures(found), ranking_table(found), *said, *listed))


def evidence(found: Answer) -> Section:
    """The figures that the answer rests on."""
    asked = found.plan.question
    if asked.rivals:
        first: Drawing = figures.curves(joint([(Decimal(2) ** asked.phi, found)]))
    else:
        first = figures.pareto(found)
    return Section(
        "The evidence", _drawn(first, figures.spending(found), figures.parallel(found), figures.learning(found))
    )


def doubt(found: Answer, budgets: Mapping[str, Sequence[Point]]) -> Section | None:
    """Whether nominal costs or budgets mislead; None where there is nothing to show."""
    blocks = _drawn(figures.agreement(found, budgets), figures.nominal(found))
    return Section("What could mislead", blocks) if blocks else None


def family(found: Answer) -> Section | None:
    """The members that the coefficients give; None for a comparison of rules, or a function."""
    members = found_family(found.plan, found.winner.coefficients)
    if not members:
        return None
    columns = ("member", "depth", "width", "px", "nominal", "measured", "multiply-adds", "parameters")
    caption = "Each is a baseline file in family/; its px are those at which its measured cost is nearest to 2^φ."
    table = Table(caption, columns, tuple(map(_member, members)), frozenset(("member",)))
    return Section("The family", (*_drawn(figures.family(found)), table))


def _member(one: Member) -> tuple[str, ...]:
    network, own = one.baseline.architecture, one.baseline.origin
    by, price = own.multipliers if own and one.phi else Multipliers(), cost(network)
    return (
        one.baseline.name,
        plain(round(by.depth, 3)),
        plain(round(by.width, 3)),
        str(network.resolution),
        f"{one.nominal_flops_ratio:.2f}x",
        f"{one.flops_ratio:.2f}x{'' if one.matched else _FIVE_PER_CENT}",
        si(price.macs),
        si(price.params),
    )


def _drawn(*found: Drawing | None) -> tuple[Block, ...]:
    return tuple(one for one in found if one is not None)


def ranking_table(found: Answer) -> Table:
    """Every candidate, best first."""
    return tables.ranking_table(found, _ranking_caption(found))


def _ranking_caption(found: Answer) -> str:
    named = bool(found.plan.question.rivals)
    marks = "= ties with the best (95 %)." if named else "▸ recommended, = ties with the best (95 %)."
    left = any(row.left_after is not None for row in rows(found))
    asked, known = found.plan.question, found.ranking.error_known
    cost = " and for the proxy's cost, as the ranking is" if asked.adjusts else ", as the ranking is"
    what, noun = ("Accuracies", "an accuracy") if asked.metric == ACCURACY else ("Scores", "a score")
    tail = f" Those without {noun} were left on an earlier rung." if left else ""
    errors, intervals = (" ± standard errors", ", with bootstrap intervals") if known else ("", "")
    unknown = "" if known else " Their errors are not known: no seeds that differ, and images do not tell them."
    return (
        f"{marks} {what} are means{errors}; the distance behind the best is adjusted for the "
        f"seeds{cost}{intervals}.{unknown}{tail}"
    )
