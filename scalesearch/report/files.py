"""report.html, report.md and report.csv of a study."""

from __future__ import annotations

from pathlib import Path

from scalesearch.report.html import article_page
from scalesearch.report.markdown import markdown
from scalesearch.report.study_report import reported, study_article
from scalesearch.report.tables import ranking_csv
from scalesearch.study.files import make_folder, replace_atomically
from scalesearch.study.study import Study

NAMES = ("report.html", "report.md", "report.csv")


def write_report(study: Study, out: Path | None = None) -> Path:
    """Write all three, from the study's records alone; the page's path.

    Args:
        study: read from its folder.
        out: where; None: into the study's folder.

    Raises:
        InputError: no candidate has a completed trial.
        CountError: a record is not what was written.
        StorageError: the folder cannot be written.
    """
    own = reported(study)
    article = study_article(own)
    folder = study.folder if out is None else out
    make_folder(folder)
    texts = (article_page(article), markdown(article), ranking_csv(own.found))
    for name, text in zip(NAMES, texts, strict=True):
        replace_atomically(folder / name, text)
    return folder / NAMES[0]
