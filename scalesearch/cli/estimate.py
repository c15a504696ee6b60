"""The output of `--plan`: what a search will cost on this machine, estimated from a few timed steps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.search.candidates import tolerance
from scalesearch.search.expectations import expectation_words
from scalesearch.study.cost_labels import target_cost_words
from scalesearch.units import device_hours, duration, si

if TYPE_CHECKING:
    from scalesearch.search.candidates import Candidate
    from scalesearch.search.plan import Plan
    from scalesearch.search.trial import TrialSpec

_NUM_TIMED = 4
_SECONDS_PER_TRIAL = 0.5
"""Overhead of a reused Ray actor between two trials."""


def estimate_lines(plan: Plan, gpus_per_trial: float | None) -> list[str]:
    """Return the plan's candidates, trials, multiply-adds and time as lines of text."""
    from scalesearch.study.provenance_text import matched_lines

    first_wave = plan.waves({})[0]
    later_trials = plan.total_trials() - len(first_wave)
    images, slots = plan.total_images(), _count_slots(gpus_per_trial)
    # Later waves are not known yet; assume that they train the mean network of the first wave.
    seconds = (
        _total_seconds_per_image(first_wave) * images / len(first_wave) + plan.total_trials() * _SECONDS_PER_TRIAL
    )
    trunk_images = plan.proxies.trunk_images * plan.scheduler.seeds
    if trunk_images:
        seconds += trunk_images * _seconds_per_image(plan.proxies.spec(plan.base_id, 0))
    wall_seconds = seconds / slots
    # Forward, and twice that backward (gradients of inputs and of weights).
    macs = 3 * images * sum(cost(spec.proxy).macs for spec in first_wave) // len(first_wave)
    tolerance_text = f"{tolerance(plan.config.cost) * 100:.0f} %"
    trunks = f" and {si(trunk_images)} in trunks" if trunk_images else ""
    trials = (
        f"{plan.total_trials()} trials ({len(first_wave)} at first, {later_trials} more for the leaders), "
        f"{si(images)} images in all{trunks}, about {si(macs)} multiply-adds in training"
    )
    time = (
        f"About {duration(wall_seconds)} on this machine, {slots} at a time (from a few timed steps): "
        f"{_compute_words(wall_seconds)}"
    )
    trained = [
        _candidate_line(candidate, "" if candidate.name else _alias_text(len(candidate.aliases)))
        for candidate in plan.trained
    ]
    left_out = [
        _candidate_line(candidate, f"left out: more than {tolerance_text} off")
        for candidate in plan.candidate_set.unmatched
    ]
    heading, expected = _heading(plan, tolerance_text), expectation_words(plan)
    expectation = [] if expected is None else [expected]
    lines = [*matched_lines(plan.config), heading, *trained, *left_out, trials, *expectation]
    return [*lines, f"{time}; nothing was trained"]


def _heading(plan: Plan, tolerance_text: str) -> str:
    config, candidate_set = plan.config, plan.candidate_set
    if not config.kind.scales:
        return f"{len(plan.trained)} networks within the limits:"
    matched = f"{len(candidate_set.candidates)} have {target_cost_words(config)} of"
    within = (
        f"{matched} {config.baseline.name} within {tolerance_text}"
        if config.match == "flops"
        else "costs are not matched"
    )
    networks = len(candidate_set.candidates) + len(candidate_set.unmatched)
    points = f"{candidate_set.triples} {config.kind.points_noun}"
    return f"{points} are {networks} networks; {within}, and {len(plan.trained)} are compared:"


def _alias_text(count: int) -> str:
    return f"{count} alias" + ("es" if count > 1 else "") if count else ""


def _candidate_line(candidate: Candidate, note: str) -> str:
    ratio, resolution = float(candidate.flops_ratio), candidate.architecture.resolution
    matched = "" if candidate.other_ratio is None else f"matched {candidate.other_ratio:.3f}x  "
    macs = si(candidate.cost.macs)
    return f"  {candidate.label:<20} {resolution:>4} px  {macs:>7} MACs  {ratio:.3f}x  {matched}{note}".rstrip()


def _total_seconds_per_image(specs: Sequence[TrialSpec]) -> float:
    """Return the summed training time of one image of each spec, from a linear fit in MACs to a few timed sizes."""
    import numpy as np

    by_macs = sorted(specs, key=lambda spec: cost(spec.proxy).macs)
    indices = {round(i * (len(by_macs) - 1) / (_NUM_TIMED - 1)) for i in range(_NUM_TIMED)}
    timed = [by_macs[i] for i in sorted(indices)]
    macs = [cost(spec.proxy).macs for spec in timed]
    seconds = [_seconds_per_image(spec) for spec in timed]
    slope, intercept = np.polyfit(macs, seconds, 1)
    return float(sum(intercept + slope * cost(spec.proxy).macs for spec in specs))


def _seconds_per_image(spec: TrialSpec) -> float:
    """Return the training time of one image, from a few timed steps.

    Raises:
        InputError: the steps cannot run on this machine.
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


def _compute_words(wall_seconds: float) -> str:
    """Return the hours of this machine's GPUs or cores as text, and the energy where the GPUs tell their power."""
    import torch

    from scalesearch.proxy.timing import gpu_watts

    if not torch.cuda.is_available():
        return device_hours(wall_seconds * _count_slots(None), "core")
    hours, watts = device_hours(wall_seconds * torch.cuda.device_count(), "GPU"), gpu_watts()
    if watts is None:
        return hours
    return f"{hours}, {wall_seconds / 3600 * watts / 1000:.2g} kWh at the {watts:.0f} W of the timed steps"


def _count_slots(gpus_per_trial: float | None) -> int:
    """Return how many trials run at a time on this machine."""
    import torch

    if torch.cuda.is_available():
        return max(1, int(torch.cuda.device_count() / (gpus_per_trial or 1)))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
