"""The steps that the search commands share: a study's folder, its runner, its data, and the plan or the run."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from scalesearch.cli import interrupts, options
from scalesearch.cli.study_run import begin_study, run_study
from scalesearch.errors import InputError
from scalesearch.units import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from scalesearch.proxy.datasets import ImageData
    from scalesearch.runners.execution import Runner
    from scalesearch.search.plan import Plan
    from scalesearch.search.proxies import DataFacts
    from scalesearch.search.study_config import StudyConfig
    from scalesearch.study.stop_rule import StopRule
    from scalesearch.study.study import Study

REFERENCE = "reference"
"""The name of the folder of committed studies."""
_PRELOADED_MODULES = (
    "scalesearch.cli.progress",
    "scalesearch.cli.counter_progress",
    "scalesearch.cli.show",
    "scalesearch.nets.flops",
    "scalesearch.proxy.datasets",
    "scalesearch.proxy.objective",
    "scalesearch.report.files",
    "scalesearch.study.run_status",
    "scalesearch.study.search",
    "scalesearch.study.stop_rule",
    "scalesearch.study.summary",
)
"""All that a search imports; loaded before Ctrl-C may raise, since an import may swallow the exception."""


def study_folder(results: Path, name: str | None, default: str) -> Path:
    """Return the folder of a study: `results`/`name`, or under its default name.

    Raises:
        InputError: the name does not suit a folder, or the folder is that of the committed references.
    """
    if results.name == REFERENCE:
        raise InputError(f"--results {results}: holds committed reference studies, which are never resumed")
    study_name = default if name is None else name
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", study_name) or study_name == REFERENCE:
        raise InputError(f"--name {study_name!r}: must be lower-case letters, digits, '.', '_' and '-', at most 64")
    return results / study_name


def make_runner(
    kind: str,
    address: str | None,
    gpus_per_trial: float | None,
    stall_seconds: float | None = None,
    insecure_cluster: bool = False,
) -> Runner:
    """Return the runner that the options set.

    Raises:
        InputError: there is no such runner, or an option belongs to the other one.
    """
    if kind == "inline":
        if (address, gpus_per_trial, stall_seconds) != (None, None, None):
            raise InputError(
                "--runner inline: trials run in this process; --address, --gpus-per-trial and --stall-seconds are "
                "Ray's"
            )
        from scalesearch.runners.inline import InlineRunner

        return InlineRunner()
    from scalesearch.runners.ray_tune import RayRunner

    return RayRunner(address, insecure_cluster, gpus_per_trial, stall_seconds)


def _load_images(
    config: StudyConfig, data: str, resolution: int | None, console: Console, max_megapixels: int
) -> ImageData:
    from scalesearch.cli.cache import cache_folder
    from scalesearch.cli.counter_progress import CounterProgress
    from scalesearch.proxy.datasets import load_data
    from scalesearch.search.proxies import image_px

    with CounterProgress(console) as on_progress:
        side = resolution or image_px(config)
        scenes, channels = config.budget.scenes, config.baseline.architecture.in_channels
        return load_data(data, side, scenes, cache_folder(), on_progress, channels, max_megapixels)


def _data_facts(images: ImageData) -> DataFacts:
    from scalesearch.cli.counter_progress import data_notes
    from scalesearch.search.proxies import DataFacts, Majority

    counts = images.val_labels_N.bincount(minlength=len(images.classes)).tolist()
    return DataFacts(
        name=images.name,
        fingerprint=images.fingerprint,
        classes=len(images.classes),
        train=len(images.train_labels_N),
        val=len(images.val_labels_N),
        notes=data_notes(images),
        majority=None if images.majority is None else Majority(*images.majority),
        counts=() if len(set(counts)) == 1 else tuple(counts),
    )


def _with_metric(config: StudyConfig, facts: DataFacts, folder: Path, metric: str | None) -> StudyConfig:
    """Return the configuration with its metric: the given one, else that of the study in `folder`, else the data's.

    Where more than half of the validation images are of one class, accuracy separates networks poorly, so the
    default is balanced accuracy.
    """
    from dataclasses import replace

    from scalesearch.proxy.metrics import try_metric
    from scalesearch.search.metrics import ACCURACY, BALANCED
    from scalesearch.study.study import open_study

    if metric is not None:
        try_metric(metric, facts.classes)
    if metric is None and (folder / "study.json").is_file():
        metric = open_study(folder).plan.config.metric
    if metric is None:
        metric = ACCURACY if facts.majority is None else BALANCED
    return replace(config, metric=metric)


def _facts_for_plan(
    config: StudyConfig, data: str, resolution: int | None, console: Console, max_megapixels: int
) -> DataFacts:
    """Return what a plan needs to know of the data; it does without drawing images, which takes minutes."""
    from scalesearch.proxy.drawn import DRAWN
    from scalesearch.search.proxies import DataFacts

    scenes = config.budget.scenes
    if data in DRAWN:
        return DataFacts(DRAWN[data].name, "not drawn", scenes.classes, scenes.train, scenes.val)
    return _data_facts(_load_images(config, data, resolution, console, max_megapixels))


def _make_plan(config: StudyConfig, facts: DataFacts) -> Plan:
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.search.plan import Plan

    baseline = config.baseline
    if isinstance(baseline, FactoryBaseline) and baseline.architecture.classes < facts.classes:
        raise InputError(
            f"baseline {baseline.name}: gives {baseline.architecture.classes} logits, but the data have "
            f"{facts.classes} classes; let the function build at least as many"
        )
    return Plan(config, facts)


def _print_plan(plan: Plan, gpus_per_trial: float | None, console: Console) -> None:
    from dataclasses import replace

    from scalesearch.cli.estimate import estimate_lines
    from scalesearch.search.observations import placeholder_points

    if plan.config.kind.proposes:
        plan = replace(plan, suggested=placeholder_points(plan.config))
        print("The sampler proposes points during the search; it may train networks such as these.")
    for line in estimate_lines(plan, gpus_per_trial):
        console.print(line, highlight=False, soft_wrap=True)


def run_or_plan(
    config: StudyConfig,
    data: str,
    runner: Runner,
    folder: Path,
    gpus_per_trial: float | None,
    plan: bool,
    resolution: int | None = None,
    siblings: Sequence[Path] = (),
    expected: DataFacts | None = None,
    same_resolution: bool = True,
    export: Callable[[Study], None] | None = None,
    report: bool = True,
    metric: str | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
    stop_rule: StopRule | None = None,
) -> None:
    """Load the data, then print what the search will cost (`plan`), or run it and print its result.

    Args:
        config: the configuration of the study.
        data: what `--data` names.
        runner: where trials run.
        folder: the study's folder.
        gpus_per_trial: share of a GPU for each trial.
        plan: train nothing.
        resolution: side at which images are kept, px; None: that of the study's largest proxy.
        siblings: folders of studies of the same command; a trial that one of them has is not trained again.
        expected: the data must have these facts.
        same_resolution: whether images are kept at the side of the expected ones, and must equal them to the byte.
        export: called with the study at its start and after every round of a search by a sampler.
        report: whether report.html, report.md and report.csv are written at the end.
        metric: the metric to rank by; None: that of the study in the folder, or one that suits the data.
        max_megapixels: larger images are refused.
        stop_rule: when a search that adds seeds stops; None: it trains the seeds of its configuration.

    Raises:
        ScalesearchError: anything that ends the command with an exit code other than 0.
    """
    from scalesearch.cli.counter_progress import print_notes
    from scalesearch.study.files import check_folder
    from scalesearch.study.stop_rule import StopRule

    console = options.console()
    for module in _PRELOADED_MODULES:
        import_module(module)
    interrupts.raise_exceptions()  # work that begins after this is tidied up
    check_folder(folder)
    if plan:
        facts = _facts_for_plan(config, data, resolution, console, max_megapixels)
    else:
        runner.check()
        facts = _data_facts(images := _load_images(config, data, resolution, console, max_megapixels))
    print_notes(facts.notes, console)
    study_plan = _make_plan(_with_metric(config, facts, folder, metric), facts)
    if expected is not None:
        _check_same_data(facts, expected, data, same_resolution and not plan)
    if plan:
        _print_plan(study_plan, gpus_per_trial, console)
    else:
        rule = stop_rule or StopRule()
        run_study(study_plan, images, runner, folder, console, siblings, export or _no_export, report, rule)


def start_or_resume(
    configs: Mapping[Path, StudyConfig], data: str, resolution: int, metric: str | None, max_megapixels: int
) -> None:
    """Write every configuration, with its measurements, into its folder before anything is trained.

    Args:
        configs: the configurations by their folders.
        data: what `--data` names.
        resolution: side at which images are kept, px.
        metric: see `run_or_plan`.
        max_megapixels: larger images are refused.

    Raises:
        ScalesearchError: anything that ends the command with an exit code other than 0.
    """
    facts = _data_facts(
        _load_images(next(iter(configs.values())), data, resolution, options.console(), max_megapixels)
    )
    for folder, config in configs.items():
        begin_study(_make_plan(_with_metric(config, facts, folder, metric), facts), folder)


def _no_export(study: Study) -> None:
    """Export nothing."""


def _check_same_data(facts: DataFacts, expected: DataFacts, data: str, exactly: bool) -> None:
    if (facts.classes, facts.train, facts.val) != (expected.classes, expected.train, expected.val):
        raise InputError(
            f"--data {data}: is {facts.name} with {facts.train} + {facts.val} images, but the study was made with "
            f"{expected.name}, {expected.train} + {expected.val}; give that"
        )
    if exactly and facts.fingerprint != expected.fingerprint:
        raise InputError(
            f"--data {data}: holds other images than the study was made with ({expected.name}); give those"
        )
