"""Definitions for timm and torchvision read back as the network that they were made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from networks import random_architecture

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.coefficients import Coefficients
from scalesearch.design.family import family
from scalesearch.design.networks import load_network
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export.import_definition import read_network
from scalesearch.export.library_rules import same_network
from scalesearch.export.timm_definition import timm_definition
from scalesearch.export.torchvision_definition import torchvision_definition

LIBRARIES = {"timm": timm_definition, "torchvision": torchvision_definition}
NOT_IN_TORCHVISION = {
    "mobilenet_v3_large": "stage 1 is inverted_residual, but torchvision.s EfficientNet",
    "mobilenet_v3_small": "stage 2 is inverted_residual, but torchvision.s EfficientNet",
    "mnasnet": "torchvision's network has relu6, but this one relu",
    "efficientnet_lite0": "stage 3 has 5×5 kernels",
    "mobilenet_v1": "stage 1 is depthwise_separable, but torchvision.s EfficientNet has mbconv and fused_mbconv",
}
NOT_IN = {
    "torchvision": NOT_IN_TORCHVISION,
    "timm": dict[str, str](),
}
for _name in ("convnext_atto", "convnext_base", "convnext_tiny"):
    NOT_IN["timm"][_name] = "stage 1 is convnext, which timm.s EfficientNet"
    NOT_IN["torchvision"][_name] = "stage 1 is convnext, but torchvision.s EfficientNet has mbconv and fused_mbconv"
NOT_IN["timm"]["convnextv2_atto"] = "stage 1 is convnext_v2, which timm.s EfficientNet"
NOT_IN["torchvision"]["convnextv2_atto"] = "stage 1 is convnext_v2, but torchvision.s EfficientNet has mbconv and"
NOT_IN["torchvision"]["mobilenet_v4_conv_medium"] = "stage 2 is uib, but torchvision.s EfficientNet has mbconv and"
NOT_IN["torchvision"]["mobilenet_v4_conv_small"] = "stage 1 is conv, but torchvision.s EfficientNet has mbconv and"
NOT_IN["timm"]["ghostnet"] = "stage 1 is ghost, which timm.s EfficientNet lacks"
NOT_IN["torchvision"]["ghostnet"] = "stage 1 is ghost, but torchvision.s EfficientNet has mbconv and"
NOT_IN["timm"]["repvgg_a0"] = "stage 1 is repvgg, which timm.s EfficientNet lacks"
NOT_IN["torchvision"]["repvgg_a0"] = "stage 1 is repvgg, but torchvision.s EfficientNet has mbconv and"
for _name in ("regnetx_400mf", "regnety_400mf", "regnety_1.6gf", "regnety_8gf"):
    for _names in NOT_IN.values():
        _names[_name] = "a ResNet's stem is 7×7, stride 2, 64 channels and a max-pool, but this one is not"


def named(architecture: Architecture) -> Baseline:
    return Baseline("some-net.1", "a \"source\" with \\ and 'quotes'", architecture, Rounding("paper"))


def likely(random: Random) -> Architecture:
    """A random network of the shapes that the libraries know, so that many are expressible."""
    widths = [8 * one for one in random.sample(range(1, 40), 8)]
    kinds = random.choice(
        (
            ("mbconv", "fused_mbconv"),
            ("inverted_residual",),
            ("conv", "mbconv", "fused_mbconv", "inverted_residual", "depthwise_separable"),
        )
    )
    stages = tuple(_likely_stage(random, random.choice(kinds), width) for width in widths[: random.randint(1, 6)])
    stem = Stem(random.choice((3, 3, 5)), 2, random.choice((32, widths[6])), fixed=random.random() < 0.2)
    activation = "relu6" if kinds == ("inverted_residual",) else random.choice(("silu", "relu"))
    head = Head(random.choice((None, 1280, widths[7])), random.randint(2, 99))
    eps = Decimal(random.choice(("0.001", "0.00001", "0.5")))
    channels = random.choice((3, 3, 1, 4))
    return Architecture(random.randint(8, 600), stem, stages, head, activation, eps, channels)


def _likely_stage(random: Random, kind: str, width: int) -> Stage:
    expands = kind in ("mbconv", "fused_mbconv", "inverted_residual")
    expansion = random.choice((1, 3, 4, 6)) if expands else 1
    se = random.choice(("0.25", "0.25", "0.5")) if kind == "mbconv" else "0"
    kernel, stride = random.choice((3, 3, 5)), random.choice((1, 2))
    return Stage(kind, kernel, stride, expansion, width, random.randint(1, 4), Decimal(se))


def mobile_v3(random: Random) -> Architecture:
    """A network of the parts that timm's MobileNetV3 has, so that many are expressible."""
    widths = [8 * one for one in random.sample(range(1, 40), 6)]
    stages = tuple(_v3_stage(random, width) for width in widths[: random.randint(1, 5)])
    stem, head = Stem(3, 2, random.choice((16, 24))), Head(random.choice((None, 960)), 12, hidden=1280)
    stages = tuple(replace(stage, stride=1) for stage in stages[:-4]) + stages[-4:]
    return Architecture(97, stem, stages, head, random.choice(("hard_swish", "relu")))


