"""Verification of a finished study: its records, its configuration, and the files derived from them must agree.

A checksum finds damage, not forgery: whoever can write a record can write its checksum too. Therefore everything
that can be recomputed is recomputed: costs from definitions, the winner and the tables from records, and, by
`rerun`, records from their trials.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from itertools import starmap, zip_longest
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from scalesearch.errors import CountError, ScalesearchError
from scalesearch.runners.execution import TrialExecution
from scalesearch.search.task import Epoch
from scalesearch.search.trial import Objective, Outcome, TrialSpec
from scalesearch.study.files import read_file
from scalesearch.study.provenance import own_version
from scalesearch.study.proxy_validation import LARGER, LONGER, read_proxy_validation, validation_folder
from scalesearch.study.records import problems
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.result_files import result_contents
from scalesearch.study.study import Study, open_study

if TYPE_CHECKING:
    import pandas as pd

_MAX_STANDARD_ERRORS = 3
"""How many standard errors of a difference between two trials a score of another environment may differ by."""
_TEXT_KEYS = frozenset({"in_words", "name"})
"""Entries that state numbers as a sentence, and the name of the folder, which may be renamed."""
_SAME_TOLERANCE = 1e-9
"""The relative difference that two spellings of one number may have."""
_SUM_TOLERANCE = 1e-6
"""The relative difference that a mean over the validation images may have by the order of its sum."""
_ESTIMATES = frozenset(
    {"decision", "surface", "expected", "standard_deviation", "probability_best", "expected_regret"}
)
"""Entries and columns that are integrals: the linear algebra of another machine changes them slightly."""
_ESTIMATE_RELATIVE, _ESTIMATE_ABSOLUTE, _PROBABILITY_ABSOLUTE = 0.02, 0.005, 0.02
"""The relative and absolute differences that estimates may have, and the absolute one of probabilities."""


def disagreements(study: Study, report_table: Callable[[StudyResult], str] | None = None) -> Iterator[str]:
    """Yield what is wrong with a study, one line each.

    Nothing is yielded if its files are what its records and its configuration give. Entries and columns that only
    another version of this program writes are no disagreement: they may be absent if another version wrote the
    study.

    Args:
        study: the study, finished or not.
        report_table: returns the content of report.csv for a result; without it, report.csv is not compared.

    Raises:
        StorageError: a folder cannot be read.
    """
    wrong = list(problems(study.trials_folder))
    yield from wrong
    if wrong:  # the other checks would only repeat it
        return
    records, own_records = study.records(), study.own_records()
    for key in sorted(records.keys() - own_records.keys()):
        path = study.trials_folder / f"{key}.json"
        where = f"{path}: is" if path.exists() else f"{study.trials_folder}: the line of {key} in a segment is"
        yield f"{where} not a trial of this study; remove it"
    if not any(
        (study.folder / name).exists() for name in ("winner.yaml", "family", "trials.csv", "trials.parquet")
    ):
        return
    outcomes = {key: record.outcome for key, record in own_records.items()}
    if pending := study.plan.pending(outcomes):
        # Without a record of an early wave, the plan may ask for other trials in the later ones too.
        num_missing = min(len(pending), max(1, study.plan.total_trials(outcomes) - len(outcomes)))
        reason = f"is finished, but {num_missing} of its records are missing"
        yield f"{study.folder}: {reason}; rerun: {study.resume_command}"
        return
    wrong = list(_further_budget_disagreements(study))
    yield from wrong
    if not wrong:
        yield from _file_disagreements(study, outcomes, report_table)


def _further_budget_disagreements(study: Study) -> Iterator[str]:
    """Yield what is wrong with the studies of further budgets, which may be unfinished."""
    for name in (LONGER, LARGER):
        folder = validation_folder(study.folder, name)
        if (folder / "study.json").exists():
            yield from disagreements(open_study(folder))


def _file_disagreements(
    study: Study, outcomes: Mapping[str, Outcome], report_table: Callable[[StudyResult], str] | None
) -> Iterator[str]:
    """Yield where the files of the result differ from what the records give."""
    strict = study.environment.get("scalesearch") == own_version()
    try:
        result = analyze(study.plan, outcomes, read_proxy_validation(study.folder))
    except (ValueError, ScalesearchError) as error:
        yield f"{study.folder}: its records give no result ({' '.join(str(error).split())[:120]})"
        return
    if result is None:
        yield f"{study.folder}: has result files, but no candidate has a result; rerun: {study.resume_command}"
        return
    files = result_contents(result, study.folder.name)
    if report_table is not None and any(
        (study.folder / f"report.{kind}").exists() for kind in ("csv", "html", "md")
    ):
        files["report.csv"] = report_table(result)
    for path in sorted((study.folder / "family").glob("*.yaml")):
        if f"family/{path.name}" not in files:
            yield f"{path}: is not of this family; remove it"
    for name, content in files.items():
        path = study.folder / name
        try:
            is_there = path.is_file()
        except OSError as error:
            yield f"{path}: cannot be read ({error.strerror}); let this account read it"
            continue
        if not is_there:
            yield f"{path}: is missing or no file, but the study was finished; rerun: {study.resume_command}"
            continue
        compare = _yaml_disagreements if name.endswith(".yaml") else _table_disagreements
        expected = content.encode() if isinstance(content, str) else content
        for line in compare(path, expected, strict):
            yield f"{path}: {line}; rerun: {study.resume_command}"


def _yaml_disagreements(path: Path, content: bytes, strict: bool) -> Iterator[str]:
    """Yield where a YAML file differs from the expected `content`."""
    import yaml

    try:
        text = read_file(path)
        written = yaml.safe_load(text)
        if not isinstance(written, dict):
            raise ValueError("no mapping")
        if (repeated_key := _repeated_key(text)) is not None:
            raise ValueError(f"{repeated_key} stands twice")
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        yield f"cannot be compared with the records ({' '.join(str(error).split())[:120]})"
        return
    differences = list(_tree_differences(written, yaml.safe_load(content), strict))
    for name, actual, expected in differences:
        yield f"{name} is {actual}, but the records give {expected}"
    if strict and not differences and _comments(text) != _comments(content):
        yield "its comments are not those that the records give"


def _repeated_key(text: bytes) -> str | None:
    """Return a key that a mapping of a YAML file has twice, or None; the parser would keep the last value."""
    import yaml

    nodes = [yaml.compose(text, yaml.SafeLoader)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            keys = [str(key.value) for key, _ in node.value]
            if repeated := sorted(key for key in set(keys) if keys.count(key) > 1):
                return repeated[0]
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return None


def _comments(text: bytes) -> list[bytes]:
    """Return the comment lines of a YAML file."""
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith(b"#")]


def _table_disagreements(path: Path, content: bytes, strict: bool) -> Iterator[str]:
    """Yield where a table differs from the expected `content`; the order of rows must agree."""
    try:
        written, expected = (_read_table(path.suffix, text) for text in (read_file(path), content))
    except (OSError, ValueError, KeyError) as error:
        yield f"is no table ({' '.join(str(error).split())[:120]})"
        return
    if len(written) != len(expected) or not all(map(_is_equal, written.iloc[:, 0], expected.iloc[:, 0])):
        reason = (
            "in another order, or other ones"
            if len(written) == len(expected)
            else f"{len(written)}, not {len(expected)}"
        )
        yield f"its rows are not those that the records give ({reason})"
        return
    missing = [name for name in expected.columns if name not in written.columns]
    if strict and missing:
        yield f"has no column {missing[0]}"
    added = [name for name in written.columns if name not in expected.columns]
    if strict and added:
        yield f"has a column {added[0]}, which the records do not give"
    for column in [name for name in expected.columns if name in written.columns]:
        pairs = zip(written[column], expected[column], strict=True)
        mismatch = next((pair for pair in pairs if not _is_equal(*pair, column)), None)
        if mismatch is not None:
            yield f"{column} is {mismatch[0]}, but a record gives {mismatch[1]}"


def _read_table(suffix: str, content: bytes) -> pd.DataFrame:
    import pandas as pd

    if suffix == ".csv":
        return pd.read_csv(io.BytesIO(content))
    # Without threads: Arrow's threads abort the process if they are still ending when the interpreter exits.
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(content), use_threads=False, pre_buffer=False)
    return cast("pd.DataFrame", table.to_pandas(use_threads=False))


def _tree_differences(
    written: object, expected: object, strict: bool, name: str = ""
) -> Iterator[tuple[str, object, object]]:
    """Yield the differences of two YAML trees by dotted names; without `strict` not what only one of them has."""
    if isinstance(written, dict) and isinstance(expected, dict):
        for key in sorted((written.keys() & expected.keys()) - _TEXT_KEYS, key=str):
            yield from _tree_differences(written[key], expected[key], strict, f"{name}.{key}" if name else key)
        for key in sorted(expected.keys() ^ written.keys(), key=str) if strict else ():
            yield (
                f"{name}.{key}" if name else key,
                written.get(key, "missing"),
                expected.get(key, "nothing like it"),
            )
    elif isinstance(written, list) and isinstance(expected, list) and len(written) == len(expected):
        for index, (left, right) in enumerate(zip(written, expected, strict=True)):
            yield from _tree_differences(left, right, strict, f"{name}.{index}")
    elif not _is_equal(written, expected, name):
        yield name, written, expected


def _is_equal(value: Any, other: Any, name: str = "") -> bool:
    numbers = isinstance(value, int | float) and isinstance(other, int | float)
    if numbers and math.isnan(value) and math.isnan(other):
        return True
    if not numbers:
        return str(value) == str(other)
    if name.partition(".")[0] not in _ESTIMATES:
        return math.isclose(value, other, rel_tol=_SAME_TOLERANCE)
    absolute = _PROBABILITY_ABSOLUTE if name.endswith("probability_best") else _ESTIMATE_ABSOLUTE
    return math.isclose(value, other, rel_tol=_ESTIMATE_RELATIVE, abs_tol=absolute)


def rerun(study: Study, objective: Objective, count: int, same_environment: bool) -> Iterator[tuple[str, str]]:
    """Train the cheapest recorded trials again; yield the id of each and how its outcome differs, or "".

    In the environment of the records the curves must be equal to the bit, except for times and for the last digits
    of the validation loss (or of a score made of it): it is a sum over validation batches, whose size is no part of
    a trial. In another environment the last score must be within the noise of a difference between two trials,
    which is estimated from the study's own seeds.

    Args:
        study: the study, finished or not.
        objective: trains a trial on the study's data.
        count: the largest number of trials.
        same_environment: whether this is the environment of the records.

    Raises:
        CountError: there is no record of a complete trial.
    """
    complete = {key: record for key, record in study.own_records().items() if record.outcome.state == "complete"}
    if not complete:
        raise CountError(f"{study.folder}: has no complete trial that could be trained again")
    result = analyze(study.plan, study.outcomes())
    allowed = _MAX_STANDARD_ERRORS * math.sqrt(2) * result.ranking.noise if result else 0.0
    cheapest = sorted(complete, key=lambda key: (_training_macs(complete[key].spec, complete[key].outcome), key))
    for key in cheapest[:count]:
        recorded, retrained = complete[key].outcome, _train(complete[key].spec, objective)
        if retrained.state != recorded.state:
            yield key, f"it ended as {retrained.state} ({retrained.message})"
        elif same_environment:
            pairs = zip_longest(recorded.epochs, retrained.epochs)
            yield key, "" if all(starmap(_same_epoch, pairs)) else "its curve is another one"
        else:
            score_difference = abs(recorded.epochs[-1].metric_value - retrained.epochs[-1].metric_value)
            reason = f"its score differs by {score_difference:.4f}, the noise is {allowed:.4f}"
            yield key, "" if score_difference <= allowed else reason


def _train(spec: TrialSpec, objective: Objective) -> Outcome:
    execution = TrialExecution(spec, objective)
    while not isinstance(result := execution.step(), Outcome):
        pass
    return result


def _training_macs(spec: TrialSpec, outcome: Outcome) -> int:
    from scalesearch.design.cost import cost

    return cost(spec.proxy).macs * outcome.epochs[-1].samples


def _same_epoch(recorded: Epoch | None, retrained: Epoch | None) -> bool:
    if recorded is None or retrained is None:
        return False
    exact, sums = (
        attrgetter("index", "samples", "train_loss", "val_accuracy"),
        attrgetter("val_loss", "metric_value"),
    )
    return exact(recorded) == exact(retrained) and all(
        math.isclose(value, other, rel_tol=_SUM_TOLERANCE)
        for value, other in zip(sums(recorded), sums(retrained), strict=True)
    )
