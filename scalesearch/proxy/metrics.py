"""Compute metrics of a network's validation outputs besides top-1 accuracy."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalesearch.errors import InputError, printable
from scalesearch.search.metrics import ACCURACY, BALANCED, FUNCTION, METRICS, is_metric
from scalesearch.user_code import describe_error

Score = Callable[[NDArray[np.float32], NDArray[np.int64]], float]
"""A function of logits (N, classes) and labels (N,); larger is better."""


def balanced_accuracy(logits_NK: NDArray[np.float32], labels_N: NDArray[np.int64]) -> float:
    """Return the mean recall over the classes that occur: the share of a class's images that are recognised."""
    hits_N = logits_NK.argmax(1) == labels_N
    return float(np.mean([hits_N[labels_N == label].mean() for label in np.unique(labels_N)]))


def negative_loss(logits_NK: NDArray[np.float32], labels_N: NDArray[np.int64]) -> float:
    """Return the mean log probability (nats) of the right class: cross-entropy without smoothing, negated."""
    shifted_NK = logits_NK.astype(np.float64) - logits_NK.max(1, keepdims=True)
    chosen_N = np.take_along_axis(shifted_NK, labels_N[:, None], axis=1)[:, 0]
    return float(np.mean(chosen_N - np.log(np.exp(shifted_NK).sum(1))))


def canonical_metric(text: str) -> str:
    """Return the metric that an option names; a function's name includes the digest of its file.

    The digest shows later whether the file has changed.

    Args:
        text: `accuracy`, `balanced-accuracy`, `loss` or `FILE.py:function`.

    Raises:
        InputError: there is no such metric, file or function.
    """
    if text in METRICS:
        return text
    path, _, name = text.rpartition(":")
    if not (path.endswith(".py") and name.isidentifier()):
        raise InputError(f"--metric {text!r}: must be one of {', '.join(METRICS)}, or FILE.py:function")
    metric = f"{path}:{name}@{_source_digest(_read_source(path))}"
    if not is_metric(metric):
        raise InputError(f"--metric {text!r}: must be one of {', '.join(METRICS)}, or FILE.py:function")
    score_function(metric, metric_source(metric))
    return metric


def metric_source(metric: str) -> str | None:
    """Return the text of a function's file, for machines that do not have it; None for built-in metrics.

    Raises:
        InputError: the file is missing, or differs from the one that the study began with.
    """
    match = FUNCTION.fullmatch(metric)
    if match is None:
        return None
    source = _read_source(match["path"])
    if _source_digest(source) != match["digest"]:
        raise InputError(f"metric {printable(match['path'])}: has changed since the study was begun; restore it")
    return source


def score_function(metric: str, source: str | None) -> Score | None:
    """Return the metric as a function; None for accuracy, which every trial has.

    Args:
        metric: one of `search.metrics`.
        source: see `metric_source`.

    Raises:
        InputError: the file cannot be run, or has no such function; the function itself raises it where it fails.
    """
    if metric == ACCURACY:
        return None
    match = FUNCTION.fullmatch(metric)
    if match is None or source is None:
        return balanced_accuracy if metric == BALANCED else negative_loss
    label = f"metric {printable(match['path'])}"
    namespace: dict[str, Any] = {"__name__": "scalesearch_metric", "__file__": match["path"]}
    try:
        exec(compile(source, match["path"], "exec"), namespace)  # noqa: S102  # the user's own file, named by the user
    except (Exception, SystemExit) as error:
        raise InputError(f"{label}: cannot be run ({printable(describe_error(error, 160))})") from error
    function = namespace.get(match["name"])
    if not callable(function):
        raise InputError(f"{label}: has no function {match['name']}; define it, of logits and labels")
    return _with_checks(function, f"{label}:{match['name']}")


def try_metric(metric: str, classes: int) -> None:
    """Call a user's function once, before anything is trained.

    It gets the logits of a network that is right about every second image, two images of each class.

    Raises:
        InputError: the function fails, or gives no finite number.
    """
    if FUNCTION.fullmatch(metric) is None or (score := score_function(metric, metric_source(metric))) is None:
        return
    labels_N = np.tile(np.arange(classes), 2)
    logits_NK = np.eye(classes, dtype=np.float32)[labels_N]
    logits_NK[classes:] = np.roll(logits_NK[classes:], 1, axis=1)
    score(logits_NK, labels_N)


def _with_checks(function: Callable[..., Any], label: str) -> Score:
    def score(logits_NK: NDArray[np.float32], labels_N: NDArray[np.int64]) -> float:
        try:
            value = float(function(logits_NK, labels_N))
        except (Exception, SystemExit) as error:
            raise InputError(f"{label}: fails ({printable(describe_error(error, 160))})") from error
        if not math.isfinite(value):
            raise InputError(f"{label}: gives {value}, but must give a finite number")
        return value

    return score


def _read_source(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"metric {printable(path)}: cannot be read ({reason})") from error


def _source_digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:16]