def _v3_stage(random: Random, width: int) -> Stage:
    se = random.choice(("0", "0.25", "0.5"))
    expansion = random.choice((1, 3, Decimal("2.5"), Decimal("3.67")))
    kernel, stride, depth = random.choice((3, 5)), random.choice((1, 2)), random.randint(1, 3)
    activation = random.choice((None, "relu", "hard_swish", "relu6", "silu"))
    gate = "mobilenet_v3" if se != "0" else None
    return Stage("mbconv", kernel, stride, expansion, width, depth, Decimal(se), False, activation, gate)  # type: ignore[arg-type]


def universal(random: Random) -> Architecture:
    """A network of timm's `uir`, of its MobileNetV3 where it has a hidden layer; few are not expressible."""
    widths = [8 * one for one in random.sample(range(1, 40), 5)]
    hidden = random.choice((None, 1280))
    stages = tuple(_universal_stage(random, width, hidden is not None) for width in widths[: random.randint(1, 4)])
    return Architecture(64, Stem(3, 2, 16), stages, Head(random.choice((None, 960)), 12, hidden=hidden), "relu")


def _universal_stage(random: Random, width: int, has_hard_gates: bool) -> Stage:
    start, kernel = random.choice((1, 3, 5)), random.choice((1, 3, 5))
    expansion, se = random.choice((1, 2, Decimal("2.5"))), Decimal(random.choice(("0", "0.25", "0.5")))
    stride, depth, residual = random.choice((1, 2)), random.randint(1, 3), random.random() < 0.7
    stage = Stage("uib", kernel, stride, expansion, width, depth, se, start_kernel=start, residual=residual)
    return replace(stage, gate="mobilenet_v3") if se and has_hard_gates else stage


def resnet(random: Random) -> Architecture:
    """A ResNet that timm can express, and torchvision where its widths are the usual ones."""
    kind, usual = random.choice(("basic", "bottleneck")), random.random() < 0.5
    unit, expansion = (4, random.choice((2, 4, 8))) if kind == "bottleneck" else (1, 1)
    planes = (64, 128, 256, 512) if usual else tuple(8 * one for one in random.sample(range(1, 60), 4))
    stages = tuple(
        Stage(kind, 3, stride, expansion, unit * width, random.randint(1, 5))
        for stride, width in zip((1, 2, 2, 2), planes, strict=True)
    )
    activation = random.choice(("relu", "relu", "silu", "relu6"))
    return Architecture(97, Stem(7, 2, 64, pool=True, fixed=True), stages, Head(None, 12), activation)


def examples() -> Iterator[Architecture]:
    for seed in range(400):
        yield likely(Random(seed))
        yield resnet(Random(seed))
        yield mobile_v3(Random(seed))
        yield universal(Random(seed))
        yield random_architecture(Random(seed))


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_can_be_expressed_reads_back_as_the_same_network(library: str) -> None:
    written, refusals = 0, []
    for architecture in examples():
        try:
            text = LIBRARIES[library](named(architecture))
        except InputError as error:
            refusals.append(str(error))
            continue
        written += 1
        assert same_network(read_network(text, "x.py")) == same_network(architecture)
    assert all(line.startswith("some-net.1: ") and "\n" not in line for line in refusals)
    assert written > {"timm": 750, "torchvision": 100}[library]


