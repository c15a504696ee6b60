"""Random networks for tests: small, with a different size for every dimension where that is possible."""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.antialias import ANTIALIASES
from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.block_kinds import KINDS, POOL_KINDS, STAGE_KINDS
from scalesearch.design.coefficients import AXES, Multipliers
from scalesearch.design.factory import Network
from scalesearch.design.gates import GATES
from scalesearch.design.rounding import ROUNDING_RULES, Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.design.shortcuts import SHORTCUTS

_LARGE = 2048
FIXTURES = Path(__file__).parent.parent / "fixtures"
SOURCES = (
    "a: b # c",
    '"',
    "\\",
    "'",
    "- x",
    "Süß 深い 🎉",
    "no",
    "~",
    "",
    " ",
    "{[",
    "%YAML",
    "\\u0041",
    "!!int 3",
)

SMALL = Baseline(
    name="small",
    source="seven MBConv layers in three stages",
    architecture=Architecture(
        resolution=96,
        stem=Stem(3, 2, 16),
        stages=(
            Stage("mbconv", 3, 1, 1, 16, 1, Decimal("0.25")),
            Stage("mbconv", 3, 2, 4, 24, 3, Decimal("0.25")),
            Stage("mbconv", 5, 2, 4, 48, 3, Decimal("0.25")),
        ),
        head=Head(192, 10),
    ),
    rounding=Rounding("balanced", 4),
)


def staged(network: Network) -> Architecture:
    """The network as the architecture that it is."""
    assert isinstance(network, Architecture)
    return network


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a fixture by the names of its columns."""
    with (FIXTURES / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def random_stage(random: Random, width: int, kind: str | None = None) -> Stage:
    """One stage of `width` channels (a bottleneck: inner channels), of any kind unless one is given."""
    kernel, stride, depth = random.choice((1, 3, 5, 7)), random.choice((1, 1, 2, 3)), random.randint(1, 3)
    kind = random.choice(STAGE_KINDS) if kind is None else kind
    expansion = random.choice((1, 2, 3, 6)) if KINDS[kind].expands else 1
    se = Decimal(random.choice(("0", "0", "0.25", "0.04", "0.5", "1", "0.333333"))) if _squeezes_first(kind) else 0
    whole = width * expansion if KINDS[kind].narrows else width
    stage = Stage(kind, kernel, stride, expansion, whole, depth, Decimal(se), random.random() < 0.2)
    return replace(stage, start_kernel=random.choice((1, 3, 5))) if KINDS[kind].starts else stage


def _squeezes_first(kind: str) -> bool:
    """Whether a share for a gate is drawn with a stage's sizes; a `uib` has had one since, drawn by `later`."""
    return KINDS[kind].squeezes and kind != "uib"


def in_groups(random: Random, stage: Stage) -> Stage:
    """Three in four of the stages that may have groups, with whole ones, or with one that is not filled."""
    if not KINDS[stage.kind].grouped or random.random() < 0.25:
        return stage
    inner = stage.width // stage.unit
    divisors = [one for one in range(1, inner + 1) if inner % one == 0]
    return replace(stage, group_width=random.choice((*divisors, inner + 3)))


def random_architecture(random: Random, largest_px: int = 21, kind: str | None = None) -> Architecture:
    """One to four stages; all widths, the side and the classes differ. Patches may need a larger side: twice the
    least, so that half of it is a network as well.
    """
    sizes, px = random.sample(range(2, 40), 8), random.randint(5, largest_px)
    net = Architecture(
        resolution=_LARGE,
        stem=Stem(
            random.choice((1, 3, 5)), random.choice((1, 2)), sizes[0], random.random() < 0.3, random.random() < 0.2
        ),
        stages=tuple(random_stage(random, width, kind) for width in sizes[1 : random.randint(2, 5)]),
        head=Head(random.choice((None, sizes[5])), sizes[6], random.random() < 0.2),
        activation=random.choice(list(ACTIVATIONS)),
        batch_norm_eps=Decimal(random.choice(("0.001", "0.00001", "0.5"))),
        in_channels=random.choice((3, 13, 1, 4)),
    )
    stem = replace(net.stem, kind="patch", kernel=net.stem.stride) if random.random() < 0.2 else net.stem
    head = replace(net.head, norm="layer_norm") if random.random() < 0.2 else net.head
    net = replace(net, stem=stem, head=head, stages=tuple(in_groups(random, stage) for stage in net.stages))
    least = net.smallest_resolution
    return later(dressed(mobile(replace(net, resolution=max(px, 2 * least if least > 1 else 1)))))


def mobile(net: Architecture) -> Architecture:
    """The network, some with what MobileNetV3 has: a hidden layer, activations by stage, rounded inner widths.

    What is drawn depends on the network alone, so that the random numbers behind it stay as they are.
    """
    random = Random(_without_later_fields(net))
    if random.random() < 0.5:
        return net
    stages = tuple(_mobile_stage(random, stage) for stage in net.stages)
    head = replace(net.head, hidden=random.choice((None, 41)))
    if head.hidden is not None:
        head = replace(head, hidden_norm=random.choice((None, "batch_norm")))
    divisor = random.choice((8, 8, 4, 1)) if any(stage.rounds for stage in stages) else 8
    return replace(net, stages=stages, head=head, inner_divisor=divisor)


