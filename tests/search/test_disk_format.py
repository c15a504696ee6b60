"""The keys that ids and files are made of stay, whatever the fields of the code are called."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from scalesearch.design.serialization import has_own_keys, is_omitted_at_default, key_of, written_as
from scalesearch.search import proxies, stage_space, study_config, trial
from scalesearch.search.canonical import MalformedError, as_json, digest, from_json
from scalesearch.search.kinds import KINDS, rules, sampler, stages
from scalesearch.study import record_file
from scalesearch.training import events, recipes

FORMAT = Path(__file__).parent.parent / "fixtures" / "disk_format.json"
ROOTS = (
    study_config.StudyConfig, rules.ScalingRule, sampler.CoefficientSearch, stages.StageSearch, proxies.DataFacts,
    trial.TrialSpec, trial.Outcome, record_file.TrialCost, sampler.Suggestion, stage_space.StagePoint,
    events.EpochMetrics, events.Sizes, recipes.TrainRecipe,
)  # fmt: skip


def written_classes() -> dict[str, type]:
    """Every dataclass that can stand in what is written, by its name."""
    found: dict[str, type] = {}
    left: list[Any] = list(ROOTS)
    while left:
        kind = left.pop()
        if is_dataclass(kind) and isinstance(kind, type) and kind not in found.values():
            assert kind.__name__ not in found, "two classes of one name cannot stand in one list"
            found[kind.__name__] = kind
            left.extend(get_type_hints(kind).values())
        left.extend(get_args(kind))
    return found


def described(kind: type) -> list[str]:
    """Keys in their order; with `= value` where a field is left out at it."""
    return [
        " or ".join(kind.key for kind in KINDS)
        if has_own_keys(one)
        else f"{key_of(one)} = {json.dumps(as_json(one.default))}"
        if one.default is not MISSING and is_omitted_at_default(one)
        else key_of(one)
        for one in fields(kind)
    ]


def test_no_key_of_the_disk_format_has_changed() -> None:
    """Where a class is renamed only, rename it in the file; where a field is, give it `written_as` its old key."""
    now = {name: described(kind) for name, kind in sorted(written_classes().items())}
    assert now == json.loads(FORMAT.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Old:
    alpha: int
    beta: int = field(default=3, metadata={"omit_if_default": True})


@dataclass(frozen=True)
class New:
    depth: int = field(metadata=written_as("alpha"))
    width: int = field(default=3, metadata=written_as("beta", omit_if_default=True))


@pytest.mark.parametrize("values", [(1, 3), (1, 4)])
def test_a_renamed_field_is_written_and_read_under_its_key(values: tuple[int, int]) -> None:
    old, new = Old(*values), New(*values)
    assert as_json(new) == as_json(old)
    assert digest(new) == digest(old)
    assert from_json(New, as_json(old)) == new
    assert from_json(New | Old, as_json(old)) == new  # type: ignore[arg-type]


def test_errors_name_the_key_and_not_the_field() -> None:
    with pytest.raises(MalformedError, match="alpha: is missing"):
        from_json(New, {})
    with pytest.raises(MalformedError, match="known are alpha, beta"):
        from_json(New, {"alpha": 1, "depth": 2})
    with pytest.raises(MalformedError, match="beta: is 'x', but must be a whole number"):
        from_json(New, {"alpha": 1, "beta": "x"})
