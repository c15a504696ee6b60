"""The report of one study: from its records to an article."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scalesearch.errors import InputError
from scalesearch.report import methods, pictures
from scalesearch.report.article import Document, Picture, Text
from scalesearch.report.headline import answer_sentence, question_title
from scalesearch.report.kinds import report_of
from scalesearch.search.shares import Point
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.study import Study
from scalesearch.study.trusting import read_trust, trust_points


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """All that a report is made of."""

    study: Study
    found: StudyResult
    budgets: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    """The networks' accuracies at further budgets (`trusting.trust_points`)."""
    maps: tuple[Picture | Text, ...] = ()
    """Class activation maps that lie in the folder."""


def reported(study: Study) -> ReportInputs:
    """Read a study's records.

    Raises:
        InputError: no candidate has a completed trial.
        CountError: a record is not what was written.
    """
    outcomes = study.outcomes()
    found = analyze(study.plan, outcomes, read_trust(study.folder))
    if found is None:
        raise InputError(
            f"{study.folder}: no candidate has a completed trial, so there is nothing to report; "
            f"resume it: {study.command}"
        )
    return ReportInputs(study, found, trust_points(study.folder), pictures.read(study.folder))


def study_article(own: ReportInputs) -> Document:
    """The whole report."""
    study, found = own.study, own.found
    report = report_of(found.plan.config.kind)
    own_parts = (
        report.config(found),
        report.answer(found),
        report.evidence(found),
        report.doubt(found, own.budgets),
        report.family(found),
    )
    sections = (
        *own_parts,
        pictures.section(own.maps),
        methods.measured(study, found),
        methods.caveats(found, study.folder),
        methods.again(study),
    )
    asked = found.plan.config
    byline = (
        f"Study {study.folder.resolve().name}: {found.plan.data.name}, budget {asked.budget.title}, "
        f"{len(found.outcomes)} trials; scalesearch {study.environment.get('scalesearch', 'unknown')}"
    )
    whole = tuple(section for section in sections if section is not None)
    return Document(question_title(asked), byline, answer_sentence(found), whole)