def _mobile_stage(random: Random, stage: Stage) -> Stage:
    kind = KINDS[stage.kind]
    stage = replace(stage, activation=random.choice((None, None, *ACTIVATIONS)))
    if kind.rounds and stage.group_width is None:
        fractions = ("1.5", "2.3", "3.67", "1.000000001")
        stage = replace(stage, expansion=random.choice((stage.expansion, *map(Decimal, fractions))))
    if kind.rounds and stage.se:
        stage = replace(stage, gate=random.choice((None, *kind.gates)))
    return stage


def _without_later_fields(net: Architecture) -> str:
    """The network as text, without fields that came after networks had been drawn from this text."""
    text = str(net)
    for field in (
        ", padding='symmetric'",
        ", shortcut=None",
        ", pool_kind='max_pool'",
        ", shares=()",
        ", antialias=None",
        ", residual=True",
        ", layer_norm_eps=Decimal('0.000001')",
        ", hidden_bias=True",
        ", kernel_count=1",
        ", expand_groups=1",
        ", project_groups=1",
    ):
        text = text.replace(field, "")
    return text


def dressed(net: Architecture) -> Architecture:
    """The network, some with what ResNets have had since: deep stems, other pools, gates and shortcuts.

    What is drawn depends on the network alone.
    """
    random = Random(f"dressed {_without_later_fields(net)}")
    if random.random() < 0.4:
        return net
    stem = net.stem
    if stem.kind == "conv" and random.random() < 0.5:
        shares = tuple(Decimal(random.choice(("0.25", "0.375", "0.5", "1"))) for _ in range(random.randint(1, 3)))
        stem = replace(stem, kind=random.choice(("deep", "deep", "overlap")), shares=shares)
        if net.smallest_resolution == 1:
            stem = replace(stem, stride=random.choice((stem.stride, 4)))
    if stem.pool:
        stem = replace(stem, pool_kind=random.choice(POOL_KINDS))
    return replace(net, stem=stem, stages=tuple(_dressed_stage(random, stage) for stage in net.stages))


def later(net: Architecture) -> Architecture:
    """The network, some with keys that came last; what is drawn depends on the network alone."""
    random = Random(f"later {_without_later_fields(net)}")
    eps = Decimal("0.00001") if "layer_norm" in net.norms and random.random() < 0.5 else net.layer_norm_eps
    head = net.head
    if head.hidden is not None and head.hidden_norm is None:
        head = replace(head, hidden_bias=random.random() < 0.5)
    stages = tuple(_in_parts(random, stage, width) for width, stage in zip(net.widths, net.stages, strict=False))
    stages = tuple(_gated_later(random, stage) for stage in stages)
    return replace(net, stages=stages, head=head, layer_norm_eps=eps)


def _gated_later(random: Random, stage: Stage) -> Stage:
    if stage.kind != "uib" or random.random() < 0.4:
        return stage
    se = Decimal(random.choice(("0.25", "0.04", "0.5", "1", "0.333333")))
    return replace(stage, se=se, gate=random.choice((None, None, "mobilenet_v3")))


def _in_parts(random: Random, stage: Stage, in_width: int) -> Stage:
    if not KINDS[stage.kind].mixes:
        return stage
    most = min(in_width, stage.width, 5)
    counts = [random.randint(1, most) for _ in range(3)]
    expand = counts[1] if stage.expansion != 1 else 1
    return replace(stage, kernel_count=counts[0], expand_groups=expand, project_groups=counts[2])


def _dressed_stage(random: Random, stage: Stage) -> Stage:
    kind = KINDS[stage.kind]
    if kind.smooths:
        stage = replace(stage, antialias=random.choice((None, None, *ANTIALIASES)))
    if kind.adds_input:
        stage = replace(stage, residual=random.random() < 0.7)
    if not kind.projects:
        return stage
    gate = random.choice((None, *kind.gates))
    if gate is not None:
        se = Decimal(random.choice(("0.0625", "0.25", "0.3"))) if GATES[gate].has_share else Decimal(0)
        stage = replace(stage, gate=gate, se=se)
    return replace(stage, shortcut=random.choice((None, *SHORTCUTS)))


def depth_free(net: Architecture) -> Architecture:
    """The network with every stage's depth free to grow."""
    return replace(net, stages=tuple(replace(stage, depth_fixed=False) for stage in net.stages))


def random_multipliers(random: Random) -> Multipliers:
    """Depth, width and resolution in 0.5 … 3, with up to four decimal places."""
    return Multipliers(*(Decimal(random.randint(5000, 30000)) / 10000 for _ in AXES))


def random_baseline(random: Random) -> Baseline:
    """A baseline of a random network, with a source that YAML could misread; half of them scaled ones."""
    name = "".join(random.choices("abc019._-", k=random.randint(0, 63)))
    source = random.choice(SOURCES) + "".join(chr(random.randint(32, 0x2FF)) for _ in range(random.randint(0, 9)))
    made = Baseline(
        name=random.choice("a0no") + name,
        source="".join(letter for letter in source if letter.isprintable()),
        architecture=random_architecture(random),
        rounding=Rounding(random.choice(ROUNDING_RULES), random.choice((1, 2, 8))),
        axes=tuple(random.sample(AXES, random.randint(1, 3))),
    )
    if random.random() < 0.5:
        return made
    return made.scale(random_multipliers(random), random.choice(ROUNDING_RULES))
