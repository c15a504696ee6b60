"""The view of the family that the answer gives; its members leave as files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.dependencies import ALL

from scalesearch.design.baseline_file import parse_baseline
from scalesearch.design.scaling import Baseline
from scalesearch.errors import ScalesearchError, printable
from scalesearch.report.dashboard.components import hint, table
from scalesearch.report.dashboard.render import render_sections
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.kinds import report_of
from scalesearch.study.family_files import family_members, family_texts
from scalesearch.study.kinds.stages import winner_baseline

Sources = Mapping[str, Callable[[Baseline], str]]
"""Formats besides YAML by name: a member's text as Python source."""


def section() -> list[Any]:
    """What never changes."""
    return [
        html.Div(hint("The family is being computed."), id="family-files"),
        html.P("", id="family-words", role="status"),
        html.Div(id="family-content"),
        html.Div("", id="family-stamp", hidden=True),
        dcc.Download(id="family-download"),
    ]


def register(app: Dash, watch: StudyStore, sources: Sources) -> None:
    """Fill it, and hand out files."""

    @app.callback(  # type: ignore[untyped-decorator]
        Output("family-files", "children"),
        Output("family-content", "children"),
        Output("family-stamp", "children"),
        Input("seen", "data"),
        Input("view", "value"),
        Input("theme", "data"),
        State("study", "value"),
        State("family-stamp", "children"),
    )
    def fill(_: object, shown: Any, theme: Any, name: Any, before: Any) -> tuple[Any, Any, Any]:
        view = watch.snapshot(name) if shown == "family" else None
        if view is None or theme is None:
            return (no_update,) * 3
        stamp = f"{view.name} {theme} {id(view.answer)}"
        return (no_update,) * 3 if stamp == before else (_files(view, sources), _content(view, theme), stamp)

    @app.callback(  # type: ignore[untyped-decorator]
        Output("family-download", "data"),
        Output("family-words", "children"),
        Input({"take": ALL, "member": ALL}, "n_clicks"),
        State("study", "value"),
        prevent_initial_call=True,
    )
    def take(_: object, name: Any) -> tuple[Any, Any]:
        asked, view = ctx.triggered_id, watch.snapshot(name)
        if not asked or not ctx.triggered[0]["value"] or view is None:
            return no_update, no_update
        try:
            made = member_file(view, asked["member"], asked["take"], sources)
        except ScalesearchError as error:
            return no_update, printable(str(error))
        if made is None:
            return no_update, "There is no such file."
        return {"filename": made[0], "content": made[1], "type": "text/plain"}, f"{made[0]} is handed out."


def member_file(view: StudySnapshot, member: object, kind: object, sources: Sources) -> tuple[str, str] | None:
    """A member's file, its name and its text; None where the study has no such member or there is no such format.

    Args:
        view: the study.
        member: its place in the family, from a browser.
        kind: `yaml`, or one of `sources`.
        sources: formats by name.
    """
    offered = _offered(view)
    if type(member) is not int or not 0 <= member < len(offered):
        return None
    one = offered[member]
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", one.name).lstrip(".")[:64] or "member"
    if kind == "yaml":
        return f"{stem}.yaml", one.text
    if not isinstance(kind, str) or kind not in sources or one.baseline is None:
        return None
    return f"{stem.replace('-', '_').replace('.', '_')}.py", sources[kind](one.baseline)


@dataclass(frozen=True, slots=True)
class _Offered:
    """A network that may be taken."""

    name: str
    text: str
    """Its file."""
    baseline: Baseline | None
    """None where a user's own function builds it."""


def _offered(view: StudySnapshot) -> list[_Offered]:
    """The family; of a search of stages the baseline that it found, as its baseline.yaml has it."""
    found = view.answer
    if found is None:
        return []
    if not found.plan.config.kind.scales:
        # A folder may have been given a name since that no baseline may have.
        name = re.sub(r"[^a-z0-9._-]", "_", view.folder.resolve().name.lower()).lstrip("._-")[:64] or "found"
        text = winner_baseline(found, name)
        return [_Offered(name, text, parse_baseline(text, name))]
    members = {one.baseline.name: one.baseline for one in family_members(found.plan, found.winner.coefficients)}
    texts = family_texts(found.plan, found.winner.coefficients)
    return [_Offered(name, text, members.get(name)) for name, text in texts.items()]


def _files(view: StudySnapshot, sources: Sources) -> list[Any]:
    found = view.answer
    if found is None:
        return [html.H2("Family"), hint("There is no family yet: no candidate has a completed trial.")]
    if why := report_of(found.plan.config.kind).no_family:
        return [html.H2("Family"), hint(why)]
    rows = []
    for i, one in enumerate(_offered(view)):
        takes = [_take("yaml", "YAML", i, one.name)]
        if one.baseline is not None:
            takes += [_take(kind, kind, i, one.name) for kind in sources]
        side = "" if one.baseline is None else str(one.baseline.architecture.resolution)
        rows.append((printable(one.name), side, html.Span(takes)))
    words = ["Press a format to take a member as a file; scalesearch export writes others, and weights."]
    if not found.plan.config.kind.scales:
        words.append(
            "A search of stages gives one network, its baseline.yaml; scalesearch grid finds what scales it."
        )
    over = bool(view.analysis and view.analysis.over)
    so_far = [] if over else [hint("The search is not over: another candidate may still be recommended.")]
    heads = ("member", "px", "take it as")
    return [html.H2("Family"), *so_far, table(heads, rows, frozenset((0, 2))), *map(hint, words)]


def _take(kind: str, text: str, place: int, name: str) -> html.Button:
    key = {"take": kind, "member": place}
    return html.Button(text, id=key, n_clicks=0, **{"aria-label": f"{printable(name)} as {text}"})


def _content(view: StudySnapshot, theme: object) -> list[Any]:
    if view.answer is None:
        return []
    return render_sections([report_of(view.answer.plan.config.kind).family(view.answer)], theme, "family")
