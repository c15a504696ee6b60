"""The report files of a study: report.html, report.md and report.csv."""

from __future__ import annotations

from pathlib import Path

from scalesearch.report.html import document_page
from scalesearch.report.markdown import markdown
from scalesearch.report.study_report import read_report_inputs, study_report
from scalesearch.report.tables import ranking_csv
from scalesearch.study.files import make_folder, replace_atomically
from scalesearch.study.study import Study

NAMES = ("report.html", "report.md", "report.csv")


def write_report(study: Study, out: Path | None = None) -> Path:
    """Write the three report files from the study's records alone, and return the path of report.html.

    Args:
        study: a study that was read from its folder.
        out: the folder to write to; None: the study's own.

    Raises:
        InputError: no candidate has a completed trial.
        CountError: a record is not what was written.
        StorageError: the folder cannot be written.
    """
    inputs = read_report_inputs(study)
    document = study_report(inputs)
    folder = study.folder if out is None else out
    make_folder(folder)
    texts = (document_page(document), markdown(document), ranking_csv(inputs.found))
    for name, text in zip(NAMES, texts, strict=True):
        replace_atomically(folder / name, text)
    return folder / NAMES[0]
