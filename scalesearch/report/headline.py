"""The configuration of a study as a title, and its answer in one sentence with its certainty."""

from __future__ import annotations

from scalesearch.report.kinds import report_of
from scalesearch.search.study_config import StudyConfig
from scalesearch.study.result import StudyResult
from scalesearch.study.trust_words import overall

_VERDICTS = {
    "trust": "longer and larger runs rank the networks alike",
    "cannot tell": "longer and larger runs could not tell whether the proxy ranks as they do",
    "do not use": "longer and larger runs rank the networks otherwise, so the answer is the proxy's alone",
}


def question_title(config: StudyConfig) -> str:
    """The configuration, of whatever kind it is."""
    return report_of(config.kind).title(config)


def answer_sentence(result: StudyResult) -> str:
    """What came out and how sure it is."""
    said = _said(result)
    outcomes, plan = result.outcomes, result.plan
    if not result.is_complete:
        done = f"{len(outcomes)} of {plan.total_trials(outcomes)}"
        said = f"So far ({done} trials are done): {said[0].lower()}{said[1:]}"
    if result.trust:
        verdict = overall(result.trust)
        said += f"; {_VERDICTS.get(verdict, f'the proxy {verdict}, which a larger budget would choose more of')}"
    return f"{said}."


def _said(result: StudyResult) -> str:
    if result.blind is not None:
        return (
            f"Nothing is told apart: the best network is {result.blind_words}, so train longer, or on more images"
        )
    return report_of(result.plan.config.kind).sentence(result)
