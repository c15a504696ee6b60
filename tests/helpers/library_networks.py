"""Their networks, and ours that must equal them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.networks import load_network
from scalesearch.training.constants import library_epsilon

SIDES = {"efficientnet_v2_l": 96, "efficientnet_v2_m": 96, "b7": 96}
"""px of the larger comparisons; the others have 64."""

REGNETS = {
    "regnetx_400mf": "regnetx_004_tv",
    "regnety_400mf": "regnety_004",
    "regnety_1.6gf": "regnety_016",
    "regnety_8gf": "regnety_080_tv",
}
"""timm's names."""

CONVNEXTS = {
    "convnext_atto": ("timm",),
    "convnext_base": ("timm", "torchvision"),
    "convnext_tiny": ("timm", "torchvision"),
    "convnextv2_atto": ("timm",),
}
"""The libraries that have each, under the same name."""

MOBILENETS_V4 = {f"mobilenet_v4_conv_{size}": f"mobilenetv4_conv_{size}" for size in ("small", "medium")}
"""timm's names."""

REPVGGS = {"repvgg_a0": "repvgg_a0"}
"""timm's names."""

GHOSTNETS = {"ghostnet": "ghostnet_100"}
"""timm's names."""

UNNAMED = (*REGNETS, *CONVNEXTS, *MOBILENETS_V4, *REPVGGS, *GHOSTNETS)
"""Networks whose tensors' names are not read."""


@dataclass(frozen=True)
class Pair:
    """One network twice."""

    name: str
    architecture: Architecture
    theirs: Callable[[], nn.Module]


def ours(name: str) -> Architecture:
    """A shipped baseline, or a published member of one."""
    return load_network(name).architecture


def pairs() -> list[Pair]:
    """Every shipped baseline and published member that timm or torchvision has, and from which of them."""
    import timm
    from torchvision import models

    found = []

    def add(name: str, library: str, build: Callable[[], nn.Module], padding: str = "symmetric") -> None:
        naming = library if library == "timm" else "torchvision's EfficientNet"
        naming = "torchvision's MobileNetV3" if naming != "timm" and "mobilenet_v3" in name else naming
        epsilon = library_epsilon(naming, name, padding)
        found.append(Pair(f"{name}-{library}", replace(ours(name), batch_norm_eps=epsilon), build))

    for number in range(8):
        add(f"b{number}", "torchvision", getattr(models, f"efficientnet_b{number}"))
        add(f"b{number}", "timm", partial(timm.create_model, f"efficientnet_b{number}"))
    for size in "sml":
        add(f"efficientnet_v2_{size}", "torchvision", partial(getattr(models, f"efficientnet_v2_{size}")))
        timm_name = f"tf_efficientnetv2_{size}"
        build = partial(timm.create_model, timm_name, pad_type="")
        add(f"efficientnet_v2_{size}", "timm", build, "tensorflow")  # its epsilon
    for number in range(4):
        timm_name = f"tf_efficientnetv2_b{number}"
        build = partial(timm.create_model, timm_name, pad_type="")
        add(f"efficientnet_v2_b{number}", "timm", build, "tensorflow")
    for number in range(5):
        timm_name = f"efficientnet_lite{number}"
        add(f"efficientnet_lite{number}", "timm", partial(timm.create_model, timm_name))
    for depth in (18, 34, 50, 101, 152):
        add(f"resnet{depth}", "torchvision", getattr(models, f"resnet{depth}"))
        add(f"resnet{depth}", "timm", partial(timm.create_model, f"resnet{depth}"))
    add("resnext50", "torchvision", models.resnext50_32x4d)
    add("resnext50", "timm", partial(timm.create_model, "resnext50_32x4d"))
    for regnet, timm_name in REGNETS.items():  # torchvision's have the projection before the branch
        add(regnet, "timm", partial(timm.create_model, timm_name))
    for convnext, libraries in CONVNEXTS.items():
        for library in libraries:
            build = partial(timm.create_model, convnext) if library == "timm" else getattr(models, convnext)
            add(convnext, library, build)
    for name, timm_name in (MOBILENETS_V4 | REPVGGS | GHOSTNETS).items():
        add(name, "timm", partial(timm.create_model, timm_name))
    add("mobilenet_v1", "timm", partial(timm.create_model, "mobilenetv1_100"))
    add("mobilenet_v2", "torchvision", models.mobilenet_v2)
    add("mobilenet_v2", "timm", partial(timm.create_model, "mobilenetv2_100"))
    for size in ("large", "small"):
        add(f"mobilenet_v3_{size}", "torchvision", getattr(models, f"mobilenet_v3_{size}"))
        add(f"mobilenet_v3_{size}", "timm", partial(timm.create_model, f"mobilenetv3_{size}_100"))
    add("mnasnet", "torchvision", models.mnasnet1_0)
    add("mnasnet", "timm", partial(timm.create_model, "mnasnet_100"))
    return found


def side_of(pair: Pair) -> int:
    """The px that a pair is compared at."""
    return SIDES.get(pair.name.partition("-")[0], 64)


def at(architecture: Architecture, px: int) -> Architecture:
    """The architecture at another resolution."""
    return replace(architecture, resolution=px)
