"""Budgets, recipes and scene recipes: named ones, the user's own, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from scalesearch.errors import InputError, SpaceError
from scalesearch.search.budget import BUDGETS
from scalesearch.search.budget_file import load_budget, parse_budget
from scalesearch.search.canonical import as_json
from scalesearch.search.scenes import SceneRecipe
from scalesearch.search.task import Recipe

MINE = """\
name: mine
step: 0.1
tolerance: 0.05
seeds: 2
finalists: 0
final_seeds: 0
width_divisor: 4
resolution: 32
recipe: {epochs: 3, batch: 16, learning_rate: 0.1}
scenes:
  classes: 4
  train: 64
  val: 32
"""


def test_a_file_is_a_budget(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MINE)
    found = load_budget(str(path))
    assert (found.name, found.step, found.tolerance, found.seeds) == ("mine", Decimal("0.1"), Decimal("0.05"), 2)
    assert found.recipe == Recipe(3, 16, Decimal("0.1"))
    assert found.scenes == SceneRecipe(classes=4, train=64, val=32)
    assert found.candidates is None


def test_a_file_holds_what_differs_from_the_budget_that_it_extends() -> None:
    text = "name: mine\nextends: quick\nrungs: 2\nrecipe: {weight_decay: 1e-4, batch: 64}\nscenes: {val: 40}\n"
    quick = BUDGETS["quick"]
    recipe = replace(quick.recipe, weight_decay=Decimal("0.0001"), batch=64)
    found = parse_budget(text, "f")
    assert found == replace(quick, name="mine", rungs=2, recipe=recipe, scenes=replace(quick.scenes, val=40))
    assert as_json(found) == as_json(replace(found, recipe=recipe))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-4", "0.0001"),
        ("2.5E-3", "0.0025"),
        ("3e-1", "0.3"),
        ("0.02e+1", "0.2"),
        ("1e-18", "0." + "0" * 17 + "1"),
    ],
)
def test_scientific_notation_is_a_number(written: str, value: str) -> None:
    """Its text, of which ids are made, is the plain one's."""
    found = parse_budget(MINE.replace("learning_rate: 0.1", f"learning_rate: {written}"), "f")
    assert as_json(found.recipe)["learning_rate"] == value  # type: ignore[call-overload, index]


def test_named_budgets() -> None:
    assert sorted(BUDGETS) == ["full", "quick", "smoke", "standard"]
    for name, budget in BUDGETS.items():
        assert load_budget(name) == budget
        assert budget.name == name
    with pytest.raises(InputError, match="--budget 'huge': must be one of smoke, quick, standard, full or"):
        load_budget("huge")
    with pytest.raises(InputError, match="does not exist"):
        load_budget("./huge.yaml")


