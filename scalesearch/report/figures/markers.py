"""Marks that several figures share: candidates by their status, hover texts, and accuracy as a colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scalesearch.report.figures.frame import escape_plotly
from scalesearch.report.palette import ACCURACY_SCALE
from scalesearch.report.rows import STATUSES, CandidateRow, Status
from scalesearch.search.metrics import metric_words
from scalesearch.study.result import StudyResult
from scalesearch.units import si


def by_status(rows: Sequence[CandidateRow]) -> Iterator[tuple[Status, list[CandidateRow]]]:
    """Yield the rows of each status that occurs, the recommended one last so that it is drawn on top."""
    for status in reversed(STATUSES):
        status_rows = [row for row in rows if row.status == status]
        if status_rows:
            yield status, status_rows


def hover_text(row: CandidateRow, result: StudyResult) -> str:
    """Return the text that a candidate's mark shows on hover."""
    candidate, place = row.candidate, row.place
    coefficients, cost = candidate.coefficients, candidate.cost
    size_text = (
        f"{si(cost.macs)} multiply-adds, {si(cost.params)} parameters, {candidate.architecture.resolution} px"
    )
    lines = [
        f"<b>{escape_plotly(row.label)}</b>, {STATUSES[row.status][1]}",
        f"αβ²γ² = {float(coefficients.product):.3f}, measured {float(candidate.flops_ratio):.3f}x",
        size_text,
    ]
    metric = metric_words(result.plan.config.metric)
    expected = result.with_error(row.expected, row.error)
    lines.append(f"expected {metric} {expected}, the best with {100 * row.probability_best:.0f} %")
    if place is not None:
        lines.append(f"{metric} {result.with_error(place.mean, place.standard_error)}, n = {place.seeds}")
    if row.behind_95 is not None and place is not None and place.behind > 0:
        low, high = row.behind_95
        lines.append(f"gap to the best {place.behind:.4f} (95 %: {low:.4f} … {high:.4f})")
    if row.eliminated_after is not None:
        lines.append(f"eliminated after {row.eliminated_after:,} of {_longest_images(result):,} images")
    return "<br>".join(lines)


def _longest_images(result: StudyResult) -> int:
    return result.plan.rungs[-1].samples if result.plan.rungs else 0


def accuracy_coloraxis(values: Sequence[float], title: str) -> dict[str, object]:
    """Return the `coloraxis` of a figure: a scale from low to high accuracy, and its bar.

    Args:
        values: all values that are coloured.
        title: the title of the bar.
    """
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.005, high + 0.005
    return {
        "colorscale": [list(stop) for stop in ACCURACY_SCALE],
        "cmin": low,
        "cmax": high,
        "colorbar": {
            "title": {"text": title, "side": "right"},
            "thickness": 14,
            "outlinewidth": 0,
            "tickformat": ".2f" if high - low > 0.05 else ".3f",
        },
    }


def shade(value: float, low: float, high: float) -> str:
    """Return the colour of an accuracy between `low` and `high` as `#rrggbb`.

    Where `low` and `high` are equal it is the colour of the middle.
    """
    position = 0.5 if high <= low else (value - low) / (high - low)
    stops = ACCURACY_SCALE
    upper = next(i for i, (stop, _) in enumerate(stops) if stop >= min(position, 1.0))
    (start, first), (end, second) = stops[max(upper - 1, 0)], stops[upper]
    fraction = 0.0 if end == start else (position - start) / (end - start)
    channels = [(int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * fraction):02x}" for a, b in channels)
