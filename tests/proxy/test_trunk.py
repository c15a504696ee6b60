"""Trials that are grown from a trunk have the same numbers wherever the trunk comes from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from small_training import CPU, bright_images, curve
from torch import Tensor

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.proxy import trunk as trunks
from scalesearch.proxy.initial import initial_network
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.proxy.training import Training, train_stable, train_trunk
from scalesearch.proxy.trunk import grown_network, trunk_of
from scalesearch.search.task import Epoch, Recipe
from scalesearch.search.trial import TrialSpec

SMALL = Architecture(
    12,
    Stem(3, 2, 8),
    (Stage("mbconv", 3, 1, 1, 8, 1, Decimal("0.25")), Stage("mbconv", 3, 2, 2, 12, 2)),
    Head(20, 3),
)
LARGE = SMALL.resized((8, 10, 16, 24), (2, 3), 16)
OTHER = SMALL.resized((8, 8, 12, 20), (1, 4), 14)
# 100 images are 6 steps an epoch; the trunk has 12 steps, a grown network 18.
RECIPE = Recipe(epochs=3, batch=16, learning_rate=Decimal("0.1"), decay=Decimal("0.3"), trunk_epochs=2)
SPEC = TrialSpec(LARGE, LARGE, RECIPE, "bright", 4, trunk=SMALL)


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Forget the trunks of the process."""
    trunks._trunks.clear()


def trained(spec: TrialSpec, folder: Path | None = None) -> list[tuple[str, ...]]:
    return curve(list(ProxyTraining(bright_images(), folder)(spec)))


def count_trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sides of the images of each training that begins."""
    begun: list[int] = []

    class Counted(Training):
        def __init__(self, *arguments: object) -> None:
            begun.append(arguments[1].train_images_NCHW.shape[-1])  # type: ignore[attr-defined]
            super().__init__(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(trunks, "Training", Counted)
    return begun


def test_numbers_do_not_depend_on_where_the_trunk_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = count_trainings(monkeypatch)
    expected = trained(SPEC)
    assert begun == [12]
    assert trained(SPEC) == expected  # from memory
    assert begun == [12]
    trunks._trunks.clear()
    assert trained(SPEC, tmp_path) == expected  # trained again, and saved
    assert begun == [12, 12]
    assert len(list(tmp_path.glob(f"{trunk_of(SPEC).checkpoint_id}-*"))) == 1
    trunks._trunks.clear()
    assert trained(SPEC, tmp_path) == expected  # from its checkpoint
    assert trained(replace(SPEC, proxy=OTHER), tmp_path) != expected
    assert begun == [12, 12]


def test_a_damaged_trunk_is_trained_again(tmp_path: Path) -> None:
    expected = trained(SPEC, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    trunks._trunks.clear()
    assert trained(SPEC, tmp_path) == expected


def test_each_seed_has_a_trunk_of_its_own(tmp_path: Path) -> None:
    curves = [trained(replace(SPEC, seed=seed), tmp_path) for seed in (4, 5, 6)]
    assert len(set(map(str, curves))) == len(list(tmp_path.iterdir())) == 3


def test_memory_keeps_a_few_trunks() -> None:
    brief = replace(RECIPE, epochs=1, trunk_epochs=1)
    for seed in range(10):
        grown_network(replace(SPEC, recipe=brief, seed=seed), bright_images(), None, CPU)
    assert len(trunks._trunks) == trunks._MOST_KEPT
    assert list(trunks._trunks)[-1] == trunk_of(replace(SPEC, recipe=brief, seed=9)).checkpoint_id


def test_a_grown_network_starts_where_the_trunk_ended() -> None:
    """Which is far better than chance; and so the first epoch of a grown network begins with a low loss."""
    network = grown_network(SPEC, bright_images(), None, CPU)
    trunk = trunks._trunks[trunk_of(SPEC).checkpoint_id]
    names = [key for key, value in trunk.items() if value.ndim == 4]
    assert names
    for key in names:
        old = trunk[key]
        new: Tensor = network.state_dict()[key][: old.shape[0], : old.shape[1]]
        assert torch.equal(new, old)
    grown, scratch = (
        list(ProxyTraining(bright_images())(spec))
        for spec in (SPEC, replace(SPEC, trunk=None, recipe=replace(RECIPE, trunk_epochs=0)))
    )
    assert grown[0].train_loss < scratch[0].train_loss - 0.1


def test_rungs_resume_without_growing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight: list[Epoch] = list(ProxyTraining(bright_images())(replace(SPEC, samples=18 * 16)))
    trunks._trunks.clear()
    list(ProxyTraining(bright_images(), tmp_path)(replace(SPEC, samples=9 * 16)))
    since = RECIPE.decay_start(9) * 16
    begun = count_trainings(monkeypatch)
    trunks._trunks.clear()
    resumed = list(ProxyTraining(bright_images(), tmp_path)(replace(SPEC, samples=18 * 16, since=since)))
    assert curve(resumed)[-1] == curve(straight)[-1]
    assert begun == []


def test_a_recipe_from_scratch_sees_as_many_images_as_trunk_and_trial() -> None:
    from_scratch = replace(RECIPE, epochs=RECIPE.trunk_epochs + RECIPE.epochs, trunk_epochs=0)
    assert RECIPE.from_scratch == from_scratch == from_scratch.from_scratch


def test_a_trunk_has_the_weights_of_a_training_that_was_validated() -> None:
    """At the constant rate, over more than one epoch."""
    spec = replace(SPEC, recipe=replace(SPEC.recipe, epochs=3, precise_bn_images=8))
    data = bright_images().resized_to(spec.proxy.side)
    runs = [Training(initial_network(spec.proxy, 4), data, spec.recipe, 4, CPU) for _ in range(2)]
    assert len([*train_stable(runs[0], runs[0].steps)]) == 3
    train_trunk(runs[1])
    left, right = (run.model.state_dict() for run in runs)
    assert all(torch.equal(left[name], right[name]) for name in left)
    assert runs[1].step == runs[1].steps
