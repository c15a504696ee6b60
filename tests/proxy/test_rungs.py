"""Training that stops, is kept and goes on is the same training to the bit, whatever becomes of checkpoints."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from small_training import CPU, bright_channel_data, bright_images, curve, tiny_net

from scalesearch.design.baselines import load_baseline
from scalesearch.proxy.checkpoints import load_checkpoint, save_checkpoint
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.proxy.schedule import decay_rate, stable_rate
from scalesearch.proxy.training import Training, train, train_decay, train_stable
from scalesearch.runners.execution import TrialExecution
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Epoch, Recipe
from scalesearch.search.trial import Outcome, TrialSpec

# 100 images are 6 steps an epoch, 24 in all: rungs at steps 5, 12 and 24 leave the trunk at 3, 8 and 16.
RECIPE = Recipe(epochs=4, batch=16, learning_rate=Decimal("0.1"), decay=Decimal("0.33"))
RUNGS = (5, 12, 24)


def training(recipe: Recipe = RECIPE) -> Training:
    return Training(tiny_net(), bright_channel_data(), recipe, 0, CPU)


def straight(end: int) -> list[Epoch]:
    run = training()
    return [*train_stable(run, RECIPE.decay_start(end)), *train_decay(run, end)]


def test_forks() -> None:
    assert [RECIPE.decay_start(end) for end in RUNGS] == [3, 8, 16]
    assert replace(RECIPE, decay=Decimal("0.01")).decay_start(10) == 9
    assert replace(RECIPE, decay=Decimal("0.99")).decay_start(1) == 0


def test_rates() -> None:
    """Two warm-up steps of 24, constant, and a line down from the fork to zero at the end."""
    assert [stable_rate(step, 24, RECIPE) for step in (0, 1, 2, 23)] == pytest.approx([0.1 / 3, 0.2 / 3, 0.1, 0.1])
    down = [decay_rate(step, 12, 24, RECIPE) for step in range(8, 13)]
    assert down == pytest.approx([0.1, 0.075, 0.05, 0.025, 0])
    assert decay_rate(16, 24, 24, RECIPE) == pytest.approx(0.1)


PRECISE = replace(RECIPE, precise_bn_images=40)
ADAMW = replace(RECIPE, optimizer="adamw", learning_rate=Decimal("0.003"), precise_bn_images=1000)


@pytest.mark.parametrize("recipe", [RECIPE, PRECISE, ADAMW], ids=["sgd", "precise", "adamw"])
@pytest.mark.parametrize("stop", range(1, 13))
def test_a_state_kept_anywhere_goes_on_to_the_bit(stop: int, recipe: Recipe) -> None:
    """Within an epoch, at its end, before and after a report; dropout and the optimiser's moments included."""
    whole, first = training(recipe), training(recipe)
    expected = list(train_stable(whole, 14))
    before = list(train_stable(first, stop))
    second = Training(tiny_net(seed=9), bright_channel_data(), recipe, 0, CPU)
    second.restore(first.state())
    assert second.step == stop
    assert curve([*before, *train_stable(second, 14)]) == curve(expected)
    for one, other in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_momenta_of_an_earlier_versions_checkpoint_are_taken_up() -> None:
    whole, first = training(), training()
    expected = list(train_stable(whole, 14))
    before = list(train_stable(first, 7))
    state = {
        re.sub(r"^optimizer\.(\d+)\.momentum_buffer$", r"momentum.\1", key): one
        for key, one in first.state().items()
    }
    assert "momentum.0" in state
    assert not any(key.startswith("optimizer.") for key in state)
    second = Training(tiny_net(seed=9), bright_channel_data(), RECIPE, 0, CPU)
    second.restore(state)
    assert curve([*before, *train_stable(second, 14)]) == curve(expected)


def test_a_rung_is_reported_at_its_end_even_within_an_epoch() -> None:
    assert [(epoch.index, epoch.samples) for epoch in straight(5)] == [(1, 80)]
    assert [(epoch.index, epoch.samples) for epoch in straight(12)] == [(1, 96), (2, 192)]
    assert [(epoch.index, epoch.samples) for epoch in straight(15)] == [(1, 96), (2, 192), (3, 240)]


def test_the_last_rung_is_the_whole_recipe() -> None:
    whole = list(train(tiny_net(), bright_channel_data(), RECIPE, 0, CPU))
    assert curve(straight(24)) == curve(whole)
    cosine = replace(RECIPE, decay=Decimal(0))
    assert curve(whole) != curve(list(train(tiny_net(), bright_channel_data(), cosine, 0, CPU)))


