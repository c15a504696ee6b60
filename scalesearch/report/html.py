"""A document as one HTML file that holds everything it needs.

Its content security policy allows nothing from outside and runs no script but those it lists by SHA-256. Names,
captions and figures are text or JSON, so that a browser shows whatever they hold and never runs it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence

from scalesearch.errors import printable
from scalesearch.report.document import Block, BulletList, Code, Document, Paragraph, Picture, Table
from scalesearch.report.figures.frame import CONTROLS, Drawing, theme_layout
from scalesearch.report.palette import DARK, LIGHT
from scalesearch.report.style import STYLE

_DRAW_SCRIPT = """
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const config = CONTROLS;
const themed = (one) => one.themes[dark.matches ? "dark" : "light"];
for (const [name, one] of Object.entries(figures)) {
  Plotly.newPlot(name, one.data, one.layout, config).then(() => Plotly.relayout(name, themed(one)));
}
dark.addEventListener("change", () => {
  for (const [name, one] of Object.entries(figures)) Plotly.relayout(name, themed(one));
});
""".replace("CONTROLS", json.dumps(CONTROLS, sort_keys=True))


_STYLE_SHEET_IDS = re.compile(r'getElementById\("([0-9a-f]{64})"\)')
"""The ids of style sheets for plotly's maps.

plotly adds a sheet where no element has its id, and the policy would refuse it. So a page has an empty element for
each id.
"""


def page(title: str, body: str, drawings: Sequence[Drawing]) -> str:
    """Return a page with figures, in light or dark as the reader's system is.

    It has about 5 MB, and equal contents give equal pages.

    Args:
        title: the title of the window.
        body: HTML; a figure is drawn in the `div` whose id is its name.
        drawings: the figures.
    """
    from plotly.offline import get_plotlyjs

    library = get_plotlyjs().replace("\r", "")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy([library, _DRAW_SCRIPT], [STYLE])}">',
            '<meta name="viewport" content="width=device-width">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{_escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *(f'<template id="{sheet_id}"></template>' for sheet_id in _STYLE_SHEET_IDS.findall(library)),
            body,
            f'<script type="application/json" id="figures">{_script_json(_figures_json(drawings))}</script>',
            f"<script>{library}</script>",
            f"<script>{_DRAW_SCRIPT}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def document_page(document: Document) -> str:
    """Return the document as a page."""
    parts = [
        "<main>",
        f"<h1>{_escape(document.title)}</h1>",
        f'<p class="byline">{_escape(document.byline)}</p>',
        f'<p class="answer">{_escape(document.answer)}</p>',
    ]
    numbers = {"figure": 0, "table": 0}
    for section in document.sections:
        parts.append(f"<section>\n<h2>{_escape(section.heading)}</h2>")
        parts += [_render_block(block, numbers) for block in section.blocks]
        parts.append("</section>")
    return page(document.title, "\n".join([*parts, "</main>"]), list(document.drawings()))


def figure_page(drawing: Drawing, title: str) -> str:
    """Return one figure as a page.

    Args:
        drawing: the figure; its heading and caption stand below it.
        title: the title of the window.
    """
    return page(title, f"<main>\n{_render_block(drawing, {'figure': 0})}\n</main>", [drawing])


def _policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    # plotly.js adds an empty style sheet that it fills by script, which needs the hash of nothing, and sets style
    # attributes, which can ask for nothing from outside: images may come from the page alone.
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src-elem {_hashes([*styles, ''])}; "
        "style-src-attr 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hashes(texts: Sequence[str]) -> str:
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _figures_json(drawings: Sequence[Drawing]) -> dict[str, object]:
    return {drawing.name: _figure_json(drawing) for drawing in drawings}


def _figure_json(drawing: Drawing) -> dict[str, object]:
    from plotly.io import to_json

    tree = json.loads(to_json(drawing.figure))
    themes = {"light": theme_layout(LIGHT, drawing.figure), "dark": theme_layout(DARK, drawing.figure)}
    return {"data": tree["data"], "layout": tree["layout"], "themes": themes}


def _script_json(value: Mapping[str, object]) -> str:
    """Return JSON in which no tag can begin or end."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _escape(text: str) -> str:
    return html.escape(printable(text))


def _render_block(block: Block, numbers: dict[str, int]) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{_escape(block.words)}</p>"
    if isinstance(block, Code):
        return f"<pre><code>{_escape(block.line)}</code></pre>"
    if isinstance(block, BulletList):
        return "<ul>\n" + "\n".join(f"<li>{_escape(item)}</li>" for item in block.items) + "\n</ul>"
    if isinstance(block, Table):
        return _render_table(block, numbers)
    numbers["figure"] += 1
    return (
        f"<figure>\n{_render_media(block)}\n<figcaption><b>Figure "
        f"{numbers['figure']}. {_escape(block.heading)}.</b> {_escape(block.caption)}</figcaption>\n</figure>"
    )


def _render_media(block: Drawing | Picture) -> str:
    if isinstance(block, Drawing):
        return f'<div class="plot" id="{_escape(block.name)}"></div>'
    source = base64.b64encode(block.png).decode()
    return f'<img alt="{_escape(block.heading)}" src="data:image/png;base64,{source}">'


def _render_table(table: Table, numbers: dict[str, int]) -> str:
    kinds = ["words" if name in table.left else "number" for name in table.columns]
    head = "".join(
        f'<th class="{kind}">{_escape(name)}</th>' for kind, name in zip(kinds, table.columns, strict=True)
    )
    lines = []
    for i, row in enumerate(table.rows):
        strong = ' class="strong"' if i in table.strong else ""
        cells = "".join(f'<td class="{kind}">{_escape(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))
        lines.append(f"<tr{strong}>{cells}</tr>")
    body = "<tbody>\n" + "\n".join(lines) + "\n</tbody>"
    if not table.caption:
        return f'<div class="scroll"><table class="facts">\n{body}\n</table></div>'
    numbers["table"] += 1
    caption = f"<b>Table {numbers['table']}.</b> {_escape(table.caption)}"
    return (
        f'<figure>\n<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n{body}\n</table></div>\n'
        f"<figcaption>{caption}</figcaption>\n</figure>"
    )
