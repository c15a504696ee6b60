"""How every figure draws a rule or a dimension: one colour, marker and dash each, defined once."""

from __future__ import annotations

from dataclasses import dataclass

from scalesearch.search.candidates import NAME_SEPARATOR


@dataclass(frozen=True, slots=True)
class MarkerStyle:
    """Of one rule; the marker tells it from the others where colours cannot."""

    colour: str
    marker: str
    """By plotly's name."""
    glyph: str
    """The marker as a character."""
    dash: str


# Told apart (ΔE ≥ 20 in CIELAB) also by people who do not see red, green or blue (Machado et al. 2009, severity 1),
# and each of a contrast of at least 3 with both backgrounds below (WCAG 2.1, 1.4.11).
LOOKS = {
    "depth": MarkerStyle("#995117", "triangle-up", "▲", "dash"),
    "width": MarkerStyle("#2e995b", "square", "■", "dash"),
    "resolution": MarkerStyle("#b28d1b", "diamond", "◆", "dash"),
    "compound": MarkerStyle("#266eff", "circle", "●", "solid"),
    # No further colour passes: the three rules for fast networks share one, and differ in marker and dash.
    "fast": MarkerStyle("#537180", "cross", "✚", "dot"),
    "lacs-gpu": MarkerStyle("#537180", "x", "✖", "dashdot"),
    "lacs-tpu": MarkerStyle("#537180", "triangle-down", "▼", "longdash"),
    "found": MarkerStyle("#ff26c9", "star", "★", "solid"),
}
"""By the name of the rule; single dimensions are dashed."""

OTHER = MarkerStyle("#537180", "pentagon", "⬟", "solid")
"""Of a rule that has no look of its own: coefficients by their numbers."""


def look_of(rule: str) -> MarkerStyle:
    """How the rule of that name is drawn; of several that give one network, the first."""
    return LOOKS.get(rule.split(NAME_SEPARATOR)[0], OTHER)


START = MarkerStyle("#7d8590", "circle", "●", "solid")
"""Of the baseline, which every curve shares."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of all that is no data."""

    background: str
    text: str
    quiet: str
    """Of axes."""
    grid: str


LIGHT = Theme("#ffffff", "#1f2328", "#59636e", "#e4e7eb")
DARK = Theme("#14171c", "#e6edf3", "#9198a1", "#2c323a")


RECOMMENDED = LOOKS["found"]
TIED = MarkerStyle("#537180", "circle", "●", "solid")
BEHIND = MarkerStyle(START.colour, "circle-open", "○", "dot")
LEFT = MarkerStyle(START.colour, "x-thin-open", "×", "dot")
"""Of a search: the recommended candidate, those that tie with the best, those that do not, and those that were not
trained to the end."""

ACCURACY = ((0.0, "#6a5acd"), (0.5, "#9a6a9e"), (1.0, "#c8741a"))
"""Low to high accuracy: violet to orange, told apart by everybody and on both backgrounds."""