def spec(end: int, since: int = 0) -> TrialSpec:
    base = load_baseline("tiny")
    proxy = make_proxy(base.architecture, base, 4, 16, 3)
    return TrialSpec(base.architecture, proxy, RECIPE, "bright", 2, end * 16, since)


def last(objective: ProxyTraining, trial: TrialSpec) -> tuple[str, ...]:
    found: tuple[str, ...] = curve(list(objective(trial)))[-1]
    return found


def test_rungs_with_and_without_checkpoints_end_alike(tmp_path: Path) -> None:
    alone, continued = ProxyTraining(bright_images()), ProxyTraining(bright_images(), tmp_path)
    since = 0
    for end in RUNGS:
        trial = spec(end, since)
        assert last(continued, trial) == last(alone, trial)
        steps = sorted(int(path.name.split("-")[1]) for path in tmp_path.iterdir())
        assert steps == [
            *([since // 16] if since else []),
            RECIPE.decay_start(end),
        ]  # the trunk's earlier ones have gone
        since = RECIPE.decay_start(end) * 16


@pytest.mark.parametrize("damage", ["none", "killed after the fork", "all checkpoints gone"])
def test_a_record_is_the_same_whatever_was_killed(damage: str, tmp_path: Path) -> None:
    """Its curve begins where the rung does, with the same figures, also where the rung is run a second time."""
    objective = ProxyTraining(bright_images(), tmp_path)
    list(objective(spec(12)))
    trial = spec(24, 128)
    expected = [2, 3, 4]
    if damage == "killed after the fork":
        for epoch in objective(trial):  # it has kept the state of its fork by then
            if epoch.samples == trial.samples:
                break
    elif damage == "all checkpoints gone":
        for path in tmp_path.iterdir():
            path.unlink()
    calm = outcome(ProxyTraining(bright_images(), None), trial)
    found = outcome(objective, trial)
    assert [epoch.index for epoch in found.epochs] == expected
    assert curve(list(found.epochs)) == curve(list(calm.epochs))


def outcome(objective: ProxyTraining, trial: TrialSpec) -> Outcome:
    execution = TrialExecution(trial, objective)
    while not isinstance(result := execution.step(), Outcome):
        pass
    return result


def test_a_continued_trial_trains_only_what_is_new(tmp_path: Path) -> None:
    objective = ProxyTraining(bright_images(), tmp_path)
    assert [epoch.index for epoch in objective(spec(12))] == [1, 2]
    assert [epoch.index for epoch in objective(spec(24, 128))] == [2, 3, 4]  # epoch 2 had been left in its midst


def test_a_later_checkpoint_is_no_use_to_an_earlier_rung(tmp_path: Path) -> None:
    objective = ProxyTraining(bright_images(), tmp_path)
    expected = last(objective, spec(5))
    list(objective(spec(24)))
    assert last(objective, spec(5)) == expected


@pytest.mark.parametrize("damage", ["torn", "flipped", "empty", "gone"])
def test_a_damaged_checkpoint_costs_time_and_nothing_else(damage: str, tmp_path: Path) -> None:
    objective = ProxyTraining(bright_images(), tmp_path)
    list(objective(spec(12)))
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"torn": data[:-9], "flipped": data[:-1] + bytes([data[-1] ^ 1]), "empty": b""}[damage])
    found = list(objective(spec(24, 128)))
    assert [epoch.index for epoch in found] == [1, 2, 3, 4]
    assert curve(found)[-1] == last(ProxyTraining(bright_images()), spec(24, 128))


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    """A worker on another machine may not see the driver's folder."""
    objective = ProxyTraining(bright_images(), tmp_path / "elsewhere")
    assert last(objective, spec(5)) == last(ProxyTraining(bright_images()), spec(5))
    assert not (tmp_path / "elsewhere").exists()


def test_the_nearest_whole_state_not_beyond_is_found(tmp_path: Path) -> None:
    for step in (3, 8):
        state = {"step": torch.tensor(step)}
        save_checkpoint(tmp_path, "0123456789abcdef", step, state)
        (path,) = tmp_path.glob(f"*-{step:09}-*")
        path.rename(tmp_path / f"copy{step}")  # so that the next does not drop it
    for step in (3, 8):
        save_checkpoint(tmp_path, "another", step, {"step": torch.tensor(99)})
    save_checkpoint(tmp_path, "0123456789abcdef", 3, {"step": torch.tensor(3)})
    assert load_checkpoint(tmp_path, "0123456789abcdef", 2) is None
    for until in (3, 4, 99):
        found = load_checkpoint(tmp_path, "0123456789abcdef", until)
        assert found is not None
        assert int(found["step"]) == 3
    assert load_checkpoint(tmp_path, "0123", 99) is None
