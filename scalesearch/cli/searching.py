"""What the verbs that search share: where a study lies, its runner, its data, the run and its end."""

from __future__ import annotations

import re
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.cli import interrupts, options
from scalesearch.errors import InputError, ScalesearchError, TrialsFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from scalesearch.proxy.datasets import ImageData
    from scalesearch.runners.execution import Runner
    from scalesearch.search.plan import DataFacts, Plan
    from scalesearch.search.question import Question
    from scalesearch.study.study import Study

REFERENCE = "reference"
"""The folder of committed studies."""
_NEEDED = (
    "scalesearch.cli.progress",
    "scalesearch.cli.show",
    "scalesearch.nets.flops",
    "scalesearch.proxy.datasets",
    "scalesearch.proxy.objective",
    "scalesearch.report.files",
    "scalesearch.study.live",
    "scalesearch.study.search",
    "scalesearch.study.summary",
)
"""All that a search imports, before Ctrl-C may raise."""


def study_folder(results: Path, name: str | None, default: str) -> Path:
    """Where a study is kept: `results`/`name`, or under its default name.

    Raises:
        InputError: no name for a folder, or the folder of the committed references.
    """
    if results.name == REFERENCE:
        raise InputError(f"--results {results}: holds committed reference studies, which are never resumed")
    chosen = default if name is None else name
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", chosen) or chosen == REFERENCE:
        raise InputError(f"--name {chosen!r}: must be lower-case letters, digits, '.', '_' and '-', at most 64")
    return results / chosen


def make_runner(kind: str, address: str | None, gpus_per_trial: float | None) -> Runner:
    """The runner that the options name.

    Raises:
        InputError: no such runner, or options of the other one.
    """
    if kind == "inline":
        if address is not None or gpus_per_trial is not None:
            raise InputError(
                "--runner inline: trials run in this process; --address and --gpus-per-trial are Ray's"
            )
        from scalesearch.runners.inline import InlineRunner

        return InlineRunner()
    if kind == "ray":
        from scalesearch.runners.ray_tune import RayRunner

        return RayRunner(address=address, gpus_per_trial=gpus_per_trial)
    raise InputError(f"--runner {kind!r}: must be ray or inline")


def _load(question: Question, data: str, px: int | None) -> ImageData:
    from scalesearch.cli.cache import cache_folder
    from scalesearch.proxy.datasets import load_data
    from scalesearch.search.question import image_px

    return load_data(data, px or image_px(question), question.budget.scenes, cache_folder())


def _plan(question: Question, images: ImageData) -> Plan:
    from scalesearch.search.catalogue import FactoryBaseline
    from scalesearch.search.plan import DataFacts, Plan

    base = question.baseline
    if isinstance(base, FactoryBaseline) and base.architecture.classes < len(images.classes):
        raise InputError(
            f"baseline {base.name}: gives {base.architecture.classes} logits, but the data have "
            f"{len(images.classes)} classes; let the function build at least as many"
        )
    facts = DataFacts(
        name=images.name,
        fingerprint=images.fingerprint,
        classes=len(images.classes),
        train=len(images.train_labels_N),
        val=len(images.val_labels_N),
    )
    return Plan(question, facts)


def _print_plan(asked: Plan, gpus_per_trial: float | None, console: Console) -> None:
    from dataclasses import replace

    from scalesearch.cli.estimate import estimate_lines
    from scalesearch.search.growth import stand_ins

    if asked.question.suggests:
        asked = replace(asked, suggested=stand_ins(asked.question))
        print("Points are suggested as the search goes; it may come to networks such as these.")
    for line in estimate_lines(asked, gpus_per_trial):
        console.print(line, highlight=False, soft_wrap=True)


def search_or_plan(
    question: Question,
    data: str,
    runner: Runner,
    where: Path,
    gpus_per_trial: float | None,
    plan: bool,
    px: int | None = None,
    siblings: Sequence[Path] = (),
    like: DataFacts | None = None,
    export: Callable[[Study], None] | None = None,
    report: bool = True,
) -> None:
    """Load the data, then say what the search will cost (`plan`), or run it and print its answer.

    Args:
        question: what is asked.
        data: what `--data` names.
        runner: where trials run.
        where: the study's folder.
        gpus_per_trial: share of a GPU for each trial.
        plan: train nothing.
        px: side at which images are kept; None: that of the question's largest proxy.
        siblings: folders of studies of the same command; a trial that one of them has is not trained again.
        like: the data must be these, at whatever side.
        export: hears of the study at its start and after every round of a search by a sampler.
        report: whether report.html, report.md and report.csv are written in the end.

    Raises:
        ScalesearchError: whatever ends the command with another code than 0.
    """
    console = options.console()
    for module in _NEEDED:
        import_module(module)
    interrupts.raise_exceptions()  # what is begun from here on is tidied up
    images = _load(question, data, px)
    asked = _plan(question, images)
    if like is not None:
        _must_be_like(asked.data, like, data)
    if plan:
        _print_plan(asked, gpus_per_trial, console)
    else:
        _search(asked, images, runner, where, console, siblings, export or _nothing, report)


def _nothing(study: Study) -> None:
    """Export nothing."""


def _must_be_like(found: DataFacts, like: DataFacts, data: str) -> None:
    from dataclasses import replace

    if replace(found, fingerprint=like.fingerprint) != like:
        raise InputError(
            f"--data {data}: is {found.name} with {found.train} + {found.val} images, but the study was made with "
            f"{like.name}, {like.train} + {like.val}; give that"
        )


