"""Learning curves of trials that are under way beside those that are over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import plotly.graph_objects as go

from scalesearch.report.dashboard.store import StudySnapshot
from scalesearch.report.figures.frame import Drawing, apply_layout, axis, escape_plotly
from scalesearch.report.palette import BASELINE_STYLE, DARK, LIGHT, MarkerStyle
from scalesearch.report.rows import STATUSES, status_label
from scalesearch.search.task import Epoch

LINES, POINTS = 300, 60
"""How many curves of finished trials are drawn, and points of each."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Curve:
    """One trial's."""

    network: str
    seed: int
    epochs: tuple[Epoch, ...]


def thin(items: Sequence[_T], most: int) -> list[_T]:
    """At most so many, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def live_curves(view: StudySnapshot, theme: object) -> Drawing | None:
    """Accuracy over images of all trials, those under way in the colour of text; None where there is no epoch."""
    groups = _groups(view)
    running = [Curve(one.network, one.seed, one.epochs) for one in view.live.running] if view.live else []
    under_way = [one for one in running if one.epochs]
    if not groups and not under_way:
        return None
    figure = go.Figure()
    for name, (look, curves) in groups.items():
        figure.add_trace(_trace(name, look, curves, view))
    text = (DARK if theme == "dark" else LIGHT).text
    if under_way:
        figure.add_trace(_trace("running", MarkerStyle(text, "circle", "●", "solid"), under_way, view))
    apply_layout(
        figure,
        height=460,
        xaxis=axis("Training images seen", tickformat=",", rangemode="tozero"),
        yaxis=axis(_accuracy_words(view), rangemode="tozero"),
        uirevision=view.name,
    )
    drawn = sum(len(curves) for _, curves in groups.values())
    have = sum(bool(trial.outcome.epochs) for trial in view.trials)
    part = f" Of {have:,} finished trials {drawn:,} are drawn, evenly by accuracy." if drawn < have else ""
    way = f" {len(under_way)} are under way." if under_way else ""
    caption = f"A line is one trial, measured after each epoch.{way}{part}"
    return Drawing("live", "Learning curves", caption, figure)


def _groups(view: StudySnapshot) -> dict[str, tuple[MarkerStyle, list[Curve]]]:
    """Finished trials by their place in the ranking so far, the recommended last: it is drawn on top."""
    ranking = view.answer.ranking if view.answer else None
    tied = {arm.key for arm in ranking.arms if arm.tied} if ranking else set()
    base = view.study.plan.base_id if view.study else ""
    first = status_label("recommended", view.study.plan.config) if view.study else STATUSES["recommended"][1]
    found: dict[str, tuple[MarkerStyle, list[Curve]]] = {
        "behind, or not ranked": (STATUSES["behind"][0], []),
        "baseline": (BASELINE_STYLE, []),
        STATUSES["tied"][1]: (STATUSES["tied"][0], []),
        first: (STATUSES["recommended"][0], []),
    }
    rest, baseline, ties, best = found
    ordered = sorted(
        (trial for trial in view.trials if trial.outcome.epochs), key=lambda one: (one.accuracy or 0.0, one.id)
    )
    for one in thin(ordered, LINES):
        if view.answer and one.network == view.answer.recommended:
            name = best
        elif one.network in tied:
            name = ties
        else:
            name = baseline if one.network == base else rest
        found[name][1].append(Curve(one.network, one.seed, one.outcome.epochs))
    return {name: group for name, group in found.items() if group[1]}


def _trace(name: str, look: MarkerStyle, curves: Sequence[Curve], view: StudySnapshot) -> go.Scatter:
    """One trace for many curves, a gap between each two."""
    points = list(_points(curves, view))
    strong = name == "running" or look == STATUSES["recommended"][0]
    return go.Scatter(
        name=name,
        x=[point[0] for point in points],
        y=[point[1] for point in points],
        hovertext=[point[2] for point in points],
        hoverinfo="text",
        mode="lines+markers",
        line={"color": look.colour, "width": 2.2 if strong else 1.1, "dash": look.dash},
        marker={"color": look.colour, "symbol": look.marker, "size": 8 if strong else 5},
    )


def _points(curves: Sequence[Curve], view: StudySnapshot) -> Iterator[tuple[int | None, float | None, str]]:
    for curve in curves:
        name = escape_plotly(view.label(curve.network))
        for one in thin(curve.epochs, POINTS):
            words = f"<b>{name}</b>, seed {curve.seed}<br>{one.samples:,} images: {one.val_accuracy:.4f}"
            yield one.samples, one.val_accuracy, words
        yield None, None, ""


def _accuracy_words(view: StudySnapshot) -> str:
    images = f"{view.study.plan.data.val:,} images" if view.study else "images"
    return f"Validation accuracy (share of {images})"


def network_curves(view: StudySnapshot, key: str) -> Drawing | None:
    """Accuracy and losses of one network's trials; None where none has an epoch."""
    running = view.live.running if view.live else ()
    curves = [
        Curve(trial.network, trial.seed, trial.outcome.epochs) for trial in view.trials if trial.network == key
    ]
    curves += [Curve(one.network, one.seed, one.epochs) for one in running if one.network == key]
    curves = sorted((curve for curve in curves if curve.epochs), key=lambda one: (one.seed, one.epochs[0].samples))
    if not curves:
        return None
    figure = go.Figure()
    sides = (
        ("val_accuracy", "accuracy", "y", "x", STATUSES["recommended"][0]),
        ("train_loss", "training loss", "y2", "x2", STATUSES["tied"][0]),
        ("val_loss", "validation loss", "y2", "x2", STATUSES["behind"][0]),
    )
    for field, name, y, x, look in sides:
        figure.add_trace(_values(field, name, look, curves).update(xaxis=x, yaxis=y))
    apply_layout(
        figure,
        height=380,
        xaxis=axis("Training images seen", tickformat=",", rangemode="tozero", domain=[0, 0.46]),
        yaxis=axis(_accuracy_words(view), rangemode="tozero"),
        xaxis2=axis("Training images seen", tickformat=",", rangemode="tozero", domain=[0.56, 1], anchor="y2"),
        yaxis2=axis("Cross-entropy (nats)", rangemode="tozero", anchor="x2"),
        uirevision=f"{view.name} {key}",
    )
    rungs = view.study is not None and view.study.plan.rungs
    resumed = "; one that is resumed goes on from where the learning rate began to fall" if rungs else ""
    caption = f"A line is one trial{resumed}."
    return Drawing("network", "Its learning curves", caption, figure)


def _values(field: str, name: str, look: MarkerStyle, curves: Sequence[Curve]) -> go.Scatter:
    x: list[int | None] = []
    y: list[float | None] = []
    words: list[str] = []
    for curve in curves:
        for one in thin(curve.epochs, POINTS):
            value = float(getattr(one, field))
            x.append(one.samples)
            y.append(value)
            words.append(f"seed {curve.seed}, {one.samples:,} images<br>{name} {value:.4f}")
        x.append(None)
        y.append(None)
        words.append("")
    return go.Scatter(
        name=name,
        x=x,
        y=y,
        hovertext=words,
        hoverinfo="text",
        mode="lines+markers",
        line={"color": look.colour, "width": 1.8, "dash": look.dash},
        marker={"color": look.colour, "symbol": look.marker, "size": 8},
    )
