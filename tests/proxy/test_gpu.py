"""Training on a GPU: one CUDA graph a network, memory given back, rungs that continue."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from small_training import bright_channel_data, bright_images

from scalesearch.design.baselines import load_baseline
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy import train_step
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.proxy.training import Training, train_stable
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe
from scalesearch.search.trial import TrialEndedError, TrialSpec

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]

CUDA = torch.device("cuda")
RECIPE = Recipe(epochs=4, batch=16, learning_rate=Decimal("0.1"), decay=Decimal("0.33"))


def net(seed: int = 0) -> ConvNet:
    base = load_baseline("tiny")
    torch.manual_seed(seed)
    return ConvNet(make_proxy(base.architecture, base, 4, 16, 3))


def training(seed: int = 0) -> Training:
    return Training(net(), bright_channel_data(px=16), RECIPE, seed, CUDA)


def spec(seed: int = 0, samples: int | None = None, px: int = 16) -> TrialSpec:
    base = load_baseline("tiny")
    return TrialSpec(
        base.architecture, make_proxy(base.architecture, base, 4, px, 3), RECIPE, "bright", seed, samples
    )


def test_a_graph_takes_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the same steps op by op, to what bfloat16 and the order of sums leave; the rate changes."""
    replayed = training()
    list(train_stable(replayed, 20))
    assert replayed._train_step._graph is not None
    assert replayed._train_step._graph._graph is not None, "20 steps are enough to capture one"
    monkeypatch.setattr(train_step, "WARM_UPS", math.inf)
    plain = training()
    list(train_stable(plain, 20))
    assert plain._train_step._graph is not None
    assert plain._train_step._graph._graph is None
    start = net().state_dict()
    for (name, one), other in zip(
        replayed.model.state_dict().items(), plain.model.state_dict().values(), strict=True
    ):
        moved = (one.float().cpu() - start[name].float()).norm()
        assert (one - other).float().norm().cpu() <= 0.1 * moved + 1e-3, name


def test_it_learns_and_its_state_goes_on(tmp_path: Path) -> None:
    """A rung that continues from a checkpoint ends as one that began anew, up to the GPU's own order of sums."""
    alone, continued = ProxyTraining(bright_images()), ProxyTraining(bright_images(), tmp_path)
    list(continued(spec(samples=192)))
    assert len(list(tmp_path.iterdir())) == 1
    second, whole = list(continued(spec(samples=384)))[-1], list(alone(spec(samples=384)))[-1]
    assert second.samples == whole.samples == 384
    assert second.train_loss == pytest.approx(whole.train_loss, rel=0.05)
    assert second.val_accuracy == pytest.approx(whole.val_accuracy, abs=0.1)
    assert whole.val_accuracy > 0.8


def test_memory_is_given_back() -> None:
    """All but the workspaces that cuBLAS keeps for the stream, which the first trial leaves behind."""
    objective = ProxyTraining(bright_images())
    list(objective(spec()))
    before = torch.cuda.memory_allocated()
    for seed in range(3):
        list(objective(spec(seed)))
        assert torch.cuda.memory_allocated() <= before + 2**16
    assert torch.cuda.memory_reserved() <= before + 2**23


def test_what_does_not_fit_is_oom_and_the_next_trial_runs() -> None:
    objective = ProxyTraining(bright_images())
    list(objective(spec()))
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**27) / total)
    try:
        huge = spec(px=512)
        with pytest.raises(TrialEndedError, match="CUDA out of memory") as caught:
            list(objective(replace(huge, recipe=replace(RECIPE, batch=100))))
        assert caught.value.state == "oom"
        assert list(objective(spec()))[-1].val_accuracy > 0.8
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
