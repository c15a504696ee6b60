"""The layout and the themes that all figures share, and `Drawing`: a figure with its heading and caption."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from scalesearch.report.palette import BASELINE_STYLE, LIGHT, Theme

WIDTH, HEIGHT = 1200, 640
"""The size of a still picture in px; on a page a figure takes the reader's width."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_TITLE_ROOM = 60
"""The height of a title of two lines above the axes, in px."""


CONTROLS: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["lasso2d", "select2d"],
    # By default a button uploads the figure to a service of plotly's.
    "showSendToCloud": False,
    "plotlyServerURL": "",
}
"""The plotly.js configuration of every figure, wherever it is shown."""


class LocalFigure(go.Figure):  # type: ignore[misc]  # plotly has no types
    """A plotly figure whose own methods show and write it with `CONTROLS`, so that no button uploads it."""

    def show(self, *arguments: object, **options: object) -> None:
        """Show the figure as `plotly.graph_objects.Figure.show` does."""
        super().show(*arguments, **{"config": dict(CONTROLS), **options})

    def to_html(self, config: Mapping[str, object] | None = None, **options: object) -> str:
        """Return HTML as plotly does; `config` is added to `CONTROLS`."""
        return str(super().to_html(config={**CONTROLS, **(config or {})}, **options))

    def write_html(self, file: object, config: Mapping[str, object] | None = None, **options: object) -> None:
        """Write HTML as plotly does; `config` is added to `CONTROLS`."""
        super().write_html(file, config={**CONTROLS, **(config or {})}, **options)

    def _repr_mimebundle_(self, *arguments: object, **options: object) -> Any:
        return super()._repr_mimebundle_(*arguments, **{"config": dict(CONTROLS), **options})

    def _ipython_display_(self) -> None:
        self.show()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A plotly figure with its heading and its caption.

    They are kept apart because a page shows them as text, while a still picture has the heading as its title.
    """

    name: str
    """A short name of letters, such as `pareto`."""
    heading: str
    """A phrase that says what the figure shows."""
    caption: str
    """The explanation of every mark, and of what the figure does not say."""
    figure: go.Figure
    """The plotly figure, without a title, in the light theme."""

    def with_title(self, theme: Theme = LIGHT) -> LocalFigure:
        """Return the plotly figure with the heading as its title, in a theme."""
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
    """Escape `text` so that plotly shows it letter for letter and reads no tag or link in it."""
    return html.escape(text, quote=False)


def apply_layout(figure: go.Figure, height: int = HEIGHT, **layout: object) -> go.Figure:
    """Give a figure the layout that all figures share, in the light theme, and return it.

    Args:
        figure: a figure with its traces.
        height: the height in px.
        layout: further layout of this figure alone.
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


def axis(title: str, **options: object) -> dict[str, object]:
    """Return an axis with ticks and a line; `title` names the quantity and its unit."""
    return {
        "title": {"text": title, "standoff": 12},
        "showline": True,
        "ticks": "outside",
        "zeroline": False,
        **options,
    }


def theme_layout(theme: Theme, figure: go.Figure | None = None) -> dict[str, object]:
    """Return the layout of a theme by plotly's dotted names: all that changes between light and dark.

    Args:
        theme: light or dark.
        figure: the figure whose axes get the theme; None: one x and one y axis.
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
    """Return the dotted names of the axes that the figure's traces are drawn on."""
    layout = figure.to_plotly_json()["layout"]
    names = [name for name in layout if name.startswith(("xaxis", "yaxis"))]
    if "ternary" in layout:
        names += [f"ternary.{letter}axis" for letter in "abc"]
    return sorted(names)


def dotted_line(x0: float, y0: float, x1: float, y1: float, **options: object) -> dict[str, object]:
    """Return a thin dotted line that marks no data, such as a target cost or a rung."""
    line = {"color": BASELINE_STYLE.colour, "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": line, "layer": "below", **options}
