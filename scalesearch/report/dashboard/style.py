"""The style sheet of the dashboard, in the colours of the figures' themes."""

from __future__ import annotations

from scalesearch.report.palette import DARK, LIGHT, RULE_STYLES, Theme

_ACCENT = RULE_STYLES["compound"].colour


def _variables(theme: Theme) -> str:
    return (
        f"--background: {theme.background}; --text: {theme.text}; --quiet: {theme.quiet}; --grid: {theme.grid}; "
        f"--Dash-Fill-Inverse-Strong: {theme.background}; --Dash-Text-Primary: {theme.text}; "
        f"--Dash-Text-Strong: {theme.text}; --Dash-Text-Weak: {theme.quiet}; --Dash-Text-Disabled: {theme.quiet}; "
        f"--Dash-Stroke-Strong: {theme.quiet}; --Dash-Stroke-Weak: {theme.grid}; "
        f"--Dash-Fill-Interactive-Weak: {theme.grid}; --Dash-Fill-Interactive-Strong: {_ACCENT}; "
        f"--Dash-Fill-Primary-Hover: {theme.grid}; --Dash-Fill-Primary-Active: {theme.grid};"
    )


STYLE = f"""
html:root {{ {_variables(LIGHT)} color-scheme: light; }}
@media (prefers-color-scheme: dark) {{ html:root {{ {_variables(DARK)} color-scheme: dark; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--background); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }}
main {{ max-width: 1320px; margin: 0 auto; padding: 0 28px 80px; }}
header {{ display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: center; padding: 18px 0 10px; }}
header h1 {{ font-size: 19px; margin: 0; letter-spacing: -0.01em; }}
header .study {{ flex: 1 1 340px; max-width: 560px; }}
header .state {{ color: var(--quiet); font-variant-numeric: tabular-nums; }}
h2 {{ font-size: 19px; margin: 26px 0 10px; }}
h3 {{ font-size: 15px; margin: 26px 0 6px; }}
p {{ max-width: 62em; margin: 8px 0; }}
.quiet {{ color: var(--quiet); }}
.views {{ border-bottom: 1px solid var(--grid); margin-bottom: 6px; }}
.views > div {{ display: flex; flex-wrap: wrap; gap: 2px; }}
.views label {{ display: inline-block; margin: 0; padding: 8px 14px; cursor: pointer; color: var(--quiet);
  border-bottom: 3px solid transparent; }}
.views label:hover {{ color: var(--text); }}
.views input {{ position: absolute; opacity: 0; width: 1px; height: 1px; }}
.views label:has(input:checked) {{ color: var(--text); font-weight: 600; border-bottom-color: {_ACCENT}; }}
.views label:has(input:focus-visible), button:focus-visible, input:focus-visible, a:focus-visible,
  .scroll:focus-visible {{ outline: 3px solid {_ACCENT}; outline-offset: 2px; }}
.problem {{ border-left: 4px solid {RULE_STYLES["depth"].colour}; padding: 4px 0 4px 14px; margin: 10px 0;
  overflow-wrap: anywhere; }}
.figures {{ display: flex; flex-wrap: wrap; gap: 14px 44px; margin: 14px 0; }}
.figures div b {{ display: block; font-size: 26px; line-height: 1.2; font-variant-numeric: tabular-nums; }}
.figures div span {{ color: var(--quiet); font-size: 13px; }}
progress {{ width: 100%; height: 10px; accent-color: {_ACCENT}; }}
.scroll {{ overflow-x: auto; margin-bottom: 14px; }}
table {{ border-collapse: collapse; font-size: 14px; line-height: 1.4; font-variant-numeric: tabular-nums;
  border-top: 2px solid var(--text); border-bottom: 2px solid var(--text); }}
th, td {{ padding: 4px 16px 4px 0; vertical-align: top; text-align: left; }}
th {{ border-bottom: 1px solid var(--text); font-weight: 600; white-space: nowrap; }}
th.number, td.number {{ text-align: right; white-space: nowrap; }}
td.words {{ overflow-wrap: anywhere; max-width: 46em; }}
tbody tr:hover {{ background: var(--grid); }}
tr.strong td {{ font-weight: 700; }}
.facts {{ border: 0; }}
.facts td:first-child {{ color: var(--quiet); white-space: nowrap; padding-right: 26px; }}
button {{ font: inherit; color: inherit; background: none; border: 1px solid var(--quiet); border-radius: 5px;
  padding: 3px 11px; cursor: pointer; }}
button:disabled {{ opacity: 0.45; cursor: default; }}
td button, th button {{ border: 0; padding: 0; text-align: left; }}
td button {{ text-decoration: underline; text-decoration-color: var(--quiet); text-underline-offset: 3px; }}
td button + button {{ margin-left: 14px; }}
th button {{ font-weight: 600; }}
.filters {{ display: flex; flex-wrap: wrap; gap: 10px 18px; align-items: end; margin: 12px 0; }}
.filters label {{ display: block; color: var(--quiet); font-size: 13px; }}
.filters > div {{ min-width: 170px; }}
.filters > .wide {{ min-width: min(480px, 100%); }}
.pages {{ display: flex; gap: 12px; align-items: center; margin: 10px 0; }}
pre {{ overflow-x: auto; padding: 12px 16px; background: var(--grid); border-radius: 5px; font-size: 13px;
  line-height: 1.45; }}
figure {{ margin: 18px 0 30px; }}
figcaption {{ color: var(--quiet); max-width: 62em; margin-top: 6px; font-size: 14px; }}
figcaption b {{ color: var(--text); }}
img {{ max-width: 100%; image-rendering: auto; }}
.columns {{ display: flex; flex-wrap: wrap; gap: 10px 56px; }}
"""
