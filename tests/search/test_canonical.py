"""One text and one id for one value, and back again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

import pytest
from networks import random_architecture

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.search.budget import BUDGETS, Budget
from scalesearch.search.canonical import MalformedError, as_json, digest, from_json
from scalesearch.search.task import Epoch, Recipe
from scalesearch.search.trial import Outcome, TrialSpec

NETWORK = Architecture(
    33, Stem(3, 2, 7), (Stage("mbconv", 5, 2, 6, 11, 3, Decimal("0.25")),), Head(None, 4), "relu", Decimal("0.001")
)
SPEC = TrialSpec(NETWORK, replace(NETWORK, resolution=17), Recipe(3, 16, Decimal("0.1")), "data", 5)
OUTCOME = Outcome("complete", (Epoch(1, 100, 1.5, 1.25, 0.5, 2.0), Epoch(2, 200, 1.0, 1.125, 0.75, 2.5)), 9.5, 4.5)


def test_golden_ids() -> None:
    """They stand in file names of committed studies: a change here orphans every result."""
    assert digest(NETWORK) == "1af5360868c5a49e"
    assert SPEC.id == "c2aef631b34f6b3c"
    assert SPEC.network_id == digest(NETWORK)
    text = '["1.5",null,true,"\\u00e9"]'
    assert digest((Decimal("1.50"), None, True, "é")) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_the_text_that_is_hashed() -> None:
    assert as_json(NETWORK) == {
        "resolution": 33,
        "stem": {"kernel": 3, "stride": 2, "width": 7},
        "stages": [
            {"kind": "mbconv", "kernel": 5, "stride": 2, "expansion": 6, "width": 11, "depth": 3, "se": "0.25"}
        ],
        "head": {"width": None, "classes": 4},
        "activation": "relu",
        "batch_norm_eps": "0.001",
    }


@pytest.mark.parametrize(("one", "same"), [("1.10", "1.1"), ("0.0", "-0"), ("1E+2", "100"), ("0.00001", "1e-5")])
def test_equal_decimals_have_one_text(one: str, same: str) -> None:
    assert digest(Decimal(one)) == digest(Decimal(same))
    assert as_json(Decimal(one)) == as_json(Decimal(same))


def test_any_difference_makes_another_id() -> None:
    changed = [
        replace(SPEC, seed=6),
        replace(SPEC, data="date"),
        replace(SPEC, recipe=replace(SPEC.recipe, crop=Decimal("0.126"))),
        replace(SPEC, proxy=NETWORK),
        replace(SPEC, network=replace(NETWORK, head=Head(4, 4))),
    ]
    assert len({spec.id for spec in (SPEC, *changed)}) == 6
    assert changed[0].network_id == SPEC.network_id != changed[-1].network_id
    assert replace(SPEC, recipe=replace(SPEC.recipe, learning_rate=Decimal("0.10"))).id == SPEC.id


def test_equal_networks_have_equal_ids() -> None:
    networks = [random_architecture(Random(seed)) for seed in range(300)]
    again = [random_architecture(Random(seed)) for seed in range(300)]
    assert [digest(one) for one in networks] == [digest(one) for one in again]
    assert len({digest(one) for one in networks}) == len(set(networks))


@pytest.mark.parametrize("value", [0.5, {1, 2}, object(), b"x", Recipe])
def test_what_has_no_exact_text_has_no_id(value: object) -> None:
    with pytest.raises(TypeError, match="has no canonical text"):
        digest(value)
    with pytest.raises(TypeError, match="float has no canonical text"):
        digest(OUTCOME)


def test_values_come_back_equal() -> None:
    assert from_json(TrialSpec, json.loads(json.dumps(as_json(SPEC)))) == SPEC
    assert from_json(Outcome, json.loads(json.dumps(as_json(OUTCOME, floats=True)))) == OUTCOME
    for budget in BUDGETS.values():
        assert from_json(Budget, json.loads(json.dumps(as_json(budget)))) == budget
    for seed in range(100):
        network = random_architecture(Random(seed))
        back = from_json(Architecture, json.loads(json.dumps(as_json(network))))
        assert back == network
        assert digest(back) == digest(network)


def test_the_order_of_keys_is_irrelevant() -> None:
    tree = as_json(SPEC)
    assert isinstance(tree, dict)
    backwards = dict(reversed(list(tree.items())))
    assert from_json(TrialSpec, backwards).id == SPEC.id


@dataclass(frozen=True)
class Ordered:
    first: int
    second: int


@dataclass(frozen=True)
class Reversed:
    second: int
    first: int


def test_the_order_of_fields_is_irrelevant() -> None:
    assert digest(Ordered(1, 2)) == digest(Reversed(2, 1)) != digest(Ordered(2, 1))


# Where, what stands there, the path and the reason that are given.
MALFORMED = [
    (("recipe", "epochs"), "3", "recipe.epochs: is '3', but must be a whole number"),
    (("recipe", "epochs"), True, "recipe.epochs: is True"),
    (("recipe", "epochs"), 3.0, "recipe.epochs: is 3.0"),
    (("recipe", "learning_rate"), "NaN", "recipe.learning_rate: is 'NaN', but must be a number"),
    (("recipe", "learning_rate"), "Infinity", "recipe.learning_rate: is 'Infinity'"),
    (("recipe", "learning_rate"), "1e999999999", "recipe.learning_rate: is '1e999999999'"),
    (("recipe", "learning_rate"), "1_0", "recipe.learning_rate: is '1_0'"),
    (("recipe", "learning_rate"), "x", "recipe.learning_rate: is 'x'"),
    (("recipe", "learning_rate"), 0.1, "recipe.learning_rate: is 0.1"),
    (("recipe", "learning_rate"), True, "recipe.learning_rate: is True"),
    (("recipe", "learning_rate"), None, "recipe.learning_rate: is None"),
    (("recipe", "epoch"), 3, "recipe.epoch: is not a key here; known are epochs, batch"),
    (("recipe", "a\nb"), 3, r"recipe.'a\nb': is not a key here"),
    (("recipe",), [], "recipe: must be a mapping of keys"),
    (("network", "stages"), {}, "network.stages: must be a list"),
    (("network", "stages", 0, "width"), None, "network.stages.0.width: is None, but must be a whole number"),
    (("network", "head", "width"), "4", "network.head.width: is '4', but must be a whole number"),
    (("data",), 4, "data: is 4, but must be a text"),
]


@pytest.mark.parametrize(("path", "value", "begins"), MALFORMED)
def test_a_malformed_value_is_named_by_its_path(path: tuple[str | int, ...], value: object, begins: str) -> None:
    tree = json.loads(json.dumps(as_json(SPEC)))
    place = tree
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(MalformedError) as caught:
        from_json(TrialSpec, tree)
    assert str(caught.value).startswith(begins)
    assert caught.value.path == path
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named() -> None:
    tree = json.loads(json.dumps(as_json(OUTCOME, floats=True)))
    del tree["epochs"][1]["seconds"]
    with pytest.raises(MalformedError, match=r"^epochs\.1\.seconds: is missing$"):
        from_json(Outcome, tree)
    with pytest.raises(MalformedError, match=r"^file: must be a mapping of keys$"):
        from_json(Outcome, 3)
    with pytest.raises(MalformedError, match=r"^state: is 'done', but must be one of complete, diverged"):
        from_json(Outcome, {**tree, "state": "done"})


def test_whole_seconds_are_seconds() -> None:
    tree = {**json.loads(json.dumps(as_json(OUTCOME, floats=True))), "seconds": 9}
    assert from_json(Outcome, tree).seconds == 9.0
    assert isinstance(from_json(Outcome, tree).seconds, float)


def test_only_a_complete_trial_has_an_accuracy() -> None:
    assert OUTCOME.accuracy == 0.75
    assert replace(OUTCOME, state="diverged").accuracy is None
    assert replace(OUTCOME, epochs=()).accuracy is None
