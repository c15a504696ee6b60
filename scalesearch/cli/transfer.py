"""`scalesearch transfer`: trained networks on other data, in the form of the paper's Table 5."""

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

    from scalesearch.design.scaling import Baseline
    from scalesearch.training.constants import Stated
    from scalesearch.training.start import Start


def transfer(
    checkpoints: Annotated[
        list[str],
        typer.Argument(metavar="FILE|NAME=FILE…", help="Weights of trained networks, .safetensors; a row each."),
    ],
    data: Annotated[str, typer.Option(metavar="SPEC", help="Images to train on, as grid's --data.")],
    network: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="What the weights are of, where timm or torchvision named them."),
    ] = None,
    padding: Annotated[
        str | None,
        typer.Option(
            metavar="WORD", help="symmetric, or tensorflow for a tf_ model of timm: its tensors do not show it."
        ),
    ] = None,
    pixels: Annotated[
        str | None,
        typer.Option(
            metavar="WORD", help="What a library's weights saw: imagenet's mean and deviation, or half (.5, .5)."
        ),
    ] = None,
    scratch: Annotated[
        bool, typer.Option("--scratch", help="Train each from random weights too, for comparison.")
    ] = False,
    recipe: Annotated[choices.TrainingRecipe, typer.Option(help="fine-tuning, or one of train's.")] = "fine-tuning",
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
    budget: Annotated[str, typer.Option(help="The budget whose drawn images are trained on.")] = "quick",
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

    asked = training_run.build_recipe(recipe, epochs, batch, learning_rate)
    cluster = training_run.connect_cluster(address, workers, insecure_cluster)
    found = _starts(checkpoints, network, Stated(padding, pixels))
    for start in found.values():
        start.check_side(training_run.training_sizes(start.definition, resolution, train_resolution, accumulate).px)
    folders = {name: study_folder(results, None, f"{name}-on-{_slug(data)}") for name in found}
    rows = []
    for name, start in found.items():
        sizes = training_run.training_sizes(start.definition, resolution, train_resolution, accumulate)
        job = training_run.build_job(
            start.definition, asked, sizes, data, budget, seed, workers, threads, max_megapixels
        )
        began = replace(job, start=start.weights(job.classes, sizes.px, seed))
        accuracies = [training_run.run_training(began, folders[name], cluster).val_accuracy]
        if scratch:
            where = folders[name].with_name(f"{folders[name].name}-scratch")
            accuracies.append(training_run.run_training(job, where, cluster).val_accuracy)
        rows.append((name, accuracies, job.definition))
    options.console().print(_table(data, rows))


def _starts(words: Sequence[str], network: str | None, stated: Stated) -> dict[str, Start]:
    from scalesearch.training.start import read_start

    found: dict[str, Start] = {}
    for word in words:
        name, equals, path = word.partition("=")
        file = Path(path if equals else word)
        start = read_start(file, network, stated)
        for note in start.notes:
            print(f"{printable(str(file))}: {note}")
        name = _slug(name if equals else network_label(file, start.definition.name))
        if name in found:
            raise InputError(f"{printable(word)}: a second network named {name!r}; give NAME=FILE")
        found[name] = start
    return found


def _slug(word: str) -> str:
    """The end of a path or name as a part of a folder's name."""
    end = re.split(r"[/:]", word.rstrip("/"))[-1].lower()
    return re.sub(r"[^a-z0-9._-]", "-", end).strip("._-")[:24] or "data"


def _table(data: str, rows: Sequence[tuple[str, list[float], Baseline]]) -> Table:
    """As Table 5: accuracy, parameters, and how many times fewer than the first network's."""
    from rich.table import Table

    from scalesearch.design.cost import cost
    from scalesearch.units import si

    prices = [cost(definition.architecture) for *_, definition in rows]
    table = Table(title=f"transfer to {printable(data)}", title_justify="left")
    names = ["network", "px", "accuracy", *(["from scratch"] if len(rows[0][1]) > 1 else []), "params", "ratio"]
    for name in names:
        table.add_column(name, justify="left" if name == "network" else "right")
    for (name, accuracies, definition), price in zip(rows, prices, strict=True):
        side = definition.architecture.resolution
        ratio = f"{prices[0].params / price.params:.2f}x"
        table.add_row(name, str(side), *(f"{accuracy:.1%}" for accuracy in accuracies), si(price.params), ratio)
    return table
