"""The view of one candidate: its definition, its aliases, its cost by stage and by kind of layer, its trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from scalesearch.design.architecture import Architecture
from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.cost import cost
from scalesearch.design.cost_breakdown import Group, counter_totals, grouped, layer_costs
from scalesearch.design.factory import FactoryNetwork
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

_MAX_ALIASES = 200
_TRIAL_COLUMNS = ("trial", "seed", "images", "state", "accuracy", "seconds", "message")
"""The columns of one network's trials: those that distinguish them."""


def section() -> list[Any]:
    """Return the static part of the view."""
    return [html.Div(hint("The candidates are being computed."), id="network-content")]


def register(app: Dash, store: StudyStore) -> None:
    """Register the callbacks that fill the view."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("network-content", "children"),
        Input("seen", "data"),
        Input("view", "value"),
        Input("chosen", "data"),
        Input("theme", "data"),
        State("study", "value"),
    )
    def fill(_: object, view_name: Any, key: Any, theme: Any, name: Any) -> Any:
        snapshot = store.snapshot(name) if view_name == "network" else None
        return no_update if snapshot is None or theme is None else content(snapshot, key, theme)


def content(snapshot: StudySnapshot, key: object, theme: object = "light") -> list[Any]:
    """Return everything about one network of a study.

    Args:
        snapshot: the study.
        key: the network's id, from a browser; None or an unknown id stands for the recommended network's.
        theme: the theme of the browser.
    """
    if snapshot.study is None:
        return [html.H2("Candidate"), hint("There is nothing to show.")]
    if snapshot.analysis is None or not snapshot.analysis.names:
        return [html.H2("Candidate"), hint("The candidates are being computed.")]
    plan, result = snapshot.study.plan, snapshot.answer
    networks = {**plan.by_network, plan.base_id: None}
    if not isinstance(key, str) or key not in networks:
        key = result.recommended if result else plan.base_id
    candidate = networks[key]
    architecture = candidate.architecture if candidate else plan.config.baseline.architecture
    trials = sorted(
        (trial for trial in snapshot.trials if trial.network == key), key=lambda trial: (trial.seed, trial.images)
    )
    title = snapshot.label(key) if candidate else f"{plan.config.baseline.name}, unscaled"
    return [
        html.H2(f"Candidate {title}" if candidate else f"Baseline {title}"),
        html.Div(
            [facts(_facts(snapshot, key, candidate, trials)), *_cost_breakdown(architecture)], className="columns"
        ),
        *_curve(snapshot, key, theme),
        *_aliases(candidate),
        *_trials(snapshot, trials),
        *_definition(snapshot, candidate, architecture),
    ]


def _facts(
    snapshot: StudySnapshot, key: str, candidate: Candidate | None, trials: list[TrialSummary]
) -> list[tuple[str, str]]:
    assert snapshot.study is not None, "needs a study that was read"
    plan, result = snapshot.study.plan, snapshot.answer
    architecture = candidate.architecture if candidate else plan.config.baseline.architecture
    network_cost = cost(architecture)
    rows = [("network id", key), ("input", f"{architecture.resolution} px")]
    if isinstance(architecture, Architecture):
        rows += [("layers of the stages", ", ".join(map(str, architecture.depths)))]
        rows += [("channels", ", ".join(map(str, architecture.widths)))]
    rows += [
        ("multiply-adds", f"{network_cost.macs:,}"),
        ("parameters", f"{network_cost.params:,}"),
        ("activations", f"{network_cost.activations:,}"),
    ]
    if candidate and plan.config.kind.scales:
        coefficients = candidate.coefficients
        rows += [
            ("α, β, γ", str(coefficients).strip("()")),
            ("αβ²γ²", f"{float(coefficients.product):.4f}"),
            ("measured cost", f"{float(candidate.flops_ratio):.4f} × the baseline's"),
        ]
    totals = {trial.fvcore_total for trial in trials} - {None}
    rows += [("fvcore counted, normalisation included", f"{total:,}") for total in totals if total is not None]
    rows += [
        ("trained as proxy", f"{trial.proxy_px} px, {trial.proxy_macs:,} multiply-adds") for trial in trials[:1]
    ]
    place = next((arm for arm in result.ranking.arms if arm.key == key), None) if result else None
    if result is not None and place is not None:
        rows += [(name, f"{value}, {seeds_text(place.seeds)}") for name, value in final_metrics(result, place)]
        gap_name = "behind the best" if plan.config.kind.scales else "reward behind the best"
        rows.append((gap_name, result.with_error(place.behind, place.behind_error) + (", tied" * place.tied)))
    return rows


def _cost_breakdown(architecture: Architecture | FactoryNetwork) -> list[Any]:
    if isinstance(architecture, FactoryNetwork):
        return [hint(f"A network of {architecture.factory}: its layers are not known here.")]
    counts = layer_costs(architecture)
    total = counter_totals(counts)
    text = (
        f"{total.macs:,} multiply-adds; {total.flops:,} FLOPs where each is two; {total.fvcore_total:,} with "
        "normalisation, as fvcore counts."
    )
    stages, kinds = grouped(counts, lambda layer: layer.stage), grouped(counts, lambda layer: layer.kind)
    return [html.Div([html.H3("Cost breakdown"), _groups("stage", stages), _groups("kind", kinds), hint(text)])]


def _groups(name: str, groups: tuple[Group, ...]) -> html.Div:
    rows = [(group.name, str(group.layers), f"{group.macs:,}", f"{group.params:,}") for group in groups]
    return table((name, "layers", "multiply-adds", "parameters"), rows, frozenset((0,)))


def _curve(snapshot: StudySnapshot, key: str, theme: object) -> list[Any]:
    drawing = network_curves(snapshot, key)
    return [render_figure(drawing, theme, "network-figure")] if drawing else []


def _aliases(candidate: Candidate | None) -> list[Any]:
    if candidate is None or candidate.name or len(candidate.aliases) == 0:
        return []
    shown = [str(alias) for alias in candidate.aliases[:_MAX_ALIASES]]
    num_hidden = len(candidate.aliases) - len(shown)
    introduction = f"{len(candidate.aliases)} of the grid's (α, β, γ) are this network: " if len(shown) > 1 else ""
    return [
        html.H3("Aliases"),
        html.P(f"{introduction}{', '.join(shown)}{f' and {num_hidden} more' if num_hidden else ''}"),
    ]


def _trials(snapshot: StudySnapshot, trials: list[TrialSummary]) -> list[Any]:
    if not trials:
        return [html.H3("Trials"), hint("None has finished.")]
    columns_by_key = every_column(snapshot)
    columns = [columns_by_key[key] for key in _TRIAL_COLUMNS]
    rows = [[column.page_cell(trial) for column in columns] for trial in trials]
    text_columns = frozenset(i for i, column in enumerate(columns) if column.is_text)
    return [html.H3("Trials"), table([column.title for column in columns], rows, text_columns)]


def _definition(
    snapshot: StudySnapshot, candidate: Candidate | None, architecture: Architecture | FactoryNetwork
) -> list[Any]:
    assert snapshot.study is not None, "needs a study that was read"
    baseline = snapshot.study.plan.config.baseline
    if not isinstance(baseline, Baseline) or isinstance(architecture, FactoryNetwork):
        return []
    definition = replace(baseline, architecture=architecture)
    if candidate is not None:
        name, source = results_of(snapshot.study.plan.config.kind).definition(snapshot.study.plan, candidate)
        definition = replace(definition, name=name, source=source or definition.source)
    return [
        html.H3("Definition"),
        hint("A baseline file, which every command accepts."),
        html.Pre(baseline_text(definition)),
    ]
