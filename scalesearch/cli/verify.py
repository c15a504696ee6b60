"""The `scalesearch verify` command: a check of a study's files against their checksums and its records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import CountError, InputError, printable
from scalesearch.search.scenes import embedded_spec
from scalesearch.units import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from scalesearch.cli.facts import RerunFacts
    from scalesearch.study.study import Study


def verify(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder of a study.")],
    rerun: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also train the N cheapest trials again and compare.")
    ] = 0,
    data: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Images of the study, for --rerun; not for embedded data.")
    ] = None,
    max_megapixels: options.MaxMegapixels = MAX_MEGAPIXELS,
    json: options.Json = False,
) -> None:
    """Check a study: records against checksums, ids and costs; the files of its answer against the records.

    These are winner.yaml, family/, trials.csv, trials.parquet and report.csv; of `nas` front.csv and baseline.yaml
    too. The words of report.html and report.md are not compared: `report` writes them again.

    A checksum finds damage. It is no signature: who can write a record can write its checksum.

    Example: scalesearch verify results/reference/b0-phi1-quick
    """
    from scalesearch.cli.facts import VerifyFacts
    from scalesearch.cli.json_output import print_json, reserve_stdout
    from scalesearch.report.tables import ranking_csv
    from scalesearch.study.study import open_study
    from scalesearch.study.verification import disagreements

    study = open_study(options.existing_study(results))
    folder, faults = printable(str(study.folder)), list(disagreements(study, ranking_csv))
    if faults:
        if json:
            print_json(VerifyFacts(folder, False, tuple(faults), None, None, None, ()))
        else:
            for line in faults[1:]:
                print(line)
        raise CountError(faults[0])
    outcomes = {key: record.outcome for key, record in study.own_records().items()}
    total = study.plan.total_trials(outcomes)
    if not json:
        print(
            f"{results}: {len(outcomes)} of {total} records, all as written "
            "(checksums find damage; they are no signature)"
        )
        budget = study.plan.config.budget
        if budget.is_older:
            print(f"{results}: was made with the budget {budget.title}; a new search trains otherwise")
    with reserve_stdout(json):
        mismatch, reruns = _rerun_trials(study, rerun, data, max_megapixels) if rerun else (None, ())
    failed = sum(not trial.agrees for trial in reruns)
    if json:
        print_json(VerifyFacts(folder, not failed, (), len(outcomes), total, mismatch, reruns))
    if failed:
        raise CountError(f"{study.folder}: {failed} of the trials that were trained again came to something else")


def _rerun_trials(
    study: Study, count: int, data: str | None, max_megapixels: int
) -> tuple[str | None, tuple[RerunFacts, ...]]:
    """Train trials again; return how the environment differs from that of the records, and each trial's result."""
    from scalesearch.cli.cache import cache_folder
    from scalesearch.cli.counter_progress import CounterProgress
    from scalesearch.cli.facts import RerunFacts
    from scalesearch.proxy.datasets import load_data
    from scalesearch.proxy.metrics import metric_source
    from scalesearch.proxy.objective import ProxyTraining
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.search.proxies import image_px
    from scalesearch.study.environments import compare_environments
    from scalesearch.study.provenance import environment
    from scalesearch.study.verification import rerun

    config = study.plan.config
    spec = embedded_spec(study.plan.data.name) if data is None else data
    if spec is None:
        raise InputError(f"--rerun {count}: give --data, the images of {study.plan.data.name}")
    channels = config.baseline.architecture.in_channels
    with CounterProgress(options.console()) as progress:
        scenes, cache = config.budget.scenes, cache_folder()
        images = load_data(spec, image_px(config), scenes, cache, progress, channels, max_megapixels)
    if images.fingerprint != study.plan.data.fingerprint:
        raise InputError(f"--data {spec}: holds other images than the study was made with; give those")
    base = config.baseline
    fingerprint = base.fingerprint if isinstance(base, FactoryBaseline) else None
    objective = ProxyTraining(images, None, fingerprint, metric_source(config.metric))
    mismatch = compare_environments(study.environment, environment())
    reruns = list[RerunFacts]()
    for key, reason in rerun(study, objective, count, mismatch is None):
        print(f"{key}: trained again, {reason or ('the same curve' if mismatch is None else 'within the noise')}")
        reruns.append(RerunFacts(key, not reason, reason or None))
    if mismatch is not None:
        print(f"The records are of another environment ({mismatch}), so scores were compared, not bits.")
    return mismatch, tuple(reruns)
