"""What the verbs that search share: where a study lies, its runner, its data, and the plan or the run."""

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
    from scalesearch.study.study import Study

REFERENCE = "reference"
"""The folder of committed studies."""
_NEEDED = (
    "scalesearch.cli.progress",
    "scalesearch.cli.counter_progress",
    "scalesearch.cli.show",
    "scalesearch.nets.flops",
    "scalesearch.proxy.datasets",
    "scalesearch.proxy.objective",
    "scalesearch.report.files",
    "scalesearch.study.run_status",
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


def make_runner(
    kind: str,
    address: str | None,
    gpus_per_trial: float | None,
    stall_seconds: float | None = None,
    insecure_cluster: bool = False,
) -> Runner:
    """The runner that the options name.

    Raises:
        InputError: no such runner, or options of the other one.
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


def _load(config: StudyConfig, data: str, px: int | None, console: Console, max_megapixels: int) -> ImageData:
    from scalesearch.cli.cache import cache_folder
    from scalesearch.cli.counter_progress import CounterProgress
    from scalesearch.proxy.datasets import load_data
    from scalesearch.search.proxies import image_px

    with CounterProgress(console) as on_progress:
        kept = px or image_px(config)
        scenes, channels = config.budget.scenes, config.baseline.architecture.in_channels
        return load_data(data, kept, scenes, cache_folder(), on_progress, channels, max_megapixels)


def _facts(images: ImageData) -> DataFacts:
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
    """The configuration with its metric: the one that was asked for, that of the study in `where`, or the data's.

    Where more than half of the validation images are of one class, accuracy tells little apart.
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


def _planned_facts(
    config: StudyConfig, data: str, px: int | None, console: Console, max_megapixels: int
) -> DataFacts:
    """What the plan needs of the data; images need not be drawn for it, for minutes."""
    from scalesearch.proxy.drawn import DRAWN
    from scalesearch.search.proxies import DataFacts

    scenes = config.budget.scenes
    if data in DRAWN:
        return DataFacts(DRAWN[data].name, "not drawn", scenes.classes, scenes.train, scenes.val)
    return _facts(_load(config, data, px, console, max_megapixels))


def _plan(config: StudyConfig, facts: DataFacts) -> Plan:
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.search.plan import Plan

    base = config.baseline
    if isinstance(base, FactoryBaseline) and base.architecture.classes < facts.classes:
        raise InputError(
            f"baseline {base.name}: gives {base.architecture.classes} logits, but the data have "
            f"{facts.classes} classes; let the function build at least as many"
        )
    return Plan(config, facts)


def _print_plan(plan: Plan, gpus_per_trial: float | None, console: Console) -> None:
    from dataclasses import replace

    from scalesearch.cli.estimate import estimate_lines
    from scalesearch.search.observations import placeholder_points

    if plan.config.kind.proposes:
        plan = replace(plan, suggested=placeholder_points(plan.config))
        print("Points are suggested as the search goes; it may come to networks such as these.")
    for line in estimate_lines(plan, gpus_per_trial):
        console.print(line, highlight=False, soft_wrap=True)


def run_or_plan(
    config: StudyConfig,
    data: str,
    runner: Runner,
    folder: Path,
    gpus_per_trial: float | None,
    plan: bool,
    px: int | None = None,
    siblings: Sequence[Path] = (),
    like: DataFacts | None = None,
    same_px: bool = True,
    export: Callable[[Study], None] | None = None,
    report: bool = True,
    metric: str | None = None,
    max_megapixels: int = MAX_MEGAPIXELS,
) -> None:
    """Load the data, then say what the search will cost (`plan`), or run it and print its answer.

    Args:
        config: of the study.
        data: what `--data` names.
        runner: where trials run.
        folder: the study's folder.
        gpus_per_trial: share of a GPU for each trial.
        plan: train nothing.
        px: side at which images are kept; None: that of the study's largest proxy.
        siblings: folders of studies of the same command; a trial that one of them has is not trained again.
        like: the data must be these.
        same_px: whether they are kept at the side of those, so that they must be equal to the byte.
        export: hears of the study at its start and after every round of a search by a sampler.
        report: whether report.html, report.md and report.csv are written in the end.
        metric: what is ranked by; None: what the study there has, or what suits the data.
        max_megapixels: larger images are refused.

    Raises:
        ScalesearchError: whatever ends the command with another code than 0.
    """
    from scalesearch.cli.counter_progress import print_notes
    from scalesearch.study.files import check_folder

    console = options.console()
    for module in _NEEDED:
        import_module(module)
    interrupts.raise_exceptions()  # what is begun from here on is tidied up
    check_folder(folder)
    if plan:
        facts = _planned_facts(config, data, px, console, max_megapixels)
    else:
        runner.check()
        facts = _facts(images := _load(config, data, px, console, max_megapixels))
    print_notes(facts.notes, console)
    asked = _plan(_with_metric(config, facts, folder, metric), facts)
    if like is not None:
        _must_be_like(facts, like, data, same_px and not plan)
    if plan:
        _print_plan(asked, gpus_per_trial, console)
    else:
        run_study(asked, images, runner, folder, console, siblings, export or _nothing, report)


def start_or_resume(
    configs: Mapping[Path, StudyConfig], data: str, px: int, metric: str | None, max_megapixels: int
) -> None:
    """Write every configuration into its folder before anything is trained, with what was measured for it.

    Args:
        configs: by their folders.
        data: what `--data` names.
        px: side at which images are kept.
        metric: see `run_or_plan`.
        max_megapixels: larger images are refused.

    Raises:
        ScalesearchError: whatever ends the command with another code than 0.
    """
    facts = _facts(_load(next(iter(configs.values())), data, px, options.console(), max_megapixels))
    for where, config in configs.items():
        begin_study(_plan(_with_metric(config, facts, where, metric), facts), where)


def _nothing(study: Study) -> None:
    """Export nothing."""


def _must_be_like(found: DataFacts, like: DataFacts, data: str, exactly: bool) -> None:
    if (found.classes, found.train, found.val) != (like.classes, like.train, like.val):
        raise InputError(
            f"--data {data}: is {found.name} with {found.train} + {found.val} images, but the study was made with "
            f"{like.name}, {like.train} + {like.val}; give that"
        )
    if exactly and found.fingerprint != like.fingerprint:
        raise InputError(
            f"--data {data}: holds other images than the study was made with ({like.name}); give those"
        )
