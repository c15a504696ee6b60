"""A study on disk: what was asked, its records, its lock; and the way from plan to answer."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from scalesearch.design.baseline_file import baseline_text, parse_baseline
from scalesearch.design.exact import plain
from scalesearch.design.scaling import Baseline
from scalesearch.errors import CountError, InputError, LockedError, SpaceError, StorageError
from scalesearch.redaction import redacted_line
from scalesearch.search.budget import Budget
from scalesearch.search.canonical import Json, MalformedError, as_json, from_json
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.kinds import kind_from_json
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.timings import Timings
from scalesearch.search.trial import Outcome
from scalesearch.study.environments import difference
from scalesearch.study.extensions import (
    FOLDER,
    Extension,
    add_extension,
    equal_but_for_seeds,
    extended,
    read_extensions,
)
from scalesearch.study.files import create_atomically, make_folder, read_file, storage_error
from scalesearch.study.records import TrialRecord, read_records, write_record
from scalesearch.study.suggestions import read_suggestions

VERSION = 1


@dataclass(frozen=True, slots=True)
class Study:
    """A folder and what its `study.json` says."""

    folder: Path
    plan: Plan
    environment: dict[str, str]
    command: str
    """The command that began it, without machine paths."""
    first_budget: Budget | None = None
    """The budget that it was begun with, where further seeds were requested since; None: the plan's."""

    @property
    def first_plan(self) -> Plan:
        """What was asked when it was begun."""
        config = self.plan.config
        return replace(self.plan, config=replace(config, budget=self.first_budget or config.budget))

    @property
    def resume_command(self) -> str:
        """The command as it may be offered; what else stands in study.json nobody should paste."""
        own = self.command.partition(" ")[0] == "scalesearch"
        return self.command if own else "the command that began it"

    @property
    def trials_folder(self) -> Path:
        """Where the records are."""
        return self.folder / "trials"

    @property
    def checkpoints_folder(self) -> Path:
        """Where trials of a running search leave what the next rung goes on from; gone when it is over."""
        return self.folder / "checkpoints"

    @property
    def suggestions_folder(self) -> Path:
        """Where a continuous search keeps the points that were suggested."""
        return self.folder / "suggestions"

    def records(self) -> dict[str, TrialRecord]:
        """All records in the folder, by trial id; also those of other studies."""
        return read_records(self.trials_folder)

    def own_records(self) -> dict[str, TrialRecord]:
        """The records of trials that this study asks for; what lies beside them counts for nothing."""
        return {key: record for key, record in self.records().items() if self.plan.contains(record.spec)}

    def outcomes(self) -> dict[str, Outcome]:
        """What came of the study's finished trials, by id."""
        return {key: record.outcome for key, record in self.own_records().items()}

    def add(self, record: TrialRecord) -> bool:
        """Write one more finished trial."""
        return write_record(self.trials_folder, record)


def open_or_create(study: Study) -> Study:
    """Begin a study in its folder, or take up the one that is there.

    Raises:
        InputError: the folder holds a study of another configuration, or one from another environment.
        StorageError: the folder cannot be written.
    """
    make_folder(study.trials_folder)
    if create_atomically(study.folder / "study.json", _text(study)):
        return study
    before = open_study(study.folder)
    there, now = before.plan.config, study.plan.config
    # A sampler's proposals depend on how many seeds they were measured by, so such a search is not extended.
    extends = not now.kind.proposes and equal_but_for_seeds(there.budget, now.budget)
    asked = replace(study.plan, config=replace(now, budget=there.budget)) if extends else study.plan
    changed = _first_difference(_compared(before.plan), _compared(asked))
    if changed:
        raise _another_question(study.folder, changed)
    moved = difference(before.environment, study.environment)
    if moved:
        raise InputError(
            f"{study.folder}: was begun in another environment ({moved}), whose numbers must not be mixed with "
            "this one's; choose another --name"
        )
    longer = extended(there.budget, [Extension(now.budget.seeds, now.budget.final_seeds, "", "")])
    if longer == there.budget:
        return before
    add_extension(study.folder, longer, study.command)
    return open_study(study.folder)


