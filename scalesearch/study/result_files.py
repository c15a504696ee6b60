"""The files that hold the result of a study; all are derived, and can be rebuilt from the records at any time."""

from __future__ import annotations

from pathlib import Path

from scalesearch.study.family_files import family_texts
from scalesearch.study.files import make_folder, replace_atomically
from scalesearch.study.kinds import results_of
from scalesearch.study.result import StudyResult
from scalesearch.study.trials_table import trials_table


def result_contents(result: StudyResult, name: str) -> dict[str, str | bytes]:
    """Return the contents of winner.yaml, family/*.yaml, trials.csv and .parquet, and of the study kind's files.

    Args:
        result: the result to write.
        name: the name of the study, which becomes the name of a baseline that it found.
    """
    families = family_texts(result.plan, result.winner.coefficients)
    table = trials_table(result.plan, result.outcomes)
    return {
        "winner.yaml": winner_text(result),
        **{f"family/{member}.yaml": text for member, text in families.items()},
        **results_of(result.plan.config.kind).files(result, name),
        "trials.csv": table.to_csv(index=False),
        "trials.parquet": table.to_parquet(index=False),
    }


def write_result_files(folder: Path, result: StudyResult) -> None:
    """Write the `result_contents` into the folder of a study.

    Raises:
        StorageError: the folder cannot be written.
    """
    for name, content in result_contents(result, folder.name).items():
        make_folder((folder / name).parent)
        replace_atomically(folder / name, content)


def winner_text(result: StudyResult) -> str:
    """Return the content of winner.yaml: the winner, how certain it is, and what it is based on."""
    import yaml

    body = results_of(result.plan.config.kind).winner(result)
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))
