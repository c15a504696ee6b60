"""Describe a training as a value (network, data, recipe), and run it from the checkpoint in its folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scalesearch.design.serialization import key_of
from scalesearch.nets.factory_definition import Definition, FactoryDefinition, definition_text
from scalesearch.nets.weights import Weights, weights_file, weights_of
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.redaction import redacted
from scalesearch.search.canonical import Json, as_json, digest
from scalesearch.search.scenes import SceneRecipe
from scalesearch.study.files import replace_atomically
from scalesearch.training.checkpoint import read_checkpoint, tensors_checksum, write_checkpoint
from scalesearch.training.events import EpochMetrics, RunProgress, Sizes, WorkerContext
from scalesearch.training.recipes import TrainRecipe
from scalesearch.training.run import MemberTraining
from scalesearch.units import MAX_MEGAPIXELS

WEIGHTS = "weights.safetensors"
HISTORY = "history.csv"
RUN = "run.json"


@dataclass(frozen=True, slots=True)
class Source:
    """Describes where images come from; a worker on another machine reads them for itself."""

    spec: str
    px: int
    scenes: SceneRecipe
    cache: Path
    max_megapixels: int = MAX_MEGAPIXELS
    """Larger images are refused."""
    channels: int = 3
    """The channels that the network takes."""

    def load(self, on_progress: ProgressCallback = no_progress) -> ImageData:
        """Load the images; see `load_data`."""
        return load_data(
            self.spec, self.px, self.scenes, self.cache, on_progress, self.channels, self.max_megapixels
        )


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Describes one training."""

    definition: Definition
    """The network at the side of validation. It has a logit for each class; a function's may have more."""
    classes: tuple[str, ...]
    source: Source
    fingerprint: str
    """The fingerprint of the images."""
    recipe: TrainRecipe
    sizes: Sizes
    seed: int
    workers: int = 1
    threads: int = 1
    start: Weights | None = None
    """The initial weights; None: random from the seed."""

    def config(self) -> dict[str, Json]:
        """Return everything that determines the results, except the environment."""
        start = None if self.start is None else tensors_checksum(self.start.tensors)
        return {
            "definition": definition_text(self.definition),
            "data": {"spec": redacted(self.source.spec), "fingerprint": self.fingerprint},
            "recipe": as_json(self.recipe),
            "sizes": as_json(self.sizes),
            "seed": self.seed,
            "workers": self.workers,
            "threads": self.threads,
            "start": start,
        }

    @property
    def id(self) -> str:
        """The hash of the configuration."""
        return digest([f"{key}: {value}" for key, value in self.config().items()])

    def network(self) -> nn.Module:
        """Build the network before its first step.

        Raises:
            InputError: the source of a function has changed since the job was made.
        """
        if isinstance(self.definition, FactoryDefinition):
            self.definition.check_source()
        network = initial_network(self.definition.architecture, self.seed)
        if self.start is not None:
            network.load_state_dict(self.start.tensors)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = float(self.recipe.batch_norm)
        return network

    def epochs_done(self, folder: Path) -> int:
        """Return the number of epochs in the folder's checkpoint.

        Raises:
            InputError: the checkpoint is another training's, or damaged.
        """
        checkpoint = read_checkpoint(folder, self.id)
        return 0 if checkpoint is None else len(checkpoint[0])


def resume_training(
    job: Job, folder: Path, data: ImageData, device: torch.device, worker: WorkerContext | None = None
) -> Iterator[RunProgress | EpochMetrics]:
    """Train from the folder's checkpoint to the end; the first process saves it and the history after each epoch.

    At the end it writes the weights. The checkpoint stays, because the record is not written yet.

    Raises:
        Diverged: a loss is NaN or infinite.
        InputError: the checkpoint is another training's, or damaged.
        StorageError: the folder cannot be written.
    """
    rows: list[EpochMetrics] = []
    run = MemberTraining(job.network(), data, job.recipe, job.sizes, job.seed, device, worker)
    if (checkpoint := read_checkpoint(folder, job.id)) is not None:
        rows, state = checkpoint
        run.restore(state, len(rows))
    for event in run.epochs():
        if isinstance(event, EpochMetrics):
            rows.append(event)
            if run.worker.rank == 0:
                write_checkpoint(folder, job.id, rows, run.state())
                replace_atomically(folder / HISTORY, history_text(rows))
        yield event
    if run.worker.rank == 0:
        weights = weights_of(job.definition, run.average.network, job.classes)
        replace_atomically(folder / WEIGHTS, weights_file(weights))
        replace_atomically(folder / HISTORY, history_text(rows))


def history_text(rows: list[EpochMetrics]) -> str:
    """Return the text of history.csv: one line an epoch."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns = fields(EpochMetrics)
    writer.writerow([key_of(column) for column in columns])
    writer.writerows([_format_number(getattr(row, column.name)) for column in columns] for row in rows)
    return stream.getvalue()


def _format_number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"


def read_history(folder: Path) -> list[EpochMetrics]:
    """Read the epochs in a run's history.csv; empty where there is none."""
    path = folder / HISTORY
    if not path.is_file():
        return []
    parsers: dict[str, Callable[[str], Any]] = {
        key_of(field): int if field.type == "int" else float for field in fields(EpochMetrics)
    }
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            EpochMetrics(*(parse(row[name]) for name, parse in parsers.items())) for row in csv.DictReader(stream)
        ]