def _text(study: Study) -> str:
    return json.dumps(_to_json(study), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def kept_timings(folder: Path, config: StudyConfig) -> Timings | None:
    """The latencies that a study of the same configuration measured when it was begun; None: there is no study yet.

    Args:
        folder: of the study.
        config: of the study, still without them.

    Raises:
        InputError: the folder holds a study of another configuration.
    """
    if not (folder / "study.json").exists():
        return None
    before = open_study(folder).plan.config
    if equal_but_for_seeds(before.budget, config.budget):
        config = replace(config, budget=before.budget)
    chosen_later = ("timings", "metric", "prolongs")
    there = {key: value for key, value in _question_json(before).items() if key not in chosen_later}
    now = _question_json(replace(config, metric=ACCURACY, prolongs=False))
    changed = _first_difference(there, {**now, "cost": "latency"})
    if changed:
        raise _another_question(folder, changed)
    return before.timings


def open_study(folder: Path) -> Study:
    """Read a study; needs neither torch nor the data.

    Raises:
        InputError: there is no study in the folder.
        CountError: its study.json is not what was written.
    """
    path = folder / "study.json"
    try:
        is_there = path.is_file()
    except OSError as error:
        raise StorageError(f"{folder}: cannot be read ({error.strerror}); let this account read it") from error
    if not is_there and os.path.lexists(path):
        raise InputError(f"{path}: is no regular file; restore it from a copy, or give the folder of another study")
    if not is_there:
        raise InputError(f"{folder}: holds no study (no study.json); give the folder of one, such as results/NAME")
    try:
        tree = json.loads(read_file(path))
        asked = tree["question"]
        baseline = _read_baseline(asked["baseline"], f"{path} (baseline)")
        config = StudyConfig(
            baseline=baseline,
            phi=from_json(_Phi, {"phi": asked["phi"]}).phi,
            budget=from_json(Budget, asked["budget"], ("budget",)),
            rounding=asked["rounding"],
            match=asked["match"],
            kind=kind_from_json(asked),
            scheduler=asked.get("scheduler", "grid"),
            only=tuple(asked.get("only", ())),
            cost=asked.get("cost", "macs"),
            timings=from_json(Timings, asked["timings"], ("timings",)) if "timings" in asked else None,
            metric=asked.get("metric", ACCURACY),
            prolongs=bool(asked.get("prolongs", False)),
        )
        suggested = read_suggestions(folder / "suggestions", config.kind) if config.kind.proposes else ()
        plan = Plan(config, from_json(DataFacts, tree["data"], ("data",)), suggested)
        study = Study(folder, plan, dict(tree["environment"]), redacted_line(str(tree["command"])))
    except (OSError, ValueError, KeyError, TypeError, InputError) as error:
        reason = str(error) if isinstance(error, MalformedError | InputError) else "it is not a whole study.json"
        raise CountError(f"{path}: {reason}; restore it from a copy, or begin anew under another --name") from error
    try:
        budget = extended(config.budget, read_extensions(folder))
    except SpaceError as error:
        raise CountError(f"{folder / FOLDER}: {error}; restore it from a copy") from error
    if budget == config.budget:
        return study
    longer = replace(plan, config=replace(config, budget=budget))
    return replace(study, plan=longer, first_budget=config.budget)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the study's lock; the kernel lets go of it when the process dies, however it dies.

    Raises:
        LockedError: another process holds it.
        StorageError: the folder cannot be written.
    """
    make_folder(folder)
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise storage_error(folder / "lock", error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise LockedError(f"{folder}: another run is working on this study; wait until it ends") from error
    try:
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Phi:
    phi: Decimal


def _another_question(folder: Path, changed: str) -> InputError:
    return InputError(
        f"{folder}: holds a study of another question ({changed}); choose another --name, or delete it"
    )


def _asked(plan: Plan) -> dict[str, Json]:
    return {**_question_json(plan.config), "data": as_json(plan.data)}


def _compared(plan: Plan) -> dict[str, Json]:
    """What two runs of one study must have in common.

    All but what is said of its data beside the fingerprint, and the rule at chance: a study that an earlier version
    began keeps its own.
    """
    data = as_json(replace(plan.data, notes=(), majority=None, counts=()))
    config = replace(plan.config, prolongs=False)
    return {**_question_json(config), "metric": config.metric, "data": data}


def _question_json(config: StudyConfig) -> dict[str, Json]:
    later = {
        "scheduler": config.scheduler != "grid",
        "only": bool(config.only),
        "cost": config.cost != "macs",
        "timings": config.timings is not None,
        "metric": config.metric != ACCURACY,
        "prolongs": config.prolongs,
    }
    written = {
        **config.kind.to_json(),
        **{name: as_json(getattr(config, name)) for name, asked in later.items() if asked},
        "baseline": _baseline_json(config.baseline),
        "phi": plain(config.phi),
        "rounding": config.rounding,
        "match": config.match,
        "budget": as_json(config.budget),
    }
    return {key: written[key] for key in _KEYS if key in written}


_KEYS = (
    "rivals", "scheduler", "only", "cost", "timings", "continuum", "stages", "metric", "prolongs",
    "baseline", "phi", "rounding", "match", "budget",
)  # fmt: skip
"""In the order in which study.json has always had them."""


def _baseline_json(baseline: Baseline | FactoryBaseline) -> Json:
    return as_json(baseline) if isinstance(baseline, FactoryBaseline) else baseline_text(baseline)


def _read_baseline(written: object, source: str) -> Baseline | FactoryBaseline:
    if isinstance(written, str):
        return parse_baseline(written, source)
    return from_json(FactoryBaseline, written, ("question", "baseline"))


def _to_json(study: Study) -> dict[str, Json]:
    asked = _asked(study.plan)
    data = asked.pop("data")
    environment: dict[str, Json] = dict(study.environment)
    return {
        "version": VERSION,
        "command": study.command,
        "question": asked,
        "data": data,
        "environment": environment,
    }


def _first_difference(before: Json, now: Json, path: str = "") -> str | None:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            found = _first_difference(before.get(key), now.get(key), f"{path}.{key}" if path else key)
            if found:
                return found
        return None
    if before == now:
        return None
    if path == "data.fingerprint":
        return f"{path}: other images there, or of another size"
    shown = [str(one) if len(str(one)) < 40 else "…" for one in (before, now)]
    return f"{path}: {shown[0]} there, {shown[1]} asked"
