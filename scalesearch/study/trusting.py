"""Trust in a proxy, on disk: the further budgets of a study, each a study in its `trust/`, and what they say."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from scalesearch.errors import InputError
from scalesearch.search.budget import Budget, as_constant_lr
from scalesearch.search.candidates import spread
from scalesearch.search.canonical import digest
from scalesearch.search.factory_grid import FactoryBaseline
from scalesearch.search.places import places
from scalesearch.search.ranking import Ranking
from scalesearch.search.shares import Point
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.trust import Agreement, agreement
from scalesearch.study.study import Study, open_study

OWN, LONGER, LARGER = "own", "longer", "larger"
"""Budgets: the study's, and the further ones."""
_FINALISTS = 4
_NETWORKS = 8
_LARGER_SIDE = Decimal("1.4")
"""Twice the multiply-adds, as the longer budget has twice the images."""


def further_questions(study: Study, ranking: Ranking, seeds: int) -> dict[str, StudyConfig]:
    """By the name of each further budget what is asked at it: the finalists and others spread over the grid.

    `longer` sees twice the images; its first rung is the study's own budget, to the bit where its recipe can be
    prolonged. `larger` has 1.4 × the side, and so about twice the multiply-adds.

    Raises:
        InputError: the study is no search by grid, or its baseline is a Python function.
    """
    config = study.plan.config
    if why := config.kind.no_proxy_validation:
        raise InputError(f"{study.folder}: {why}; trust is for a search by grid")
    if isinstance(config.baseline, FactoryBaseline):
        raise InputError(
            f"{study.folder}: its baseline is a Python function, whose proxies are of one size; trust needs a "
            "baseline file"
        )
    most = max(arm.seeds for arm in ranking.arms)
    finalists = [arm.key for arm in ranking.arms if arm.seeds == most][:_FINALISTS]
    others = [one for one in study.plan.trained if digest(one.architecture) not in finalists]
    spaced = spread(others, min(_NETWORKS - len(finalists), len(others)))
    only = tuple(sorted([*finalists, *(digest(one.architecture) for one in spaced)]))
    asked = replace(config, scheduler="curves", only=only)
    return {
        LONGER: replace(asked, budget=_longer(config.budget, seeds)),
        LARGER: replace(asked, budget=_larger(config.budget, seeds)),
    }


def _longer(budget: Budget, seeds: int) -> Budget:
    recipe = as_constant_lr(budget).recipe
    twice = replace(recipe, epochs=2 * recipe.epochs, warmup=recipe.warmup / 2)
    return _further(replace(budget, recipe=twice, rungs=2), LONGER, seeds)


def _larger(budget: Budget, seeds: int) -> Budget:
    recipe = as_constant_lr(budget).recipe
    side = int(budget.resolution * _LARGER_SIDE + Decimal("0.5"))
    return _further(replace(budget, recipe=recipe, resolution=side, rungs=1), LARGER, seeds)


def _further(budget: Budget, name: str, seeds: int) -> Budget:
    return replace(budget, name=f"{budget.name}-{name}", seeds=seeds, finalists=0, final_seeds=0)


def trust_folder(study_folder: Path, name: str) -> Path:
    """Where the study of a further budget lies."""
    return study_folder / "trust" / name


def with_more_seeds(folder: Path, config: StudyConfig) -> StudyConfig:
    """The configuration for a further budget's folder: with as many seeds as it has already, or as are asked for.

    Where these are more, they are an extension of that study.
    """
    if not (folder / "study.json").is_file():
        return config
    seeds = max(open_study(folder).plan.config.budget.seeds, config.budget.seeds)
    return replace(config, budget=replace(config.budget, seeds=seeds))


def trust_points(study_folder: Path) -> dict[str, list[Point]]:
    """By budget (`OWN`, `LONGER`, `LARGER`) the networks' accuracies by seed; empty where none was run.

    Raises:
        CountError: a record is not what was written.
    """
    folders = {name: trust_folder(study_folder, name) for name in (LONGER, LARGER)}
    if not all((folder / "study.json").is_file() for folder in folders.values()):
        return {}
    studies = {name: open_study(folder) for name, folder in folders.items()}
    longer, larger = studies[LONGER], studies[LARGER]
    own = places(longer.plan, longer.outcomes(), [0])
    twice = places(longer.plan, longer.outcomes(), [1])
    wide = places(larger.plan, larger.outcomes(), [0])
    return {OWN: _by_seed(own), LONGER: _by_seed(twice), LARGER: _by_seed(wide)}


def read_trust(study_folder: Path) -> tuple[Agreement, ...]:
    """What the further budgets of a study say; empty where there are none yet, or too few trials.

    Raises:
        CountError: a record is not what was written.
    """
    points = trust_points(study_folder)
    try:
        return tuple(agreement(name, points[OWN], points[name]) for name in (LONGER, LARGER) if points)
    except ValueError:
        return ()


def _by_seed(points: list[Point]) -> list[Point]:
    """The networks' accuracies by seed alone: two budgets are compared, whatever their rungs are called."""
    return [
        replace(point, accuracies={(0, seed): value for (_, seed), value in point.accuracies.items()})
        for point in points
    ]
