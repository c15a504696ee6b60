"""What `train` and `transfer` share: their options, the job that these make, and its run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import interrupts, options, supervisor
from scalesearch.cli.command_line import plain_command, typed_command
from scalesearch.errors import InputError, StorageError, TrialsFailedError, printable
from scalesearch.units import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalesearch.design.scaling import Baseline
    from scalesearch.runners.ray_tune import RayRunner
    from scalesearch.training.events import Row, RunProgress, Sizes
    from scalesearch.training.job import Job
    from scalesearch.training.recipes import TrainRecipe

_NEEDED = ("scalesearch.cli.training_progress", "scalesearch.study.study", "scalesearch.training.record")
"""All that a training imports, before Ctrl-C may raise."""

Epochs = Annotated[int | None, typer.Option(min=1, max=100_000, help="Epochs; default: the recipe's.")]
Batch = Annotated[
    int | None, typer.Option(min=1, max=65_536, help="Images a step; the learning rate follows in proportion.")
]
Accumulate = Annotated[
    int, typer.Option(min=1, max=4096, help="Cut each batch into so many parts, one after the other.")
]
LearningRate = Annotated[str | None, typer.Option(help="Peak learning rate; default: the recipe's, by --batch.")]
Resolution = Annotated[
    int | None, typer.Option(min=8, max=1024, help="Side of the network's images, px; default: its own.")
]
TrainResolution = Annotated[
    int | None, typer.Option(min=8, max=1024, help="Side in the last stage of training, px; default: --resolution.")
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of weights, order and augmentation.")]
Workers = Annotated[int, typer.Option(min=1, max=4096, help="Train on so many GPUs, or CPU processes, at once.")]
Address = Annotated[str | None, typer.Option(metavar="ADDR", help="A Ray cluster's, for --workers.")]
InsecureCluster = options.InsecureCluster
Threads = Annotated[int | None, typer.Option(min=1, max=1024, help="CPU threads a worker; default: all cores.")]
Results = Annotated[Path, typer.Option(metavar="DIR", help="Where runs are kept.")]


def build_recipe(
    name: str, epochs: int | None, batch: int | None, learning_rate: str | None, fixed: bool = False
) -> TrainRecipe:
    """The named recipe with the options' values.

    Raises:
        InputError: no such recipe, or a value out of range.
    """
    from dataclasses import replace

    from scalesearch.training.recipes import RECIPES

    found = RECIPES[name]
    if epochs is not None:
        found = replace(found, epochs=epochs)
    if batch is not None:
        found = found.with_batch(batch)
    if (rate := options.decimal(learning_rate, "--learning-rate")) is not None:
        found = replace(found, learning_rate=rate)
    return found.fixed() if fixed else found


def connect_cluster(address: str | None, workers: int, insecure_cluster: bool) -> RayRunner | None:
    """The cluster to train on; None where none is asked for.

    Raises:
        InputError: nothing answers there, or one worker has no use for it.
    """
    if address is None:
        return None
    if workers == 1:
        raise InputError(f"--address {printable(address)}: one worker trains in this process; give --workers too")
    from scalesearch.runners.ray_tune import RayRunner

    cluster = RayRunner(address, insecure_cluster)
    cluster.check()
    return cluster


def training_sizes(
    definition: Baseline, resolution: int | None, train_resolution: int | None, accumulate: int
) -> Sizes:
    """The sides that the options ask for; by default the network's own."""
    from scalesearch.training.events import Sizes

    own = resolution or definition.architecture.resolution
    return Sizes(own, train_resolution or own, accumulate)


