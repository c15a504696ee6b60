"""Several processes that train one network take the steps that one process would."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from schooled import RECIPE, bright_sides, job

from scalesearch.training.events import EpochMetrics, WorkerContext
from scalesearch.training.recipes import NONE
from scalesearch.training.run import MemberTraining

# What is drawn within a step, by every process for itself, is left out.
ALIKE = replace(RECIPE, stochastic_depth=Decimal(0), dropout=NONE)


def train(folder: Path, rank: int, size: int) -> list[float]:
    """The losses; what was learned lies in the folder."""
    torch.set_num_threads(1)
    asked = job(ALIKE, 1 if size > 1 else 2)
    run = MemberTraining(
        asked.network(), bright_sides(), ALIKE, asked.sizes, 0, torch.device("cpu"), WorkerContext(rank, size)
    )
    losses = [one.train_loss for one in run.epochs() if isinstance(one, EpochMetrics)]
    learned = {name: one.detach().contiguous() for name, one in run.network.named_parameters()}
    save_file(learned, folder / f"{rank}of{size}.safetensors")
    return losses


def work(folder: Path, rank: int) -> None:
    """One of two."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    losses = train(folder, rank, 2)
    (folder / f"losses{rank}").write_text(repr(losses))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_learn_what_one_with_two_parts_does(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    team = [context.Process(target=work, args=(tmp_path, rank)) for rank in range(2)]
    for one in team:
        one.start()
    alone = train(tmp_path, 0, 1)
    for one in team:
        one.join(300)
        assert one.exitcode == 0
    for rank in range(2):
        together = [float(word) for word in (tmp_path / f"losses{rank}").read_text().strip("[]").split(",")]
        assert together == pytest.approx(alone, rel=1e-4)
        learned = load_file(tmp_path / f"{rank}of2.safetensors")
        for name, tensor in load_file(tmp_path / "0of1.safetensors").items():
            assert torch.allclose(learned[name], tensor, rtol=1e-3, atol=1e-5), name
