"""The `scalesearch train` command: the training of one network on the user's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scalesearch import choices
from scalesearch.cli import options
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
from scalesearch.units import MAX_MEGAPIXELS


def train(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION",
            help="A shipped baseline, a published member, a baseline file or a Python function.",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="Images to train on, as grid's --data; default: the budget's."),
    ] = None,
    recipe: Annotated[
        choices.TrainingRecipe, typer.Option(help="Training recipe; paper, code: EfficientNetV2's.")
    ] = "fast",
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Train at the resolution and regularisation of the last stage.")
    ] = False,
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
    name: Annotated[str | None, typer.Option(help="Folder of the run; default: NETWORK-train-RECIPE.")] = None,
    results: Results = Path("results"),
    max_megapixels: options.MaxMegapixels = MAX_MEGAPIXELS,
) -> None:
    """Train a member on your data; image size and regularisation grow by stage.

    Rerunning the same command resumes it.

    Example: scalesearch train tiny --budget smoke --resolution 32 --epochs 3 --threads 1
    """
    from scalesearch.cli import training_run
    from scalesearch.cli.definition import load_definition
    from scalesearch.cli.search_command import study_folder

    definition = load_definition(network)
    train_recipe = training_run.build_recipe(recipe, epochs, batch, learning_rate, fixed)
    default_name = f"{definition.name[:40]}-train-{train_recipe.name}" + ("-fixed" if fixed else "")
    folder = study_folder(results, name, default_name)
    cluster = training_run.connect_cluster(address, workers, insecure_cluster)
    sizes = training_run.training_sizes(definition, resolution, train_resolution, accumulate)
    job = training_run.build_job(
        definition, train_recipe, sizes, data, budget, seed, workers, threads, max_megapixels
    )
    training_run.run_training(job, folder, cluster)
