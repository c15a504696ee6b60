"""The style sheet of a report page, in the colours of the figures' themes."""

from __future__ import annotations

from scalesearch.report.palette import DARK, LIGHT, Theme


def _variables(theme: Theme) -> str:
    return f"--background: {theme.background}; --text: {theme.text}; --quiet: {theme.quiet}; --grid: {theme.grid};"


STYLE = f"""
:root {{ {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
body {{ margin: 0; background: var(--background); color: var(--text);
  font: 17px/1.55 Charter, "Bitstream Charter", "Iowan Old Style", Georgia, "DejaVu Serif", serif; }}
main {{ max-width: 1120px; margin: 0 auto; padding: 48px 32px 96px; }}
h1 {{ font-size: 33px; line-height: 1.2; margin: 0 0 8px; max-width: 30em; text-wrap: balance; }}
h2 {{ font-size: 23px; margin: 52px 0 10px; }}
p, ul, pre {{ max-width: 44em; }}
p {{ margin: 10px 0; }}
.byline {{ color: var(--quiet); font-size: 15px; }}
.answer {{ font-size: 20px; line-height: 1.45; margin: 24px 0 8px; padding-left: 18px;
  border-left: 4px solid {LIGHT.quiet}; }}
figure {{ margin: 26px 0 34px; }}
figcaption {{ font-size: 15px; line-height: 1.45; max-width: 54em; margin-top: 8px; color: var(--quiet); }}
figcaption b {{ color: var(--text); }}
img {{ max-width: 100%; }}
.plot {{ width: 100%; min-height: 420px; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font: 14px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans",
  sans-serif; font-variant-numeric: tabular-nums; border-top: 2px solid var(--text);
  border-bottom: 2px solid var(--text); }}
th, td {{ padding: 5px 18px 5px 0; vertical-align: top; text-align: left; }}
th {{ border-bottom: 1px solid var(--text); font-weight: 600; }}
th.number, td.number {{ text-align: right; white-space: nowrap; }}
td:last-child, th:last-child {{ padding-right: 0; }}
tr.strong td {{ font-weight: 700; }}
.facts td:first-child {{ color: var(--quiet); white-space: nowrap; padding-right: 28px; }}
pre {{ overflow-x: auto; padding: 10px 14px; background: var(--grid); border-radius: 4px; font-size: 14px; }}
@media print {{ main {{ padding: 0; }} figure {{ break-inside: avoid; }} }}
"""
