"""What a study asked, from the question's own fields: the usual ones by name, every other one by its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal

from scalesearch.design.exact import plain
from scalesearch.search.canonical import digest
from scalesearch.search.continuum import Continuum
from scalesearch.search.question import Question
from scalesearch.search.stage_search import StageSearch

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
        "continuum.sampler",
        "continuum.objectives",
        "continuum.max_params",
        "continuum.max_memory",
        "stages.sampler",
        "stages.seed",
        "stages.reward.target",
        "stages.max_macs",
        "stages.max_params",
        "stages.max_memory",
    )
)
"""The fields that `asked_facts` has."""
_WHOLE = {"baseline": "baseline, digest", "timings": "timings, digest", "stages.space": "space, digest"}
"""Two of them are alike or not; how they differ stands in their studies."""


def asked_facts(asked: Question) -> dict[str, str]:
    """The usual fields by name; what the kind of question has no use for is left out."""
    own = _scaling(asked) if asked.stages is None else _stages(asked.stages)
    found = {
        "baseline": asked.baseline.name,
        **own,
        "scheduler": asked.scheduler,
        "budget": asked.budget.name,
        "epochs": str(asked.budget.recipe.epochs),
        "side of the proxy": f"{asked.budget.resolution} px",
    }
    return {name: value for name, value in found.items() if value}


def _scaling(asked: Question) -> dict[str, str]:
    sampled = {} if asked.continuum is None else _continuum(asked.continuum)
    kind = "search of (α, β)" if sampled else "comparison of rules" if asked.rivals else "search by grid"
    return {
        "kind": kind,
        "φ": plain(asked.phi),
        "rounding": asked.rounding,
        "matched": asked.cost if asked.match == "flops" else "nothing",
        **sampled,
    }


def _continuum(asked: Continuum) -> dict[str, str]:
    limits = _limits(asked.max_params, asked.max_memory)
    return {"sampler": asked.sampler, "objectives": ", ".join(asked.objectives), **limits}


def _stages(asked: StageSearch) -> dict[str, str]:
    reward = asked.reward
    unit = "s" if reward.kind == "latency" else "multiply-adds"
    target = "the baseline's cost" if reward.target is None else f"{plain(reward.target)} {unit}"
    return {
        "kind": "search of stages",
        "space": asked.space.name,
        "sampler": asked.sampler,
        "seed of the sampler": str(asked.seed),
        "reward": reward.words,
        "target of the reward": target,
        "limit of multiply-adds": _count(asked.max_macs),
        **_limits(asked.max_params, asked.max_memory),
    }


def _limits(params: int | None, memory: int | None) -> dict[str, str]:
    bytes_ = "" if memory is None else f"{memory:,} bytes"
    return {"limit of parameters": _count(params), "limit of training memory": bytes_}


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def other_fields(asked: Question) -> dict[str, str]:
    """Every field that `asked_facts` does not have, by its path; what is large by its digest."""
    found = ((path, value) for path, value in _leaves(asked, "") if path not in _NAMED)
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
