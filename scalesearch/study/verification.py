"""What a finished study's files must agree in: its records, what was asked, and what was worked out from them.

A checksum finds damage and no forgery: whoever can write a record can write its checksum too. So what can be
worked out again is worked out again: costs from definitions, the winner and the tables from records, and, by
`rerun`, records from their trials.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from scalesearch.errors import CountError, ScalesearchError
from scalesearch.runners.execution import TrialExecution
from scalesearch.search.trial import Objective, Outcome, TrialSpec
from scalesearch.study.files import read_file
from scalesearch.study.provenance import own_version
from scalesearch.study.records import problems
from scalesearch.study.result import StudyResult, answer
from scalesearch.study.result_files import answer_files
from scalesearch.study.study import Study, open_study
from scalesearch.study.trusting import LARGER, LONGER, read_trust, trust_folder

if TYPE_CHECKING:
    import pandas as pd

_NOISES = 3
"""A score of another environment may differ by so many standard errors of a difference between two trials."""
_WORDS = frozenset({"in_words", "name"})
"""Entries that say in a sentence what numbers say, and the name of the folder, which may be renamed."""
_SAME = 1e-9
"""Relative difference of two spellings of one number."""
_ESTIMATES = frozenset(
    {"decision", "surface", "expected", "standard_deviation", "probability_best", "expected_regret"}
)
"""Entries and columns that are integrals: linear algebra of another machine moves them a little."""
_ESTIMATE_SHARE, _ESTIMATE, _PROBABILITY = 0.02, 0.005, 0.02
"""By so much of their value, or so much at all; probabilities by more."""


def disagreements(study: Study, report_table: Callable[[StudyResult], str] | None = None) -> Iterator[str]:
    """What is wrong with a study, one line each; none: its files are what its records and configuration give.

    What only another version of this program writes is no disagreement: an entry or a column may be absent where
    the study is another version's.

    Args:
        study: finished or not.
        report_table: what report.csv holds for an answer; without it, a report.csv is not compared.

    Raises:
        StorageError: a folder cannot be read.
    """
    wrong = list(problems(study.trials_folder))
    yield from wrong
    if wrong:  # the rest would only repeat it
        return
    records, own = study.records(), study.own_records()
    for key in sorted(records.keys() - own.keys()):
        yield f"{study.trials_folder / f'{key}.json'}: is not a trial of this study; remove it"
    if not any(
        (study.folder / name).exists() for name in ("winner.yaml", "family", "trials.csv", "trials.parquet")
    ):
        return
    outcomes = {key: record.outcome for key, record in own.items()}
    if missing := len(study.plan.pending(outcomes)):
        said = f"is finished, but {missing} of its records are missing"
        yield f"{study.folder}: {said}; rerun: {study.resume_command}"
        return
    wrong = list(_wrong_trust(study))
    yield from wrong
    if not wrong:
        yield from _wrong_files(study, outcomes, report_table)


def _wrong_trust(study: Study) -> Iterator[str]:
    """What is wrong with the studies of further budgets, which may be unfinished."""
    for name in (LONGER, LARGER):
        folder = trust_folder(study.folder, name)
        if (folder / "study.json").exists():
            yield from disagreements(open_study(folder))


def _wrong_files(
    study: Study, outcomes: Mapping[str, Outcome], report_table: Callable[[StudyResult], str] | None
) -> Iterator[str]:
    """Figures of the answer's files that the records do not give."""
    strict = study.environment.get("scalesearch") == own_version()
    try:
        result = answer(study.plan, outcomes, read_trust(study.folder))
    except (ValueError, ScalesearchError) as error:
        yield f"{study.folder}: its records give no answer ({' '.join(str(error).split())[:120]})"
        return
    if result is None:
        yield f"{study.folder}: has an answer, but no candidate has a result; rerun: {study.resume_command}"
        return
    files = answer_files(result, study.folder.name)
    if report_table is not None and any(
        (study.folder / f"report.{kind}").exists() for kind in ("csv", "html", "md")
    ):
        files["report.csv"] = report_table(result)
    for path in sorted((study.folder / "family").glob("*.yaml")):
        if f"family/{path.name}" not in files:
            yield f"{path}: is not of this family; remove it"
    for name, given in files.items():
        path = study.folder / name
        try:
            is_there = path.is_file()
        except OSError as error:
            yield f"{path}: cannot be read ({error.strerror}); let this account read it"
            continue
        if not is_there:
            yield f"{path}: is missing or no file, but the study was finished; rerun: {study.resume_command}"
            continue
        compare = _wrong_tree if name.endswith(".yaml") else _wrong_table
        content = given.encode() if isinstance(given, str) else given
        for line in compare(path, content, strict):
            yield f"{path}: {line}; rerun: {study.resume_command}"


def _wrong_tree(path: Path, content: bytes, strict: bool) -> Iterator[str]:
    """Where a file of YAML holds something else than `content`."""
    import yaml

    try:
        text = read_file(path)
        written = yaml.safe_load(text)
        if not isinstance(written, dict):
            raise ValueError("no mapping")
        if (twice := _twice(text)) is not None:
            raise ValueError(f"{twice} stands twice")
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        yield f"cannot be compared with the records ({' '.join(str(error).split())[:120]})"
        return
    odd = list(_differing(written, yaml.safe_load(content), strict))
    for name, there, now in odd:
        yield f"{name} is {there}, but the records give {now}"
    if strict and not odd and _comments(text) != _comments(content):
        yield "its comments are not those that the records give"