def _search(
    asked: Plan,
    images: ImageData,
    runner: Runner,
    where: Path,
    console: Console,
    siblings: Sequence[Path],
    export: Callable[[Study], None],
    report: bool,
) -> None:
    from scalesearch.study.optuna_storage import without_passwords
    from scalesearch.study.provenance import environment
    from scalesearch.study.study import Study, locked, open_or_create

    command = without_passwords(shlex.join(["scalesearch", *sys.argv[1:]]))
    with locked(where):
        study = open_or_create(Study(where, asked, environment(), command))
        if shared := _take_over(study, siblings):
            console.print(f"{where}: takes over finished trials: {shared}", highlight=False, soft_wrap=True)
        outcomes = study.outcomes()
        done = len(outcomes)
        export(study)
        if study.plan.over(outcomes):
            console.print(
                f"{where}: {done}/{done} trials are done; to start anew, give --name or delete the folder",
                highlight=False,
                soft_wrap=True,
            )
        else:
            if done:
                console.print(f"{where}: {done}/{study.plan.total_trials()} done, resuming", highlight=False)
            study = _run(study, images, runner, command, console, export)
        _finish(study, console, report)


def _take_over(study: Study, siblings: Sequence[Path]) -> int:
    """Copy the completed trials that the study needs from its siblings; how many."""
    from scalesearch.study.study import open_study

    known = {key: one for folder in siblings for key, one in open_study(folder).records().items()}
    wanted = [known[spec.id] for spec in study.plan.left(study.outcomes()) if spec.id in known]
    return sum(study.add(record) for record in wanted if record.outcome.state == "complete")


def _run(
    study: Study,
    images: ImageData,
    runner: Runner,
    command: str,
    console: Console,
    export: Callable[[Study], None],
) -> Study:
    """Run all that is left, round by round where points are suggested; the study with all of them."""
    from scalesearch.cli.progress import Progress
    from scalesearch.proxy.objective import ProxyTraining
    from scalesearch.study.files import make_folder
    from scalesearch.study.live import announced, both
    from scalesearch.study.search import search, search_in_rounds

    plan = study.plan
    checkpoints = study.checkpoints_folder
    counted: dict[str, int] = {}

    def one_round(now: Study) -> None:
        console.print(_round_words(now.plan), highlight=False, soft_wrap=True)
        _count(now.plan, counted)
        make_folder(checkpoints)
        objective = ProxyTraining(images, checkpoints.resolve())
        with Progress(now.plan, now.outcomes(), console) as progress:
            search(now, runner, objective, both(progress, announce), counted)
        export(now)

    try:
        with announced(study.folder, len(study.outcomes())) as announce:
            if plan.open:
                with runner.session():  # held between the rounds
                    return search_in_rounds(study, one_round)
            return search_in_rounds(study, one_round)
    except KeyboardInterrupt:
        from scalesearch.cli.main import INTERRUPTED, fail

        kept = len(study.outcomes())
        fail(f"interrupted; {kept}/{plan.total_trials()} trials are kept. Resume: {command}", INTERRUPTED)


def _round_words(plan: Plan) -> str:
    found, trials = plan.found, plan.total_trials()
    if plan.question.suggests:
        known = len(found.candidates)
        return (
            f"{len(plan.suggested)} suggestions are {known} networks within the limits; "
            f"{trials} trials at most; fvcore counts each first"
        )
    return (
        f"{found.triples} triples are {len(found.candidates) + len(found.unmatched)} networks; "
        f"{len(plan.chosen)} are compared, in {trials} trials; fvcore counts each first"
    )


def _count(plan: Plan, counted: dict[str, int]) -> None:
    """Have fvcore count every network that is not yet counted.

    Raises:
        CountError: it disagrees with the closed form.
    """
    from scalesearch.design.architecture import Architecture
    from scalesearch.nets.flops import fvcore_receipt
    from scalesearch.search.canonical import digest

    for network in (plan.question.baseline.architecture, *(one.architecture for one in plan.chosen)):
        # A user's own were counted by fvcore to begin with.
        if isinstance(network, Architecture) and digest(network) not in counted:
            counted[digest(network)] = fvcore_receipt(network).total


def _finish(study: Study, console: Console, report: bool) -> None:
    from scalesearch.cli.show import left_behind_lines, ranking_table, unmatched_lines
    from scalesearch.nets.flops import fvcore_receipt
    from scalesearch.report.files import write_report
    from scalesearch.study.answer import answer, write_answer
    from scalesearch.study.family_files import found_family
    from scalesearch.study.summary import summary_lines
    from scalesearch.study.trusting import read_trust

    found = answer(study.plan, study.outcomes(), read_trust(study.folder))
    if found is None:
        raise TrialsFailedError(f"{study.folder}: no candidate has a completed trial; see trials/*.json for why")
    failed = found.failures
    if found.whole or not failed:
        for member in found_family(study.plan, found.winner.coefficients):
            fvcore_receipt(member.baseline.architecture)
        write_answer(study.folder, found)
        console.print(ranking_table(found))
        for line in [*left_behind_lines(found), *unmatched_lines(study.plan), *summary_lines(found, study.folder)]:
            console.print(line, highlight=False, soft_wrap=True)
        if report:
            console.print(f"Report: {write_report(study)}", highlight=False, soft_wrap=True)
    if failed:
        error: ScalesearchError = TrialsFailedError(
            f"{study.folder}: {failed} trials failed; delete their files in trials/ and rerun to try again"
        )
        raise error
