"""Which studies grow their networks from trunks, and what their budget becomes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from networks import SMALL

from scalesearch.design.baselines import load_baseline
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError
from scalesearch.search.budget import BUDGETS, Budget
from scalesearch.search.factory_grid import FactoryBaseline, NetworkPair
from scalesearch.search.kinds import GridSearch
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.study_config import StudyConfig, fit_budget

GROWN = replace(
    BUDGETS["quick"], name="grown", seeds=2, finalists=5, final_seeds=6,
    recipe=replace(BUDGETS["quick"].recipe, epochs=3, trunk_epochs=4),
)  # fmt: skip
FACTS = DataFacts("made", "0123", 7, 96, 55)


def fitted(baseline: Baseline, phi: str = "1", budget: Budget = GROWN) -> Budget:
    return fit_budget(budget, baseline, Decimal(phi), GridSearch())


def test_a_grown_training_has_no_rungs_and_a_constant_rate() -> None:
    budget = fitted(SMALL)
    assert (budget.seeds, budget.finalists, budget.final_seeds, budget.rungs) == (2, 5, 6, 1)
    assert (budget.recipe.epochs, budget.recipe.trunk_epochs, budget.recipe.decay) == (3, 4, Decimal("0.3"))


@pytest.mark.parametrize(("name", "phi"), [("convnext_atto", "1"), ("ghostnet", "1"), ("b0", "-1")])
def test_a_recipe_from_scratch_sees_as_many_images_as_trunk_and_trial(name: str, phi: str) -> None:
    baseline = load_baseline(name)
    budget = fitted(baseline, phi)
    from_scratch = replace(GROWN.recipe, epochs=7, trunk_epochs=0)
    assert budget == replace(GROWN, recipe=from_scratch, rungs=1)
    with pytest.raises(SpaceError, match=f"trunk_epochs is 4, but networks of {name} cannot be grown"):
        StudyConfig(baseline, Decimal(phi), GROWN)


@pytest.mark.parametrize(
    ("name", "grown"),
    [
        ("b0", True),
        ("efficientnet_v2_s", True),
        ("mobilenet_v2", True),
        ("mobilenet_v4_conv_small", True),
        ("resnet18", False),
        ("resnet50", False),
        ("resnext50", False),
    ],
)
def test_networks_without_depthwise_convolutions_are_trained_from_scratch(name: str, grown: bool) -> None:
    """ResNet-18's grown trials do not rank as its trainings from scratch do (docs/log.md)."""
    baseline = load_baseline(name)
    assert baseline.architecture.can_grow
    assert fitted(baseline).recipe == (
        replace(GROWN.recipe, decay=Decimal("0.3")) if grown else replace(GROWN.recipe, epochs=7, trunk_epochs=0)
    )


def test_functions_have_half_the_seeds_because_all_of_their_candidates_are_trained() -> None:
    network = FactoryNetwork("a:b", Decimal(1), Decimal(1), 32, 10, 5, 6, 7)
    function = FactoryBaseline("a-b", "0" * 64, NetworkPair(network, network), ())
    budget = fit_budget(GROWN, function, Decimal(1), GridSearch())
    assert budget == replace(GROWN, recipe=replace(GROWN.recipe, epochs=7, trunk_epochs=0), final_seeds=3, rungs=1)


def test_a_budget_without_a_trunk_stays_as_it_is() -> None:
    budget = replace(GROWN, recipe=replace(GROWN.recipe, trunk_epochs=0))
    assert fitted(SMALL, budget=budget) is budget


def test_every_trial_names_the_trunk_and_the_unscaled_network_is_grown_too() -> None:
    plan = Plan(StudyConfig(SMALL, Decimal(1), replace(fitted(SMALL), candidates=4, seeds=3)), FACTS)
    (wave,) = plan.waves({})
    base = next(spec for spec in wave if spec.network_id == plan.base_id)
    assert {spec.trunk for spec in wave} == {base.proxy}
    assert len(wave) == 5 * 3
    assert plan.proxies.trunk_images == 4 * 96
    scratch = replace(plan.config, budget=replace(plan.config.budget, recipe=GROWN.recipe.from_scratch))
    (other,) = Plan(scratch, FACTS).waves({})
    assert {spec.trunk for spec in other} == {None}
    assert not {spec.id for spec in wave} & {spec.id for spec in other}


def test_trunk_epochs_are_a_number_of_epochs() -> None:
    with pytest.raises(SpaceError, match="trunk_epochs is -1, but training takes 0"):
        replace(GROWN.recipe, trunk_epochs=-1)
