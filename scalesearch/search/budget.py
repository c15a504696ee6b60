"""Defines budgets: how much a search may spend, and on what. The named ones are here; YAML files define others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from scalesearch import choices
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.errors import SpaceError
from scalesearch.search.scenes import SceneRecipe
from scalesearch.search.task import Recipe


@dataclass(frozen=True, slots=True)
class Budget:
    """Sets grid, seeds, proxy size, training recipe and size of the embedded data, under one name."""

    name: str
    step: Decimal
    tolerance: Decimal
    seeds: int
    """Seeds for every candidate."""
    finalists: int
    """How many of the best candidates get more seeds; 0: none."""
    final_seeds: int
    """Seeds that a finalist has in the end."""
    width_divisor: int
    """The proxy's widths are the network's divided by this number."""
    resolution: int
    """Side (px) at which the baseline's proxy is trained."""
    recipe: Recipe
    scenes: SceneRecipe
    candidates: int | None = None
    """The number of candidates, spread over the grid; None: all."""
    rungs: int = field(default=3, metadata=OMIT_IF_DEFAULT)
    """The number of rungs of successive halving: the last is the whole recipe, each before it half as long."""
    data: choices.EmbeddedData = field(default="fractal", metadata=OMIT_IF_DEFAULT)
    """The embedded data set that is used if `--data` is not given."""
    proxy_phi: Decimal | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The least φ at which the proxies of a grid's or sampler's candidates are made; None: the study's own φ."""
    proxy_side: choices.ProxySide = field(default="proportional", metadata=OMIT_IF_DEFAULT)
    """The sides of the candidates' proxies; `matched` counts where a study matches costs by counting."""

    version: int = field(default=1, metadata=OMIT_IF_DEFAULT)
    """The version of a named budget: its values may change between versions, and studies keep theirs."""

    @property
    def title(self) -> str:
        """The budget's name, with its version where the budget of that name has another version today.

        It says where networks were trained from scratch in place of being grown from a trunk.
        """
        current = BUDGETS.get(self.name, self)
        if not self.is_older:
            has_trunk = self.recipe.trunk_epochs == current.recipe.trunk_epochs
            return self.name if has_trunk else f"{self.name} (trained from scratch)"
        return f"{self.name} (version {self.version}, today's is {current.version})"

    @property
    def is_older(self) -> bool:
        """Whether the budget of this name has another version today."""
        return BUDGETS.get(self.name, self).version != self.version

    def __post_init__(self) -> None:
        for name, (least, most, reason) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise SpaceError(f"{name} is {value}, but it must be in {least} … {most} ({reason})")


MOST_SEEDS = 1000
_BOUNDS = {
    "seeds": (1, MOST_SEEDS, "the error of a mean falls with the root of the seeds, and each is a training"),
    "finalists": (0, 10_000, "a grid has fewer networks"),
    "final_seeds": (0, MOST_SEEDS, "the error of a mean falls with the root of the seeds, and each is a training"),
    "width_divisor": (1, 64, "a proxy keeps a channel or two of each layer"),
    "resolution": (8, 16384, "as for networks"),
    "rungs": (1, 20, "each rung before the last sees half of its images"),
    "candidates": (2, 100_000, "a comparison needs two, and every network is a training"),
    "proxy_phi": (Decimal("0.1"), 10, "as for studies"),
    "version": (1, 1000, "versions are counted from 1"),
}


DECAY = Decimal("0.3")
"""The share of a run in which the learning rate decays, where the budget's recipe names none."""

_SMOKE = Budget(
    name="smoke",
    step=Decimal("0.1"),
    tolerance=Decimal("0.1"),
    candidates=6,
    seeds=1,
    finalists=0,
    final_seeds=0,
    width_divisor=4,
    resolution=24,
    recipe=Recipe(epochs=3, batch=16, learning_rate=Decimal("0.1")),
    scenes=SceneRecipe(
        classes=3,
        train=256,
        val=128,
        share_low=Decimal("0.8"),
        share_high=Decimal("0.95"),
        distractors=0,
    ),
)

# Easier scenes than the recipe's default, so that 20,000 images on a core tell networks apart. Candidates are grown
# from trunks, which share the luck of the beginning of training: the noise is a fifth. With more classes and more
# images, each seen a few times only, no network comes near an accuracy of 1, and seeds agree (docs/log.md).
_QUICK = Budget(
    name="quick",
    version=3,
    step=Decimal("0.1"),
    tolerance=Decimal("0.1"),
    seeds=1,
    finalists=4,
    final_seeds=5,
    width_divisor=4,
    resolution=40,
    recipe=Recipe(epochs=1, trunk_epochs=3, batch=32, learning_rate=Decimal("0.1"), precise_bn_images=1024),
    proxy_side="matched",
    scenes=SceneRecipe(
        classes=40,
        train=5000,
        val=2000,
        share_low=Decimal("0.8"),
        share_high=Decimal("0.95"),
        distractors=0,
        noise=16,
    ),
)

_STANDARD = Budget(
    name="standard",
    step=Decimal("0.05"),
    tolerance=Decimal("0.1"),
    seeds=3,
    finalists=0,
    final_seeds=0,
    width_divisor=2,
    resolution=96,
    recipe=Recipe(epochs=40, batch=128, learning_rate=Decimal("0.2")),
    scenes=SceneRecipe(classes=40, train=20000, val=4000),
    rungs=5,
)

_FULL = Budget(
    name="full",
    step=Decimal("0.05"),
    tolerance=Decimal("0.1"),
    seeds=3,
    finalists=0,
    final_seeds=0,
    width_divisor=1,
    resolution=224,
    recipe=Recipe(epochs=90, batch=256, learning_rate=Decimal("0.2")),
    scenes=SceneRecipe(classes=100, train=50000, val=10000),
    rungs=5,
)


def with_constant_lr_and_decay(budget: Budget) -> Budget:
    """Return the budget with a recipe whose runs can be prolonged: constant and decay in place of a cosine."""
    if budget.recipe.decay > 0:
        return budget
    return replace(budget, recipe=replace(budget.recipe, decay=DECAY))


BUDGETS = {budget.name: budget for budget in (_SMOKE, _QUICK, _STANDARD, _FULL)}
"""The named budgets. `smoke`: a minute, for tests. `quick`: ten minutes on two cores. `standard`: hours on one GPU.
`full`: the networks at their own size."""
