"""The title of a study's report, and its answer in one sentence with its certainty."""

from __future__ import annotations

from scalesearch.report.kinds import report_of
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.proxy_validation_text import overall
from scalesearch.study.result import StudyResult

_VERDICTS = {
    "trust": "longer and larger runs rank the networks alike",
    "cannot tell": "longer and larger runs could not tell whether the proxy ranks as they do",
    "do not use": "longer and larger runs rank the networks differently, so only the proxy is known",
}


def question_title(config: StudyConfig) -> str:
    """Return the question that a study of any kind answers, as a title."""
    return report_of(config.kind).title(config)


def answer_sentence(result: StudyResult) -> str:
    """Say what came out and how sure it is."""
    sentence = _result_sentence(result)
    outcomes, plan = result.outcomes, result.plan
    if not result.is_complete:
        progress = f"{len(outcomes)} of {plan.total_trials(outcomes)}"
        sentence = f"So far ({progress} trials are done): {sentence[0].lower()}{sentence[1:]}"
    if result.agreements:
        verdict = overall(result.agreements)
        sentence += (
            f"; {_VERDICTS.get(verdict, f'the proxy {verdict}, which a larger budget would choose more of')}"
        )
    return f"{sentence}."


def _result_sentence(result: StudyResult) -> str:
    if result.blind is not None:
        return (
            f"Nothing is told apart: the best network is {result.blind_words}, so train longer, or on more images"
        )
    return report_of(result.plan.config.kind).sentence(result)
