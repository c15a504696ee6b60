"""What is the matter with a study, and how far it is, in words."""

from __future__ import annotations

import time
from collections.abc import Sequence

from scalesearch.design.cost import cost
from scalesearch.errors import printable
from scalesearch.report.dashboard.store import StudySnapshot
from scalesearch.study.record_file import CANNOT_BE_READ
from scalesearch.units import duration

_SHOWN = 5


def _named(files: Sequence[tuple[str, str]], between: str) -> str:
    named = "; ".join(f"{printable(name)}{between}{reason}" for name, reason in files[:_SHOWN])
    return f"{named}; and {len(files) - _SHOWN} more" if len(files) > _SHOWN else named


def problems(view: StudySnapshot) -> list[str]:
    """A sentence for each thing that is wrong or lacking; nothing: all is well."""
    if view.problem:
        return [f"This study cannot be read: {view.problem}."]
    found = []
    if view.index.waiting:
        read = len(view.index.trials)
        found.append(f"Reading records: {read:,} of {read + view.index.waiting:,} so far.")
    odd = sorted(view.index.broken.items())
    unread = [one for one in odd if one[1].startswith(CANNOT_BE_READ)]
    broken = [one for one in odd if one not in unread]
    if unread:
        found.append(f"Left out here: {_named(unread, ' ')}.")
    if broken:
        records = "1 record is" if len(broken) == 1 else f"{len(broken)} records are"
        found.append(
            f"{records} not as written and left out here: {_named(broken, ': ')}. Delete such a file and rerun the "
            "command to run its trial again."
        )
    if not view.trials and not view.index.waiting:
        found.append("No trial has finished yet.")
    found += _failures(view)
    if view.analysis and view.analysis.problem:
        found.append(f"{view.analysis.problem}.")
    if view.live is None and view.analysis and view.analysis.over is False and view.study:
        found.append(f"The search is not finished and nobody works on it. Resume: {view.study.command}")
    return found


def _failures(view: StudySnapshot) -> list[str]:
    if not view.failed:
        return []
    last = next(trial for trial in view.trials if trial.outcome.state not in ("complete", "diverged"))
    message = f" ({printable(last.outcome.message)})" if last.outcome.message else ""
    trials = "1 trial" if view.failed == 1 else f"{view.failed} trials"
    return [f"{trials} failed, such as {last.id}: {last.outcome.state}{message}."]


def trial_counts(view: StudySnapshot) -> tuple[int, int | None]:
    """Finished trials, and how many there will be at most (None: not known yet)."""
    done = len(view.trials)
    return done, max(done, view.analysis.total) if view.analysis and view.analysis.total else None


def seconds_remaining(view: StudySnapshot) -> float | None:
    """Of a running search: from the multiply-adds done since it began; None where that cannot be told.

    Images that are still to be seen count with the mean network's multiply-adds.
    """
    live, analysis = view.live, view.analysis
    if live is None or analysis is None or view.study is None:
        return None
    plan = view.study.plan
    proxies = {trial.network: trial.proxy_macs for trial in view.trials}
    running = sum(max(0, one.epochs[-1].samples - one.since) for one in live.running if one.epochs)
    seen = [(trial.proxy_macs, trial.images - trial.since) for trial in view.trials]
    images = sum(count for _, count in seen)
    work = sum(macs * count for macs, count in seen)
    mean = work / images if images else cost(plan.spec(plan.config.baseline.architecture, 0).proxy).macs
    part = sum(
        proxies.get(one.network, mean) * max(0, one.epochs[-1].samples - one.since)
        for one in live.running
        if one.epochs
    )
    before = live.before / max(1, live.before + live.done)
    done = work * (1 - before) + part
    elapsed = time.time() - live.began
    if done <= 0 or elapsed <= 0:
        return None
    left = max(0, analysis.total_images - images - running) * mean
    return left * elapsed / done


def state_text(view: StudySnapshot) -> str:
    """In a few words what goes on."""
    if view.problem:
        return "cannot be read"
    if view.live is not None:
        left = seconds_remaining(view)
        return "running" if left is None else f"running, about {duration(left)} left"
    if view.analysis is None or view.analysis.over is None:
        return "being computed"
    return "finished" if view.analysis.over else "not finished"
