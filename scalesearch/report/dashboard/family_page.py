"""The view of the family that the answer gives; its members can be downloaded as files."""

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
"""The formats besides YAML: for each name a function that returns a member as Python source."""


def section() -> list[Any]:
    """Return the static part of the view."""
    return [
        html.Div(hint("The family is being computed."), id="family-files"),
        html.P("", id="family-words", role="status"),
        html.Div(id="family-content"),
        html.Div("", id="family-stamp", hidden=True),
        dcc.Download(id="family-download"),
    ]


def register(app: Dash, store: StudyStore, sources: Sources) -> None:
    """Register the callbacks that fill the view and send files."""

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
    def fill(_: object, view_name: Any, theme: Any, name: Any, last_stamp: Any) -> tuple[Any, Any, Any]:
        snapshot = store.snapshot(name) if view_name == "family" else None
        if snapshot is None or theme is None:
            return (no_update,) * 3
        stamp = f"{snapshot.name} {theme} {id(snapshot.answer)}"
        return (
            (no_update,) * 3
            if stamp == last_stamp
            else (_files(snapshot, sources), _content(snapshot, theme), stamp)
        )

    @app.callback(  # type: ignore[untyped-decorator]
        Output("family-download", "data"),
        Output("family-words", "children"),
        Input({"take": ALL, "member": ALL}, "n_clicks"),
        State("study", "value"),
        prevent_initial_call=True,
    )
    def download(_: object, name: Any) -> tuple[Any, Any]:
        target, snapshot = ctx.triggered_id, store.snapshot(name)
        if not target or not ctx.triggered[0]["value"] or snapshot is None:
            return no_update, no_update
        try:
            file = member_file(snapshot, target["member"], target["take"], sources)
        except ScalesearchError as error:
            return no_update, printable(str(error))
        if file is None:
            return no_update, "There is no such file."
        return {"filename": file[0], "content": file[1], "type": "text/plain"}, f"{file[0]} can be downloaded."


def member_file(snapshot: StudySnapshot, member: object, kind: object, sources: Sources) -> tuple[str, str] | None:
    """Return the name and the text of a member's file; None where there is no such member or no such format.

    Args:
        snapshot: the study.
        member: the member's index in the family, from a browser.
        kind: `yaml`, or one of `sources`.
        sources: the further formats by name.
    """
    files = _offered_files(snapshot)
    if type(member) is not int or not 0 <= member < len(files):
        return None
    file = files[member]
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", file.name).lstrip(".")[:64] or "member"
    if kind == "yaml":
        return f"{stem}.yaml", file.text
    if not isinstance(kind, str) or kind not in sources or file.baseline is None:
        return None
    return f"{stem.replace('-', '_').replace('.', '_')}.py", sources[kind](file.baseline)


@dataclass(frozen=True, slots=True)
class _OfferedFile:
    """A network that can be downloaded."""

    name: str
    text: str
    """The text of its file."""
    baseline: Baseline | None
    """None where a user's own function builds it."""


def _offered_files(snapshot: StudySnapshot) -> list[_OfferedFile]:
    """Return the family; for a search of stages, the baseline that it found, as in its baseline.yaml."""
    result = snapshot.answer
    if result is None:
        return []
    if not result.plan.config.kind.scales:
        # The folder may have been renamed since, to a name that a baseline cannot have.
        name = re.sub(r"[^a-z0-9._-]", "_", snapshot.folder.resolve().name.lower()).lstrip("._-")[:64] or "found"
        text = winner_baseline(result, name)
        return [_OfferedFile(name, text, parse_baseline(text, name))]
    members = {
        member.baseline.name: member.baseline for member in family_members(result.plan, result.winner.coefficients)
    }
    texts = family_texts(result.plan, result.winner.coefficients)
    return [_OfferedFile(name, text, members.get(name)) for name, text in texts.items()]


def _files(snapshot: StudySnapshot, sources: Sources) -> list[Any]:
    result = snapshot.answer
    if result is None:
        return [html.H2("Family"), hint("There is no family yet: no candidate has a completed trial.")]
    if reason := report_of(result.plan.config.kind).no_family:
        return [html.H2("Family"), hint(reason)]
    rows = []
    for i, file in enumerate(_offered_files(snapshot)):
        buttons = [_download_button("yaml", "YAML", i, file.name)]
        if file.baseline is not None:
            buttons += [_download_button(kind, kind, i, file.name) for kind in sources]
        resolution = "" if file.baseline is None else str(file.baseline.architecture.resolution)
        rows.append((printable(file.name), resolution, html.Span(buttons)))
    hints = ["Press a format to take a member as a file; scalesearch export writes others, and weights."]
    if not result.plan.config.kind.scales:
        hints.append(
            "A search of stages gives one network, its baseline.yaml; scalesearch grid finds what scales it."
        )
    is_over = bool(snapshot.analysis and snapshot.analysis.over)
    unfinished_hint = (
        [] if is_over else [hint("The search is not over: another candidate may still be recommended.")]
    )
    headings = ("member", "px", "take it as")
    return [html.H2("Family"), *unfinished_hint, table(headings, rows, frozenset((0, 2))), *map(hint, hints)]


def _download_button(kind: str, text: str, place: int, name: str) -> html.Button:
    key = {"take": kind, "member": place}
    return html.Button(text, id=key, n_clicks=0, **{"aria-label": f"{printable(name)} as {text}"})


def _content(snapshot: StudySnapshot, theme: object) -> list[Any]:
    if snapshot.answer is None:
        return []
    return render_sections([report_of(snapshot.answer.plan.config.kind).family(snapshot.answer)], theme, "family")
