"""A training that is killed goes on as if it had not been; what is kept is the average; files are whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from schooled import RECIPE, bright_sides, job

from scalesearch.errors import InputError
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.weights import read_weights
from scalesearch.proxy.training import Diverged
from scalesearch.training.checkpoint import NAME, read_checkpoint, write_checkpoint
from scalesearch.training.ema import MovingAverage
from scalesearch.training.events import EpochMetrics, RunProgress, Sizes
from scalesearch.training.job import HISTORY, WEIGHTS, Job, history_text, read_history, resume_training
from scalesearch.training.recipes import NONE
from scalesearch.training.run import MemberTraining
from scalesearch.training.run_record import open_run

CPU = torch.device("cpu")


def rows(events: Iterator[RunProgress | EpochMetrics]) -> list[EpochMetrics]:
    return [replace(one, seconds=0.0) for one in events if isinstance(one, EpochMetrics)]


def left_alone(asked: Job, folder: Path) -> tuple[list[EpochMetrics], dict[str, torch.Tensor]]:
    folder.mkdir()
    found = rows(resume_training(asked, folder, bright_sides(), CPU))
    return found, read_weights(folder / WEIGHTS).tensors


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_a_killed_training_goes_on_to_the_same_numbers(optimizer: str, tmp_path: Path) -> None:
    asked = job(replace(RECIPE, optimizer=optimizer, learning_rate=Decimal("0.02")))
    wanted, tensors = left_alone(asked, tmp_path / "whole")
    folder = tmp_path / "killed"
    folder.mkdir()
    for stop in (5, 5):  # in the midst of the second epoch, and of the third
        torch.manual_seed(stop)  # the caller's random numbers decide nothing
        for count, _ in enumerate(resume_training(asked, folder, bright_sides(), CPU)):
            if count == stop:
                break
    assert asked.epochs_done(folder) >= 2
    found = rows(resume_training(asked, folder, bright_sides(), CPU))
    assert [*wanted[: -len(found)], *found] == wanted
    again = read_weights(folder / WEIGHTS).tensors
    assert all(torch.equal(tensor, again[name]) for name, tensor in tensors.items())
    kept = read_history(folder)
    assert [one.epoch for one in kept] == [1, 2, 3]
    assert [one.val_loss for one in kept] == pytest.approx([one.val_loss for one in wanted], rel=1e-8)


def test_the_callers_random_state_stays() -> None:
    asked = job()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    run = MemberTraining(asked.network(), bright_sides(), asked.recipe, asked.sizes, 0, CPU)
    list(run.epochs())
    assert torch.equal(torch.get_rng_state(), before)


def test_stages_grow_and_ticks_end_at_all() -> None:
    asked = job()
    run = MemberTraining(asked.network(), bright_sides(), asked.recipe, asked.sizes, 0, CPU)
    events = list(run.epochs())
    ticks = [one for one in events if isinstance(one, RunProgress)]
    assert [one.px for one in events if isinstance(one, EpochMetrics)] == [8, 12, 16]
    assert len(ticks) == 3 * (39 // 12)
    assert ticks[-1].done == ticks[-1].total == 36 * (8**2 + 12**2 + 16**2)
    assert [one.done for one in ticks] == sorted({one.done for one in ticks})
    assert isinstance(run.network, ConvNet)
    *_, classifier = run.network
    assert classifier.dropout == pytest.approx(0.1)


def test_it_learns() -> None:
    asked = job(replace(RECIPE.fixed(), epochs=14, randaugment=NONE, mixup=NONE))
    run = MemberTraining(asked.network(), bright_sides(), asked.recipe, asked.sizes, 0, CPU)
    assert rows(run.epochs())[-1].val_accuracy > 0.6


def test_accumulated_gradients_are_the_whole_batchs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without batch norm's statistics of the parts, which differ, the sum of the parts is the batch."""
    plain = replace(RECIPE.fixed(), stochastic_depth=Decimal(0), average=Decimal(0), mixup=NONE, dropout=NONE)
    found = []
    for accumulate in (1, 3):
        asked = job(plain, accumulate)
        run = MemberTraining(asked.network().eval(), bright_sides(), plain, Sizes(16, 16, accumulate), 0, CPU)
        monkeypatch.setattr(run.network, "train", lambda mode=True: None)  # stays in eval
        next(run.epochs())
        found.append([one.grad for one in run.network.parameters()])
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(*found, strict=True))


def test_the_average_follows_and_forgets_the_first_weights() -> None:
    network = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    average = MovingAverage(network, 0.9)
    with torch.no_grad():
        network.weight.fill_(1.0)
    wanted = 0.0
    for step in range(30):
        average.update(step)
        wanted += (1 - min(0.9, (1 + step) / (10 + step))) * (1 - wanted)
    assert float(average.tensors()["weight"][0, 0]) == pytest.approx(wanted)
    assert MovingAverage(network, 0).network is network


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    asked = job(replace(RECIPE, learning_rate=Decimal(1000), randaugment=NONE))
    with pytest.raises(Diverged):
        list(resume_training(asked, tmp_path, bright_sides(), CPU))
    assert not (tmp_path / WEIGHTS).exists()


def test_parts_must_be_equal() -> None:
    asked = job()
    with pytest.raises(InputError, match="--batch 12: cannot be cut into 5 equal parts"):
        MemberTraining(asked.network(), bright_sides(), asked.recipe, Sizes(16, 16, 5), 0, CPU)


def test_a_checkpoint_knows_whose_it_is_and_whether_it_is_whole(tmp_path: Path) -> None:
    row = EpochMetrics(1, 16, 0.5, 0.1, 0.2, 0.01, 1.5, 1.25, 0.375, 3.0)
    state = {"network.a": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(4)}
    write_checkpoint(tmp_path, "mine", [row], state)
    kept = read_checkpoint(tmp_path, "mine")
    assert kept is not None
    assert kept[0] == [row]
    assert all(torch.equal(kept[1][name], tensor) for name, tensor in state.items())
    with pytest.raises(InputError, match="another training's"):
        read_checkpoint(tmp_path, "theirs")
    data = bytearray((tmp_path / NAME).read_bytes())
    data[-3] ^= 1
    (tmp_path / NAME).write_bytes(data)
    with pytest.raises(InputError, match="is damaged"):
        read_checkpoint(tmp_path, "mine")
    (tmp_path / NAME).write_bytes(data[:40])
    with pytest.raises(InputError, match="is damaged"):
        read_checkpoint(tmp_path, "mine")
    (tmp_path / HISTORY).write_text(history_text([row]))
    assert read_history(tmp_path) == [row]


def test_a_folder_of_another_training_says_which_values_differ(tmp_path: Path) -> None:
    first = job()
    open_run(tmp_path, first, "scalesearch train")
    (tmp_path / HISTORY).write_text("begun")
    other = replace(job(replace(RECIPE, epochs=RECIPE.epochs + 1), accumulate=2), threads=first.threads + 1)
    with pytest.raises(
        InputError, match=r"holds another training \(other recipe.epochs, sizes.accumulate, threads\);"
    ):
        open_run(tmp_path, other, "scalesearch train")
