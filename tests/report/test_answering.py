"""The answer is one sentence with a verb and its certainty, whatever came out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from planted_studies import halving, rules, with_agreements

from scalesearch.report.headline import answer_sentence, question_title
from scalesearch.report.kinds.rules import RuleReport
from scalesearch.report.methods import limitations
from scalesearch.search.proxy_validation import Estimate, RankAgreement
from scalesearch.study.result import StudyResult
from scalesearch.study.summary import summary_lines

NOWHERE = Path("nowhere")


def tied(count: int, **changes: object) -> StudyResult:
    """The planted answer with so many of its three ranked candidates tied."""
    found = halving().found
    arms = tuple(replace(arm, tied=i < count) for i, arm in enumerate(found.ranking.arms))
    return replace(found, ranking=replace(found.ranking, arms=arms, **changes))  # type: ignore[arg-type]


def test_the_decision_is_said_and_what_ties() -> None:
    said = answer_sentence(tied(2))
    assert said.startswith("(α, β, γ) = (")
    assert " is recommended; expected regret " in said
    assert said.endswith(
        "; 2 of the 3 networks that were trained to the end have measured means that tie within the noise (95 %)."
    )
    assert "all 3 networks that" in answer_sentence(tied(3))


def test_that_nothing_beats_the_unscaled_network_is_said() -> None:
    found = tied(3)
    beaten = replace(found, place=replace(found.place, mean=found.base.mean or 0.0))
    assert not found.below_baseline
    assert answer_sentence(beaten).endswith(
        ", the best of 3 networks that were trained to the end, has no higher mean accuracy than tiny itself."
    )
    assert beaten.certainty == f"{found.certainty}; its mean is not above that of tiny"
    assert "not above that of tiny" in " ".join(summary_lines(beaten, NOWHERE))


def test_a_winner_and_a_single_seed() -> None:
    assert answer_sentence(tied(1)).endswith("leads each other network's by more than the noise (95 %).")
    assert answer_sentence(tied(2, degrees_of_freedom=0)).endswith("so the means alone prove nothing.")


def test_rules_are_compared() -> None:
    found = rules().found
    assert question_title(found.plan.config) == "tiny at 2x the multiply-adds: one dimension, or all?"
    assert answer_sentence(found) == (
        "The best of 5 rules is width, which leads each of them by more than the noise (95 %)."
    )
    three = tuple(replace(arm, tied=i < 3) for i, arm in enumerate(found.ranking.arms))
    said = answer_sentence(replace(found, ranking=replace(found.ranking, arms=three)))
    assert said == (
        "No single rule wins: width has the highest accuracy, but lacs-gpu and fast are within the noise (95 %)."
    )
    assert RuleReport().key_figures(found).rows[0][0] == "highest accuracy"


def test_an_unfinished_search_says_so() -> None:
    found = halving().found
    fewer = dict(list(found.outcomes.items())[:-1])
    said = answer_sentence(replace(found, outcomes=fewer))
    assert said.startswith(f"So far ({len(fewer)} of {found.plan.total_trials()} trials are done): (α, β, γ) = (")


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.9, 0.5, 1.0, "; longer and larger runs rank the networks alike."),
        (
            -0.5,
            -0.9,
            -0.1,
            "; longer and larger runs rank the networks differently, so only the proxy is known.",
        ),
        (0.1, -0.5, 0.6, "; longer and larger runs could not tell whether the proxy ranks as they do."),
    ],
)
def test_what_further_budgets_say_belongs_to_the_answer(value: float, low: float, high: float, words: str) -> None:
    one = Estimate(value, low, high)
    found = with_agreements(tied(2), RankAgreement("longer", 8, 2, one, one, None, {}))
    assert answer_sentence(found).endswith(words)
    (bullets,) = limitations(found, NOWHERE).blocks
    assert "Kendall τ" in str(bullets)


def test_what_the_answer_does_not_say() -> None:
    said = str(limitations(halving().found, NOWHERE).blocks)
    for part in (
        "The images are planted; other images",
        "smaller (tiny at 24 px instead of 64) and for 3 epochs",
        "was not tested: run scalesearch validate-proxy",
        "judged by fewer images",
    ):
        assert part in said
    assert "two seeds" not in said
    assert "no difference can be told from chance" in str(
        limitations(tied(2, degrees_of_freedom=0), NOWHERE).blocks
    )


def test_other_costs_are_named() -> None:
    config = halving().found.plan.config
    assert question_title(replace(config, cost="activations", phi=Decimal(2))) == (
        "How should tiny spend its next 4x of activations?"
    )
