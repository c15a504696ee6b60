"""How fast does a proxy learn? One network under other recipes, on rungs of a tenth, a quarter, half and the whole.

    python benchmarks/proxy_recipes.py                          the recipe of quick, made prolongable
    python benchmarks/proxy_recipes.py learning_rate=0.2 warmup=0.25
    python benchmarks/proxy_recipes.py optimizer=adamw learning_rate=0.003
    python benchmarks/proxy_recipes.py optimizer=muon learning_rate=0.02
    python benchmarks/proxy_recipes.py average=0.98

Keys: optimizer (sgd, adamw, muon), norm_momentum (of batch norm), average (decay a step of a moving average of the
weights, from each fork on, which is what is validated), branches (zero, one: where the last batch-norm scale of a
residual branch begins), network (depth/width/resolution multipliers), rungs (shares of the recipe), seeds, and
those of `Recipe`. Two processes; accuracies are exact, whatever else runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import fields, replace
from decimal import Decimal
from functools import partial
from multiprocessing import get_context
from unittest import mock

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from scalesearch.cli.cache import cache_folder
from scalesearch.design.baselines import load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy import objective, training
from scalesearch.proxy.datasets import load_data
from scalesearch.search.budget import BUDGETS, as_constant_lr
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.proxies import image_px
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Recipe

RUNGS = "0.1,0.25,0.5,1"
COMPOUND = "1.2/1.1/1.1473"
OWN_KEYS = {"optimizer", "norm_momentum", "average", "branches", "network", "rungs"}
RECIPE_KEYS = {field.name for field in fields(Recipe)} - OWN_KEYS


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal by Newton-Schulz steps for weights that mix channels, Adam for all others.

    Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; convolutions are flattened to
    (out, in · h · w), and depthwise ones, which mix no channels, are left to Adam.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        super().__init__(parameters, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """One step."""
        for group in self.param_groups:
            for parameter in group["params"]:
                self._move(parameter, parameter.grad, group["lr"])

    def _move(self, parameter: Tensor, gradient: Tensor, rate: float) -> None:
        state = self.state[parameter]
        if not state:
            state.update(first=torch.zeros_like(parameter), second=torch.zeros_like(parameter), steps=0)
        state["steps"] += 1
        if parameter.ndim == 4 and parameter.shape[1] > 1:
            state["first"].mul_(0.9).add_(gradient)
            update = _orthogonal((gradient + 0.9 * state["first"]).flatten(1)).view_as(parameter)
            rows, columns = len(parameter), parameter[0].numel()
            parameter.add_(update, alpha=-rate * max(1.0, rows / columns) ** 0.5)
            return
        state["first"].lerp_(gradient, 0.1)
        state["second"].lerp_(gradient.square(), 0.05)
        first = state["first"] / (1 - 0.9 ** state["steps"])
        second = state["second"] / (1 - 0.95 ** state["steps"])
        parameter.addcdiv_(first, second.sqrt().add_(1e-8), value=-0.15 * rate)


def _orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the matrix with all singular values at one: four quintic Newton-Schulz steps."""
    tall = matrix.shape[0] > matrix.shape[1]
    found = (matrix.T if tall else matrix) / (matrix.norm() + 1e-7)
    for _ in range(4):
        square = found @ found.T
        found = 3.4445 * found + (-4.775 * square + 2.0315 * square @ square) @ found
    result: Tensor = found.T if tall else found
    return result


def optimizer_of(kind: str, model: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:  # noqa: ARG001 (as in make_optimizer)
    """AdamW with weight decay .05 on weights of two or more dimensions, or Muon."""
    rate = float(recipe.learning_rate)
    if kind == "muon":
        return Muon(model.parameters(), rate)
    weights = [one for one in model.parameters() if one.ndim >= 2]
    others = [one for one in model.parameters() if one.ndim < 2]
    groups = [{"params": weights, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))


def accuracies(job: tuple[Mapping[str, str], int]) -> list[float]:
    """Validation accuracy at the end of every rung."""
    asked, seed = job
    budget, baseline = as_constant_lr(BUDGETS["quick"]), load_baseline("b0")
    own = {key: text for key, text in asked.items() if key in RECIPE_KEYS}
    recipe = replace(budget.recipe, **{key: type(getattr(budget.recipe, key))(text) for key, text in own.items()})
    data = load_data("fractal", image_px(StudyConfig(baseline, Decimal(1), budget)), budget.scenes, cache_folder())
    by = Multipliers(*map(Decimal, asked.get("network", COMPOUND).split("/")))
    network = baseline.scale(by, "balanced").architecture
    proxy = make_proxy(network, baseline, budget.width_divisor, budget.resolution, len(data.classes))
    device = objective.prepare_process()
    momentum = float(asked.get("norm_momentum", objective.BATCH_NORM_MOMENTUM))
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(objective, "BATCH_NORM_MOMENTUM", momentum))
        if asked.get("branches", "zero") != "zero":
            patches.enter_context(mock.patch.object(ConvNet, "zero_residual_branches"))
        if (kind := asked.get("optimizer", "sgd")) != "sgd":
            patches.enter_context(mock.patch.object(training, "make_optimizer", partial(optimizer_of, kind)))
        model = objective.initial_network(proxy, seed)
        run = training.Training(model, data.at(proxy.resolution), recipe, seed, device)
    return [_rung(run, int(run.steps * share), asked.get("average")) for share in shares(asked)]


def shares(asked: Mapping[str, str]) -> list[Decimal]:
    """Of the whole recipe, at which a decay branches off."""
    return [Decimal(text) for text in asked.get("rungs", RUNGS).split(",")]


def _rung(run: training.Training, end: int, average: str | None) -> float:
    """Climb to the fork, let the rate decay, and go back to the fork."""
    list(training.trunk(run, run.recipe.fork(end)))
    weights = {key: value.clone() for key, value in run.model.state_dict().items()}
    memory = {key: {k: torch.clone(v) if isinstance(v, Tensor) else v for k, v in one.items()}
              for key, one in run.optimizer.state.items()}  # fmt: skip
    state = {key: value.clone() for key, value in run.state().items()}
    with averaged(run, float(average)) if average else nullcontext():
        *_, last = training.branch(run, end)
    run.restore(state)
    run.model.load_state_dict(weights)
    run.optimizer.state.update(memory)
    return last.val_accuracy


@contextmanager
def averaged(run: training.Training, decay: float) -> Iterator[None]:
    """Validate a moving average of the weights and of batch norm's statistics instead of the last ones."""
    mean = AveragedModel(run.model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]
    hook = run.optimizer.register_step_post_hook(lambda *_: mean.update_parameters(run.model))
    evaluate = training.evaluate
    with mock.patch.object(training, "evaluate", lambda _, *others: evaluate(mean, *others)):
        yield
    hook.remove()


def main() -> None:
    asked = dict(word.split("=") for word in sys.argv[1:])
    seeds = [int(seed) for seed in asked.pop("seeds", "0,1").split(",")]
    known = OWN_KEYS | RECIPE_KEYS
    if unknown := set(asked) - known:
        raise SystemExit(f"{', '.join(sorted(unknown))}: no such key; known are {', '.join(sorted(known))}")
    print(" ".join(sys.argv[1:]) or "quick, prolongable")
    with get_context("spawn").Pool(2) as pool:
        for seed, found in zip(seeds, pool.map(accuracies, [(asked, seed) for seed in seeds]), strict=True):
            shown = "  ".join(f"{share}: {one:.3f}" for share, one in zip(shares(asked), found, strict=True))
            print(f"  seed {seed}  {shown}", flush=True)


if __name__ == "__main__":
    main()
