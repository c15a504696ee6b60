"""A figure as a page that opens from disk: plotly's script inside, nothing asked from outside."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

from scalesearch.report.figures import colours
from scalesearch.report.looks import DARK, LIGHT

if TYPE_CHECKING:
    import plotly.graph_objects as go

_PLACE = "figure"

# A browser that enforces the policy cannot send a request, whatever the script would like.
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ margin: 0; min-width: 760px; background: {light.background}; color: {light.text} }}
main {{ max-width: 1200px; margin: 0 auto }}
@media (prefers-color-scheme: dark) {{ body {{ background: {dark.background}; color: {dark.text} }} }}
</style>
</head>
<body>
<main>
"""

_FOLLOW = """
const themes = {themes};
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => Plotly.relayout("{place}", themes[dark.matches ? "dark" : "light"]);
dark.addEventListener("change", follow);
follow();
"""


def page(figure: go.Figure, title: str) -> str:
    """The figure as one HTML file of about 5 MB, light or dark as its reader's system is; equal for equal figures.

    Args:
        figure: with the colours of either theme.
        title: of the window.
    """
    themes = json.dumps({"light": colours(LIGHT), "dark": colours(DARK)})
    body = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        div_id=_PLACE,
        config={"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d", "select2d"]},
        post_script=_FOLLOW.format(themes=themes, place=_PLACE),
    )
    head = _HEAD.format(title=html.escape(title), light=LIGHT, dark=DARK)
    return f"{head}{body}\n</main>\n</body>\n</html>\n"
