"""Validation of the proxy on disk: a study's further budgets, each a study in its `trust/`, and their results."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from scalesearch.errors import InputError
from scalesearch.search.budget import Budget, with_constant_lr_and_decay
from scalesearch.search.candidates import farthest_points
from scalesearch.search.canonical import digest
from scalesearch.search.decision.records import FurtherBudget, FurtherBudgets
from scalesearch.search.proxy_validation import ProxyValidation, compare_rankings
from scalesearch.search.ranking import Ranking
from scalesearch.search.shares import Point
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.surface_data import surface_data
from scalesearch.study.study import Study, open_study

OWN, LONGER, LARGER = "own", "longer", "larger"
"""Names of budgets: the study's own, and the further ones."""
_FINALISTS = 4
"""How many finalists are trained at further budgets at most."""
_NETWORKS = 8
"""How many candidates are trained at further budgets in all."""
_LARGER_SIDE = Decimal("1.4")
"""1.4 × the side is about twice the multiply-adds, as the longer budget has twice the images."""


def further_configs(study: Study, ranking: Ranking, seeds: int) -> dict[str, StudyConfig]:
    """Return the configuration of each further budget, by its name: the finalists and others spread over the grid.

    `longer` trains on twice the images. Its first rung is the study's own budget, from scratch; the numbers are
    equal to the bit if the recipe of that budget can be extended and has no trunk. `larger` has 1.4 × the side,
    which is about twice the multiply-adds.

    The proxies of a Python function are those of the study, and must be counted again for the larger side.

    Raises:
        InputError: the study is not a grid search.
    """
    config = study.plan.config
    if reason := config.kind.no_proxy_validation:
        raise InputError(f"{study.folder}: {reason}; validate-proxy is for a search by grid")
    max_seeds = max(arm.seeds for arm in ranking.arms)
    finalists = [arm.key for arm in ranking.arms if arm.seeds == max_seeds][:_FINALISTS]
    others = [candidate for candidate in study.plan.trained if digest(candidate.architecture) not in finalists]
    spread_out = farthest_points(others, min(_NETWORKS - len(finalists), len(others)))
    candidate_ids = tuple(sorted([*finalists, *(digest(candidate.architecture) for candidate in spread_out)]))
    further_config = replace(config, scheduler="curves", only=candidate_ids)
    return {
        LONGER: replace(further_config, budget=_longer(config.budget, seeds)),
        LARGER: replace(further_config, budget=_larger(config.budget, seeds)),
    }


def _longer(budget: Budget, seeds: int) -> Budget:
    recipe = with_constant_lr_and_decay(budget).recipe.from_scratch
    # Half the share of warm-up in twice the epochs: the same warm-up steps as in the study's own recipe.
    longer_recipe = replace(recipe, epochs=2 * recipe.epochs, warmup=recipe.warmup / 2)
    return _further(replace(budget, recipe=longer_recipe, rungs=2), LONGER, seeds)


def _larger(budget: Budget, seeds: int) -> Budget:
    recipe = with_constant_lr_and_decay(budget).recipe.from_scratch
    side = int(budget.resolution * _LARGER_SIDE + Decimal("0.5"))
    return _further(replace(budget, recipe=recipe, resolution=side, rungs=1), LARGER, seeds)


def _further(budget: Budget, name: str, seeds: int) -> Budget:
    return replace(budget, name=f"{budget.name}-{name}", seeds=seeds, finalists=0, final_seeds=0)


def validation_folder(study_folder: Path, name: str) -> Path:
    """Return the folder of the study of a further budget."""
    return study_folder / "trust" / name


def with_more_seeds(folder: Path, config: StudyConfig) -> StudyConfig:
    """Return the configuration for a further budget's folder, with the seeds of the study there if these are more.

    If the configuration has more seeds, they extend that study.
    """
    if not (folder / "study.json").is_file():
        return config
    seeds = max(open_study(folder).plan.config.budget.seeds, config.budget.seeds)
    return replace(config, budget=replace(config.budget, seeds=seeds))


def _read_further_budgets(study_folder: Path) -> FurtherBudgets | None:
    folders = {name: validation_folder(study_folder, name) for name in (LONGER, LARGER)}
    if not all((folder / "study.json").is_file() for folder in folders.values()):
        return None
    studies = [open_study(folders[name]) for name in (LONGER, LARGER)]
    return FurtherBudgets(*(FurtherBudget(study.plan, study.outcomes()) for study in studies))


def validation_points(study_folder: Path) -> dict[str, list[Point]]:
    """Return the networks' accuracies by seed at each budget (`OWN`, `LONGER`, `LARGER`); empty if none was run.

    Raises:
        CountError: a record is not what was written.
    """
    further = _read_further_budgets(study_folder)
    return {} if further is None else _points(further)


def _points(further: FurtherBudgets) -> dict[str, list[Point]]:
    longer, larger = further.longer, further.larger
    own_points = surface_data(longer.plan, longer.outcomes, [0])
    longer_points = surface_data(longer.plan, longer.outcomes, [1])
    larger_points = surface_data(larger.plan, larger.outcomes, [0])
    return {
        OWN: _without_rungs(own_points),
        LONGER: _without_rungs(longer_points),
        LARGER: _without_rungs(larger_points),
    }


def read_proxy_validation(study_folder: Path) -> ProxyValidation | None:
    """Return how the further budgets validate the proxy; None if there are none yet, or too few trials.

    Raises:
        CountError: a record is not what was written.
    """
    further = _read_further_budgets(study_folder)
    if further is None:
        return None
    points = _points(further)
    try:
        agreements = tuple(compare_rankings(name, points[OWN], points[name]) for name in (LONGER, LARGER))
    except ValueError:
        return None
    return ProxyValidation(agreements, further)


def _without_rungs(points: list[Point]) -> list[Point]:
    """Return the points with accuracies by seed only: two budgets are compared, whose rungs differ."""
    return [
        replace(point, accuracies={(0, seed): value for (_, seed), value in point.accuracies.items()})
        for point in points
    ]