def build_job(
    definition: Baseline,
    recipe: TrainRecipe,
    sizes: Sizes,
    data: str | None,
    budget: str,
    seed: int,
    workers: int,
    threads: int | None,
    max_megapixels: int = MAX_MEGAPIXELS,
) -> Job:
    """Load the images, the budget's where `data` is None, and make the job; the definition gets classes and side.

    Raises:
        InputError: data that cannot be used, or too few for the batch's parts.
    """
    from dataclasses import replace
    from importlib import import_module

    import torch

    from scalesearch.cli.cache import cache_folder
    from scalesearch.cli.counter_progress import CounterProgress, data_notes, print_notes
    from scalesearch.nets.weights import with_classes
    from scalesearch.search.budget_file import load_budget
    from scalesearch.training.job import Job, Source
    from scalesearch.training.run import part_size

    spent = load_budget(budget)
    for module in _NEEDED:
        import_module(module)
    interrupts.raise_exceptions()  # what is begun from here on can be resumed
    channels = definition.architecture.in_channels
    source = Source(
        spent.data if data is None else data,
        max(sizes.px, sizes.train_px),
        spent.scenes,
        cache_folder(),
        max_megapixels,
        channels,
    )
    with CounterProgress(options.console()) as on_progress:
        images = source.load(on_progress)
    print_notes(data_notes(images), options.console())
    count, parts = len(images.train_labels_N), workers * sizes.accumulate
    if count < recipe.batch:
        recipe = recipe.with_batch(count - count % parts or count)
    part_size(recipe.batch, count, parts)  # before there is a folder
    sized = replace(definition, architecture=replace(definition.architecture, resolution=sizes.px))
    return Job(
        with_classes(sized, len(images.classes)),
        images.classes,
        source,
        images.fingerprint,
        recipe,
        sizes,
        seed,
        workers,
        threads or torch.get_num_threads(),
    )


def run_training(job: Job, folder: Path, cluster: RayRunner | None) -> Row:
    """Run what is left of the job in its folder, show it, and say where its weights are; its last epoch.

    Raises:
        ScalesearchError: whatever ends the command with another code than 0.
    """
    from scalesearch.proxy.failures import training_failure
    from scalesearch.proxy.training import Diverged
    from scalesearch.study.study import locked
    from scalesearch.training.checkpoint import NAME
    from scalesearch.training.job import WEIGHTS, read_history
    from scalesearch.training.record import open_run, write_result

    command = typed_command()
    with locked(folder):
        finished = open_run(folder, job, plain_command())
        if finished:
            print(f"{folder}: is trained; to start anew, give another --results or delete the folder")
        else:
            supervisor.began(folder)
            try:
                _run(job, folder, cluster)
            except KeyboardInterrupt:
                interrupts.heeded()
                from scalesearch.cli.failure import fail

                fail(f"{interrupts.cause()}; {_kept(job, folder)}. Resume: {command}", interrupts.exit_code())
            except Diverged as error:
                raise TrialsFailedError(
                    f"{folder}: {error}; delete the folder and give a lower --learning-rate"
                ) from error
            except StorageError as error:
                raise StorageError(f"{error}; {_kept(job, folder)}. Resume: {command}") from error
            except (RuntimeError, ValueError, MemoryError, OSError) as error:
                failure = training_failure(error)
                if failure is None:
                    raise
                raise TrialsFailedError(
                    f"{folder}: {failure.for_options()}; {_after_failure(job, folder, command)}"
                ) from error
            write_result(folder, job)
        (folder / NAME).unlink(missing_ok=True)  # not before the record is whole
        last = read_history(folder)[-1]
    print(f"{folder / WEIGHTS}: accuracy {last.val_accuracy:.4f} on the validation images at {job.sizes.px} px")
    return last


def _kept(job: Job, folder: Path) -> str:
    """What a later run goes on from."""
    return f"{job.done(folder)}/{job.recipe.epochs} epochs are kept in {folder}"


def _after_failure(job: Job, folder: Path, command: str) -> str:
    """How to go on; a folder without an epoch takes any command, one with epochs the same alone."""
    if not job.done(folder):
        return "no epoch was finished, so the corrected command begins in the same folder"
    return f"{_kept(job, folder)}. Resume: {command} (with other values of these options: in another --results)"


def _run(job: Job, folder: Path, cluster: RayRunner | None) -> None:
    from scalesearch.cli.training_progress import TrainingProgress

    done = job.done(folder)
    if done:
        print(f"{folder}: {done}/{job.recipe.epochs} epochs are done, resuming", flush=True)
    with TrainingProgress(job, done, options.console()) as on_event:
        if job.workers > 1:
            from scalesearch.training.distributed import train_together

            train_together(job, folder, cluster, on_event)
        else:
            for event in _alone(job, folder):
                on_event(event)


def _alone(job: Job, folder: Path) -> Iterator[RunProgress | Row]:
    import torch

    from scalesearch.nets.memory import keep_memory
    from scalesearch.training.job import follow

    torch.set_num_threads(job.threads)
    keep_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return follow(job, folder, job.source.load(), device)