@pytest.mark.parametrize("name", baseline_names())
def test_shipped_baselines_are_expressible_where_the_library_has_them(name: str) -> None:
    baseline = load_baseline(name)
    for library, define in LIBRARIES.items():
        if name in NOT_IN[library]:
            with pytest.raises(InputError, match=NOT_IN[library][name]):
                define(baseline)
            continue
        assert same_network(read_network(define(baseline), "x.py")) == same_network(baseline.architecture)


@pytest.mark.parametrize("name", ["mobilenet_v2", "b0", "resnet50"])
def test_members_of_a_family_read_back(name: str) -> None:
    """MobileNetV2's widths are torchvision's only by `width_mult`; ResNet's widths are fixed there."""
    members = family(load_baseline(name), Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15")))
    for member in members:
        text = timm_definition(member.baseline)
        assert same_network(read_network(text, "x")) == same_network(member.baseline.architecture)
    if name == "resnet50":
        with pytest.raises(InputError, match="has stages of 256 512 1024 2048 channels"):
            torchvision_definition(members[1].baseline)
    else:
        text = torchvision_definition(members[2].baseline)
        assert same_network(read_network(text, "x")) == same_network(members[2].baseline.architecture)


def test_lites_fixed_depths_survive_timms_definition() -> None:
    """What the depth multiplier leaves alone is no part of a network, but timm has a word for just this case."""
    lite = load_baseline("efficientnet_lite0")
    again = read_network(timm_definition(lite), "x.py")
    assert again.stages == lite.architecture.stages
    lite4 = load_network("efficientnet_lite4")
    assert "fix_first_last=True" in timm_definition(lite4)
    assert same_network(read_network(timm_definition(lite4), "x.py")) == same_network(lite4.architecture)
    assert "fix_first_last" not in timm_definition(load_baseline("b0"))


BASE = load_baseline("b0").architecture
RES = load_baseline("resnet50").architecture
MOBILE = load_baseline("mobilenet_v2").architecture
SMALL_V3 = load_baseline("mobilenet_v3_small").architecture


def changed(architecture: Architecture, number: int, **changes: object) -> Architecture:
    """With one stage changed."""
    stages = list(architecture.stages)
    stages[number] = replace(stages[number], **changes)  # type: ignore[arg-type]
    return replace(architecture, stages=tuple(stages))


REFUSED = [
    (timm_definition, replace(BASE, stem=Stem(3, 1, 32)), "stem has stride 2, but this one 1"),
    (timm_definition, replace(BASE, stem=Stem(3, 2, 32, pool=True)), "no max-pool"),
    (timm_definition, changed(BASE, 1, stride=3), "stage 2 has stride 3"),
    (timm_definition, changed(BASE, 0, width=18), "stage 2 widens 18 channels to 108, but timm rounds that to 112"),
    (timm_definition, changed(BASE, 1, se=Decimal("0.1")), "stage 2 squeezes to 1 of 16 channels, but timm rounds"),
    (timm_definition, changed(BASE, 0, kind="fused_mbconv"), "fused_mbconv with se but without expansion"),
    (
        timm_definition,
        changed(BASE, 1, antialias="blur"),
        "stage 2 has antialias blur, which is not written for timm",
    ),
    (
        timm_definition,
        changed(BASE, 0, kind="fused_mbconv", se=Decimal(0), residual=False),
        "stage 1 is fused_mbconv without residual connections, which is a conv in timm; write conv",
    ),
    (timm_definition, changed(BASE, 1, kind="uib", kernel=1), "stage 2 has a stride but no depthwise convolution"),
    (timm_definition, changed(BASE, 1, kind="uib", expansion=1, width=20), "stage 2 widens 20 channels to 20"),
    (
        timm_definition,
        changed(BASE, 0, activation="gelu"),
        "stage 1 has gelu, for which timm's strings have no flag",
    ),
    (timm_definition, changed(BASE, 0, gate="mobilenet_v3"), "has a hidden layer in timm, but this one has none"),
    (timm_definition, replace(BASE, head=Head(64, 9, hidden=5)), "has gates of mobilenet_v3 in timm, but not all"),
    (timm_definition, replace(SMALL_V3, inner_divisor=4), "stage 1 squeezes to 4 of 16 channels, but timm rounds"),
    (timm_definition, replace(SMALL_V3, stem=Stem(5, 2, 16)), "has a stem of 3×3, but this one has 5×5"),
    (timm_definition, changed(SMALL_V3, 5, stride=2), "strides up to 32, but this one 64"),
    (torchvision_definition, replace(BASE, head=Head(64, 9, hidden=5)), "the head has a hidden layer"),
    (
        torchvision_definition,
        changed(BASE, 1, activation="relu"),
        "stage 2 has relu, but the library's network silu",
    ),
    (torchvision_definition, changed(BASE, 1, gate="mobilenet_v3"), "stage 2 has the gate mobilenet_v3"),
    (torchvision_definition, changed(BASE, 1, expansion=Decimal("2.5")), "stage 2 has expansion 2.5"),
    (timm_definition, changed(RES, 1, activation="silu"), "stage 2 has silu, but the library's network relu only"),
    (timm_definition, changed(RES, 0, kind="conv", expansion=1), "blocks of one kind"),
    (timm_definition, changed(RES, 1, kernel=5), "kernels are 3×3"),
    (timm_definition, changed(RES, 1, expansion=2), "one expansion that divides 256"),
    (timm_definition, replace(RES, stages=RES.stages[:3]), "four stages of strides 1, 2, 2, 2"),
    (timm_definition, replace(RES, head=Head(64, 9)), "no convolution in its head"),
    (timm_definition, replace(RES, stem=Stem(7, 2, 32, pool=True)), "stem is 7×7, stride 2, 64 channels"),
    (torchvision_definition, replace(RES, in_channels=1), "take images of 3 channels, but this one takes 1"),
    (torchvision_definition, replace(BASE, in_channels=4), "take images of 3 channels, but this one takes 4"),
    (torchvision_definition, replace(RES, activation="silu"), "has ReLU, but this one silu"),
    (torchvision_definition, replace(BASE, activation="relu"), "has silu, but this one relu"),
    (torchvision_definition, replace(BASE, stem=Stem(5, 2, 32)), "stem is 3×3 with stride 2"),
    (torchvision_definition, changed(BASE, 2, se=Decimal("0.5")), "stage 3 has se 0.5"),
    (torchvision_definition, changed(BASE, 2, kind="conv", expansion=1, se=Decimal(0)), "stage 3 is conv"),
    (torchvision_definition, changed(MOBILE, 2, kernel=5), "stage 3 has 5×5 kernels"),
    (torchvision_definition, replace(MOBILE, head=Head(640, 10)), "none gives these widths"),
]


@pytest.mark.parametrize(
    ("define", "architecture", "reason"), REFUSED, ids=[f"{i} {one[2][:40]}" for i, one in enumerate(REFUSED)]
)
def test_what_cannot_be_expressed_is_refused_with_the_reason(
    define: Callable[[Baseline], str], architecture: Architecture, reason: str
) -> None:
    with pytest.raises(InputError) as error:
        define(named(architecture))
    assert reason in str(error.value)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"se": Decimal("0.25")}, "a ResNet.s blocks have no squeeze-and-excitation before their last convolution"),
        ({"group_width": 4}, "a ResNet.s stages have equally many groups, but these 32, 64, 128, 256"),
        ({"group_width": 1}, "a ResNet.s stages have equally many groups, but these 128, 256, 512, 1024"),
    ],
)
def test_bottlenecks_that_no_resnet_has(library: str, changes: dict[str, object], reason: str) -> None:
    net = load_baseline("resnext50").architecture
    stages = tuple(replace(stage, **changes) for stage in net.stages)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=reason):
        LIBRARIES[library](named(replace(net, stages=stages)))


@pytest.mark.parametrize("library", LIBRARIES)
def test_groups_that_a_resnet_has(library: str) -> None:
    """Groups of no whole channels at 256 are refused; 64 and one group that is not filled are written."""
    net = load_baseline("resnext50").architecture
    for groups in (1, 2, 64, 128):
        widths = [stage.width // stage.unit // groups if groups > 1 else 4096 for stage in net.stages]
        stages = tuple(replace(stage, group_width=width) for stage, width in zip(net.stages, widths, strict=True))
        given = replace(net, stages=stages)
        text = LIBRARIES[library](named(given))
        assert ("groups=" in text or "cardinality=" in text) == (groups > 1)
        assert same_network(read_network(text, "x.py")) == same_network(given)