def _twice(text: bytes) -> str | None:
    """A key that a mapping of a YAML file has twice, of which the reader takes the last; None: there is none."""
    import yaml

    nodes = [yaml.compose(text, yaml.SafeLoader)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            keys = [str(key.value) for key, _ in node.value]
            if twice := sorted(key for key in set(keys) if keys.count(key) > 1):
                return twice[0]
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return None


def _comments(text: bytes) -> list[bytes]:
    """The lines of a YAML file that are comments."""
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith(b"#")]


def _wrong_table(path: Path, content: bytes, strict: bool) -> Iterator[str]:
    """Where a table holds something else than `content`; rows are in the same order."""
    try:
        written, given = (_table(path.suffix, text) for text in (read_file(path), content))
    except (OSError, ValueError, KeyError) as error:
        yield f"is no table ({' '.join(str(error).split())[:120]})"
        return
    if len(written) != len(given) or not all(map(_equal, written.iloc[:, 0], given.iloc[:, 0])):
        said = (
            "in another order, or other ones" if len(written) == len(given) else f"{len(written)}, not {len(given)}"
        )
        yield f"its rows are not those that the records give ({said})"
        return
    absent = [name for name in given.columns if name not in written.columns]
    if strict and absent:
        yield f"has no column {absent[0]}"
    added = [name for name in written.columns if name not in given.columns]
    if strict and added:
        yield f"has a column {added[0]}, which the records do not give"
    for column in [name for name in given.columns if name in written.columns]:
        pairs = zip(written[column], given[column], strict=True)
        odd = next((pair for pair in pairs if not _equal(*pair, column)), None)
        if odd is not None:
            yield f"{column} is {odd[0]}, but a record gives {odd[1]}"


def _table(suffix: str, content: bytes) -> pd.DataFrame:
    import pandas as pd

    if suffix == ".csv":
        return pd.read_csv(io.BytesIO(content))
    # Threads of Arrow that still end while the interpreter does would abort it.
    import pyarrow.parquet as pq

    read = pq.read_table(io.BytesIO(content), use_threads=False, pre_buffer=False)
    return cast("pd.DataFrame", read.to_pandas(use_threads=False))


def _differing(
    written: object, given: object, strict: bool, name: str = ""
) -> Iterator[tuple[str, object, object]]:
    """Where two trees of YAML differ, by dotted names; without `strict`, not in what only one of them has."""
    if isinstance(written, dict) and isinstance(given, dict):
        for key in sorted((written.keys() & given.keys()) - _WORDS, key=str):
            yield from _differing(written[key], given[key], strict, f"{name}.{key}" if name else key)
        for key in sorted(given.keys() ^ written.keys(), key=str) if strict else ():
            yield f"{name}.{key}" if name else key, written.get(key, "missing"), given.get(key, "nothing like it")
    elif isinstance(written, list) and isinstance(given, list) and len(written) == len(given):
        for index, (there, now) in enumerate(zip(written, given, strict=True)):
            yield from _differing(there, now, strict, f"{name}.{index}")
    elif not _equal(written, given, name):
        yield name, written, given


def _equal(one: Any, other: Any, name: str = "") -> bool:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    if numbers and math.isnan(one) and math.isnan(other):
        return True
    if not numbers:
        return str(one) == str(other)
    if name.partition(".")[0] not in _ESTIMATES:
        return math.isclose(one, other, rel_tol=_SAME)
    absolute = _PROBABILITY if name.endswith("probability_best") else _ESTIMATE
    return math.isclose(one, other, rel_tol=_ESTIMATE_SHARE, abs_tol=absolute)


def rerun(study: Study, objective: Objective, count: int, same_environment: bool) -> Iterator[tuple[str, str]]:
    """Train the cheapest of the recorded trials again: each trial's id, and what its new outcome differs in, or "".

    In the environment of the records the curves must be equal to the bit (but for times); in another one the last
    score must be within the noise of a difference, which the study's own seeds tell.

    Args:
        study: finished or not.
        objective: trains a trial on the study's data.
        count: how many trials at most.
        same_environment: whether this is the environment that the records were made in.

    Raises:
        CountError: nothing was recorded that can be trained again.
    """
    complete = {key: one for key, one in study.own_records().items() if one.outcome.state == "complete"}
    if not complete:
        raise CountError(f"{study.folder}: has no complete trial that could be trained again")
    result = answer(study.plan, study.outcomes())
    allowed = _NOISES * math.sqrt(2) * result.ranking.noise if result else 0.0
    cheapest = sorted(complete, key=lambda key: (_work(complete[key].spec, complete[key].outcome), key))
    for key in cheapest[:count]:
        before, now = complete[key].outcome, _trained(complete[key].spec, objective)
        if now.state != before.state:
            yield key, f"it ended as {now.state} ({now.message})"
        elif same_environment:
            same = [*map(_figures, before.epochs)] == [*map(_figures, now.epochs)]
            yield key, "" if same else "its curve is another one"
        else:
            apart = abs(before.epochs[-1].ranked - now.epochs[-1].ranked)
            noise = f"its score differs by {apart:.4f}, the noise is {allowed:.4f}"
            yield key, "" if apart <= allowed else noise


def _trained(spec: TrialSpec, objective: Objective) -> Outcome:
    execution = TrialExecution(spec, objective)
    while not isinstance(end := execution.step(), Outcome):
        pass
    return end


def _work(spec: TrialSpec, outcome: Outcome) -> int:
    from scalesearch.design.cost import cost

    return cost(spec.proxy).macs * outcome.epochs[-1].samples


def _figures(epoch: Any) -> tuple[float, ...]:
    return epoch.index, epoch.samples, epoch.train_loss, epoch.val_loss, epoch.val_accuracy, epoch.ranked