@pytest.mark.parametrize(
    ("part", "by", "message"),
    [
        ("seeds: 2", "seeds: 0", "f:4: seeds: seeds is 0, but it must be in 1 …"),
        ("seeds: 2", "seeds: two", "f:4: seeds: is 'two', but must be a whole number"),
        ("seeds: 2\n", "", "f:1: seeds: is missing"),
        ("step: 0.1", "step: 1e-99", "f:2: step: '1e-99' is ambiguous"),
        ("seeds: 2", "seeds: 2e0", "f:4: seeds: is 2, but must be a whole number"),
        ("name: mine", "extends: huge", "f:1: extends: is 'huge', but must be one of smoke, quick, standard, full"),
        ("name: mine", "extends: quick", "f:1: name: is missing"),
        ("  val: 32", "  val: 3\nextends: quick", "f:13: scenes.val: val is 3, but needs 4, one a class"),
        ("step: 0.1", "step: 'NaN'", "f:2: step: is 'NaN', but must be a number"),
        ("final_seeds: 0", "final_seeds: 0\nfoo: 1", "f:7: foo: is not a key here"),
        ("final_seeds: 0", 'final_seeds: 0\n"a\\nb": 1', "f:7: 'a\\nb': is not a key here"),
        ("epochs: 3", "epochs: 0", "f:9: recipe.epochs: epochs is 0, but training takes 1 … 100000"),
        ("  val: 32", "  val: 3", "f:13: scenes.val: val is 3, but needs 4, one a class"),
        ("  classes: 4", "  classes: 1", "f:11: scenes.classes: classes is 1"),
        ("width_divisor: 4", "width_divisor: 4\ncandidates: 1", "f:8: candidates: candidates is 1"),
        (MINE, "3", "f:1: file: must be a mapping"),
    ],
)
def test_a_bad_budget_is_one_line(part: str, by: str, message: str) -> None:
    assert part in MINE
    with pytest.raises(InputError) as caught:
        parse_budget(MINE.replace(part, by, 1), "f")
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"learning_rate": Decimal(0)}, "learning_rate is 0"),
        ({"learning_rate": Decimal("1e18")}, "learning_rate is 1E\\+18"),
        ({"warmup": Decimal(1)}, "warmup is 1"),
        ({"momentum": Decimal("-0.1")}, "momentum is -0.1"),
        ({"label_smoothing": Decimal("1.5")}, "label_smoothing is 1.5"),
        ({"crop": Decimal(1)}, "crop is 1"),
        ({"weight_decay": Decimal(-1)}, "weight_decay is -1"),
        ({"weight_decay": Decimal("1e18")}, "weight_decay is 1E\\+18"),
    ],
)
def test_recipes_are_checked(changes: dict[str, int | Decimal], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        replace(Recipe(3, 16, Decimal("0.1")), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 0}, "seeds is 0, but it must be in 1 …"),
        ({"finalists": -1}, "finalists is -1"),
        ({"final_seeds": -1}, "final_seeds is -1"),
        ({"width_divisor": 0}, "width_divisor is 0"),
        ({"resolution": 7}, "resolution is 7"),
        ({"candidates": 1}, "candidates is 1, but it must be in 2 …"),
    ],
)
def test_budgets_are_checked(changes: dict[str, int], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        replace(BUDGETS["quick"], **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 1}, "classes is 1"),
        ({"noise": 129}, "noise is 129"),
        ({"train": 39}, "train is 39, but needs 40, one a class"),
        ({"share_low": Decimal("0.9")}, "share_low is 0.9 and share_high 0.8"),
        ({"share_high": Decimal("1.1")}, "share_high 1.1"),
        ({"distractor_scale": Decimal(0)}, "distractor_scale is 0"),
        ({"jitter": Decimal("0.6")}, "jitter is 0.6"),
        ({"varieties": 21}, "varieties is 21, but 40 classes must have two codes or more"),
        ({"varieties": 0}, "varieties is 0"),
        ({"difference_low": Decimal(0)}, "difference_low is 0 and difference_high 0.1"),
        ({"difference_high": Decimal("0.4")}, "difference_high 0.4"),
        ({"rotation": Decimal(2)}, "rotation is 2"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_scene_recipes_are_checked(changes: dict[str, int | Decimal], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        replace(SceneRecipe(), **changes)  # type: ignore[arg-type]


def test_a_study_of_an_older_version_of_a_named_budget_says_so() -> None:
    today = BUDGETS["quick"]
    assert today.title == "quick"
    older = replace(today, version=today.version + 1)
    assert older.title == f"quick (version {today.version + 1}, today's is {today.version})"
    assert replace(older, name="mine").title == "mine"


def test_a_file_names_the_phi_of_its_proxies_and_its_images() -> None:
    found = parse_budget("name: mine\nextends: smoke\nproxy_phi: 2\ndata: digits\n", "mine.yaml")
    assert (found.proxy_phi, found.data) == (Decimal(2), "digits")
    with pytest.raises(InputError, match=r"mine.yaml:3: proxy_phi: proxy_phi is 11, but it must be in 0.1 … 10"):
        parse_budget("name: mine\nextends: smoke\nproxy_phi: 11\n", "mine.yaml")
    with pytest.raises(InputError, match=r"mine.yaml:3: data: is 'imagenet', but must be one of .*shapes"):
        parse_budget("name: mine\nextends: smoke\ndata: imagenet\n", "mine.yaml")
