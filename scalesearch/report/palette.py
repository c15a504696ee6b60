"""The colours, markers and dashes of the figures: one style for each rule, dimension and status, defined once."""

from __future__ import annotations

from dataclasses import dataclass

from scalesearch.search.candidates import NAME_SEPARATOR


@dataclass(frozen=True, slots=True)
class MarkerStyle:
    """The style of a rule or a status; the marker distinguishes it where colours cannot."""

    colour: str
    marker: str
    """The name of the symbol in plotly."""
    glyph: str
    """The marker as a character, for text."""
    dash: str


# The colours differ (ΔE ≥ 20 in CIELAB) also for people who do not see red, green or blue (Machado et al. 2009,
# severity 1). Each has a contrast of at least 3 with both backgrounds below (WCAG 2.1, 1.4.11).
RULE_STYLES = {
    "depth": MarkerStyle("#995117", "triangle-up", "▲", "dash"),
    "width": MarkerStyle("#2e995b", "square", "■", "dash"),
    "resolution": MarkerStyle("#b28d1b", "diamond", "◆", "dash"),
    "compound": MarkerStyle("#266eff", "circle", "●", "solid"),
    # No further colour meets these limits: the three rules for fast networks share one, and differ in marker and
    # dash.
    "fast": MarkerStyle("#537180", "cross", "✚", "dot"),
    "lacs-gpu": MarkerStyle("#537180", "x", "✖", "dashdot"),
    "lacs-tpu": MarkerStyle("#537180", "triangle-down", "▼", "longdash"),
    "found": MarkerStyle("#ff26c9", "star", "★", "solid"),
}
"""The style of each rule by its name; single dimensions are dashed."""

DEFAULT_STYLE = MarkerStyle("#537180", "pentagon", "⬟", "solid")
"""The style of a rule that has none of its own: coefficients that are given as numbers."""


def rule_style(rule: str) -> MarkerStyle:
    """Return the style of the rule of that name; of several rules that give one network, the first one's."""
    return RULE_STYLES.get(rule.split(NAME_SEPARATOR)[0], DEFAULT_STYLE)


BASELINE_STYLE = MarkerStyle("#7d8590", "circle", "●", "solid")
"""The style of the baseline, which every curve shares."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of everything that is no data."""

    background: str
    text: str
    quiet: str
    """The colour of axes and of secondary text."""
    grid: str


LIGHT = Theme("#ffffff", "#1f2328", "#59636e", "#e4e7eb")
DARK = Theme("#14171c", "#e6edf3", "#9198a1", "#2c323a")


RECOMMENDED = RULE_STYLES["found"]
TIED = MarkerStyle("#537180", "circle", "●", "solid")
BEHIND = MarkerStyle(BASELINE_STYLE.colour, "circle-open", "○", "dot")
ELIMINATED = MarkerStyle(BASELINE_STYLE.colour, "x-thin-open", "×", "dot")
UNTRAINED = MarkerStyle(BASELINE_STYLE.colour, "circle-open-dot", "◌", "dot")
"""The styles of a search's candidates: the recommended one, those that tie with the best, those that do not, those
that were not trained to the end, and those that were not trained at all."""

ACCURACY_SCALE = ((0.0, "#6a5acd"), (0.5, "#9a6a9e"), (1.0, "#c8741a"))
"""The colour scale from low to high accuracy: violet to orange, distinguishable to all readers in both themes."""
