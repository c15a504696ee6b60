"""The run of a study from the command line: resume it, run the remaining trials, and print the result."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
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
    from scalesearch.study.stop_rule import StopRule
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
    stop_rule: StopRule,
) -> None:
    """Run the remaining trials of the study in `folder`, then write and print its result.

    With a stop rule, seeds are added until it is met.

    Raises:
        ScalesearchError: anything that ends the command with an exit code other than 0.
    """
    from scalesearch.study.study import locked

    with locked(folder):
        study = _open_or_create(plan, folder)
        if num_copied := _copy_from_siblings(study, siblings):
            console.print(f"{folder}: takes over finished trials: {num_copied}", highlight=False, soft_wrap=True)
        outcomes = study.outcomes()
        done = len(outcomes)
        export(study)
        is_complete = study.plan.is_complete(outcomes)
        if is_complete and not stop_rule.goes_on(study.plan, outcomes, 0.0, 0):
            console.print(
                f"{folder}: {done}/{done} trials are done; to start anew, give another --name or delete the folder",
                highlight=False,
                soft_wrap=True,
            )
        else:
            if done and not is_complete:
                console.print(
                    f"{folder}: {done}/{study.plan.total_trials(outcomes)} done, resuming", highlight=False
                )
            study = _run_trials(study, images, runner, console, export, stop_rule)
        try:
            _finish(study, console, report)
        except KeyboardInterrupt:
            _exit_stopped(study, console)


def begin_study(plan: Plan, folder: Path) -> None:
    """Write the study's configuration, or check that the study there has the same one; train nothing.

    Raises:
        ScalesearchError: anything that ends the command with an exit code other than 0.
    """
    from scalesearch.study.study import locked

    with locked(folder):
        _open_or_create(plan, folder)


def _open_or_create(plan: Plan, folder: Path) -> Study:
    from scalesearch.study.provenance import environment
    from scalesearch.study.study import Study, open_or_create

    return open_or_create(Study(folder, plan, environment(), plain_command()))


def _copy_from_siblings(study: Study, siblings: Sequence[Path]) -> int:
    """Copy the completed trials that the study needs from its siblings; return how many."""
    from scalesearch.study.study import open_study

    sibling_records = {
        key: sibling_record for folder in siblings for key, sibling_record in open_study(folder).records().items()
    }
    reusable = [
        sibling_records[spec.id] for spec in study.plan.pending(study.outcomes()) if spec.id in sibling_records
    ]
    return sum(study.add(record) for record in reusable if record.outcome.state == "complete")


def _run_trials(
    study: Study,
    images: ImageData,
    runner: Runner,
    console: Console,
    export: Callable[[Study], None],
    stop_rule: StopRule,
) -> Study:
    """Run the remaining trials, round by round for a sampler, and those of the seeds that the stop rule adds.

    Returns:
        The study with all proposed points and all seeds.
    """
    from scalesearch.cli.progress import SearchProgress
    from scalesearch.proxy.metrics import metric_source
    from scalesearch.proxy.objective import ProxyTraining
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.study.files import make_folder
    from scalesearch.study.run_status import fan_out, publish
    from scalesearch.study.search import search, search_in_rounds
    from scalesearch.study.study import add_seed

    plan = study.plan
    checkpoints = study.checkpoints_folder
    counted: dict[str, int] = {}
    baseline = plan.config.baseline
    fingerprint = baseline.fingerprint if isinstance(baseline, FactoryBaseline) else None
    source = metric_source(plan.config.metric)

    def run_round(current: Study) -> None:
        console.print(_round_text(current.plan), highlight=False, soft_wrap=True)
        _count_networks(current.plan, counted)
        make_folder(checkpoints)
        objective = ProxyTraining(images, checkpoints.resolve(), fingerprint, source)
        with SearchProgress(current.plan, current.outcomes(), console) as progress:
            search(current, runner, objective, fan_out(progress, announce), counted)
        export(current)

    supervisor.report_started(study.folder)
    has_rounds = plan.accepts_proposals or stop_rule.states_anything
    num_seeds = 0 if plan.is_complete(study.outcomes()) else plan.scheduler.seeds
    began = time.monotonic()
    try:
        # Ray is kept running between the rounds.
        session = runner.session() if has_rounds else nullcontext()
        with publish(study.folder, len(study.outcomes())) as announce, session:
            study = search_in_rounds(study, run_round)
            while stop_rule.goes_on(study.plan, study.outcomes(), time.monotonic() - began, num_seeds):
                study = search_in_rounds(add_seed(study), run_round)
                num_seeds += 1
            return study
    except KeyboardInterrupt:
        _exit_stopped(study, console)


def _exit_stopped(study: Study, console: Console) -> NoReturn:
    """Print what would be recommended now, what is kept and how to resume, and exit."""
    interrupts.mark_handled()
    from scalesearch.cli.failure import fail
    from scalesearch.study.recommendation import recommendation_so_far

    outcomes = study.outcomes()
    with suppress(KeyboardInterrupt):  # of a second signal, which does not wait for the decision
        recommendation = recommendation_so_far(study.plan, outcomes)
        if recommendation:
            console.print(recommendation, soft_wrap=True, highlight=False)
    saved = f"{len(outcomes)}/{study.plan.total_trials(outcomes)} trials are kept"
    fail(f"{interrupts.cause()}; {saved}. Resume: {typed_command()}", interrupts.exit_code())


def _round_text(plan: Plan) -> str:
    candidate_set, trials = plan.candidate_set, plan.total_trials()
    if plan.config.kind.proposes:
        num_networks = len(candidate_set.candidates)
        return (
            f"{len(plan.suggested)} proposals give {num_networks} networks within the limits; "
            f"{trials} trials at most; fvcore counts each first"
        )
    points = f"{candidate_set.triples} {plan.config.kind.points_noun}"
    return (
        f"{points} are {len(candidate_set.candidates) + len(candidate_set.unmatched)} networks; "
        f"{len(plan.trained)} are compared, in {trials} trials; fvcore counts each first"
    )


def _count_networks(plan: Plan, counted: dict[str, int]) -> None:
    """Have fvcore count every network that is not yet counted.

    Raises:
        CountError: its count differs from the closed form.
    """
    from scalesearch.design.architecture import Architecture
    from scalesearch.nets.flops import fvcore_breakdown
    from scalesearch.search.canonical import digest

    for network in (plan.config.baseline.architecture, *(candidate.architecture for candidate in plan.trained)):
        # Networks of a user's own function were counted at the start.
        if isinstance(network, Architecture) and digest(network) not in counted:
            counted[digest(network)] = fvcore_breakdown(network).total


def _failure_advice(study: Study) -> str:
    """Return what to change after every candidate failed; trials that diverged would diverge again."""
    outcomes = [outcome for outcome in study.outcomes().values() if outcome.state != "complete"]
    states = {outcome.state for outcome in outcomes}
    if states == {"diverged"}:
        return "every loss became NaN or infinite: lower the budget's recipe.learning_rate, and give another --name"
    message = next((outcome.message for outcome in outcomes if outcome.message), "")
    reason = f"the first said: {message}. " if message else ""
    return f"{reason}Mend that, delete the records in trials/ and rerun"


def _finish(study: Study, console: Console, report: bool) -> None:
    from scalesearch.cli.factory_family import count_family
    from scalesearch.cli.show import eliminated_lines, ranking_table
    from scalesearch.nets.flops import fvcore_breakdown
    from scalesearch.report.files import write_report
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.study.cost_labels import unmatched_lines
    from scalesearch.study.family_files import family_members
    from scalesearch.study.proxy_validation import read_proxy_validation
    from scalesearch.study.result import analyze
    from scalesearch.study.result_files import write_result_files
    from scalesearch.study.summary import summary_lines

    result = analyze(study.plan, study.outcomes(), read_proxy_validation(study.folder))
    if result is None:
        raise TrialsFailedError(f"{study.folder}: no candidate has a completed trial; {_failure_advice(study)}")
    num_failed = result.failures
    if result.all_completed or not num_failed:
        for member in family_members(study.plan, result.winner.coefficients):
            fvcore_breakdown(member.baseline.architecture)
        write_result_files(study.folder, result)
        config = study.plan.config
        if config.kind.has_family and isinstance(baseline := config.baseline, FactoryBaseline):
            count_family(study, baseline, result.winner.coefficients)
        console.print(ranking_table(result))
        for line in [*eliminated_lines(result), *unmatched_lines(study.plan), *summary_lines(result, study.folder)]:
            console.print(line, highlight=False, soft_wrap=True)
        if report:
            console.print(f"Report: {write_report(study)}", highlight=False, soft_wrap=True)
    if num_failed:
        error: ScalesearchError = TrialsFailedError(
            f"{study.folder}: {num_failed} trials failed; delete their records in trials/ and rerun to try again"
        )
        raise error
