"""The rewards of MnasNet and EfficientNetV2, held to the papers' formulas and figures."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from networks import SMALL

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.errors import SpaceError
from scalesearch.search.rewards import HARD, Reward
from scalesearch.search.sampler_space import RelativeTime

BASE = SMALL.architecture


def deeper() -> Architecture:
    return BASE.resized([8, 24, 28, 52, 196], [2, 3, 4], 80)


def test_twice_the_latency_is_worth_five_per_cent_of_the_accuracy() -> None:
    # Tan et al. 2019, section 3: accuracy a at latency l and a·(1 + 5 %) at 2l have one reward where w ≈ −0.07.
    soft = Reward("latency", Decimal("0.075"))
    one = 0.70 * soft.factor(BASE, BASE, RelativeTime(0.075, 9.0))
    other = 0.70 * 1.05 * soft.factor(BASE, BASE, RelativeTime(0.150, 9.0))
    assert one == 0.70
    assert other == pytest.approx(one, rel=1e-3)


def test_mnasnets_rewards_are_its_equations() -> None:
    # Eq. 2 and 3, T = 75 ms: (113/75)^−0.07 = .971715, (50/75)^−0.07 = 1.028789, (113/75)^−1 = .663717.
    soft, hard = (Reward("latency", Decimal("0.075"), *how) for how in ((), (Decimal(0), HARD)))
    slow, quick = RelativeTime(0.113, 1.3), RelativeTime(0.050, 0.6)
    assert soft.factor(BASE, BASE, slow) == pytest.approx(0.971715, abs=1e-6)
    assert soft.factor(BASE, BASE, quick) == pytest.approx(1.028789, abs=1e-6)
    assert hard.factor(BASE, BASE, slow) == pytest.approx(0.663717, abs=1e-6)
    assert hard.factor(BASE, BASE, quick) == 1


def test_efficientnets_reward_is_of_flops_with_a_target_of_400m() -> None:
    # Tan & Le 2019, section 4: ACC·(FLOPS/T)^−0.07; B0 has 385,814,752: (.964537)^−0.07 = 1.002531.
    b0 = load_baseline("b0").architecture
    assert Reward("flops", Decimal(400_000_000)).factor(b0, b0) == pytest.approx(1.002531, abs=1e-6)
    own = Reward().factor(deeper(), BASE)
    assert own == pytest.approx((cost(deeper()).macs / cost(BASE).macs) ** -0.07)
    assert own != 1 == Reward().factor(BASE, BASE)


def test_efficientnet_v2s_reward_weighs_a_step_and_parameters() -> None:
    # Tan & Le 2021, section 3.3: A·S^w·P^v, w = −0.07, v = −0.05; 1.7^−0.07 = .963537.
    found = Reward("step").factor(deeper(), BASE, RelativeTime(12.0, 1.7))
    share = (cost(deeper()).params / cost(BASE).params) ** -0.05
    assert share != pytest.approx(1, abs=1e-3)
    assert found == pytest.approx(0.963537 * share, abs=1e-6)


def test_a_reward_says_what_it_weighs_and_needs() -> None:
    assert [Reward(kind).objectives for kind in ("flops", "latency", "step")] == [
        ("accuracy", "macs"),
        ("accuracy", "latency"),
        ("accuracy", "step", "params"),
    ]
    assert [Reward(kind).measured for kind in ("flops", "latency", "step")] == [None, "latency", "step"]
    assert Reward().formula == "ACC·(FLOPS/T)^-0.07"
    assert Reward("latency", None, Decimal(0), HARD).formula == "ACC·(LAT/T)^w, w = 0 up to T and -1 above"
    assert Reward("step").formula == "A·S^-0.07·P^-0.05"


def test_exponents_that_reward_cost_are_refused() -> None:
    with pytest.raises(SpaceError, match=r"above is 0\.07, but an exponent is in −10 … 0"):
        replace(Reward(), above=Decimal("0.07"))
    with pytest.raises(SpaceError, match="target is 3, but only flops and latency have one"):
        Reward("step", Decimal(3))
    with pytest.raises(SpaceError, match="reward is 'luck'"):
        Reward("luck")  # type: ignore[arg-type]
