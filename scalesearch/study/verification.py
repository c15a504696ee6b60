"""What a finished study's files must agree in: its records, what was asked, and what was worked out from them.

A checksum finds damage and no forgery: whoever can write a record can write its checksum too. So what can be
worked out again is worked out again: costs from definitions, the winner and the tables from records, and, by
`rerun`, records from their trials.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

from scalesearch.errors import CountError, ScalesearchError
from scalesearch.runners.execution import Execution
from scalesearch.search.trial import Objective, Outcome, TrialSpec
from scalesearch.study.answer import answer, winner_text
from scalesearch.study.files import read_file
from scalesearch.study.records import problems
from scalesearch.study.study import Study
from scalesearch.study.trials_table import trials_table
from scalesearch.study.trusting import read_trust

_NOISES = 3
"""A score of another environment may differ by so many standard errors of a difference between two trials."""
_WORDS = frozenset({"in_words"})
"""Entries of winner.yaml that say in a sentence what its numbers say; another version may say it otherwise."""
_SAME = 1e-9
"""Relative difference of two spellings of one number."""


def disagreements(study: Study) -> Iterator[str]:
    """What is wrong with a study, one line each; nothing: its files are what its records and its question give.

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
    winner = study.folder / "winner.yaml"
    if not winner.is_file():
        if winner.exists() or (study.folder / "family").exists():  # which is written before
            yield f"{winner}: is missing or no file, but the study was finished; rerun: {study.command}"
        return
    outcomes = {key: record.outcome for key, record in own.items()}
    if missing := len(study.plan.left(outcomes)):
        yield f"{study.folder}: is finished, but {missing} of its records are missing; rerun: {study.command}"
        return
    yield from _other_winner(study, outcomes)
    yield from _other_table(study, outcomes)


def _other_winner(study: Study, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """Numbers of winner.yaml that the records do not give."""
    import yaml

    path = study.folder / "winner.yaml"
    try:
        written = yaml.safe_load(read_file(path))
        result = answer(study.plan, outcomes, read_trust(study.folder))
        given = yaml.safe_load(winner_text(result)) if result else None
        if not isinstance(written, dict) or given is None:
            raise ValueError("no mapping, or no candidate has a result")
    except (OSError, ValueError, yaml.YAMLError, ScalesearchError) as error:
        yield f"{path}: cannot be compared with the records ({' '.join(str(error).split())[:120]})"
        return
    for name, there, now in _differing(written, given):
        yield f"{path}: {name} is {there}, but the records give {now}; rerun: {study.command}"


def _other_table(study: Study, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """Cells of trials.csv that the records do not give."""
    import pandas as pd

    path = study.folder / "trials.csv"
    if not path.is_file():
        yield f"{path}: is missing or no file, but the study was finished; rerun: {study.command}"
        return
    again = trials_table(study.plan, outcomes).to_csv(index=False)
    try:
        texts = read_file(path), again.encode()
        written, given = (pd.read_csv(io.BytesIO(text)).set_index("trial") for text in texts)
    except (OSError, ValueError, KeyError) as error:
        yield f"{path}: is no table of trials ({error}); rerun: {study.command}"
        return
    if sorted(written.index) != sorted(given.index):
        yield f"{path}: holds other trials than the records; rerun: {study.command}"
        return
    for column in [name for name in given.columns if name in written.columns]:
        pairs = zip(written[column].reindex(given.index), given[column], strict=True)
        odd = next((pair for pair in pairs if not _equal(*pair)), None)
        if odd is not None:
            yield f"{path}: {column} is {odd[0]}, but a record gives {odd[1]}; rerun: {study.command}"


def _differing(written: object, given: object, name: str = "") -> Iterator[tuple[str, object, object]]:
    """Where two trees of YAML differ, by dotted names; what only one version of this program writes is left out."""
    if isinstance(written, dict) and isinstance(given, dict):
        for key in sorted((written.keys() & given.keys()) - _WORDS):
            yield from _differing(written[key], given[key], f"{name}.{key}" if name else key)
    elif isinstance(written, list) and isinstance(given, list) and len(written) == len(given):
        for index, (there, now) in enumerate(zip(written, given, strict=True)):
            yield from _differing(there, now, f"{name}.{index}")
    elif not _equal(written, given):
        yield name, written, given


def _equal(one: Any, other: Any) -> bool:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    if numbers and math.isnan(one) and math.isnan(other):
        return True
    return math.isclose(one, other, rel_tol=_SAME) if numbers else str(one) == str(other)


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
    execution = Execution(spec, objective)
    while not isinstance(end := execution.step(), Outcome):
        pass
    return end


def _work(spec: TrialSpec, outcome: Outcome) -> int:
    from scalesearch.design.cost import cost

    return cost(spec.proxy).macs * outcome.epochs[-1].samples


def _figures(epoch: Any) -> tuple[float, ...]:
    return epoch.index, epoch.samples, epoch.train_loss, epoch.val_loss, epoch.val_accuracy, epoch.ranked
