"""The `scalesearch transfer` command: networks fine-tuned on other data, in the form of the paper's Table 5."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch import choices
from scalesearch.cli import options
from scalesearch.cli.network_label import network_label
from scalesearch.cli.training_run import (
    Accumulate,
    Address,
    Batch,
    Epochs,
    InsecureCluster,
    LearningRate,
    Resolution,
    Results,
    Seed,
    Threads,
    TrainResolution,
    Workers,
)
from scalesearch.errors import InputError, printable
from scalesearch.units import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scalesearch.nets.factory_definition import Definition
    from scalesearch.training.constants import Stated
    from scalesearch.training.pretrained import PretrainedBackbone


def transfer(
    checkpoints: Annotated[
        list[str],
        typer.Argument(metavar="FILE|NAME=FILE…", help="Weights of trained networks, .safetensors, one row each."),
    ],
    data: Annotated[str, typer.Option(metavar="SPEC", help="Images to train on, as grid's --data.")],
    network: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION",
            help="Network of a state dict: of timm, torchvision or your own function.",
        ),
    ] = None,
    padding: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="Padding: symmetric, or tensorflow for a tf_ model of timm."),
    ] = None,
    pixels: Annotated[
        str | None,
        typer.Option(
            metavar="WORD",
            help="Input scaling of a library's weights: imagenet's mean and deviation, or half (.5, .5).",
        ),
    ] = None,
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Also train each network from random weights.")
    ] = False,
    recipe: Annotated[
        choices.TrainingRecipe, typer.Option(help="Training recipe: fine-tuning, or one of train's.")
    ] = "fine-tuning",
    epochs: Epochs = None,
    batch: Batch = None,
    accumulate: Accumulate = 1,
    learning_rate: LearningRate = None,
    resolution: Resolution = None,
    train_resolution: TrainResolution = None,
    seed: Seed = 0,
    workers: Workers = 1,
    address: Address = None,
    insecure_cluster: InsecureCluster = False,
    threads: Threads = None,
    budget: Annotated[str, typer.Option(help="Budget whose synthetic images are trained on.")] = "quick",
    results: Results = Path("results"),
    max_megapixels: options.MaxMegapixels = MAX_MEGAPIXELS,
) -> None:
    """Fine-tune trained networks on other data: new classifiers, all weights, any image size.

    Rerunning the same command resumes it.

    Example: scalesearch transfer results/reference/cam/baseline.safetensors --data digits --resolution 16
    --epochs 2 --threads 1
    """
    from dataclasses import replace

    from scalesearch.cli import training_run
    from scalesearch.cli.search_command import study_folder
    from scalesearch.training.constants import Stated

    train_recipe = training_run.build_recipe(recipe, epochs, batch, learning_rate)
    cluster = training_run.connect_cluster(address, workers, insecure_cluster)
    starts = _load_starts(checkpoints, network, Stated(padding, pixels))
    for start in starts.values():
        start.check_side(training_run.training_sizes(start.definition, resolution, train_resolution, accumulate).px)
    folders = {name: study_folder(results, None, f"{name}-on-{_slug(data)}") for name in starts}
    rows = []
    for name, start in starts.items():
        sizes = training_run.training_sizes(start.definition, resolution, train_resolution, accumulate)
        job = training_run.build_job(
            start.definition, train_recipe, sizes, data, budget, seed, workers, threads, max_megapixels
        )
        fine_tuning_job = replace(job, start=start.weights(job.classes, sizes.px, seed))
        accuracies = [training_run.run_training(fine_tuning_job, folders[name], cluster).val_accuracy]
        if scratch:
            scratch_folder = folders[name].with_name(f"{folders[name].name}-scratch")
            accuracies.append(training_run.run_training(job, scratch_folder, cluster).val_accuracy)
        rows.append((name, accuracies, job.definition))
    options.console().print(_table(data, rows))


def _load_starts(arguments: Sequence[str], network: str | None, stated: Stated) -> dict[str, PretrainedBackbone]:
    from scalesearch.cli.definition import load_definition
    from scalesearch.training.pretrained import read_pretrained

    starts: dict[str, PretrainedBackbone] = {}
    for argument in arguments:
        name, equals, path = argument.partition("=")
        weights_path = Path(path if equals else argument)
        start = read_pretrained(weights_path, network, stated, load_definition)
        for note in start.notes:
            print(f"{printable(str(weights_path))}: {note}")
        name = _slug(name if equals else network_label(weights_path, start.definition.name))
        if name in starts:
            raise InputError(f"{printable(argument)}: a second network named {name!r}; give NAME=FILE")
        starts[name] = start
    return starts


def _slug(text: str) -> str:
    """Return the end of a path or name, for use in a folder's name."""
    end = re.split(r"[/:]", text.rstrip("/"))[-1].lower()
    return re.sub(r"[^a-z0-9._-]", "-", end).strip("._-")[:24] or "data"


def _table(data: str, rows: Sequence[tuple[str, list[float], Definition]]) -> Table:
    """Return a table like Table 5: accuracy, parameters, and the first network's parameters over each one's."""
    from rich.table import Table

    from scalesearch.design.cost import cost
    from scalesearch.units import si

    costs = [cost(definition.architecture) for *_, definition in rows]
    table = Table(title=f"transfer to {printable(data)}", title_justify="left")
    names = ["network", "px", "accuracy", *(["from scratch"] if len(rows[0][1]) > 1 else []), "params", "ratio"]
    for name in names:
        table.add_column(name, justify="left" if name == "network" else "right")
    for (name, accuracies, definition), network_cost in zip(rows, costs, strict=True):
        side = definition.architecture.resolution
        ratio = f"{costs[0].params / network_cost.params:.2f}x"
        table.add_row(
            name, str(side), *(f"{accuracy:.1%}" for accuracy in accuracies), si(network_cost.params), ratio
        )
    return table
