"""Tables in the docs are what the commands that they name print."""

from __future__ import annotations

import html
import json
import re

from scripts import ROOT, page, script

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.block_kinds import KINDS, STAGE_KINDS
from scalesearch.design.cost import cost
from scalesearch.design.explain import explain
from scalesearch.design.gates import GATES
from scalesearch.design.networks import load_network


def test_the_rounding_rules() -> None:
    rows = script("rounding_rules").rows()
    assert len(rows) == 2 + 5
    assert "\n".join(rows) in page("rounding")


def test_the_counters() -> None:
    module = script("counters")
    counters = module.counters(load_baseline("b0").architecture)
    assert "\n".join([*module.HEAD, *map(module.row, counters)]) in page("flops")
    for one in counters:
        if one.package in ("torch", "fvcore"):
            assert one.count(load_baseline("b0").architecture) == one.expected, one.name


def test_the_phi_of_every_member() -> None:
    for index in range(1, 8):
        found = explain(load_baseline("b0"), load_network(f"b{index}"))
        phis = " | ".join(f"{phi:.2f}" for phi in (*found.phis, found.measured_phi) if phi is not None)
        common = "none" if found.common is None else f"{found.common[0]:.2f} … {found.common[1]:.2f}"
        assert f"| b{index} | {phis} | {common} |" in page("why-b1")


def test_the_shipped_baselines() -> None:
    for name in baseline_names():
        net = load_baseline(name).architecture
        kinds = ", ".join(dict.fromkeys(stage.kind for stage in net.stages))
        counts = f"{net.resolution} | {cost(net).params:,} | {cost(net).macs:,}"
        assert f"| `{name}` | {kinds} | {counts} |" in page("baseline-files")


def test_what_each_kind_takes() -> None:
    rows = ["| `kind` | `se` | `group_width` | fractional `expansion` | norm |", "|---|---|---|---|---|"]
    for name in STAGE_KINDS:
        kind = KINDS[name]
        stage = Stage(name, 3, 1, 1, 8, 1)
        net = Architecture(64, Stem(3, 1, 8), (stage,), Head(None, 2))
        norms = {layer.norm for block in net.walk() if block.name.startswith("stages") for layer in block.layers}
        (norm,) = norms - {None} or {None}
        has_share = kind.squeezes or any(GATES[gate].has_share for gate in kind.gates)
        marks = ("yes" if takes else "no" for takes in (has_share, kind.grouped, kind.rounds))
        rows.append(f"| `{name}` | {' | '.join(marks)} | {'none' if norm is None else norm.replace('_', ' ')} |")
    assert "\n".join(rows) in page("baseline-files")


def test_figures_named_in_words() -> None:
    from dataclasses import replace

    b2 = load_network("b2").architecture
    assert f"{cost(replace(b2, resolution=224)).macs:,} multiply-adds at 224 px" in page("flops")
    assert f"{cost(b2).macs:,} at 260" in page("flops")


def test_pictures_show_what_the_reference_studies_say() -> None:
    """Each label and tick of the figure that `make figures` would draw now stands in the picture."""
    from scalesearch import open_study
    from scalesearch.report.figures import scaling_curves

    make = script("make", "docs/figures")
    spending = {f"{name}-spending": name for name in make.SPENDING}
    drawn_here = {path.stem for path in (ROOT / "docs" / "figures").glob("*.svg")} - {"demo"}  # `make recording`'s
    assert drawn_here == {*make.CURVES, *spending, "driver-scale"}
    scale = html.unescape((ROOT / "docs" / "figures" / "driver-scale.svg").read_text(encoding="utf-8"))
    rows = json.loads(make.SCALE.read_text())["rows"]
    page = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    for row in rows:
        assert f">{row['trials']:,}<" in scale
        assert (
            f"| {row['trials']:,} | {row['records/s']:,.0f} | {row['plan s']:.1f} | {row['decision s']:.1f} |"
            in page
        )
    for picture, name in spending.items():
        drawn = open_study(make.STUDIES / name).figures.spending()
        words = [trace.name for trace in drawn.data if trace.showlegend is not False and trace.name]
        shown = html.unescape((ROOT / "docs" / "figures" / f"{picture}.svg").read_text(encoding="utf-8"))
        assert "recommended" in words
        assert [word for word in words if f">{word}<" not in shown] == []
    for name in make.CURVES:
        picture = (ROOT / "docs" / "figures" / f"{name}.svg").read_text(encoding="utf-8")
        shown = html.unescape(re.sub(r"<[^>]*>", "\n", picture))
        layout = scaling_curves(make.curves(name)).layout
        words = [one.text for one in layout.annotations]
        words += [layout.title.text, layout.xaxis.title.text, layout.yaxis.title.text, *layout.xaxis.ticktext]
        parts = [part.strip() for text in words for part in re.split(r"<[^>]*>", text) if part.strip()]
        assert len(parts) > 15
        for part in parts:
            assert part in shown, part
        for trace in scaling_curves(make.curves(name)).data:
            assert "rgb({}, {}, {})".format(*(int(trace.marker.color[i : i + 2], 16) for i in (1, 3, 5))) in picture
