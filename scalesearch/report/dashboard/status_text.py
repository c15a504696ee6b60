"""Texts on a study's problems, its progress and its state."""

from __future__ import annotations

import time
from collections.abc import Sequence

from scalesearch.design.cost import cost
from scalesearch.errors import printable
from scalesearch.report.dashboard.store import StudySnapshot
from scalesearch.study.record_file import CANNOT_BE_READ
from scalesearch.units import duration

_MAX_FILES = 5


def _list_files(files: Sequence[tuple[str, str]], separator: str) -> str:
    text = "; ".join(f"{printable(name)}{separator}{reason}" for name, reason in files[:_MAX_FILES])
    return f"{text}; and {len(files) - _MAX_FILES} more" if len(files) > _MAX_FILES else text


def problems(snapshot: StudySnapshot) -> list[str]:
    """Return a sentence for each thing that is wrong or missing; an empty list where nothing is."""
    if snapshot.problem:
        return [f"This study cannot be read: {snapshot.problem}."]
    sentences = []
    if snapshot.index.waiting:
        num_read = len(snapshot.index.trials)
        sentences.append(f"Reading records: {num_read:,} of {num_read + snapshot.index.waiting:,} so far.")
    faulty = sorted(snapshot.index.broken.items())
    unread = [file for file in faulty if file[1].startswith(CANNOT_BE_READ)]
    broken = [file for file in faulty if file not in unread]
    if unread:
        sentences.append(f"Left out here: {_list_files(unread, ' ')}.")
    if broken:
        records = "1 record is" if len(broken) == 1 else f"{len(broken)} records are"
        sentences.append(
            f"{records} not as written and left out here: {_list_files(broken, ': ')}. Delete such a file and "
            "rerun the command to run its trial again."
        )
    if not snapshot.trials and not snapshot.index.waiting:
        sentences.append("No trial has finished yet.")
    sentences += _failures(snapshot)
    if snapshot.analysis and snapshot.analysis.problem:
        sentences.append(f"{snapshot.analysis.problem}.")
    if snapshot.live is None and snapshot.analysis and snapshot.analysis.over is False and snapshot.study:
        sentences.append(
            f"The search is not finished and no process is running it. Resume: {snapshot.study.command}"
        )
    return sentences


def _failures(snapshot: StudySnapshot) -> list[str]:
    if not snapshot.failed:
        return []
    example = next(trial for trial in snapshot.trials if trial.outcome.state not in ("complete", "diverged"))
    message = f" ({printable(example.outcome.message)})" if example.outcome.message else ""
    trials = "1 trial" if snapshot.failed == 1 else f"{snapshot.failed} trials"
    return [f"{trials} failed, such as {example.id}: {example.outcome.state}{message}."]


def trial_counts(snapshot: StudySnapshot) -> tuple[int, int | None]:
    """Return the number of finished trials, and the most there will be (None: not known yet)."""
    num_finished = len(snapshot.trials)
    return num_finished, max(
        num_finished, snapshot.analysis.total
    ) if snapshot.analysis and snapshot.analysis.total else None


def seconds_remaining(snapshot: StudySnapshot) -> float | None:
    """Estimate the remaining seconds of a running search, or return None where that is not possible.

    The estimate comes from the multiply-adds done since the search began. Images that are still to be seen count
    with the mean network's multiply-adds.
    """
    run, analysis = snapshot.live, snapshot.analysis
    if run is None or analysis is None or snapshot.study is None:
        return None
    plan = snapshot.study.plan
    proxy_macs = {trial.network: trial.proxy_macs for trial in snapshot.trials}
    running_images = sum(max(0, trial.epochs[-1].samples - trial.since) for trial in run.running if trial.epochs)
    finished = [(trial.proxy_macs, trial.images - trial.since) for trial in snapshot.trials]
    images = sum(count for _, count in finished)
    finished_work = sum(macs * count for macs, count in finished)
    mean_macs = (
        finished_work / images if images else cost(plan.spec(plan.config.baseline.architecture, 0).proxy).macs
    )
    running_work = sum(
        proxy_macs.get(trial.network, mean_macs) * max(0, trial.epochs[-1].samples - trial.since)
        for trial in run.running
        if trial.epochs
    )
    share_before = run.before / max(1, run.before + run.done)
    done = finished_work * (1 - share_before) + running_work
    elapsed = time.time() - run.began
    if done <= 0 or elapsed <= 0:
        return None
    remaining_work = max(0, analysis.total_images - images - running_images) * mean_macs
    return remaining_work * elapsed / done


def state_text(snapshot: StudySnapshot) -> str:
    """Say in a few words what the study is doing."""
    if snapshot.problem:
        return "cannot be read"
    if snapshot.live is not None:
        remaining = seconds_remaining(snapshot)
        return "running" if remaining is None else f"running, about {duration(remaining)} left"
    if snapshot.analysis is None or snapshot.analysis.over is None:
        return "being computed"
    return "finished" if snapshot.analysis.over else "not finished"
