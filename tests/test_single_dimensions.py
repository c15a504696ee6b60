"""The benchmark of single dimensions: which networks it takes, and what it makes of their trials."""

from __future__ import annotations

import pytest
from proxy_snr import Trial
from single_dimensions import gains, split_variants


def test_each_pair_of_dashes_begins_a_variant() -> None:
    assert split_variants(["seeds=3"]) == [["seeds=3"]]
    words = ["seeds=3", "--", "recipe.epochs=4", "scenes.train=20000", "--", "scenes.classes=10"]
    assert split_variants(words) == [["seeds=3"], ["recipe.epochs=4", "scenes.train=20000"], ["scenes.classes=10"]]


def test_gains_are_paired_by_seed_and_losses_negated() -> None:
    def trial(accuracy: float, loss: float) -> Trial:
        return Trial("", "", 0, 0.0, accuracy, loss, 1.0, 1.0)

    trials = {
        ("unscaled", "7"): trial(0.5, 1.0), ("unscaled", "8"): trial(0.6, 0.8),
        ("depth", "7"): trial(0.51, 1.1), ("depth", "8"): trial(0.63, 0.7),
        ("width", "7"): trial(0.55, 0.9), ("width", "8"): trial(0.65, 0.7),
        ("resolution", "7"): trial(0.5, 0.5), ("resolution", "8"): trial(0.6, 0.8),
    }  # fmt: skip
    accuracy, loss = gains(trials, "accuracy"), gains(trials, "val loss")
    assert accuracy["depth"] == pytest.approx((0.02, 0.01))
    assert accuracy["width"] == pytest.approx((0.05, 0.0), abs=1e-12)
    assert loss["depth"] == pytest.approx((0.0, 0.1))
    assert loss["resolution"] == pytest.approx((0.25, 0.25))
