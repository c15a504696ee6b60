"""The learning curves of running and finished trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean
from typing import TypeVar

import plotly.graph_objects as go

from scalesearch.report.dashboard.store import StudySnapshot
from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import BASELINE_STYLE, DARK, LIGHT, MarkerStyle
from scalesearch.report.rows import STATUSES, status_label
from scalesearch.search.task import Epoch

MAX_LINES, MAX_POINTS = 300, 60
"""The largest number of finished trials that are drawn, and of points in each curve."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of one trial."""

    network: str
    seed: int
    epochs: tuple[Epoch, ...]


Groups = dict[str, tuple[MarkerStyle, list[Curve]]]
"""The style and the curves of each group of trials, by the name in the legend."""


def thin(items: Sequence[_T], most: int) -> list[_T]:
    """Return at most `most` items, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def live_curves(snapshot: StudySnapshot, theme: object) -> Drawing | None:
    """Draw accuracy over images of all trials, the running ones in the colour of text.

    Trials of one epoch have no curves; their accuracy is drawn by network.

    Returns:
        None where there is no epoch.
    """
    groups = _groups(snapshot)
    running = (
        [Curve(trial.network, trial.seed, trial.epochs) for trial in snapshot.live.running] if snapshot.live else []
    )
    running_curves = [curve for curve in running if curve.epochs]
    if not groups and not running_curves:
        return None
    if groups and _has_one_epoch(snapshot):
        return _points_by_network(groups, snapshot)
    figure = go.Figure()
    for name, (style, curves) in groups.items():
        figure.add_trace(_trace(name, style, curves, snapshot))
    text_colour = (DARK if theme == "dark" else LIGHT).text
    if running_curves:
        figure.add_trace(
            _trace("running", MarkerStyle(text_colour, "circle", "●", "solid"), running_curves, snapshot)
        )
    apply_layout(
        figure,
        height=460,
        xaxis=axis("Training images seen", tickformat=",", rangemode="tozero"),
        yaxis=axis(_accuracy_title(snapshot), rangemode="tozero"),
        uirevision=snapshot.name,
    )
    running_text = f" {len(running_curves)} are under way." if running_curves else ""
    caption = f"A line is one trial, measured after each epoch.{running_text}{_thinning_text(groups, snapshot)}"
    return Drawing("live", "Learning curves", caption, figure)


def _has_one_epoch(snapshot: StudySnapshot) -> bool:
    """Return whether every trial of the study is trained for one epoch."""
    epochs = snapshot.study.plan.config.budget.recipe.epochs if snapshot.study else 0
    return epochs == 1 and all(len(trial.outcome.epochs) <= 1 for trial in snapshot.trials)


def _all(groups: Groups) -> Iterator[Curve]:
    return chain.from_iterable(curves for _, curves in groups.values())


def _thinning_text(groups: Groups, snapshot: StudySnapshot) -> str:
    """Say how many of the finished trials are drawn, where that is not all of them."""
    num_drawn = sum(1 for _ in _all(groups))
    num_with_epochs = sum(bool(trial.outcome.epochs) for trial in snapshot.trials)
    if num_drawn == num_with_epochs:
        return ""
    return f" Of {num_with_epochs:,} finished trials {num_drawn:,} are drawn, evenly by accuracy."


def _points_by_network(groups: Groups, snapshot: StudySnapshot) -> Drawing:
    """Draw the accuracy of every trial above its network."""
    order = _network_order(groups, snapshot)
    places = {key: place for place, key in enumerate(order)}  # numbers, because two labels can be equal
    figure = go.Figure()
    for name, (style, curves) in groups.items():
        figure.add_trace(
            go.Scatter(
                name=name,
                x=[places[curve.network] for curve in curves],
                y=[curve.epochs[-1].val_accuracy for curve in curves],
                hovertext=[text for _, _, text in _points(curves, snapshot) if text],
                hoverinfo="text",
                mode="markers",
                marker={"color": style.colour, "symbol": style.marker, "size": 9},
            )
        )
    labels = [escape_plotly(snapshot.label(key)) for key in order]
    ticks = {
        "tickmode": "array",
        "tickvals": [*range(len(order))],
        "ticktext": labels,
        "tickangle": -45,
        "automargin": True,
    }
    apply_layout(
        figure,
        height=520,
        xaxis=axis("", range=[-0.7, len(order) - 0.3], **(ticks if len(order) <= MAX_POINTS else {})),
        yaxis=axis(_accuracy_title(snapshot)),
        uirevision=snapshot.name,
    )
    caption = (
        "A point is one trial, trained for one epoch. The network that is the best by all that was measured stands "
        f"first. Seeds differ, so compare points of one seed.{_thinning_text(groups, snapshot)}"
    )
    return Drawing("live", "Accuracy of the trials", caption, figure)


def _network_order(groups: Groups, snapshot: StudySnapshot) -> list[str]:
    """Return the ids of the drawn networks, the best first: by the decision so far, else by their means."""
    by_network: dict[str, list[float]] = {}
    for curve in _all(groups):
        by_network.setdefault(curve.network, []).append(curve.epochs[-1].val_accuracy)
    decision = snapshot.answer.decision if snapshot.answer else None

    def place(key: str) -> tuple[bool, float, str]:
        is_candidate = decision is not None and key in decision.index_by_id
        value = decision.mean(key) if decision is not None and is_candidate else fmean(by_network[key])
        return decision is not None and not is_candidate, -value, key

    return sorted(by_network, key=place)


def _groups(snapshot: StudySnapshot) -> Groups:
    """Group the finished trials by status in the ranking so far, the recommended last: it is drawn on top."""
    ranking = snapshot.answer.ranking if snapshot.answer else None
    tied_keys = {arm.key for arm in ranking.arms if arm.tied} if ranking else set()
    base_id = snapshot.study.plan.base_id if snapshot.study else ""
    best_label = (
        status_label("recommended", snapshot.study.plan.config) if snapshot.study else STATUSES["recommended"][1]
    )
    groups: Groups = {
        "behind, or not ranked": (STATUSES["behind"][0], []),
        "baseline": (BASELINE_STYLE, []),
        STATUSES["tied"][1]: (STATUSES["tied"][0], []),
        best_label: (STATUSES["recommended"][0], []),
    }
    other_name, baseline_name, tied_name, best_name = groups
    by_accuracy = sorted(
        (trial for trial in snapshot.trials if trial.outcome.epochs),
        key=lambda trial: (trial.accuracy or 0.0, trial.id),
    )
    for trial in thin(by_accuracy, MAX_LINES):
        if snapshot.answer and trial.network == snapshot.answer.recommended:
            name = best_name
        elif trial.network in tied_keys:
            name = tied_name
        else:
            name = baseline_name if trial.network == base_id else other_name
        groups[name][1].append(Curve(trial.network, trial.seed, trial.outcome.epochs))
    return {name: group for name, group in groups.items() if group[1]}


def _trace(name: str, style: MarkerStyle, curves: Sequence[Curve], snapshot: StudySnapshot) -> go.Scatter:
    """Draw many curves as one trace, with a gap between each two."""
    points = list(_points(curves, snapshot))
    strong = name == "running" or style == STATUSES["recommended"][0]
    return go.Scatter(
        name=name,
        x=[point[0] for point in points],
        y=[point[1] for point in points],
        hovertext=[point[2] for point in points],
        hoverinfo="text",
        mode="lines+markers",
        line={"color": style.colour, "width": 2.2 if strong else 1.1, "dash": style.dash},
        marker={"color": style.colour, "symbol": style.marker, "size": 8 if strong else 5},
    )


def _points(curves: Sequence[Curve], snapshot: StudySnapshot) -> Iterator[tuple[int | None, float | None, str]]:
    for curve in curves:
        name = escape_plotly(snapshot.label(curve.network))
        for epoch in thin(curve.epochs, MAX_POINTS):
            text = f"<b>{name}</b>, seed {curve.seed}<br>{epoch.samples:,} images: {epoch.val_accuracy:.4f}"
            yield epoch.samples, epoch.val_accuracy, text
        yield None, None, ""


def _accuracy_title(snapshot: StudySnapshot) -> str:
    images = f"{snapshot.study.plan.data.val:,} images" if snapshot.study else "images"
    return f"Validation accuracy (share of {images})"


def network_curves(snapshot: StudySnapshot, key: str) -> Drawing | None:
    """Draw the accuracy and the losses of one network's trials.

    Returns:
        None where no trial has an epoch.
    """
    running = snapshot.live.running if snapshot.live else ()
    curves = [
        Curve(trial.network, trial.seed, trial.outcome.epochs) for trial in snapshot.trials if trial.network == key
    ]
    curves += [Curve(trial.network, trial.seed, trial.epochs) for trial in running if trial.network == key]
    curves = sorted(
        (curve for curve in curves if curve.epochs), key=lambda curve: (curve.seed, curve.epochs[0].samples)
    )
    if not curves:
        return None
    figure = go.Figure()
    quantities = (
        ("val_accuracy", "accuracy", "y", "x", STATUSES["recommended"][0]),
        ("train_loss", "training loss", "y2", "x2", STATUSES["tied"][0]),
        ("val_loss", "validation loss", "y2", "x2", STATUSES["behind"][0]),
    )
    for field, name, y, x, style in quantities:
        figure.add_trace(_quantity_trace(field, name, style, curves).update(xaxis=x, yaxis=y))
    apply_layout(
        figure,
        height=380,
        xaxis=axis("Training images seen", tickformat=",", rangemode="tozero", domain=[0, 0.46]),
        yaxis=axis(_accuracy_title(snapshot), rangemode="tozero"),
        xaxis2=axis("Training images seen", tickformat=",", rangemode="tozero", domain=[0.56, 1], anchor="y2"),
        yaxis2=axis("Cross-entropy (nats)", rangemode="tozero", anchor="x2"),
        uirevision=f"{snapshot.name} {key}",
    )
    rungs = snapshot.study is not None and snapshot.study.plan.rungs
    resumed_text = "; one that is resumed goes on from where the learning rate began to fall" if rungs else ""
    caption = f"A line is one trial{resumed_text}."
    return Drawing("network", "Its learning curves", caption, figure)


def _quantity_trace(field: str, name: str, style: MarkerStyle, curves: Sequence[Curve]) -> go.Scatter:
    x: list[int | None] = []
    y: list[float | None] = []
    texts: list[str] = []
    for curve in curves:
        for epoch in thin(curve.epochs, MAX_POINTS):
            value = float(getattr(epoch, field))
            x.append(epoch.samples)
            y.append(value)
            texts.append(f"seed {curve.seed}, {epoch.samples:,} images<br>{name} {value:.4f}")
        x.append(None)
        y.append(None)
        texts.append("")
    return go.Scatter(
        name=name,
        x=x,
        y=y,
        hovertext=texts,
        hoverinfo="text",
        mode="lines+markers",
        line={"color": style.colour, "width": 1.8, "dash": style.dash},
        marker={"color": style.colour, "symbol": style.marker, "size": 8},
    )
