"""What all figures share: their frame, their theme, the words beside them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from scalesearch.report.palette import BASELINE_STYLE, LIGHT, Theme

WIDTH, HEIGHT = 1200, 640
"""Pixels of a still picture; a page takes its reader's width."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_TITLE_ROOM = 60
"""Pixels that a title of two lines takes above the axes."""


CONTROLS: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["lasso2d", "select2d"],
    # By default a button sends the figure to a service of plotly's.
    "showSendToCloud": False,
    "plotlyServerURL": "",
}
"""plotly.js's configuration of every figure, wherever it is shown."""


class LocalFigure(go.Figure):  # type: ignore[misc]  # plotly has no types
    """plotly's figure, with `CONTROLS` where its own methods show or write it: no button sends it anywhere."""

    def show(self, *arguments: object, **options: object) -> None:
        """As plotly's."""
        super().show(*arguments, **{"config": dict(CONTROLS), **options})

    def to_html(self, config: Mapping[str, object] | None = None, **options: object) -> str:
        """As plotly's; `config` is added to `CONTROLS`."""
        return str(super().to_html(config={**CONTROLS, **(config or {})}, **options))

    def write_html(self, file: object, config: Mapping[str, object] | None = None, **options: object) -> None:
        """As plotly's; `config` is added to `CONTROLS`."""
        super().write_html(file, config={**CONTROLS, **(config or {})}, **options)

    def _repr_mimebundle_(self, *arguments: object, **options: object) -> Any:
        return super()._repr_mimebundle_(*arguments, **{"config": dict(CONTROLS), **options})

    def _ipython_display_(self) -> None:
        self.show()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with its words, apart: on a page they are text, in a still picture the title is part of it."""

    name: str
    """Short, of letters: `pareto`."""
    heading: str
    """What the figure shows, as a phrase."""
    caption: str
    """How to read it: every mark and what it does not say."""
    figure: go.Figure
    """Without a title, in the light theme."""

    def with_title(self, theme: Theme = LIGHT) -> LocalFigure:
        """The figure as it stands alone: with its heading as title, in a theme."""
        figure = LocalFigure(self.figure)
        top = (figure.layout.margin.t or 0) + _TITLE_ROOM
        figure.update_layout(
            title={
                "text": f"<b>{escape_plotly(self.heading)}</b>",
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": 0.96,
            },
            height=(figure.layout.height or HEIGHT) + _TITLE_ROOM,
            margin={"t": top},
        )
        figure.update_layout(theme_layout(theme, figure))
        return figure


def escape_plotly(text: str) -> str:
    """`text` as plotly shows it letter for letter: it would read tags and links in it."""
    return html.escape(text, quote=False)


def apply_layout(figure: go.Figure, height: int = HEIGHT, **layout: object) -> go.Figure:
    """The figure with the frame that all share, in the light theme.

    Args:
        figure: with its traces.
        height: px.
        layout: what is the figure's own.
    """
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 96, "r": 40, "t": 60, "b": 80},
        hovermode="closest",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
    )
    figure.update_layout(**layout)
    return figure.update_layout(theme_layout(LIGHT, figure))


def axis(title: str, **own: object) -> dict[str, object]:
    """An axis with ticks and a line; `title` names the quantity and its unit."""
    return {
        "title": {"text": title, "standoff": 12},
        "showline": True,
        "ticks": "outside",
        "zeroline": False,
        **own,
    }


def theme_layout(theme: Theme, figure: go.Figure | None = None) -> dict[str, object]:
    """The layout of a theme: all that changes between light and dark, by plotly's dotted names.

    Args:
        theme: light or dark.
        figure: whose axes get them; None: one x and one y.
    """
    names = ["xaxis", "yaxis"] if figure is None else _axes(figure)
    axes = {
        f"{name}.{key}": value
        for name in names
        for key, value in (
            ("gridcolor", theme.grid),
            ("linecolor", theme.quiet),
            ("tickcolor", theme.quiet),
            *(() if name.startswith("ternary") else (("zerolinecolor", theme.grid),)),
        )
    }
    ternary = {"ternary.bgcolor": theme.background} if any(name.startswith("ternary") for name in names) else {}
    return {
        "paper_bgcolor": theme.background,
        "plot_bgcolor": theme.background,
        "font.color": theme.text,
        "font.family": FONT,
        "font.size": 15,
        **ternary,
        **axes,
    }


def _axes(figure: go.Figure) -> list[str]:
    """The dotted names of the axes that the figure's traces are drawn on."""
    layout = figure.to_plotly_json()["layout"]
    found = [name for name in layout if name.startswith(("xaxis", "yaxis"))]
    if "ternary" in layout:
        found += [f"ternary.{one}axis" for one in "abc"]
    return sorted(found)


def dotted_line(x0: float, y0: float, x1: float, y1: float, **own: object) -> dict[str, object]:
    """A thin dotted line that no data is on: a wanted cost, a rung."""
    line = {"color": BASELINE_STYLE.colour, "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": line, "layer": "below", **own}
