"""The view of one candidate: its definition, its aliases, its cost layer by layer, its trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.design.architecture import Architecture
from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.cost import cost
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.receipt import Group, grouped, layer_counts, sums
from scalesearch.design.scaling import Baseline
from scalesearch.report.dashboard.components import facts, hint, table
from scalesearch.report.dashboard.curves import network_curves
from scalesearch.report.dashboard.render import render_figure
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.dashboard.trial_table import every_column
from scalesearch.report.phrases import seeds_text
from scalesearch.report.rows import final_metrics
from scalesearch.search.candidates import Candidate
from scalesearch.study.kinds import results_of
from scalesearch.study.trial_summary import TrialSummary

_ALIASES = 200
_OF_TRIALS = ("trial", "seed", "images", "state", "accuracy", "seconds", "message")
"""Columns of one network's trials: those that tell them apart."""


def section() -> list[Any]:
    """What never changes."""
    return [html.Div(hint("The candidates are being computed."), id="network-content")]


def register(app: Dash, watch: StudyStore) -> None:
    """Fill it."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("network-content", "children"),
        Input("seen", "data"),
        Input("view", "value"),
        Input("chosen", "data"),
        Input("theme", "data"),
        State("study", "value"),
    )
    def fill(_: object, shown: Any, key: Any, theme: Any, name: Any) -> Any:
        view = watch.snapshot(name) if shown == "network" else None
        return no_update if view is None or theme is None else content(view, key, theme)


def content(view: StudySnapshot, key: object, theme: object = "light") -> list[Any]:
    """All about one network of a study.

    Args:
        view: the study.
        key: the network's id, from a browser; None, or one that is none of the study's: the recommended one's.
        theme: of the browser.
    """
    if view.study is None:
        return [html.H2("Candidate"), hint("There is nothing to show.")]
    if view.analysis is None or not view.analysis.names:
        return [html.H2("Candidate"), hint("The candidates are being computed.")]
    plan, found = view.study.plan, view.answer
    known = {**plan.by_network, plan.base_id: None}
    if not isinstance(key, str) or key not in known:
        key = found.recommended if found else plan.base_id
    candidate = known[key]
    shape = candidate.architecture if candidate else plan.config.baseline.architecture
    trials = sorted(
        (trial for trial in view.trials if trial.network == key), key=lambda one: (one.seed, one.images)
    )
    words = view.label(key) if candidate else f"{plan.config.baseline.name}, unscaled"
    return [
        html.H2(f"Candidate {words}" if candidate else f"Baseline {words}"),
        html.Div([facts(_facts(view, key, candidate, trials)), *_receipt(shape)], className="columns"),
        *_curve(view, key, theme),
        *_aliases(candidate),
        *_trials(view, trials),
        *_definition(view, candidate, shape),
    ]


def _facts(
    view: StudySnapshot, key: str, candidate: Candidate | None, trials: list[TrialSummary]
) -> list[tuple[str, str]]:
    assert view.study is not None, "asked of a study that was read"
    plan, found = view.study.plan, view.answer
    shape = candidate.architecture if candidate else plan.config.baseline.architecture
    price = cost(shape)
    rows = [("network id", key), ("input", f"{shape.resolution} px")]
    if isinstance(shape, Architecture):
        rows += [("layers of the stages", ", ".join(map(str, shape.depths)))]
        rows += [("channels", ", ".join(map(str, shape.widths)))]
    rows += [
        ("multiply-adds", f"{price.macs:,}"),
        ("parameters", f"{price.params:,}"),
        ("activations", f"{price.activations:,}"),
    ]
    if candidate and plan.config.kind.scales:
        own = candidate.coefficients
        rows += [
            ("α, β, γ", str(own).strip("()")),
            ("αβ²γ²", f"{float(own.product):.4f}"),
            ("measured cost", f"{float(candidate.flops_ratio):.4f} × the baseline's"),
        ]
    totals = {trial.fvcore_total for trial in trials} - {None}
    rows += [("fvcore counted, normalisation included", f"{total:,}") for total in totals if total is not None]
    rows += [
        ("trained as proxy", f"{trial.proxy_px} px, {trial.proxy_macs:,} multiply-adds") for trial in trials[:1]
    ]
    place = next((arm for arm in found.ranking.arms if arm.key == key), None) if found else None
    if found is not None and place is not None:
        rows += [(name, f"{value}, {seeds_text(place.seeds)}") for name, value in final_metrics(found, place)]
        of = "behind the best" if plan.config.kind.scales else "reward behind the best"
        rows.append((of, found.with_error(place.behind, place.behind_error) + (", tied" * place.tied)))
    return rows


def _receipt(shape: Architecture | FactoryNetwork) -> list[Any]:
    if isinstance(shape, FactoryNetwork):
        return [hint(f"A network of {shape.factory}: its layers are not known here.")]
    counts = layer_counts(shape)
    total = sums(counts)
    words = (
        f"{total.macs:,} multiply-adds; {total.flops:,} FLOPs where each is two; {total.fvcore_total:,} with "
        "normalisation, as fvcore counts."
    )
    stages, kinds = grouped(counts, lambda one: one.stage), grouped(counts, lambda one: one.kind)
    return [html.Div([html.H3("Cost receipt"), _groups("stage", stages), _groups("kind", kinds), hint(words)])]


def _groups(name: str, groups: tuple[Group, ...]) -> html.Div:
    rows = [(group.name, str(group.layers), f"{group.macs:,}", f"{group.params:,}") for group in groups]
    return table((name, "layers", "multiply-adds", "parameters"), rows, frozenset((0,)))


def _curve(view: StudySnapshot, key: str, theme: object) -> list[Any]:
    drawn = network_curves(view, key)
    return [render_figure(drawn, theme, "network-figure")] if drawn else []


def _aliases(candidate: Candidate | None) -> list[Any]:
    if candidate is None or candidate.name or len(candidate.aliases) == 0:
        return []
    shown = [str(alias) for alias in candidate.aliases[:_ALIASES]]
    more = len(candidate.aliases) - len(shown)
    words = f"{len(candidate.aliases)} of the grid's (α, β, γ) are this network: " if len(shown) > 1 else ""
    return [html.H3("Aliases"), html.P(f"{words}{', '.join(shown)}{f' and {more} more' if more else ''}")]


def _trials(view: StudySnapshot, trials: list[TrialSummary]) -> list[Any]:
    if not trials:
        return [html.H3("Trials"), hint("None has finished.")]
    known = every_column(view)
    own = [known[key] for key in _OF_TRIALS]
    rows = [[column.shown(trial) for column in own] for trial in trials]
    left = frozenset(i for i, column in enumerate(own) if column.is_text)
    return [html.H3("Trials"), table([column.title for column in own], rows, left)]


def _definition(
    view: StudySnapshot, candidate: Candidate | None, shape: Architecture | FactoryNetwork
) -> list[Any]:
    assert view.study is not None, "asked of a study that was read"
    baseline = view.study.plan.config.baseline
    if not isinstance(baseline, Baseline) or isinstance(shape, FactoryNetwork):
        return []
    own = replace(baseline, architecture=shape)
    if candidate is not None:
        name, source = results_of(view.study.plan.config.kind).definition(view.study.plan, candidate)
        own = replace(own, name=name, source=source or own.source)
    return [html.H3("Definition"), hint("A baseline file, as every verb takes one."), html.Pre(baseline_text(own))]
