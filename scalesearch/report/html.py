"""An article as one HTML file: everything inside, a policy that lets nothing out and runs nothing else.

Every script and style stands in the policy by its SHA-256; names, captions and figures are text or JSON, so that
whatever they hold is shown and never run.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence

from scalesearch.errors import printable
from scalesearch.report.article import Block, BulletList, Code, Document, Picture, Table, Text
from scalesearch.report.figures.frame import CONTROLS, Drawing, colours
from scalesearch.report.palette import DARK, LIGHT
from scalesearch.report.style import STYLE

_BOOT = """
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


_SHEETS = re.compile(r'getElementById\("([0-9a-f]{64})"\)')
"""Style sheets of plotly's maps, which it adds where no element has their id; the policy would refuse them."""


def page(title: str, body: str, drawings: Sequence[Drawing]) -> str:
    """A page with figures: about 5 MB, equal for equal contents, light or dark as its reader's system is.

    Args:
        title: of the window.
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
            f'<meta http-equiv="Content-Security-Policy" content="{_policy([library, _BOOT], [STYLE])}">',
            '<meta name="viewport" content="width=device-width">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{_text(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *(f'<template id="{key}"></template>' for key in _SHEETS.findall(library)),
            body,
            f'<script type="application/json" id="figures">{_json(_figures(drawings))}</script>',
            f"<script>{library}</script>",
            f"<script>{_BOOT}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def article_page(article: Document) -> str:
    """The whole article as a page."""
    parts = [
        "<main>",
        f"<h1>{_text(article.title)}</h1>",
        f'<p class="byline">{_text(article.byline)}</p>',
        f'<p class="answer">{_text(article.answer)}</p>',
    ]
    numbers = {"figure": 0, "table": 0}
    for section in article.sections:
        parts.append(f"<section>\n<h2>{_text(section.heading)}</h2>")
        parts += [_block(block, numbers) for block in section.blocks]
        parts.append("</section>")
    return page(article.title, "\n".join([*parts, "</main>"]), list(article.drawings()))


def figure_page(drawing: Drawing, title: str) -> str:
    """One figure as a page.

    Args:
        drawing: with its words, which stand below it.
        title: of the window.
    """
    return page(title, f"<main>\n{_block(drawing, {'figure': 0})}\n</main>", [drawing])


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


def _figures(drawings: Sequence[Drawing]) -> dict[str, object]:
    return {drawing.name: _figure(drawing) for drawing in drawings}


def _figure(one: Drawing) -> dict[str, object]:
    from plotly.io import to_json

    tree = json.loads(to_json(one.figure))
    themes = {"light": colours(LIGHT, one.figure), "dark": colours(DARK, one.figure)}
    return {"data": tree["data"], "layout": tree["layout"], "themes": themes}


def _json(tree: Mapping[str, object]) -> str:
    """JSON in which no tag can begin or end."""
    text = json.dumps(tree, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _text(text: str) -> str:
    return html.escape(printable(text))


def _block(block: Block, numbers: dict[str, int]) -> str:
    if isinstance(block, Text):
        return f"<p>{_text(block.words)}</p>"
    if isinstance(block, Code):
        return f"<pre><code>{_text(block.line)}</code></pre>"
    if isinstance(block, BulletList):
        return "<ul>\n" + "\n".join(f"<li>{_text(item)}</li>" for item in block.items) + "\n</ul>"
    if isinstance(block, Table):
        return _table(block, numbers)
    numbers["figure"] += 1
    return (
        f"<figure>\n{_shown(block)}\n<figcaption><b>Figure "
        f"{numbers['figure']}. {_text(block.heading)}.</b> {_text(block.caption)}</figcaption>\n</figure>"
    )


def _shown(block: Drawing | Picture) -> str:
    if isinstance(block, Drawing):
        return f'<div class="plot" id="{_text(block.name)}"></div>'
    source = base64.b64encode(block.png).decode()
    return f'<img alt="{_text(block.heading)}" src="data:image/png;base64,{source}">'


def _table(table: Table, numbers: dict[str, int]) -> str:
    kinds = ["words" if name in table.left else "number" for name in table.columns]
    head = "".join(
        f'<th class="{kind}">{_text(name)}</th>' for kind, name in zip(kinds, table.columns, strict=True)
    )
    lines = []
    for i, row in enumerate(table.rows):
        strong = ' class="strong"' if i in table.strong else ""
        cells = "".join(f'<td class="{kind}">{_text(cell)}</td>' for kind, cell in zip(kinds, row, strict=True))
        lines.append(f"<tr{strong}>{cells}</tr>")
    body = "<tbody>\n" + "\n".join(lines) + "\n</tbody>"
    if not table.caption:
        return f'<div class="scroll"><table class="facts">\n{body}\n</table></div>'
    numbers["table"] += 1
    caption = f"<b>Table {numbers['table']}.</b> {_text(table.caption)}"
    return (
        f'<figure>\n<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n{body}\n</table></div>\n'
        f"<figcaption>{caption}</figcaption>\n</figure>"
    )
