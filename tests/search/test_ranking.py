"""The ranking against formulas worked out by hand for paired designs, and its rules one by one."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from scipy.stats import norm, t

from scalesearch.search.metrics import images_error
from scalesearch.search.ranking import Arm, Ranking, leaders, rank

TABLE = {
    "a": {0: 0.70, 1: 0.66, 2: 0.71},
    "b": {0: 0.72, 1: 0.69, 2: 0.72},
    "c": {0: 0.60, 1: 0.59, 2: 0.62},
    "d": {0: 0.715, 1: 0.681, 2: 0.728},
}


def arm(key: str, accuracies: dict[int, float], ratio: float = 1.0, activations: int = 1, params: int = 1) -> Arm:
    return Arm(key, accuracies, ratio, activations, params)


def arms_of(table: dict[str, dict[int, float]]) -> list[Arm]:
    return [arm(key, accuracies) for key, accuracies in table.items()]


def by_key(ranking: Ranking) -> dict[str, float]:
    return {one.key: one.effect for one in ranking.arms}


def test_a_balanced_study_is_a_paired_comparison() -> None:
    """Two-way layout: effects are row means, df = (arms - 1)(seeds - 1), the error of a difference noise·√(2/n)."""
    values = np.array([list(row.values()) for row in TABLE.values()])
    residuals = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    noise = sqrt(float((residuals**2).sum()) / 6)
    found = rank(arms_of(TABLE), 1000)
    assert found.degrees_of_freedom == 6
    assert found.noise == pytest.approx(noise)
    assert [one.key for one in found.arms] == ["b", "d", "a", "c"]
    for one in found.arms:
        row = np.array(list(TABLE[one.key].values()))
        assert one.effect == pytest.approx(row.mean())
        assert one.mean == pytest.approx(row.mean())
        assert one.seeds == 3
        assert one.standard_error == pytest.approx(noise / sqrt(3))
        assert one.behind == pytest.approx(values[1].mean() - row.mean(), abs=1e-12)
        error = 0.0 if one.key == "b" else noise * sqrt(2 / 3)
        assert one.behind_error == pytest.approx(error, abs=1e-9)
        assert one.tied == (one.behind <= t.ppf(0.975, 6) * error)
    assert (found.tied, found.significant) == (("b", "d"), False)


def test_two_arms_are_the_paired_t_test() -> None:
    first, second = np.array(list(TABLE["a"].values())), np.array(list(TABLE["d"].values()))
    found = rank(arms_of({key: TABLE[key] for key in "ad"}), 1000)
    difference = second - first
    assert found.degrees_of_freedom == 2
    assert found.arms[1].behind_error == pytest.approx(difference.std(ddof=1) / sqrt(3))
    assert found.arms[1].behind == pytest.approx(difference.mean())


def test_a_hard_seed_is_taken_out() -> None:
    """Finalists that ran one more seed, a hard one, lose nothing by it."""
    table = {key: dict(row) for key, row in TABLE.items()}
    for key in "bd":
        table[key][3] = TABLE[key][0] - 0.3
    found = rank(arms_of(table), 1000)
    plain = rank(arms_of(TABLE), 1000)
    shift = by_key(found)["a"] - by_key(plain)["a"]
    for key, effect in by_key(found).items():
        assert effect - by_key(plain)[key] == pytest.approx(shift, abs=0.02)
    assert {one.key: one.seeds for one in found.arms} == {"a": 3, "b": 4, "c": 3, "d": 4}
    assert next(one.mean for one in found.arms if one.key == "b") < 0.65
    # 14 trials - 4 arms - 3 seeds
    assert found.degrees_of_freedom == 7


def test_unbalanced_finalists_by_hand() -> None:
    """Finalists on seeds 0 1 2, the rest on 0: differences come from the shared seeds alone."""
    rows = {"a": {0: 0.5, 1: 0.6, 2: 0.7}, "b": {0: 0.6, 1: 0.61, 2: 0.8}, "c": {0: 0.4}, "d": {0: 0.3}}
    found = rank(arms_of(rows), 1000)
    difference = np.array([0.1, 0.01, 0.1])
    noise = sqrt(float(((difference - difference.mean()) ** 2).sum()) / 2 / 2)
    at = {one.key: one for one in found.arms}
    assert found.degrees_of_freedom == 2
    assert found.noise == pytest.approx(noise)
    assert at["a"].behind == pytest.approx(difference.mean())
    assert at["a"].behind_error == pytest.approx(noise * sqrt(2 / 3))
    assert at["c"].effect - at["d"].effect == pytest.approx(0.1)
    # c against b: c - (mean of a, b at seed 0) + (b's lead over that mean): 1 + 1/2 + 1/6 noise variances
    assert at["c"].behind == pytest.approx(0.55 - 0.4 + difference.mean() / 2)
    assert at["c"].behind_error == pytest.approx(noise * sqrt(1 + 1 / 2 + 1 / 6))


def test_one_seed_has_only_the_binomial_error_and_no_winner() -> None:
    found = rank([arm("a", {0: 0.95}), arm("b", {0: 0.5}), arm("c", {0: 0.2})], 400)
    mean = (0.95 + 0.5 + 0.2) / 3
    assert found.degrees_of_freedom == 0
    assert found.noise == pytest.approx(sqrt(mean * (1 - mean) / 400))
    assert found.arms[1].behind_error == pytest.approx(found.noise * sqrt(2))
    assert norm.ppf(0.975) * found.noise * sqrt(2) < 0.45
    assert found.tied == ("a",)
    assert not found.significant


def test_a_perfect_single_seed_is_still_uncertain() -> None:
    found = rank([arm("a", {0: 1.0}), arm("b", {0: 1.0})], 50)
    assert found.noise == pytest.approx(sqrt(0.01 * 0.99 / 50))
    assert found.tied == ("a", "b")


def test_a_clear_lead_over_repeated_seeds_is_significant() -> None:
    table = {**TABLE, "e": {seed: accuracy + 0.1 for seed, accuracy in TABLE["b"].items()}}
    found = rank(arms_of(table), 1000)
    assert found.tied == ("e",)
    assert found.significant


def test_equal_arms_are_ordered_by_key() -> None:
    found = rank([arm(key, {0: 0.5, 1: 0.6}) for key in "cab"], 100)
    assert [one.key for one in found.arms] == ["a", "b", "c"]
    assert not found.significant


def test_accuracy_that_is_macs_alone_is_adjusted_away() -> None:
    """Planted: accuracy = .5 + .2 log(ratio) + seed. After adjustment all are equal."""
    seeds = {0: 0.01, 1: -0.03, 2: 0.02}

    def planted(key: str, ratio: float) -> Arm:
        return arm(key, {seed: 0.6 + 0.2 * log(ratio) + by for seed, by in seeds.items()}, ratio)

    arms = [planted("a", 0.8), planted("b", 1.0), planted("c", 1.23)]
    found = rank(arms, 1000, planted("base", 0.5))
    assert found.macs_slope == pytest.approx(0.2)
    assert by_key(found) == pytest.approx({"a": 0.6, "b": 0.6, "c": 0.6})
    plain = rank(arms, 1000)
    assert plain.macs_slope == 0
    assert [one.key for one in plain.arms] == ["c", "b", "a"]
    assert leaders(arms, 2) == ("c", "b")


def test_candidates_with_other_seeds_are_compared_at_the_average_seed() -> None:
    """Planted without noise: seeds differ by up to .3, as trunks do, and few candidates have them all."""
    seeds = {0: 0.0, 1: -0.3, 2: 0.1, 3: -0.2}
    average = sum(seeds.values()) / len(seeds)

    def planted(key: str, value: float, ratio: float, own: tuple[int, ...]) -> Arm:
        return arm(key, {seed: value + 0.1 * log(ratio) + seeds[seed] for seed in own}, ratio)

    arms = [
        planted("leader", 0.72, 1.1, (0, 1, 2, 3)),
        planted("second", 0.71, 0.9, (0, 1, 3)),
        planted("once", 0.63, 1.0, (0,)),
        planted("late", 0.65, 0.8, (2,)),
    ]
    base = planted("base", 0.66775, 0.5, (0, 1, 2, 3))
    found = rank(arms, 1000, base)
    # The candidates' mean gain beyond cost is planted as .00975, over a distance of .6545: nearly nothing.
    gain, distance = (0.72 + 0.71 + 0.63 + 0.65) / 4 - 0.66775, (log(1.1 * 0.9 * 0.8) / 4 - log(0.5))
    assert found.macs_slope == pytest.approx(0.1 + gain / distance)
    means = {"leader": 0.72, "second": 0.71, "once": 0.63, "late": 0.65}
    ratios = {one.key: one.macs_ratio for one in arms}
    assert {one.key: one.mean for one in found.arms} == pytest.approx(
        {key: mean + 0.1 * log(ratios[key]) + average for key, mean in means.items()}
    )
    assert found.arms[0].key == "leader"
    assert by_key(found)["once"] - by_key(found)["leader"] == pytest.approx(
        0.63 - 0.72 + gain / distance * (log(1.1) - log(1.0))
    )


def test_the_adjustment_decides_who_leads() -> None:
    arms = [arm("small", {0: 0.70, 1: 0.72}, 0.9), arm("large", {0: 0.705, 1: 0.725}, 1.2)]
    base = arm("base", {0: 0.5, 1: 0.52}, 0.5)
    assert leaders(arms, 1) == ("large",)
    assert leaders(arms, 1, base) == ("small",)
    assert rank(arms, 1000, base).arms[0].key == "small"


def test_a_baseline_that_says_nothing_adjusts_nothing() -> None:
    arms = [arm("a", {0: 0.5, 1: 0.6}, 0.9), arm("b", {0: 0.6, 1: 0.5}, 1.1)]
    for base in (
        None,
        arm("x", {}, 0.5),
        arm("x", {0: 0.4}, 1.0),
        arm("x", {7: 0.1}, 0.5),
        arm("x", {0: 0.9}, 0.5),
    ):
        assert rank(arms, 1000, base).macs_slope == 0


def test_leaders_are_the_best_in_order() -> None:
    assert leaders(arms_of(TABLE), 3) == ("b", "d", "a")
    assert leaders(arms_of(TABLE), 99) == ("b", "d", "a", "c")
    assert leaders(arms_of(TABLE), 0) == ()


def test_an_arm_without_a_trial_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one accuracy"):
        rank([arm("a", {})], 10)
    with pytest.raises(ValueError, match="at least one accuracy"):
        rank([], 10)


def test_the_images_error_is_that_of_a_mean_of_independent_shares() -> None:
    """Against draws of right answers: 60, 12 and 5 images of three classes, each recognised with p = .8."""
    error = images_error("balanced-accuracy", (60, 12, 5))
    assert error is not None
    draw = np.random.default_rng(4)
    recalls = [draw.binomial(size, 0.8, 40_000) / size for size in (60, 12, 5)]
    assert error.standard_error(0.8) == pytest.approx(np.mean(recalls, axis=0).std(), rel=0.02)
    assert error.half_image == pytest.approx(0.5 / 5 / 3)
    plain = images_error("accuracy", (60, 12, 5))
    assert plain is not None
    assert plain.standard_error(0.8) == pytest.approx(sqrt(0.8 * 0.2 / 77))
    assert images_error("balanced-accuracy", (60, 0, 5)) == images_error("balanced-accuracy", (60, 5))
    assert images_error("loss", (60, 12, 5)) is None


def test_a_metric_without_an_error_of_its_images_has_that_of_the_seeds_or_none() -> None:
    once = rank([arm("a", {0: -3.0}), arm("b", {0: -1.0})], None)
    assert (once.error_known, once.noise, once.degrees_of_freedom) == (False, 1.0, 0)
    alike = rank([arm("a", {0: -3.0, 1: -3.0}), arm("b", {0: -1.0, 1: -1.0})], None)
    assert (alike.error_known, alike.significant, alike.degrees_of_freedom) == (False, False, 0)
    seeds = rank(arms_of(TABLE), None)
    assert seeds.error_known
    assert seeds.noise == rank(arms_of(TABLE), 1000).noise
