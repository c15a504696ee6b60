"""A study on disk: its configuration, records and lock, and how it is created, opened and extended."""

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
from scalesearch.design.decimals import format_decimal
from scalesearch.design.scaling import Baseline
from scalesearch.errors import CountError, InputError, LockedError, ScalesearchError, SpaceError, StorageError
from scalesearch.redaction import redacted_line
from scalesearch.search.budget import Budget
from scalesearch.search.canonical import Json, MalformedError, as_json, from_json
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.kinds import kind_from_json
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.schedulers.adaptive import WAVES_VERSION
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.timings import LatencyTable
from scalesearch.search.trial import Outcome
from scalesearch.study.environments import compare_environments
from scalesearch.study.extensions import (
    FOLDER,
    Extension,
    add_extension,
    equal_but_for_seeds,
    read_extensions,
    with_most_seeds,
)
from scalesearch.study.files import create_atomically, make_folder, read_file, storage_error
from scalesearch.study.proposals import read_suggestions
from scalesearch.study.records import TrialRecord, read_records, write_record

VERSION = 1
"""The version of study.json that is written."""


@dataclass(frozen=True, slots=True)
class Study:
    """The folder of a study and the content of its `study.json`."""

    folder: Path
    plan: Plan
    """The configuration and the data, with all proposals of a sampler so far."""
    environment: dict[str, str]
    """The versions and hardware that it was started with."""
    command: str
    """The command that started it, without machine paths."""
    first_budget: Budget | None = None
    """The budget that it was started with, if more seeds were requested since; None: the plan's."""

    @property
    def first_plan(self) -> Plan:
        """The plan as it was when the study was started."""
        config = self.plan.config
        return replace(self.plan, config=replace(config, budget=self.first_budget or config.budget))

    @property
    def resume_command(self) -> str:
        """The command that resumes the study, if it is safe to suggest.

        Text in study.json that is not a command of this program should not be pasted into a shell.
        """
        is_ours = self.command.partition(" ")[0] == "scalesearch"
        return self.command if is_ours else "the command that began it"

    @property
    def trials_folder(self) -> Path:
        """The folder of the records."""
        return self.folder / "trials"

    @property
    def checkpoints_folder(self) -> Path:
        """The folder of the checkpoints that the next rung resumes from; it is deleted when the search ends."""
        return self.folder / "checkpoints"

    @property
    def suggestions_folder(self) -> Path:
        """The folder of the proposals of a sampler."""
        return self.folder / "suggestions"

    def records(self) -> dict[str, TrialRecord]:
        """Return all records in the folder by trial id, including those of other studies."""
        return read_records(self.trials_folder)

    def own_records(self) -> dict[str, TrialRecord]:
        """Return the records of this study's trials; other records in the folder are ignored."""
        return {key: record for key, record in self.records().items() if self.plan.contains(record.spec)}

    def outcomes(self) -> dict[str, Outcome]:
        """Return the outcomes of the study's finished trials, by trial id."""
        return {key: record.outcome for key, record in self.own_records().items()}

    def add(self, record: TrialRecord) -> bool:
        """Write the record of a finished trial; return False if it exists already."""
        return write_record(self.trials_folder, record)


def open_or_create(study: Study) -> Study:
    """Create a study in its folder, or open the one that is there.

    If the new configuration only asks for more seeds, the study is extended.

    Raises:
        InputError: the folder holds a study of another configuration, or one from another environment.
        StorageError: the folder cannot be written.
    """
    make_folder(study.trials_folder)
    if create_atomically(study.folder / "study.json", _text(study)):
        return study
    existing = open_study(study.folder)
    old_config, new_config = existing.plan.config, study.plan.config
    # A sampler's proposals depend on how many seeds they were measured by, so such a search is not extended.
    extends = not new_config.kind.proposes and equal_but_for_seeds(old_config.budget, new_config.budget)
    new_plan = replace(study.plan, config=replace(new_config, budget=old_config.budget)) if extends else study.plan
    changed = _first_difference(_comparable_json(existing.plan), _comparable_json(new_plan))
    if changed:
        raise _other_study_error(study.folder, changed)
    environment_change = compare_environments(existing.environment, study.environment)
    if environment_change:
        raise InputError(
            f"{study.folder}: was begun in another environment ({environment_change}), "
            "whose numbers must not be mixed with "
            "this one's; choose another --name"
        )
    extended_budget = with_most_seeds(
        old_config.budget, [Extension(new_config.budget.seeds, new_config.budget.final_seeds, "", "")]
    )
    if extended_budget == old_config.budget:
        return existing
    add_extension(study.folder, extended_budget, study.command)
    return open_study(study.folder)


