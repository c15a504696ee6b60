"""Measure how fast a proxy learns: train one network under other recipes, to rungs of .1, .25, .5 and 1.

    python benchmarks/proxy_recipes.py                          the recipe of quick, constant rate and decay
    python benchmarks/proxy_recipes.py learning_rate=0.2 warmup=0.25
    python benchmarks/proxy_recipes.py optimizer=adamw learning_rate=0.003
    python benchmarks/proxy_recipes.py optimizer=muon learning_rate=0.02
    python benchmarks/proxy_recipes.py average=0.98

Keys: optimizer (sgd, adamw, muon), norm_momentum (of batch norm), average (the decay per step of a moving average
of the weights, from each fork on; the average is validated), branches (zero, one: the initial value of the last
batch-norm scale of a residual branch), network (depth/width/resolution multipliers), rungs (shares of the recipe),
seeds, and those of `Recipe`. The script uses two processes. Accuracies do not depend on what else runs.
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
from scalesearch.proxy import initial, objective, training
from scalesearch.proxy.datasets import load_data
from scalesearch.search.budget import BUDGETS, with_constant_lr_and_decay
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.proxies import image_px
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.task import Recipe

RUNGS = "0.1,0.25,0.5,1"
COMPOUND = "1.2/1.1/1.1473"
OWN_KEYS = {"optimizer", "norm_momentum", "average", "branches", "network", "rungs"}
RECIPE_KEYS = {field.name for field in fields(Recipe)} - OWN_KEYS


class Muon(torch.optim.Optimizer):
    """Muon orthogonalises the momentum of weights that mix channels, and applies Adam to all others.

    See Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks". Convolutions are flattened to
    (out, in · h · w). Depthwise convolutions mix no channels, so Adam updates them.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        super().__init__(parameters, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Update every parameter once."""
        for group in self.param_groups:
            for parameter in group["params"]:
                self._update(parameter, parameter.grad, group["lr"])

    def _update(self, parameter: Tensor, gradient: Tensor, rate: float) -> None:
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
    """Set all singular values to nearly one, by four quintic Newton-Schulz steps."""
    tall = matrix.shape[0] > matrix.shape[1]
    update = (matrix.T if tall else matrix) / (matrix.norm() + 1e-7)
    for _ in range(4):
        square = update @ update.T
        update = 3.4445 * update + (-4.775 * square + 2.0315 * square @ square) @ update
    orthogonal: Tensor = update.T if tall else update
    return orthogonal


def optimizer_of(kind: str, model: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:  # noqa: ARG001 (as in make_optimizer)
    """Return Muon, or AdamW with weight decay .05 on weights of two or more dimensions."""
    rate = float(recipe.learning_rate)
    if kind == "muon":
        return Muon(model.parameters(), rate)
    weights = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    others = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": weights, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))


def accuracies(job: tuple[Mapping[str, str], int]) -> list[float]:
    """Train one network, and return the validation accuracy at the end of every rung."""
    options, seed = job
    budget, baseline = with_constant_lr_and_decay(BUDGETS["quick"]), load_baseline("b0")
    recipe_options = {key: text for key, text in options.items() if key in RECIPE_KEYS}
    from_scratch = budget.recipe.from_scratch
    recipe = replace(
        from_scratch, **{key: type(getattr(from_scratch, key))(text) for key, text in recipe_options.items()}
    )
    data = load_data("fractal", image_px(StudyConfig(baseline, Decimal(1), budget)), budget.scenes, cache_folder())
    multipliers = Multipliers(*map(Decimal, options.get("network", COMPOUND).split("/")))
    network = baseline.scale(multipliers, "balanced").architecture
    proxy = make_proxy(network, baseline, budget.width_divisor, budget.resolution, len(data.classes))
    device = objective.prepare_process()
    momentum = float(options.get("norm_momentum", initial.BATCH_NORM_MOMENTUM))
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(initial, "BATCH_NORM_MOMENTUM", momentum))
        if options.get("branches", "zero") != "zero":
            patches.enter_context(mock.patch.object(ConvNet, "zero_residual_branches"))
        if (kind := options.get("optimizer", "sgd")) != "sgd":
            patches.enter_context(mock.patch.object(training, "make_optimizer", partial(optimizer_of, kind)))
        model = initial.initial_network(proxy, seed)
        run = training.Training(model, data.resized_to(proxy.side), recipe, seed, device)
    return [_rung(run, int(run.steps * share), options.get("average")) for share in shares(options)]


def shares(options: Mapping[str, str]) -> list[Decimal]:
    """Return the fractions of the recipe at which a decay phase branches off."""
    return [Decimal(text) for text in options.get("rungs", RUNGS).split(",")]


def _rung(run: training.Training, end: int, average: str | None) -> float:
    """Train to the fork, decay the rate to the end of the rung, and restore the state at the fork."""
    list(training.train_stable(run, run.recipe.decay_start(end)))
    weights = {key: value.clone() for key, value in run.model.state_dict().items()}
    buffers = {key: {k: torch.clone(v) if isinstance(v, Tensor) else v for k, v in values.items()}
               for key, values in run.optimizer.state.items()}  # fmt: skip
    state = {key: value.clone() for key, value in run.state().items()}
    with averaged(run, float(average)) if average else nullcontext():
        *_, last = training.train_decay(run, end)
    run.restore(state)
    run.model.load_state_dict(weights)
    run.optimizer.state.update(buffers)
    return last.val_accuracy


@contextmanager
def averaged(run: training.Training, decay: float) -> Iterator[None]:
    """Validate a moving average of the weights and batch-norm statistics in place of the last ones."""
    mean = AveragedModel(run.model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)  # type: ignore[no-untyped-call]
    hook = run.optimizer.register_step_post_hook(lambda *_: mean.update_parameters(run.model))
    evaluate = training.evaluate
    with mock.patch.object(training, "evaluate", lambda _, *others: evaluate(mean, *others)):
        yield
    hook.remove()


def main() -> None:
    options = dict(argument.split("=") for argument in sys.argv[1:])
    seeds = [int(seed) for seed in options.pop("seeds", "0,1").split(",")]
    known = OWN_KEYS | RECIPE_KEYS
    if unknown := set(options) - known:
        raise SystemExit(f"{', '.join(sorted(unknown))}: no such key; known are {', '.join(sorted(known))}")
    print(" ".join(sys.argv[1:]) or "quick, prolongable")
    with get_context("spawn").Pool(2) as pool:
        for seed, results in zip(seeds, pool.map(accuracies, [(options, seed) for seed in seeds]), strict=True):
            text = "  ".join(f"{share}: {value:.3f}" for share, value in zip(shares(options), results, strict=True))
            print(f"  seed {seed}  {text}", flush=True)


if __name__ == "__main__":
    main()
