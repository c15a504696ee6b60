"""Metrics: scikit-learn's values, functions of the user's own, and what an epoch records of them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, log_loss
from small_training import CPU, bright_channel_data, bright_images, curve, tiny_net

from scalesearch.design.baselines import load_baseline
from scalesearch.errors import InputError
from scalesearch.proxy.metrics import (
    balanced_accuracy,
    canonical_metric,
    metric_source,
    negative_loss,
    score_function,
    try_metric,
)
from scalesearch.proxy.objective import ProxyTraining
from scalesearch.proxy.training import Training, train_full
from scalesearch.search.make_proxy import make_proxy
from scalesearch.search.task import Recipe
from scalesearch.search.trial import TrialEndedError, TrialSpec

RECIPE = Recipe(epochs=2, batch=16, learning_rate=Decimal("0.1"))
OWN = """
import numpy as np
CLASSES = 3
def worst(logits, labels):
    assert logits.dtype == np.float32 and labels.dtype == np.int64 and logits.shape == (len(labels), CLASSES)
    return min((logits.argmax(1) == labels)[labels == label].mean() for label in range(CLASSES))
def broken(logits, labels):
    raise KeyError("no\\nsuch thing")
def leaving(logits, labels):
    raise SystemExit(0)
def infinite(logits, labels):
    return float("inf")
value = 3
"""
FAILURES = {
    "broken": "fails (KeyError: ",
    "infinite": "gives inf, but must",
    "leaving": "fails (SystemExit: 0",
}
"""What is said of its functions."""


def _outputs(seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    draw = np.random.default_rng(seed)
    labels = draw.choice(5, 97, p=[0.7, 0.15, 0.1, 0.03, 0.02])
    return draw.normal(0, 3, (97, 5)).astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("seed", range(5))
def test_values_are_scikit_learns(seed: int) -> None:
    logits, labels = _outputs(seed)
    assert balanced_accuracy(logits, labels) == pytest.approx(balanced_accuracy_score(labels, logits.argmax(1)))
    likely = np.exp(logits.astype(np.float64))
    likely /= likely.sum(1, keepdims=True)
    assert negative_loss(logits, labels) == pytest.approx(-log_loss(labels, likely, labels=range(5)))
    assert negative_loss(logits + 1000, labels) == pytest.approx(negative_loss(logits, labels), rel=1e-4)


def test_always_one_class_is_worth_its_share_or_chance() -> None:
    labels = np.array([0] * 95 + [1] * 5, np.int64)
    always = np.tile(np.array([1, 0], np.float32), (100, 1))
    assert (always.argmax(1) == labels).mean() == 0.95
    assert balanced_accuracy(always, labels) == 0.5


def test_an_epoch_has_the_score_and_trains_alike() -> None:
    def run(metric: str) -> Training:
        return Training(tiny_net(), bright_channel_data(), RECIPE, 0, CPU, score_function(metric, None))

    plain, loss, balanced = (list(train_full(run(metric))) for metric in ("accuracy", "loss", "balanced-accuracy"))
    assert curve(plain) == curve(loss) == curve(balanced)
    assert [one.score for one in plain] == [None, None]
    assert [one.metric_value for one in plain] == [one.val_accuracy for one in plain]
    assert [one.score for one in loss] == pytest.approx([-one.val_loss for one in loss], rel=1e-5)
    assert all(0 < (one.score or 0) <= 1 and one.metric_value == one.score for one in balanced)


def _spec(metric: str) -> TrialSpec:
    tiny = load_baseline("tiny")
    proxy = make_proxy(tiny.architecture, tiny, 4, 16, 3)
    return TrialSpec(tiny.architecture, proxy, RECIPE, "bright", 0, metric=metric)


def test_a_function_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    metric = canonical_metric("own.py:worst")
    assert metric.startswith("own.py:worst@")
    source = metric_source(metric)
    objective = pickle.loads(pickle.dumps(ProxyTraining(bright_images(), metric_source=source)))  # as Ray sends it
    (tmp_path / "own.py").unlink()
    *_, last = objective(_spec(metric))
    assert last.score is not None
    assert 0 <= last.score <= last.val_accuracy
    for name in ("broken", "infinite", "leaving"):
        with pytest.raises(TrialEndedError) as ended:
            list(objective(_spec(metric.replace("worst", name))))
        assert ended.value.state == "failed"
        assert "\n" not in ended.value.message
        assert FAILURES[name] in ended.value.message


def test_functions_that_are_none_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    Path("torn.py").write_text("def")
    Path("left.py").write_text("raise SystemExit(0)")
    for text, words in {
        "f1": "must be one of accuracy, balanced-accuracy, loss, or FILE.py:function",
        "own.py": "must be one of",
        "own.py:": "must be one of",
        "gone.py:worst": "metric gone.py: cannot be read (No such file",
        "torn.py:worst": "metric torn.py: cannot be run (SyntaxError",
        "left.py:worst": "metric left.py: cannot be run (SystemExit: 0",
        "own.py:best": "metric own.py: has no function best",
        "own.py:value": "metric own.py: has no function value",
    }.items():
        with pytest.raises(InputError) as caught:
            canonical_metric(text)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
    metric = canonical_metric("own.py:worst")
    Path("own.py").write_text(OWN + "\n")
    with pytest.raises(InputError, match=r"metric own.py: has changed since the study was begun"):
        metric_source(metric)


def test_a_function_is_called_once_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = "def half(z, y):\n    assert z.shape == (6, 3)\n    return (z.argmax(1) == y).mean() == 0.5\n"
    Path("own.py").write_text(OWN + told)
    for name, words in FAILURES.items():
        with pytest.raises(InputError, match=r"^metric own.py") as caught:
            try_metric(canonical_metric(f"own.py:{name}"), 3)
        assert words in str(caught.value)
    for fit in ("own.py:worst", "own.py:half", "accuracy", "loss"):
        try_metric(canonical_metric(fit), 3)
    score = score_function(metric := canonical_metric("own.py:half"), metric_source(metric))
    assert score is not None
    assert score(np.eye(3, dtype=np.float32)[[0, 1, 2, 1, 2, 0]], np.arange(6) % 3) == 1.0


def test_another_metric_is_another_trial() -> None:
    assert len({_spec(one).id for one in ("accuracy", "balanced-accuracy", "loss")}) == 3
    assert _spec("accuracy").id == replace(_spec("loss"), metric="accuracy").id
