"""The options that `train` and `transfer` share, the job that they define, and its run."""

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

    from scalesearch.nets.factory_definition import Definition
    from scalesearch.runners.ray_tune import RayRunner
    from scalesearch.training.events import EpochMetrics, RunProgress, Sizes
    from scalesearch.training.job import Job
    from scalesearch.training.recipes import TrainRecipe

_PRELOADED_MODULES = (
    "scalesearch.cli.training_progress",
    "scalesearch.study.study",
    "scalesearch.training.run_record",
)
"""All that a training imports; loaded before Ctrl-C may raise, since an import may swallow the exception."""

Epochs = Annotated[int | None, typer.Option(min=1, max=100_000, help="Number of epochs; default: the recipe's.")]
Batch = Annotated[
    int | None, typer.Option(min=1, max=65_536, help="Batch size; the learning rate is scaled in proportion.")
]
Accumulate = Annotated[int, typer.Option(min=1, max=4096, help="Gradient accumulation steps per batch.")]
LearningRate = Annotated[str | None, typer.Option(help="Peak learning rate; default: the recipe's, by --batch.")]
Resolution = Annotated[
    int | None, typer.Option(min=8, max=1024, help="Side of the images, px; default: the network's.")
]
TrainResolution = Annotated[
    int | None, typer.Option(min=8, max=1024, help="Side in the last stage of training, px; default: --resolution.")
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of weights, order and augmentation.")]
Workers = Annotated[int, typer.Option(min=1, max=4096, help="Number of GPUs, or of CPU processes.")]
Address = Annotated[str | None, typer.Option(metavar="ADDR", help="Address of a Ray cluster, for --workers.")]
InsecureCluster = options.InsecureCluster
Threads = Annotated[int | None, typer.Option(min=1, max=1024, help="CPU threads per worker; default: all cores.")]
Results = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the runs.")]


def build_recipe(
    name: str, epochs: int | None, batch: int | None, learning_rate: str | None, fixed: bool = False
) -> TrainRecipe:
    """Return the named recipe with the options' values.

    Raises:
        InputError: a value is not a number, or is out of range.
    """
    from dataclasses import replace

    from scalesearch.training.recipes import RECIPES

    recipe = RECIPES[name]
    if epochs is not None:
        recipe = replace(recipe, epochs=epochs)
    if batch is not None:
        recipe = recipe.with_batch(batch)
    if (rate := options.parse_decimal(learning_rate, "--learning-rate")) is not None:
        recipe = replace(recipe, learning_rate=rate)
    return recipe.fixed() if fixed else recipe


def connect_cluster(address: str | None, workers: int, insecure_cluster: bool) -> RayRunner | None:
    """Return the Ray cluster to train on; None: no address was given.

    Raises:
        InputError: no cluster answers there, or there is only one worker, which trains in this process.
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
    definition: Definition, resolution: int | None, train_resolution: int | None, accumulate: int
) -> Sizes:
    """Return the image sides that the options set; the default is the network's own."""
    from scalesearch.training.events import Sizes

    side = resolution or definition.architecture.side
    return Sizes(side, train_resolution or side, accumulate)


def build_job(
    definition: Definition,
    recipe: TrainRecipe,
    sizes: Sizes,
    data: str | None,
    budget_name: str,
    seed: int,
    workers: int,
    threads: int | None,
    max_megapixels: int = MAX_MEGAPIXELS,
) -> Job:
    """Load the images, the budget's if `data` is None, and return the job.

    Its definition has the classes of the images, and their side.

    Raises:
        InputError: the data cannot be used, there are too few images for the parts of a batch, or the network of a
            function has too few logits or fails at a side of the training.
    """
    from importlib import import_module

    import torch

    from scalesearch.cli.cache import cache_folder
    from scalesearch.cli.counter_progress import CounterProgress, data_notes, print_notes
    from scalesearch.nets.factory_definition import with_side
    from scalesearch.nets.weights import for_classes
    from scalesearch.search.budget_file import load_budget
    from scalesearch.training.job import Job, Source
    from scalesearch.training.run import micro_batch_size

    budget = load_budget(budget_name)
    for module in _PRELOADED_MODULES:
        import_module(module)
    interrupts.raise_exceptions()  # work that begins after this can be resumed
    channels = definition.architecture.in_channels
    source = Source(
        budget.data if data is None else data,
        max(sizes.px, sizes.train_px),
        budget.scenes,
        cache_folder(),
        max_megapixels,
        channels,
    )
    with CounterProgress(options.console()) as on_progress:
        images = source.load(on_progress)
    print_notes(data_notes(images), options.console())
    num_images, num_parts = len(images.train_labels_N), workers * sizes.accumulate
    if num_images < recipe.batch:
        recipe = recipe.with_batch(num_images - num_images % num_parts or num_images)
    micro_batch_size(recipe.batch, num_images, num_parts)  # refused before the folder is created
    sized = for_classes(with_side(definition, sizes.px), len(images.classes))
    _check_sides(sized, {*recipe.sides(sizes.train_px), sizes.px})
    return Job(
        sized,
        images.classes,
        source,
        images.fingerprint,
        recipe,
        sizes,
        seed,
        workers,
        threads or torch.get_num_threads(),
    )


def _check_sides(definition: Definition, sides: set[int]) -> None:
    """Take one training step of a function's network at every side of the training.

    Raises:
        InputError: the network fails at one of them.
    """
    from scalesearch.design.factory import FactoryNetwork
    from scalesearch.nets.factory import check_training_step

    network = definition.architecture
    if not isinstance(network, FactoryNetwork):
        return
    for side in sorted(sides):
        try:
            check_training_step(network, side)
        except InputError as error:
            advice = "" if side == network.resolution else "; give --fixed, which trains at one side"
            raise InputError(f"{error}{advice}") from error


def run_training(job: Job, folder: Path, cluster: RayRunner | None) -> EpochMetrics:
    """Run the remaining epochs of the job in its folder, and return the last epoch.

    It shows the progress, and prints the path of the weights.

    Raises:
        ScalesearchError: anything that ends the command with an exit code other than 0.
    """
    from scalesearch.proxy.failures import training_failure
    from scalesearch.proxy.training import Diverged
    from scalesearch.study.study import locked
    from scalesearch.training.checkpoint import NAME
    from scalesearch.training.job import WEIGHTS, read_history
    from scalesearch.training.run_record import open_run, write_result

    command = typed_command()
    with locked(folder):
        finished = open_run(folder, job, plain_command())
        if finished:
            print(f"{folder}: is trained; to start anew, give another --results or delete the folder")
        else:
            supervisor.report_started(folder)
            try:
                _run_epochs(job, folder, cluster)
            except KeyboardInterrupt:
                interrupts.mark_handled()
                from scalesearch.cli.failure import fail

                fail(f"{interrupts.cause()}; {_saved_text(job, folder)}. Resume: {command}", interrupts.exit_code())
            except Diverged as error:
                raise TrialsFailedError(
                    f"{folder}: {error}; delete the folder and give a lower --learning-rate"
                ) from error
            except StorageError as error:
                raise StorageError(f"{error}; {_saved_text(job, folder)}. Resume: {command}") from error
            except (RuntimeError, ValueError, MemoryError, OSError) as error:
                failure = training_failure(error)
                if failure is None:
                    raise
                raise TrialsFailedError(
                    f"{folder}: {failure.for_options()}; {_resume_advice(job, folder, command)}"
                ) from error
            write_result(folder, job)
        (folder / NAME).unlink(missing_ok=True)  # not before the record is complete
        last = read_history(folder)[-1]
    print(f"{folder / WEIGHTS}: accuracy {last.val_accuracy:.4f} on the validation images at {job.sizes.px} px")
    return last


def _saved_text(job: Job, folder: Path) -> str:
    """Return what a later run resumes from."""
    return f"{job.epochs_done(folder)}/{job.recipe.epochs} epochs are kept in {folder}"


def _resume_advice(job: Job, folder: Path, command: str) -> str:
    """Return how to resume; a folder without epochs accepts any options, one with epochs only the same."""
    if not job.epochs_done(folder):
        return "no epoch was finished, so the corrected command begins in the same folder"
    return (
        f"{_saved_text(job, folder)}. Resume: {command} (with other values of these options: in another --results)"
    )


def _run_epochs(job: Job, folder: Path, cluster: RayRunner | None) -> None:
    from scalesearch.cli.training_progress import TrainingProgress

    done = job.epochs_done(folder)
    if done:
        print(f"{folder}: {done}/{job.recipe.epochs} epochs are done, resuming", flush=True)
    with TrainingProgress(job, done, options.console()) as on_event:
        if job.workers > 1:
            from scalesearch.training.distributed import train_distributed

            train_distributed(job, folder, cluster, on_event)
        else:
            for event in _train_in_process(job, folder):
                on_event(event)


def _train_in_process(job: Job, folder: Path) -> Iterator[RunProgress | EpochMetrics]:
    import torch

    from scalesearch.nets.malloc import disable_malloc_trim
    from scalesearch.training.job import resume_training

    torch.set_num_threads(job.threads)
    disable_malloc_trim()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return resume_training(job, folder, job.source.load(), device)
