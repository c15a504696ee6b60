"""The `scalesearch report` command: the report of a study, in the form of a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalesearch.cli import options


def report(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder of a study.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Output folder; default: the study's.")] = None,
    export_optuna: Annotated[
        str | None, typer.Option(metavar="URL", help="Also export the trials as an Optuna study.")
    ] = None,
) -> None:
    """Write a study's report from its records: the answer, figures, how it was measured, what it does not say.

    --export-optuna sqlite:///studies.db, or postgresql://HOST/NAME, is for optuna-dashboard: a copy, never read.
    report.html opens from disk and asks nothing from outside; report.md and report.csv hold its words and numbers.

    Example: scalesearch report results/reference/b0-phi1-quick --out b0-report
    """
    from scalesearch.redaction import redacted
    from scalesearch.report.files import write_report
    from scalesearch.study.optuna_storage import OptunaStorage
    from scalesearch.study.study import open_study

    study = open_study(options.existing_study(results))
    storage = None if export_optuna is None else OptunaStorage(export_optuna, "--export-optuna")
    print(write_report(study, out))
    if storage is not None and export_optuna is not None:
        num_trials = storage.copy(study)
        print(f"{num_trials} trials of {study.folder.resolve().name} in {redacted(export_optuna)}")
