"""`scalesearch verify`: are a study's records what was written?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import CountError


def verify(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="The folder of a study.")],
) -> None:
    """Check every record of a study against its checksum and its id.

    Example: scalesearch verify results/reference/b0-phi1-quick
    """
    from scalesearch.study.records import problems
    from scalesearch.study.study import open_study

    study = open_study(options.existing_study(results))
    found = list(problems(study.trials_folder))
    for line in found[1:]:
        print(line)
    if found:
        raise CountError(found[0])
    foreign = sorted(key for key, one in study.records().items() if not study.plan.may_have(one.spec))
    if foreign:
        raise CountError(f"{results}: trial {foreign[0]} is not of this study (and {len(foreign) - 1} more)")
    print(f"{results}: {len(study.records())} of {study.plan.total_trials()} records, all as written")
