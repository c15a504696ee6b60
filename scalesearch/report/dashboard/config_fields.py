"""What a study asked, from the study's own fields: the usual ones by name, every other one by its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal

from scalesearch.design.exact import plain
from scalesearch.search.canonical import digest
from scalesearch.search.study_config import StudyConfig

_NAMED = frozenset(
    (
        "phi",
        "rounding",
        "match",
        "cost",
        "scheduler",
        "budget.name",
        "budget.recipe.epochs",
        "budget.resolution",
        "kind.sampler",
        "kind.objectives",
        "kind.max_params",
        "kind.max_memory",
        "kind.seed",
        "kind.reward.target",
        "kind.max_macs",
    )
)
"""The fields that `asked_facts` has."""
_WHOLE = {"baseline": "baseline, digest", "timings": "timings, digest", "kind.space": "space, digest"}
"""Two of them are alike or not; how they differ stands in their studies."""


def config_facts(config: StudyConfig) -> dict[str, str]:
    """The usual fields by name; what the kind of configuration has no use for is left out."""
    found = {
        "baseline": config.baseline.name,
        **config.kind.summary(config),
        "scheduler": config.scheduler,
        "budget": config.budget.name,
        "epochs": str(config.budget.recipe.epochs),
        "side of the proxy": f"{config.budget.resolution} px",
    }
    return {name: value for name, value in found.items() if value}


def other_fields(config: StudyConfig) -> dict[str, str]:
    """Every field that `asked_facts` does not have, by its path; what is large by its digest."""
    found = ((path, value) for path, value in _leaves(config, "") if path not in _NAMED)
    return {_WHOLE.get(path, path.replace("_", " ").replace(".", ", ")): value for path, value in found}


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    if is_dataclass(value) and not isinstance(value, type) and path not in _WHOLE:
        for one in fields(value):
            yield from _leaves(getattr(value, one.name), f"{path}.{one.name}".lstrip("."))
    elif value is None or value == ():
        yield path, "none"
    elif isinstance(value, Decimal):
        yield path, plain(value)
    else:
        yield path, str(value) if isinstance(value, str | int) else digest(value)