def add_seed(study: Study) -> Study:
    """Extend the study in its folder by a seed of every candidate, or of the finalists where there are some.

    Raises:
        StorageError: the folder cannot be written.
    """
    budget, seeds = study.plan.config.budget, study.plan.scheduler.seeds + 1
    more = replace(budget, final_seeds=seeds) if study.plan.scheduler.finalists else replace(budget, seeds=seeds)
    add_extension(study.folder, more, study.command)
    return open_study(study.folder)


def _text(study: Study) -> str:
    return json.dumps(_to_json(study), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def recorded_timings(folder: Path, config: StudyConfig) -> LatencyTable | None:
    """Return the latencies that a study of this configuration measured at its start, or None without a study.

    Args:
        folder: the folder of the study.
        config: the configuration of the study, still without latencies.

    Raises:
        InputError: the folder holds a study of another configuration.
    """
    if not (folder / "study.json").exists():
        return None
    old_config = open_study(folder).plan.config
    if equal_but_for_seeds(old_config.budget, config.budget):
        config = replace(config, budget=old_config.budget)
    set_later = ("timings", "metric", "prolongs", "waves_version")
    old_json = {key: value for key, value in _config_json(old_config).items() if key not in set_later}
    new_json = _config_json(replace(config, metric=ACCURACY, prolongs=False, older_waves=True))
    # A configuration can only state that latency is matched once it has the latencies.
    changed = _first_difference(old_json, {**new_json, "cost": "latency"})
    if changed:
        raise _other_study_error(folder, changed)
    return old_config.timings


def recorded_baseline(results: Path, name: str) -> Baseline | None:
    """Return the baseline of stages of that name that a study in the folder of studies has; None: none has it."""
    for path in sorted(results.glob("*/study.json")):
        try:
            baseline = open_study(path.parent).plan.config.baseline
        except ScalesearchError:
            continue
        if isinstance(baseline, Baseline) and (baseline.name, baseline.origin) == (name, None):
            return baseline
    return None


def open_study(folder: Path) -> Study:
    """Read a study. Neither torch nor the data is needed.

    Raises:
        InputError: there is no study in the folder.
        CountError: its study.json is not what was written.
        StorageError: the folder cannot be read.
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
        config_json = tree["question"]
        baseline = _read_baseline(config_json["baseline"], f"{path} (baseline)")
        config = StudyConfig(
            baseline=baseline,
            phi=from_json(_Phi, {"phi": config_json["phi"]}).phi,
            budget=from_json(Budget, config_json["budget"], ("budget",)),
            rounding=config_json["rounding"],
            match=config_json["match"],
            kind=kind_from_json(config_json),
            scheduler=config_json.get("scheduler", "grid"),
            only=tuple(config_json.get("only", ())),
            cost=config_json.get("cost", "macs"),
            timings=from_json(LatencyTable, config_json["timings"], ("timings",))
            if "timings" in config_json
            else None,
            metric=config_json.get("metric", ACCURACY),
            prolongs=bool(config_json.get("prolongs", False)),
            older_waves=config_json.get("scheduler") == "adaptive"
            and config_json.get("waves_version") != WAVES_VERSION,
        )
        suggested = read_suggestions(folder / "suggestions", config.kind) if config.kind.proposes else ()
        plan = Plan(config, from_json(DataFacts, tree["data"], ("data",)), suggested)
        study = Study(folder, plan, dict(tree["environment"]), redacted_line(str(tree["command"])))
    except (OSError, ValueError, KeyError, TypeError, InputError) as error:
        reason = str(error) if isinstance(error, MalformedError | InputError) else "it is not a whole study.json"
        raise CountError(f"{path}: {reason}; restore it from a copy, or begin anew under another --name") from error
    try:
        budget = with_most_seeds(config.budget, read_extensions(folder))
    except SpaceError as error:
        raise CountError(f"{folder / FOLDER}: {error}; restore it from a copy") from error
    if budget == config.budget:
        return study
    extended_plan = replace(plan, config=replace(config, budget=budget))
    return replace(study, plan=extended_plan, first_budget=config.budget)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a study; the kernel releases it when the process ends, however it ends.

    Raises:
        LockedError: another process holds the lock.
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


def _other_study_error(folder: Path, changed: str) -> InputError:
    return InputError(
        f"{folder}: holds a study with another configuration ({changed}); choose another --name, or delete it"
    )


def _config_and_data_json(plan: Plan) -> dict[str, Json]:
    return {**_config_json(plan.config), "data": as_json(plan.data)}


def _comparable_json(plan: Plan) -> dict[str, Json]:
    """Return the parts of study.json in which two runs of one study must agree.

    What is stated of the data besides its fingerprint (notes, majority class, class counts) is left out, and so are
    the rule at chance level and the version of waves: a study that an earlier version started keeps its own.
    """
    data = as_json(replace(plan.data, notes=(), majority=None, counts=()))
    config = replace(plan.config, prolongs=False, older_waves=True)
    return {**_config_json(config), "metric": config.metric, "data": data}


def _config_json(config: StudyConfig) -> dict[str, Json]:
    waves_version = {} if config.older_waves or config.scheduler != "adaptive" else {"waves_version": WAVES_VERSION}
    is_written = {
        "scheduler": config.scheduler != "grid",
        "only": bool(config.only),
        "cost": config.cost != "macs",
        "timings": config.timings is not None,
        "metric": config.metric != ACCURACY,
        "prolongs": config.prolongs,
    }
    values = {
        **config.kind.to_json(),
        **waves_version,
        **{name: as_json(getattr(config, name)) for name, written in is_written.items() if written},
        "baseline": _baseline_json(config.baseline),
        "phi": format_decimal(config.phi),
        "rounding": config.rounding,
        "match": config.match,
        "budget": as_json(config.budget),
    }
    return {key: values[key] for key in _KEYS if key in values}


_KEYS = (
    "rivals", "scheduler", "only", "cost", "timings", "continuum", "stages", "metric", "prolongs",
    "waves_version", "baseline", "phi", "rounding", "match", "budget",
)  # fmt: skip
"""The order that study.json has always had."""


def _baseline_json(baseline: Baseline | FactoryBaseline) -> Json:
    return as_json(baseline) if isinstance(baseline, FactoryBaseline) else baseline_text(baseline)


def _read_baseline(written: object, source: str) -> Baseline | FactoryBaseline:
    if isinstance(written, str):
        return parse_baseline(written, source)
    return from_json(FactoryBaseline, written, ("question", "baseline"))


def _to_json(study: Study) -> dict[str, Json]:
    config = _config_and_data_json(study.plan)
    data = config.pop("data")
    environment: dict[str, Json] = dict(study.environment)
    return {
        "version": VERSION,
        "command": study.command,
        "question": config,
        "data": data,
        "environment": environment,
    }


def _first_difference(old: Json, new: Json, path: str = "") -> str | None:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            difference_below = _first_difference(old.get(key), new.get(key), f"{path}.{key}" if path else key)
            if difference_below:
                return difference_below
        return None
    if old == new:
        return None
    if path == "data.fingerprint":
        return f"{path}: other images there, or of another size"
    texts = [str(value) if len(str(value)) < 40 else "…" for value in (old, new)]
    return f"{path}: {texts[0]} there, {texts[1]} asked"
