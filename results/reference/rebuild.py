"""Rebuild the derived files of the reference studies from their records."""

from __future__ import annotations

from pathlib import Path

from scalesearch.report.files import write_report
from scalesearch.report.study_report import read_report_inputs
from scalesearch.study.result_files import write_result_files
from scalesearch.study.study import open_study

REFERENCE = Path(__file__).parent


def main() -> None:
    """Rebuild the files of every reference study."""
    for path in sorted(REFERENCE.rglob("study.json")):
        inputs = read_report_inputs(open_study(path.parent))
        write_result_files(path.parent, inputs.found)
        if path.parent.parent == REFERENCE:  # the further budgets of a study have no report
            write_report(inputs.study)


if __name__ == "__main__":
    main()
