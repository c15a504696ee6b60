"""The `scalesearch explain` command: why a scaled network is the size that it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from scalesearch.cli.facts import DimensionFacts, ExplainFacts, StageFacts
    from scalesearch.design.coefficients import Coefficients
    from scalesearch.design.explain import Explanation, StageContribution, StageExplanation
    from scalesearch.design.factory_call import FactoryCall
    from scalesearch.design.images import ImageSize
    from scalesearch.design.scaling import Baseline
    from scalesearch.nets.factory_explain import FactoryExplanation


def explain(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION",
            help="A published member, a member's file, a baseline, or a Python function.",
        ),
    ],
    depth: Annotated[str | None, typer.Option(help="Scale a baseline: multiply the layers.")] = None,
    width: Annotated[str | None, typer.Option(help="Scale a baseline: multiply the channels.")] = None,
    resolution: Annotated[
        str | None,
        typer.Option(metavar="PX|HxW", help="Scale a baseline: size of the input, px, as in 240 or 192x320."),
    ] = None,
    coefficients: Annotated[
        tuple[str, str, str], typer.Option(metavar="α β γ", help="Coefficients to find φ for.")
    ] = (
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
    from scalesearch.design.decimals import format_decimal
    from scalesearch.design.explain import explain as explain_scaling
    from scalesearch.design.factory_call import read_call
    from scalesearch.design.family import coefficients_from

    size, call = options.parse_resolution(resolution), read_call(network)
    if call is not None:
        if rounding is not None:
            raise InputError(f"--rounding: {network} is of a function, which rounds by itself; leave it out")
        _explain_function(call, depth, width, size, coefficients_from(coefficients), json)
        return
    baseline, member = _load_pair(network, depth, width, size, rounding)
    explanation = explain_scaling(baseline, member, coefficients_from(coefficients))
    if json:
        from scalesearch.cli.json_output import print_json

        print_json(_facts(explanation))
        return
    console = options.console(100)
    multipliers, architecture = explanation.multipliers, member.architecture
    depth, width = format_decimal(multipliers.depth), format_decimal(multipliers.width)
    sizes = f"depth {depth}, width {width}, {architecture.resolution} px"
    console.print(f"{member.name} = {baseline.name} with {sizes}", style="bold", highlight=False)
    console.print(_phi_table(explanation))
    console.print("Multiply-adds in millions, added by each dimension in this order:", highlight=False)
    console.print(_stage_table(explanation.stages))
    for line in _sentences(explanation):
        console.print(line, highlight=False)


def _explain_function(
    call: FactoryCall,
    depth: str | None,
    width: str | None,
    size: ImageSize | None,
    coefficients: Coefficients,
    json: bool,
) -> None:
    """Explain a network of a function: scaled here if multipliers are given, else beside the unscaled one."""
    from scalesearch.cli.definition import parse_multipliers
    from scalesearch.cli.json_output import print_json, reserve_stdout
    from scalesearch.nets.factory_definition import load_definition, unscaled
    from scalesearch.nets.factory_explain import explain_factory

    with reserve_stdout(json):
        member = load_definition(call)
        if (depth, width, size) == (None, None, None):
            baseline = unscaled(member)
        else:
            baseline = member
            member = baseline.scale(parse_multipliers(baseline, depth or "1", width or "1", size))
        explanation = explain_factory(baseline, member, coefficients)
    if json:
        print_json(_function_facts(explanation))
        return
    console = options.console(100)
    console.print(f"{member.name}, scaled from {baseline.name}", style="bold", highlight=False)
    console.print(_phi_table(explanation))
    console.print("Counted costs, added by each dimension in this order:", highlight=False)
    console.print(_function_table(explanation))
    console.print("Multiply-adds of the function's submodules in millions:", highlight=False)
    console.print(_stage_table(explanation.blocks))
    ratio = explanation.at_one.macs / baseline.architecture.macs
    side = explanation.at_one.resolution
    console.print(f"φ = 1 of {coefficients} is {side} px at {ratio:.2f}x the cost.", highlight=False)


def _function_facts(explanation: FactoryExplanation) -> ExplainFacts:
    from scalesearch.cli.facts import AtOneFacts, ExplainFacts
    from scalesearch.cli.family import FUNCTION_ROUNDING

    base, member, at_one = explanation.steps[0], explanation.steps[-1], explanation.at_one
    depth, width, resolution = _dimension_facts(explanation)
    by_depth, by_width, by_resolution = explanation.added("macs")
    return ExplainFacts(
        baseline=explanation.baseline.name,
        member=explanation.member.name,
        rounding=FUNCTION_ROUNDING,
        px=member.resolution,
        macs=member.macs,
        flops_ratio=member.macs / base.macs,
        measured_phi=explanation.measured_phi,
        depth=depth,
        width=width,
        resolution=resolution,
        common_phi_range=explanation.common,
        macs_by_depth=by_depth,
        macs_by_width=by_width,
        macs_by_resolution=by_resolution,
        stages=tuple(map(_stage_facts, explanation.blocks)),
        at_phi_1=AtOneFacts(
            depth=float(explanation.coefficients.alpha),
            width=float(explanation.coefficients.beta),
            px=at_one.resolution,
            macs=at_one.macs,
            flops_ratio=at_one.macs / base.macs,
            twin=None,
        ),
    )


def _function_table(explanation: FactoryExplanation) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("", "before", "+depth", "+width", "+px", "after"):
        table.add_column(name, justify="right" if name else "left")
    for kind, label in (("macs", "multiply-adds"), ("params", "parameters"), ("activations", "activations")):
        before, after = (getattr(explanation.steps[i], kind) for i in (0, -1))
        table.add_row(label, *(f"{value:,}" for value in (before, *explanation.added(kind), after)))
    return table


def _load_pair(
    network: str, depth: str | None, width: str | None, size: ImageSize | None, rounding: str | None
) -> tuple[Baseline, Baseline]:
    """Return the baseline and its member: scaled here if multipliers are given, else the named member."""
    from scalesearch.cli.definition import load_stages, parse_multipliers
    from scalesearch.design.networks import load_origin

    definition = load_stages(network)
    if (depth, width, size) != (None, None, None):
        multipliers = parse_multipliers(definition, depth or "1", width or "1", size)
        return definition, definition.scale(multipliers, rounding, size=size)
    if definition.origin is None:
        raise InputError(
            f"{network}: is a baseline itself; give a member such as b1, or --depth, --width, --resolution"
        )
    if rounding is not None:
        raise InputError("--rounding: a member has its own; leave it out, or give a baseline and multipliers")
    return load_origin(definition, network), definition


def _facts(explanation: StageExplanation) -> ExplainFacts:
    from scalesearch.cli.facts import AtOneFacts, ExplainFacts
    from scalesearch.design.cost import cost
    from scalesearch.design.images import plain_size

    baseline, architecture, coefficients, unit_member = (
        explanation.baseline,
        explanation.member.architecture,
        explanation.coefficients,
        explanation.at_one,
    )
    macs, base_macs = cost(architecture).macs, cost(baseline.architecture).macs
    depth, width, resolution = _dimension_facts(explanation)
    return ExplainFacts(
        baseline=baseline.name,
        member=explanation.member.name,
        rounding=_rounding_rule(explanation),
        px=plain_size(architecture.resolution),
        macs=macs,
        flops_ratio=macs / base_macs,
        measured_phi=explanation.measured_phi,
        depth=depth,
        width=width,
        resolution=resolution,
        common_phi_range=explanation.common,
        macs_by_depth=sum(stage.by_depth for stage in explanation.stages),
        macs_by_width=sum(stage.by_width for stage in explanation.stages),
        macs_by_resolution=sum(stage.by_resolution for stage in explanation.stages),
        stages=tuple(map(_stage_facts, explanation.stages)),
        at_phi_1=AtOneFacts(
            depth=float(coefficients.alpha),
            width=float(coefficients.beta),
            px=plain_size(unit_member.resolution),
            macs=cost(unit_member).macs,
            flops_ratio=cost(unit_member).macs / base_macs,
            twin=explanation.twin,
        ),
    )


def _dimension_facts(explanation: Explanation) -> Iterator[DimensionFacts]:
    from scalesearch.cli.facts import DimensionFacts

    member_multipliers, family_coefficients = explanation.multipliers, explanation.coefficients
    multipliers, coefficients = (
        (member_multipliers.depth, member_multipliers.width, member_multipliers.resolution),
        (family_coefficients.alpha, family_coefficients.beta, family_coefficients.gamma),
    )
    for multiplier, coefficient, phi, (low, high) in zip(
        multipliers, coefficients, explanation.phis, explanation.ranges, strict=True
    ):
        yield DimensionFacts(float(multiplier), float(coefficient), phi, (low, high) if low <= high else None)


def _stage_facts(stage: StageContribution) -> StageFacts:
    from scalesearch.cli.facts import StageFacts
    from scalesearch.design.images import plain_size

    (layers, scaled_layers), (channels, scaled_channels), (px, scaled_px) = stage.layers, stage.channels, stage.px
    return StageFacts(
        name=stage.name,
        kind=stage.kind,
        layers=layers,
        scaled_layers=scaled_layers,
        channels=channels,
        scaled_channels=scaled_channels,
        px=plain_size(px),
        scaled_px=plain_size(scaled_px),
        macs=stage.macs,
        macs_by_depth=stage.by_depth,
        macs_by_width=stage.by_width,
        macs_by_resolution=stage.by_resolution,
        scaled_macs=stage.scaled_macs,
    )


def _rounding_rule(explanation: StageExplanation) -> str:
    """Return the rounding rule of the member."""
    origin = explanation.member.origin
    return origin.rounding if origin else explanation.member.rounding.rule


def _phi_table(explanation: Explanation) -> Table:
    from rich import box
    from rich.table import Table

    from scalesearch.design.decimals import format_decimal

    multipliers = explanation.multipliers
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("", "depth", "width", "resolution", "measured cost"):
        table.add_column(name, justify="right" if name else "left")
    cells = [
        format_decimal(round(multiplier, 4))
        for multiplier in (multipliers.depth, multipliers.width, multipliers.resolution)
    ]
    table.add_row("multiplier", *cells, f"{2**explanation.measured_phi:.3f}x")
    # A coefficient of 1 gives the multiplier 1 at every φ, and no other multiplier at any φ.
    values = zip(explanation.phis, (multipliers.depth, multipliers.width, multipliers.resolution), strict=True)
    phis = [("any" if value == 1 else "none") if phi is None else f"{phi:.2f}" for phi, value in values]
    table.add_row("effective φ", *phis, f"{explanation.measured_phi:.2f}")
    alpha, beta, gamma = (
        format_decimal(getattr(explanation.coefficients, name)) for name in ("alpha", "beta", "gamma")
    )
    table.add_row("at φ = 1", alpha, beta, gamma, "2x")
    return table


def _stage_table(stages: Sequence[StageContribution]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    first_columns = ("stage", "kind", "layers", "channels", "px", "before", "+depth", "+width", "+px")
    for name in (*first_columns, "after"):
        table.add_column(name, justify="left" if name in ("stage", "kind") else "right")
    for stage in stages:
        sizes = (_format_change(*pair) for pair in (stage.layers, stage.channels, stage.px))
        added = (stage.macs, stage.by_depth, stage.by_width, stage.by_resolution, stage.scaled_macs)
        kind = "" if stage.kind == stage.name else stage.kind
        table.add_row(stage.name, kind, *sizes, *(f"{value / 1e6:,.1f}" for value in added))
    columns = ("macs", "by_depth", "by_width", "by_resolution", "scaled_macs")
    totals = [sum(getattr(stage, column) for stage in stages) for column in columns]
    table.add_section()
    table.add_row("all", "", "", "", "", *(f"{value / 1e6:,.1f}" for value in totals))
    return table


def _format_change(before: ImageSize, after: ImageSize) -> str:
    return str(before) if before == after else f"{before}→{after}"


def _sentences(explanation: StageExplanation) -> Iterator[str]:
    """Yield the explanation as sentences; they cite issues only for EfficientNet, which those issues ask about."""
    is_efficientnet = explanation.baseline.name == "b0" and explanation.member.name in (
        "b1",
        "b2",
        "b3",
        "b4",
        "b5",
        "b6",
        "b7",
    )
    yield _explain_layers(explanation, " (tensorflow/tpu#640)" if is_efficientnet else "")
    yield _explain_phi(explanation, " (tensorflow/tpu#390, #738)" if is_efficientnet else "")
    yield _explain_unit_phi(explanation)
    if is_efficientnet:
        yield (
            "The number behind B is a name, not φ: the paper prints no φ for B1 to B7, and tensorflow/tpu's "
            "efficientnet_builder.py holds their multipliers as literals."
        )


def _explain_layers(explanation: StageExplanation, issues: str) -> str:
    from scalesearch.design.decimals import format_decimal

    depth, rounding_rule = explanation.multipliers.depth, _rounding_rule(explanation)
    base_blocks, blocks = (
        sum(definition.architecture.depths) for definition in (explanation.baseline, explanation.member)
    )
    # `balanced` rounds the sum, then distributes it over the stages (docs/rounding.md).
    method = "of the sum, shared out over the stages" if rounding_rule == "balanced" else "stage by stage"
    rounding = f"{rounding_rule!r} rounding, {method}"
    block_rule = (
        "Each new block repeats its stage's later ones: stride 1, same width."
        if blocks >= base_blocks
        else ("A stage keeps its first blocks.")
    )
    head_text = "" if explanation.baseline.architecture.head.width is None else "head, "
    return (
        f"Where the layers come from{issues}: a stage is many blocks, and depth multiplies those. "
        f"{format_decimal(round(depth, 4))} × {base_blocks} = {format_decimal(round(depth * base_blocks, 3))} "
        f"blocks; {rounding}, makes it {blocks}. {block_rule} Stem, {head_text}pooling, classifier stay single."
    )


def _explain_phi(explanation: StageExplanation, issues: str) -> str:
    name, ranges = explanation.member.name, zip(("depth", "width", "resolution"), explanation.ranges, strict=True)
    question = f"Is {name} α^φ, β^φ, γ^φ?{issues} "
    if explanation.common is not None:
        low, high = explanation.common
        phis = f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} … {high:.2f}"
        return f"{question}Yes for φ = {phis}, rounded to tenths and to 4 px."
    phi_ranges = ", ".join(
        f"{axis} asks for {low:.2f} … {high:.2f}" if low < high else f"{axis} has the coefficient 1"
        for axis, (low, high) in ranges
        if (low, high) != (float("-inf"), float("inf"))
    )
    (depth, width, px) = explanation.ranges
    low, high = max(depth[0], width[0]), min(depth[1], width[1])
    if explanation.member.origin is not None and not issues and low <= high and isfinite(low) and isfinite(px[0]):
        return (
            f"{question}Depth and width for φ = {low:.2f} … {high:.2f}; the side asks for "
            f"{px[0]:.2f} … {px[1]:.2f} (the members that are made here have the one that matches the cost)."
        )
    return f"{question}For no φ, not even rounded to tenths and to 4 px: {phi_ranges}."


def _explain_unit_phi(explanation: StageExplanation) -> str:
    from scalesearch.design.cost import cost
    from scalesearch.design.decimals import format_decimal

    coefficients, architecture = explanation.coefficients, explanation.at_one
    ratio = cost(architecture).macs / cost(explanation.baseline.architecture).macs
    depth, width = format_decimal(coefficients.alpha), format_decimal(coefficients.beta)
    sizes = f"depth {depth}, width {width}, {architecture.resolution} px"
    twin = f" Those are the layers and channels of {explanation.twin}." if explanation.twin else ""
    return f"φ = 1 of {coefficients} is {sizes}, at {ratio:.2f}x the cost.{twin}"
