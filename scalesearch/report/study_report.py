"""The report of a study: from its records to a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scalesearch.errors import InputError
from scalesearch.report import methods, pictures
from scalesearch.report.document import Document, Paragraph, Picture
from scalesearch.report.headline import answer_sentence, question_title
from scalesearch.report.kinds import report_of
from scalesearch.search.shares import Point
from scalesearch.study.proxy_validation import read_proxy_validation, validation_points
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.study import Study


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """The data that a report is made from."""

    study: Study
    found: StudyResult
    budgets: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    """The networks' accuracies at further budgets (`study.proxy_validation.validation_points`)."""
    maps: tuple[Picture | Paragraph, ...] = ()
    """The class activation maps in the study's folder, or what is wrong with one."""


def read_report_inputs(study: Study) -> ReportInputs:
    """Read the records of a study, and what further budgets and `scalesearch cam` left in its folder.

    Raises:
        InputError: no candidate has a completed trial.
        CountError: a record is not what was written.
    """
    outcomes = study.outcomes()
    result = analyze(study.plan, outcomes, read_proxy_validation(study.folder))
    if result is None:
        raise InputError(
            f"{study.folder}: no candidate has a completed trial, so there is nothing to report; "
            f"resume it: {study.command}"
        )
    return ReportInputs(study, result, validation_points(study.folder), pictures.read_pictures(study.folder))


def study_report(inputs: ReportInputs) -> Document:
    """Return the report as a document."""
    study, result = inputs.study, inputs.found
    report = report_of(result.plan.config.kind)
    kind_sections = (
        report.question(result),
        report.answer(result),
        report.evidence(result),
        report.pitfalls(result, inputs.budgets),
        report.family(result),
    )
    sections = (
        *kind_sections,
        pictures.section(inputs.maps),
        methods.methods_section(study, result),
        methods.limitations(result, study.folder),
        methods.reproduction(study),
    )
    config = result.plan.config
    byline = (
        f"Study {study.folder.resolve().name}: {result.plan.data.name}, budget {config.budget.title}, "
        f"{len(result.outcomes)} trials; scalesearch {study.environment.get('scalesearch', 'unknown')}"
    )
    present_sections = tuple(section for section in sections if section is not None)
    return Document(question_title(config), byline, answer_sentence(result), present_sections)
