"""`scalesearch explain`: why a scaled network is the size that it is."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.cli.facts import DimensionFacts, ExplainFacts, StageFacts
    from scalesearch.design.explain import Explanation, StageContribution
    from scalesearch.design.scaling import Baseline


def explain(
    network: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A published member, a member's file, or a baseline.")
    ],
    depth: Annotated[str | None, typer.Option(help="Scale a baseline: multiply the layers.")] = None,
    width: Annotated[str | None, typer.Option(help="Scale a baseline: multiply the channels.")] = None,
    resolution: Annotated[int | None, typer.Option(help="Scale a baseline: side of the input, px.")] = None,
    coefficients: Annotated[tuple[str, str, str], typer.Option(metavar="α β γ", help="Whose φ is asked for.")] = (
        "1.2",
        "1.1",
        "1.15",
    ),
    rounding: options.Rounding = None,
    json: options.Json = False,
) -> None:
    """Show a member's φ by depth, width, resolution and cost, and which layers each added.

    Example: scalesearch explain b1
    """
    from scalesearch.design.exact import plain
    from scalesearch.design.explain import explain as take_apart
    from scalesearch.design.family import coefficients_from

    baseline, member = _pair(network, depth, width, resolution, rounding)
    found = take_apart(baseline, member, coefficients_from(coefficients))
    if json:
        from scalesearch.cli.json_output import print_json

        print_json(_facts(found))
        return
    out = options.console(100)
    by, net = found.multipliers, member.architecture
    scale = f"depth {plain(by.depth)}, width {plain(by.width)}, {net.resolution} px"
    out.print(f"{member.name} = {baseline.name} with {scale}", style="bold", highlight=False)
    out.print(_phis(found))
    out.print("Multiply-adds in millions, added by each dimension in this order:", highlight=False)
    out.print(_stages(found))
    for line in _words(found):
        out.print(line, highlight=False)


def _pair(
    network: str, depth: str | None, width: str | None, resolution: int | None, rule: str | None
) -> tuple[Baseline, Baseline]:
    """The baseline and its member: scaled here where multipliers are given, else the one that was named."""
    from scalesearch.cli.cost import asked_multipliers
    from scalesearch.design.networks import load_network, load_origin

    given = load_network(network)
    if (depth, width, resolution) != (None, None, None):
        by = asked_multipliers(given.architecture.resolution, depth or "1", width or "1", resolution)
        return given, given.scale(by, rule)
    if given.origin is None:
        raise InputError(
            f"{network}: is a baseline itself; give a member such as b1, or --depth, --width, --resolution"
        )
    if rule is not None:
        raise InputError("--rounding: a member has its own; leave it out, or give a baseline and multipliers")
    return load_origin(given, network), given


def _facts(explanation: Explanation) -> ExplainFacts:
    from scalesearch.cli.facts import AtOneFacts, ExplainFacts
    from scalesearch.design.cost import cost

    base, net, own, one = (
        explanation.baseline,
        explanation.member.architecture,
        explanation.coefficients,
        explanation.at_one,
    )
    macs, before = cost(net).macs, cost(base.architecture).macs
    depth, width, resolution = _dimensions(explanation)
    return ExplainFacts(
        baseline=base.name,
        member=explanation.member.name,
        rounding=_rule(explanation),
        px=net.resolution,
        macs=macs,
        flops_ratio=macs / before,
        measured_phi=explanation.measured_phi,
        depth=depth,
        width=width,
        resolution=resolution,
        common_phi_range=explanation.common,
        stages=tuple(map(_stage_facts, explanation.stages)),
        at_phi_1=AtOneFacts(
            depth=float(own.alpha),
            width=float(own.beta),
            px=one.resolution,
            macs=cost(one).macs,
            flops_ratio=cost(one).macs / before,
            twin=explanation.twin,
        ),
    )


def _dimensions(explanation: Explanation) -> Iterator[DimensionFacts]:
    from scalesearch.cli.facts import DimensionFacts

    by, own = explanation.multipliers, explanation.coefficients
    multipliers, coefficients = (by.depth, by.width, by.resolution), (own.alpha, own.beta, own.gamma)
    for multiplier, coefficient, phi, (low, high) in zip(
        multipliers, coefficients, explanation.phis, explanation.ranges, strict=True
    ):
        yield DimensionFacts(float(multiplier), float(coefficient), phi, (low, high) if low <= high else None)


def _stage_facts(one: StageContribution) -> StageFacts:
    from scalesearch.cli.facts import StageFacts

    (layers, scaled_layers), (channels, scaled_channels), (px, scaled_px) = one.layers, one.channels, one.px
    return StageFacts(
        name=one.name,
        kind=one.kind,
        layers=layers,
        scaled_layers=scaled_layers,
        channels=channels,
        scaled_channels=scaled_channels,
        px=px,
        scaled_px=scaled_px,
        macs=one.macs,
        macs_by_depth=one.by_depth,
        macs_by_width=one.by_width,
        macs_by_resolution=one.by_resolution,
        scaled_macs=one.scaled_macs,
    )


def _rule(explanation: Explanation) -> str:
    """The rounding rule of the member."""
    origin = explanation.member.origin
    return origin.rounding if origin else explanation.member.rounding.rule


def _phis(explanation: Explanation) -> Table:
    from rich import box
    from rich.table import Table

    from scalesearch.design.exact import plain

    by = explanation.multipliers
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("", "depth", "width", "resolution", "measured cost"):
        table.add_column(name, justify="right" if name else "left")
    shown = [plain(round(one, 4)) for one in (by.depth, by.width, by.resolution)]
    table.add_row("multiplier", *shown, f"{2**explanation.measured_phi:.3f}x")
    # A coefficient of 1 gives 1 at every φ, and nothing else at any.
    values = zip(explanation.phis, (by.depth, by.width, by.resolution), strict=True)
    phis = [("any" if value == 1 else "none") if one is None else f"{one:.2f}" for one, value in values]
    table.add_row("effective φ", *phis, f"{explanation.measured_phi:.2f}")
    alpha, beta, gamma = (plain(getattr(explanation.coefficients, name)) for name in ("alpha", "beta", "gamma"))
    table.add_row("at φ = 1", alpha, beta, gamma, "2x")
    return table


def _stages(explanation: Explanation) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    head = ("stage", "kind", "layers", "channels", "px", "before", "+depth", "+width", "+px")
    for name in (*head, "after"):
        table.add_column(name, justify="left" if name in ("stage", "kind") else "right")
    for one in explanation.stages:
        sizes = (_change(*pair) for pair in (one.layers, one.channels, one.px))
        added = (one.macs, one.by_depth, one.by_width, one.by_resolution, one.scaled_macs)
        kind = "" if one.kind == one.name else one.kind
        table.add_row(one.name, kind, *sizes, *(f"{value / 1e6:,.1f}" for value in added))
    columns = ("macs", "by_depth", "by_width", "by_resolution", "scaled_macs")
    whole = [sum(getattr(stage, column) for stage in explanation.stages) for column in columns]
    table.add_section()
    table.add_row("all", "", "", "", "", *(f"{value / 1e6:,.1f}" for value in whole))
    return table


def _change(before: int, after: int) -> str:
    return str(before) if before == after else f"{before}→{after}"


def _words(explanation: Explanation) -> Iterator[str]:
    """Answers in words; the issue numbers only where the family is the one that they ask about."""
    asked = explanation.baseline.name == "b0" and explanation.member.name in (
        "b1",
        "b2",
        "b3",
        "b4",
        "b5",
        "b6",
        "b7",
    )
    yield _about_layers(explanation, " (tensorflow/tpu#640)" if asked else "")
    yield _about_phi(explanation, " (tensorflow/tpu#390, #738)" if asked else "")
    yield _about_one(explanation)
    if asked:
        yield (
            "The number behind B is a name, not φ: the paper prints no φ for B1 to B7, and tensorflow/tpu's "
            "efficientnet_builder.py holds their multipliers as literals."
        )


def _about_layers(explanation: Explanation, asked: str) -> str:
    from scalesearch.design.exact import plain

    depth, rule = explanation.multipliers.depth, _rule(explanation)
    before, after = (sum(one.architecture.depths) for one in (explanation.baseline, explanation.member))
    # `balanced` rounds the sum, then shares it out (docs/rounding.md).
    how = "of the sum, shared out over the stages" if rule == "balanced" else "stage by stage"
    rounding = f"{rule!r} rounding, {how}"
    each = (
        "Each new block repeats its stage's later ones: stride 1, same width."
        if after >= before
        else ("A stage keeps its first blocks.")
    )
    head = "" if explanation.baseline.architecture.head.width is None else "head, "
    return (
        f"Where the layers come from{asked}: a stage is many blocks, and depth multiplies those. "
        f"{plain(round(depth, 4))} × {before} = {plain(round(depth * before, 3))} blocks; {rounding}, makes it "
        f"{after}. {each} Stem, {head}pooling, classifier stay single."
    )


def _about_phi(explanation: Explanation, asked: str) -> str:
    name, ranges = explanation.member.name, zip(("depth", "width", "resolution"), explanation.ranges, strict=True)
    start = f"Is {name} α^φ, β^φ, γ^φ?{asked} "
    if explanation.common is not None:
        low, high = explanation.common
        phis = f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} … {high:.2f}"
        return f"{start}Yes for φ = {phis}, rounded to tenths and to 4 px."
    shown = ", ".join(
        f"{axis} asks for {low:.2f} … {high:.2f}" if low < high else f"{axis} has the coefficient 1"
        for axis, (low, high) in ranges
        if (low, high) != (float("-inf"), float("inf"))
    )
    (depth, width, px) = explanation.ranges
    low, high = max(depth[0], width[0]), min(depth[1], width[1])
    if explanation.member.origin is not None and not asked and low <= high and isfinite(low) and isfinite(px[0]):
        return (
            f"{start}Depth and width for φ = {low:.2f} … {high:.2f}; the side asks for {px[0]:.2f} … {px[1]:.2f} "
            "(the members that are made here have the one that matches the cost)."
        )
    return f"{start}For no φ, not even rounded to tenths and to 4 px: {shown}."


def _about_one(explanation: Explanation) -> str:
    from scalesearch.design.cost import cost
    from scalesearch.design.exact import plain

    one, net = explanation.coefficients, explanation.at_one
    ratio = cost(net).macs / cost(explanation.baseline.architecture).macs
    words = f"depth {plain(one.alpha)}, width {plain(one.beta)}, {net.resolution} px"
    twin = f" Those are the layers and channels of {explanation.twin}." if explanation.twin else ""
    return f"φ = 1 of {one} is {words}, at {ratio:.2f}x the cost.{twin}"
