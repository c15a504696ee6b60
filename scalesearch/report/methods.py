"""The sections of a report on methods, limitations and reproduction."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from scalesearch.design.decimals import format_decimal
from scalesearch.design.scaling import Baseline
from scalesearch.report.document import BulletList, Code, Paragraph, Section, Table
from scalesearch.report.kinds import report_of
from scalesearch.report.phrases import seeds_text
from scalesearch.search.completion import completed
from scalesearch.search.metrics import metric_words
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import phi_of_proxies
from scalesearch.study.chance_text import prolonged_lines
from scalesearch.study.cost_labels import unmatched_lines
from scalesearch.study.phi_transfer import phi_transfer_lines
from scalesearch.study.provenance_text import is_synthetic
from scalesearch.study.proxy_validation_text import proxy_validation_lines
from scalesearch.study.result import StudyResult
from scalesearch.study.study import Study
from scalesearch.units import duration

_VERSIONS = ("scalesearch", "python", "torch", "ray", "numpy", "fvcore")
_OPTIMIZERS = {"sgd": "SGD", "adamw": "AdamW"}
_MACHINE = ("processor", "cores", "gpu", "system")


def methods_section(study: Study, result: StudyResult) -> Section:
    """Return the section on data, training, seeds, hardware and versions."""
    plan = result.plan
    budget, recipe = plan.config.budget, plan.config.budget.recipe
    decay = (
        f"constant rate that falls over the last {format_decimal(100 * recipe.decay)} %"
        if recipe.decay
        else "cosine decay"
    )
    states = Counter(outcome.state for outcome in result.outcomes.values())
    total_seconds = sum(outcome.seconds for outcome in result.outcomes.values())
    notes = "".join(f"; {note}" for note in plan.data.notes)
    images = f"{plan.data.train:,} for training, {plan.data.val:,} for validation, {plan.data.classes} classes"
    steps = f"{_trunk_text(plan)}{_epochs_text(recipe.epochs)} of batches of {recipe.batch}"
    rate = f"{_OPTIMIZERS[recipe.optimizer]} at {format_decimal(recipe.learning_rate)}"
    bn_images = recipe.precise_bn_images
    statistics = f"; batch norm validated with the statistics of {bn_images:,} training images" if bn_images else ""
    state_counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    rows = (
        ("images", f"{plan.data.name}: {images}; fingerprint {plan.data.fingerprint[:12]}{notes}"),
        ("networks", report_of(plan.config.kind).networks(plan)),
        ("proxies", _proxies_text(plan)),
        ("training", f"{steps}, {rate}, {format_decimal(100 * recipe.warmup)} % warm-up, {decay}{statistics}"),
        ("schedule", _schedule_text(result)),
        ("seeds", _seeds_text(result)),
        ("noise", _noise_text(result)),
        ("trials", f"{state_counts}; {duration(total_seconds)} of trials in all"),
        ("budget", budget.title),
        ("machine", "; ".join(_environment_text(study, name) for name in _MACHINE)),
        ("versions", ", ".join(f"{name} {study.environment.get(name, 'unknown')}" for name in _VERSIONS)),
    )
    return Section("How it was measured", (Table("", ("what", "value"), rows, frozenset(("what", "value"))),))


def _trunk_text(plan: Plan) -> str:
    """Say what the networks are grown from; empty where they are trained from scratch."""
    epochs = plan.config.budget.recipe.trunk_epochs
    trunk = f"a trunk for each seed, {_epochs_text(epochs)} at a constant rate"
    return f"grown from the proxy of {plan.config.baseline.name} ({trunk}), then " if epochs else ""


def _epochs_text(count: int) -> str:
    return f"{count} epoch" + ("s" if count > 1 else "")


def _environment_text(study: Study, name: str) -> str:
    value = study.environment.get(name, "unknown")
    return {"cores": f"{value} cores", "gpu": f"GPU: {value}"}.get(name, value)


def _proxies_text(plan: Plan) -> str:
    base, budget = plan.config.baseline, plan.config.budget
    phi = phi_of_proxies(plan.config)
    if not isinstance(base, Baseline):
        larger = (
            ""
            if phi == plan.config.phi
            else f", candidates scaled to φ = {format_decimal(phi)}, where they differ more"
        )
        return f"as the function builds them, the unscaled one at {budget.resolution} px{larger}"
    small = "widths as they are" if budget.width_divisor == 1 else f"widths over {budget.width_divisor}"
    base_px = f"{base.name}'s proxy at {budget.resolution} px"
    matched = f"{base_px}, others at the side where they cost {2 ** float(phi):.4g} times as much"
    if phi != plan.config.phi:
        return f"candidates scaled to φ = {format_decimal(phi)}, where they differ more; {small}, {matched}"
    is_matched = budget.proxy_side == "matched" and plan.config.adjusts
    return f"{small}, depths as they are, {matched if is_matched else f'{base_px} and others in proportion'}"


def _schedule_text(result: StudyResult) -> str:
    plan = result.plan
    rung = plan.reached_rung(result.outcomes)
    return plan.scheduler.summary([completed(plan, result.outcomes, index) for index in range(rung + 1)])


def _seeds_text(result: StudyResult) -> str:
    counts = Counter(arm.seeds for arm in result.ranking.arms)
    networks = [f"{count} with {seeds_text(seeds)}" for seeds, count in sorted(counts.items(), reverse=True)]
    return f"of the ranked networks {', '.join(networks)}; equal seeds see equal batches"


def _noise_text(result: StudyResult) -> str:
    ranking = result.ranking
    if not ranking.error_known:
        word = metric_words(result.plan.config.metric)
        return (
            "not known without repeated seeds that differ, and the validation images do not tell that of the "
            f"{word}; the standard deviation of all ranked trials is {ranking.noise:.4f}"
        )
    if ranking.degrees_of_freedom == 0:
        return f"unknown without repeated seeds; the validation images alone make ± {ranking.noise:.4f} a trial"
    return f"± {ranking.noise:.4f} a trial ({ranking.degrees_of_freedom} degrees of freedom)"


def limitations(result: StudyResult, folder: Path) -> Section:
    """Return the section on what the answer does not say.

    Args:
        result: the study's result.
        folder: the study's folder; studies at another φ lie beside it.
    """
    plan = result.plan
    images = (
        f"The images are {plan.data.name}, made by a formula: coefficients found on them are not ImageNet's."
        if is_synthetic(plan)
        else f"The images are {plan.data.name}; other images may ask for other networks."
    )
    items = [
        images,
        _proxy_limitation(plan),
        *_proxy_validation_lines(result),
        *(f"{line}." for line in phi_transfer_lines(result, folder)),
    ]
    if result.ranking.degrees_of_freedom == 0:
        repeated = any(arm.seeds > 1 for arm in result.ranking.arms)
        reason = "No network's seeds differ" if repeated else "No network was trained with two seeds"
        items.append(f"{reason}, so that no difference can be told from chance.")
    items += [f"{line}." for line in prolonged_lines(plan, result.outcomes)]
    if result.eliminated:
        items.append("Networks that were eliminated on an earlier rung were judged by fewer images and one seed.")
    if result.untrained:
        items.append(f"Judged by the model alone, without a training: {result.untrained_words}.")
    if result.failures:
        items.append(f"{result.failures} trials failed for reasons of the machine and are missing here.")
    items += [f"{line}." for line in unmatched_lines(plan)]
    return Section("Limitations", (BulletList(tuple(items)),))


def _proxy_limitation(plan: Plan) -> str:
    """Say how a proxy differs from its network."""
    base, budget = plan.config.baseline, plan.config.budget
    phi = phi_of_proxies(plan.config)
    larger = (
        ""
        if phi == plan.config.phi
        else f", candidates scaled to φ = {format_decimal(phi)} by their own coefficients"
    )
    grown = ", grown from a trunk, which may favour networks that are like it" if budget.recipe.trunk_epochs else ""
    return (
        f"Proxies were trained, not the networks: smaller ({base.name} at {budget.resolution} px instead of "
        f"{base.architecture.resolution}{larger}) and for {_epochs_text(budget.recipe.epochs)}{grown}. Short "
        "training may rank networks as long training does not (Bello et al. 2021, section 6)."
    )


def _proxy_validation_lines(result: StudyResult) -> list[str]:
    if not result.plan.config.kind.has_family:
        return []
    if not result.agreements:
        text = "Whether longer or larger training ranks these networks alike was not tested"
        return [f"{text}: run scalesearch validate-proxy."]
    return [line.strip() for line in proxy_validation_lines(result.agreements)]


def reproduction(study: Study) -> Section:
    """Return the section with the command that made the study, and what another machine reproduces."""
    is_timed = study.plan.config.timings is not None
    timing_text = " A study that is begun anew times its networks anew, and may find others." if is_timed else ""
    return Section(
        "Reproduction",
        (
            Paragraph("This command made the study; run again, it resumes it or shows its answer:"),
            Code(study.command),
            Paragraph(
                "Every trial is a file in trials/ with its curve and a checksum. From within the study's folder, "
                "these check the records and rebuild this report from them:"
            ),
            Code("scalesearch verify ."),
            Code("scalesearch report ."),
            Paragraph(
                "On the machine and the versions above the same seeds give the same numbers; elsewhere they give "
                f"others, which is what the error bars are for.{timing_text}"
            ),
        ),
    )
