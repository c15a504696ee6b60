"""`scalesearch grid --plan`: what a search will cost here, from a few timed steps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.search.candidates import tolerance
from scalesearch.study.cost_words import target_cost_words
from scalesearch.units import duration, si

if TYPE_CHECKING:
    from scalesearch.search.candidates import Candidate
    from scalesearch.search.plan import Plan
    from scalesearch.search.trial import TrialSpec

_TIMED = 4
_SECONDS_A_TRIAL = 0.5
"""What a reused Ray actor takes between two trials."""


def estimate_lines(plan: Plan, gpus_per_trial: float | None) -> list[str]:
    """Candidates, trials, multiply-adds and time, as lines."""
    from scalesearch.study.provenance_words import matched_lines

    first = plan.waves({})[0]
    more = plan.total_trials() - len(first)
    images, slots = plan.total_images(), _slots(gpus_per_trial)
    # What is not known yet trains the mean network of the first wave.
    seconds = _seconds(first) * images / len(first) + plan.total_trials() * _SECONDS_A_TRIAL
    whole = seconds / slots
    # Forward, and twice that backward (gradients of inputs and of weights).
    macs = 3 * images * sum(cost(spec.proxy).macs for spec in first) // len(first)
    slack = f"{tolerance(plan.config.cost) * 100:.0f} %"
    trials = (
        f"{plan.total_trials()} trials ({len(first)} at first, {more} more for the leaders), "
        f"{si(images)} images in all, about {si(macs)} multiply-adds in training"
    )
    time = f"About {duration(whole)} on this machine, {slots} at a time (from a few timed steps)"
    chosen = [_line(one, "" if one.name else _aliases(len(one.aliases))) for one in plan.trained]
    left_out = [_line(one, f"left out: more than {slack} off") for one in plan.candidate_set.unmatched]
    head = _head(plan, slack)
    return [*matched_lines(plan.config), head, *chosen, *left_out, trials, f"{time}; nothing was trained"]


def _head(plan: Plan, slack: str) -> str:
    asked, found = plan.config, plan.candidate_set
    if not asked.kind.scales:
        return f"{len(plan.trained)} networks within the limits:"
    matched = f"{len(found.candidates)} have {target_cost_words(asked)} of"
    within = (
        f"{matched} {asked.baseline.name} within {slack}" if asked.match == "flops" else "costs are not matched"
    )
    networks = len(found.candidates) + len(found.unmatched)
    points = f"{found.triples} {asked.kind.points_noun}"
    return f"{points} are {networks} networks; {within}, and {len(plan.trained)} are compared:"


def _aliases(count: int) -> str:
    return f"{count} alias" + ("es" if count > 1 else "") if count else ""


def _line(candidate: Candidate, note: str) -> str:
    ratio, px = float(candidate.flops_ratio), candidate.architecture.resolution
    other = "" if candidate.other_ratio is None else f"matched {candidate.other_ratio:.3f}x  "
    macs = si(candidate.cost.macs)
    return f"  {candidate.label:<20} {px:>4} px  {macs:>7} MACs  {ratio:.3f}x  {other}{note}".rstrip()


def _seconds(specs: Sequence[TrialSpec]) -> float:
    """Training time of one image of each spec, in all: timed for a few sizes, linear in MACs between them."""
    import numpy as np

    by_macs = sorted(specs, key=lambda spec: cost(spec.proxy).macs)
    picks = {round(i * (len(by_macs) - 1) / (_TIMED - 1)) for i in range(_TIMED)}
    timed = [by_macs[i] for i in sorted(picks)]
    xs = [cost(spec.proxy).macs for spec in timed]
    ys = [_seconds_per_image(spec) for spec in timed]
    slope, start = np.polyfit(xs, ys, 1)
    return float(sum(start + slope * cost(spec.proxy).macs for spec in specs))


def _seconds_per_image(spec: TrialSpec) -> float:
    """Of a few timed steps.

    Raises:
        InputError: the steps cannot be taken on this machine.
    """
    from scalesearch.proxy.failures import training_failure
    from scalesearch.proxy.timing import seconds_per_image
    from scalesearch.proxy.training import Diverged

    step = f"a timed step of {spec.recipe.batch} images at {spec.proxy.resolution} px"
    try:
        return seconds_per_image(spec)
    except Diverged as error:
        raise InputError(f"{step}: {error}; take a budget with a lower recipe.learning_rate") from error
    except (RuntimeError, ValueError, MemoryError) as error:
        failure = training_failure(error)
        if failure is None:
            raise
        raise InputError(f"{step}: {failure.for_budget()}") from error


def _slots(gpus_per_trial: float | None) -> int:
    import torch

    if torch.cuda.is_available():
        return max(1, int(torch.cuda.device_count() / (gpus_per_trial or 1)))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
