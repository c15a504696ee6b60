"""A study's run from the command line: what is done already, what is left, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from scalesearch.cli import interrupts, supervisor
from scalesearch.cli.command_line import plain_command, typed_command
from scalesearch.errors import ScalesearchError, TrialsFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from scalesearch.proxy.datasets import ImageData
    from scalesearch.runners.execution import Runner
    from scalesearch.search.plan import Plan
    from scalesearch.study.study import Study


def run_study(
    plan: Plan,
    images: ImageData,
    runner: Runner,
    folder: Path,
    console: Console,
    siblings: Sequence[Path],
    export: Callable[[Study], None],
    report: bool,
) -> None:
    """Run what the study in `where` lacks, then write and print its answer.

    Raises:
        ScalesearchError: whatever ends the command with another code than 0.
    """
    from scalesearch.study.study import locked

    with locked(folder):
        study = _begun(plan, folder)
        if shared := _take_over(study, siblings):
            console.print(f"{folder}: takes over finished trials: {shared}", highlight=False, soft_wrap=True)
        outcomes = study.outcomes()
        done = len(outcomes)
        export(study)
        if study.plan.is_complete(outcomes):
            console.print(
                f"{folder}: {done}/{done} trials are done; to start anew, give another --name or delete the folder",
                highlight=False,
                soft_wrap=True,
            )
        else:
            if done:
                console.print(
                    f"{folder}: {done}/{study.plan.total_trials(outcomes)} done, resuming", highlight=False
                )
            study = _run(study, images, runner, console, export)
        try:
            _finish(study, console, report)
        except KeyboardInterrupt:
            _stopped(study)


def begin_study(plan: Plan, folder: Path) -> None:
    """Write down what is asked, or see that the study there asks the same; nothing is trained.

    Raises:
        ScalesearchError: whatever ends the command with another code than 0.
    """
    from scalesearch.study.study import locked

    with locked(folder):
        _begun(plan, folder)


def _begun(plan: Plan, folder: Path) -> Study:
    from scalesearch.study.provenance import environment
    from scalesearch.study.study import Study, open_or_create

    return open_or_create(Study(folder, plan, environment(), plain_command()))


def _take_over(study: Study, siblings: Sequence[Path]) -> int:
    """Copy the completed trials that the study needs from its siblings; how many."""
    from scalesearch.study.study import open_study

    known = {key: one for folder in siblings for key, one in open_study(folder).records().items()}
    wanted = [known[spec.id] for spec in study.plan.pending(study.outcomes()) if spec.id in known]
    return sum(study.add(record) for record in wanted if record.outcome.state == "complete")


def _run(
    study: Study,
    images: ImageData,
    runner: Runner,
    console: Console,
    export: Callable[[Study], None],
) -> Study:
    """Run all that is left, round by round where points are suggested; the study with all of them."""
    from scalesearch.cli.progress import Progress
    from scalesearch.proxy.metrics import metric_source
    from scalesearch.proxy.objective import ProxyTraining
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.study.files import make_folder
    from scalesearch.study.run_status import fan_out, publish
    from scalesearch.study.search import search, search_in_rounds

    plan = study.plan
    checkpoints = study.checkpoints_folder
    counted: dict[str, int] = {}
    base = plan.config.baseline
    fingerprint = base.fingerprint if isinstance(base, FactoryBaseline) else None
    source = metric_source(plan.config.metric)

    def one_round(now: Study) -> None:
        console.print(_round_words(now.plan), highlight=False, soft_wrap=True)
        _count(now.plan, counted)
        make_folder(checkpoints)
        objective = ProxyTraining(images, checkpoints.resolve(), fingerprint, source)
        with Progress(now.plan, now.outcomes(), console) as progress:
            search(now, runner, objective, fan_out(progress, announce), counted)
        export(now)

    supervisor.began(study.folder)
    try:
        with publish(study.folder, len(study.outcomes())) as announce:
            if plan.accepts_samples:
                with runner.session():  # held between the rounds
                    return search_in_rounds(study, one_round)
            return search_in_rounds(study, one_round)
    except KeyboardInterrupt:
        _stopped(study)


def _stopped(study: Study) -> NoReturn:
    """Say what is kept and how to go on, and end the program."""
    interrupts.heeded()
    from scalesearch.cli.failure import fail

    outcomes = study.outcomes()
    kept = f"{len(outcomes)}/{study.plan.total_trials(outcomes)} trials are kept"
    fail(f"{interrupts.cause()}; {kept}. Resume: {typed_command()}", interrupts.exit_code())


def _round_words(plan: Plan) -> str:
    found, trials = plan.candidate_set, plan.total_trials()
    if plan.config.kind.proposes:
        known = len(found.candidates)
        return (
            f"{len(plan.suggested)} suggestions are {known} networks within the limits; "
            f"{trials} trials at most; fvcore counts each first"
        )
    points = f"{found.triples} {plan.config.kind.points_noun}"
    return (
        f"{points} are {len(found.candidates) + len(found.unmatched)} networks; "
        f"{len(plan.trained)} are compared, in {trials} trials; fvcore counts each first"
    )


def _count(plan: Plan, counted: dict[str, int]) -> None:
    """Have fvcore count every network that is not yet counted.

    Raises:
        CountError: it disagrees with the closed form.
    """
    from scalesearch.design.architecture import Architecture
    from scalesearch.nets.flops import fvcore_receipt
    from scalesearch.search.canonical import digest

    for network in (plan.config.baseline.architecture, *(one.architecture for one in plan.trained)):
        # A user's own were counted to begin with.
        if isinstance(network, Architecture) and digest(network) not in counted:
            counted[digest(network)] = fvcore_receipt(network).total


def _why_none(study: Study) -> str:
    """What to change where every candidate failed; what a rerun would not change is not worth one."""
    outcomes = [outcome for outcome in study.outcomes().values() if outcome.state != "complete"]
    states = {outcome.state for outcome in outcomes}
    if states == {"diverged"}:
        return "every loss became NaN or infinite: lower the budget's recipe.learning_rate, and give another --name"
    message = next((outcome.message for outcome in outcomes if outcome.message), "")
    reason = f"the first said: {message}. " if message else ""
    return f"{reason}Mend that, delete the files in trials/ and rerun"


def _finish(study: Study, console: Console, report: bool) -> None:
    from scalesearch.cli.factory_family import count_family
    from scalesearch.cli.show import left_behind_lines, ranking_table, unmatched_lines
    from scalesearch.nets.flops import fvcore_receipt
    from scalesearch.report.files import write_report
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.study.family_files import family_members
    from scalesearch.study.result import analyze
    from scalesearch.study.result_files import write_result_files
    from scalesearch.study.summary import summary_lines
    from scalesearch.study.trusting import read_trust

    found = analyze(study.plan, study.outcomes(), read_trust(study.folder))
    if found is None:
        raise TrialsFailedError(f"{study.folder}: no candidate has a completed trial; {_why_none(study)}")
    failed = found.failures
    if found.all_completed or not failed:
        for member in family_members(study.plan, found.winner.coefficients):
            fvcore_receipt(member.baseline.architecture)
        write_result_files(study.folder, found)
        if isinstance(base := study.plan.config.baseline, FactoryBaseline):
            count_family(study, base, found.winner.coefficients)
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
