"""Exported definitions, built by the libraries themselves: the same counts and logits as ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from exported import export_as
from filling import fill, some_logits
from library_networks import CONVNEXTS, GHOSTNETS, MOBILENETS_V4, REGNETS, REPVGGS, at, ours

from scalesearch.design.architecture import Architecture, Head, Stage
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.coefficients import Coefficients, Multipliers
from scalesearch.design.family import family
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export import formats
from scalesearch.nets.convnet import ConvNet

PX = 64
COEFFICIENTS = Coefficients(Decimal("1.2"), Decimal("1.1"), Decimal("1.15"))
PUBLISHED = [f"b{number}" for number in range(1, 8)] + [f"efficientnet_v2_b{number}" for number in range(1, 4)]
LIBRARIES = ("timm", "torchvision")
INEXPRESSIBLE = {
    *((name, "torchvision") for name in ("mnasnet", "mobilenet_v1", "efficientnet_lite0")),
    *((name, "torchvision") for name in ("mobilenet_v3_large", "mobilenet_v3_small")),
    *((name, "torchvision") for name in MOBILENETS_V4),
    *((name, library) for name in (*REGNETS, *CONVNEXTS) for library in LIBRARIES),
    *((name, library) for name in (*REPVGGS, *GHOSTNETS) for library in LIBRARIES),
}


def at_64(baseline: Baseline) -> Baseline:
    return replace(baseline, architecture=at(baseline.architecture, PX))


def built(baseline: Baseline, library: str) -> str:
    """Export; the library must have been there to build it. Returns the definition."""
    made = export_as(library, baseline, 0)
    assert "parameters" in made.checked
    ((name, text),) = made.files.items()
    network = formats._load_module(text.decode(), name[:-3]).build()
    px = baseline.architecture.side
    wanted = some_logits(fill(ConvNet(baseline.architecture), px), px)
    got = some_logits(fill(network, px), px)
    assert (wanted - got).abs().max() <= 1e-5 * max(1.0, float(wanted.abs().max()))
    return text.decode()


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", [*baseline_names(), *PUBLISHED])
def test_baselines_and_published_members(name: str, library: str) -> None:
    baseline = Baseline(name, "test", at(ours(name), PX), Rounding("paper"))
    if (name, library) in INEXPRESSIBLE:
        with pytest.raises(InputError):
            built(baseline, library)
        return
    built(baseline, library)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    "name",
    ["b0", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mnasnet", "resnet18", "efficientnet_v2_b0"],
)
def test_scaled_members(name: str, library: str) -> None:
    done = 0
    for member in family(load_baseline(name), COEFFICIENTS)[1:4]:
        try:
            built(at_64(member.baseline), library)
            done += 1
        except InputError:
            assert library == "torchvision"
    assert done == (3 if library == "timm" or name in ("b0", "efficientnet_v2_b0", "mobilenet_v2") else 0)


def unusual() -> Iterator[tuple[str, Architecture, str]]:
    """What the shipped baselines do not have: each option of a definition once."""
    base, mobile, res = (load_baseline(name).architecture for name in ("b0", "mobilenet_v2", "resnet50"))
    bottlenecks = tuple(replace(stage, expansion=2, depth=1) for stage in res.stages)
    yield "timm", replace(res, stages=bottlenecks, activation="silu"), "base_width=128"
    yield "torchvision", replace(res, stages=bottlenecks), "width_per_group=128"
    narrow = tuple(replace(stage, width=stage.width // 4 * 3, depth=1) for stage in res.stages)
    yield "timm", replace(res, stages=narrow), "channels=(48, 96, 192, 384)"
    yield "timm", replace(base, head=Head(None, 7)), "num_features=0"
    deep = replace(base.stages[-1], stride=2)
    yield "timm", replace(base, stages=(*base.stages[:-1], deep)), "output_stride=64"
    kinds = ("conv", "depthwise_separable", "inverted_residual", "fused_mbconv")
    stages = tuple(Stage(kind, 5, 2 - i % 2, 1, 20 + 4 * i, 2) for i, kind in enumerate(kinds))
    gated = Stage("fused_mbconv", 3, 2, 4, 32, 2, Decimal("0.5"))
    yield "timm", replace(base, stages=(*stages, gated)), "er_r2_k3_s2_e4_c32_se0.5"
    yield "timm", replace(base, in_channels=1), "in_chans=1"
    yield "timm", replace(res, in_channels=4), "in_chans=4"
    yield "timm", load_baseline("efficientnet_lite0").architecture, "fix_first_last=True"
    wide = load_baseline("mobilenet_v2").scale(Multipliers(Decimal("1.2"), Decimal("1.4")))
    yield "torchvision", wide.architecture, "width_mult=1.4"
    small = replace(mobile, stem=replace(mobile.stem, width=24))
    yield "torchvision", small, "width_mult=0.75"


@pytest.mark.parametrize(("library", "architecture", "words"), list(unusual()))
def test_unusual_networks(library: str, architecture: Architecture, words: str) -> None:
    assert words in built(Baseline("unusual", "test", at(architecture, 97), Rounding("paper")), library)
