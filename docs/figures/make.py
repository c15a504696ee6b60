"""Draw the figures of the docs from the reference studies: `make figures`. This needs kaleido and Chrome."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from PIL import Image

import scalesearch
from scalesearch.proxy.shapes import render_shapes
from scalesearch.report.figures import HEIGHT, WIDTH, scaling_curves
from scalesearch.search.scenes import SceneRecipe
from scalesearch.study.cost_sweep import CostSweep, combine_comparisons
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.study import open_study

HERE = Path(__file__).parent
STUDIES = HERE.parent.parent / "results" / "reference"
CURVES = {
    "b0-compare-quick": {times: f"b0-compare-{times}x-quick" for times in (2, 4)},
}
"""For each figure, the studies of one comparison by their cost, cheapest first."""


def curves(name: str) -> CostSweep:
    """Return the results of a comparison over all its costs."""
    return combine_comparisons([(Decimal(times), _answer(study)) for times, study in CURVES[name].items()])


def _answer(name: str) -> StudyResult:
    study = open_study(STUDIES / name)
    result = analyze(study.plan, study.outcomes())
    assert result is not None, f"{name} has no completed trial"
    return result


SPENDING = ("b0-phi1-quick",)
"""The searches whose compute allocation is drawn."""


SCALE = STUDIES.parent / "evidence" / "driver_scale.json"
"""The table of `benchmarks/driver_scale.py`."""
SECONDS = {"resume s": "resume", "show s": "show", "decision s": "decide", "plan s": "plan"}
"""What is drawn of it, and its label."""


def driver_scale() -> go.Figure:
    """Return the seconds of the driver over the number of trials, on axes of the same logarithmic scale."""
    rows = json.loads(SCALE.read_text())["rows"]
    trials = [row["trials"] for row in rows]
    figure = go.Figure()
    for key, name in SECONDS.items():
        figure.add_trace(go.Scatter(name=name, x=trials, y=[row[key] for row in rows], mode="lines+markers"))
    searched = [row["trials"] / row["records/s"] for row in rows]
    figure.add_trace(go.Scatter(name="the whole search", x=trials, y=searched, mode="lines+markers"))
    largest = max(searched)
    linear = [largest * count / trials[-1] for count in trials]
    dashes = {"dash": "dot", "color": "grey"}
    figure.add_trace(go.Scatter(name="linear growth", x=trials, y=linear, mode="lines", line=dashes))
    figure.update_layout(template="plotly_white", font={"size": 16}, legend={"traceorder": "normal"})
    figure.update_xaxes(title="trials", type="log", tickvals=trials, ticktext=[f"{count:,}" for count in trials])
    figure.update_yaxes(title="seconds", type="log", dtick=1)
    return figure


KINDS, PX = 8, 55


def shapes() -> Image.Image:
    """Return a grid of drawn shapes with a column per kind, with two images of each of two varieties."""
    recipe = SceneRecipe(classes=4 * KINDS, train=8 * KINDS, val=4 * KINDS, noise=12)
    images_NHWC, _ = render_shapes(recipe, PX)
    rows = [images_NHWC[(image * 4 + variety) * KINDS :][:KINDS] for variety in (0, 1) for image in (0, 1)]
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
    return Image.fromarray(sheet).resize((2 * sheet.shape[1], 2 * sheet.shape[0]), Image.Resampling.NEAREST)


def main() -> None:
    """Write every figure to the folder of this file."""
    shapes().save(HERE / "shapes.png", optimize=True)
    print("shapes.png")
    for name in SPENDING:
        path = HERE / f"{name}-spending.svg"
        scalesearch.open_study(STUDIES / name).figures.spending().write_image(path, width=960, height=640)
        print(path.name)
    driver_scale().write_image(HERE / "driver-scale.svg", width=WIDTH, height=HEIGHT)
    print("driver-scale.svg")
    for name in CURVES:
        path = HERE / f"{name}.svg"
        scaling_curves(curves(name)).write_image(path, width=WIDTH, height=HEIGHT)
        print(path.name)


if __name__ == "__main__":
    main()
