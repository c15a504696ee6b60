"""The fields of a study's configuration: the usual ones by name, every other one by its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal

from scalesearch.design.decimals import format_decimal
from scalesearch.search.canonical import digest
from scalesearch.search.study_config import StudyConfig

_USUAL_PATHS = frozenset(
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
"""The paths of the fields that `config_facts` has."""
_DIGESTED = {"baseline": "baseline, digest", "timings": "timings, digest", "kind.space": "space, digest"}
"""The large fields, which are compared by digest; how two of them differ stands in their studies."""


def config_facts(config: StudyConfig) -> dict[str, str]:
    """Return the usual fields by name, without those that do not apply to the kind of study."""
    facts = {
        "baseline": config.baseline.name,
        **config.kind.summary(config),
        "scheduler": config.scheduler,
        "budget": config.budget.name,
        "epochs": str(config.budget.recipe.epochs),
        "side of the proxy": f"{config.budget.resolution} px",
    }
    return {name: value for name, value in facts.items() if value}


def other_fields(config: StudyConfig) -> dict[str, str]:
    """Return every field that `config_facts` does not have, by its path; a large one by its digest."""
    leaves = ((path, value) for path, value in _leaves(config, "") if path not in _USUAL_PATHS)
    return {_DIGESTED.get(path, path.replace("_", " ").replace(".", ", ")): value for path, value in leaves}


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    if is_dataclass(value) and not isinstance(value, type) and path not in _DIGESTED:
        for field in fields(value):
            yield from _leaves(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))
    elif value is None or value == ():
        yield path, "none"
    elif isinstance(value, Decimal):
        yield path, format_decimal(value)
    else:
        yield path, str(value) if isinstance(value, str | int) else digest(value)
