"""Their networks, and ours that must equal them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.networks import load_network

EPS = Decimal("0.001")
SIDES = {"efficientnet_v2_l": 96, "efficientnet_v2_m": 96, "b7": 96}
"""px of the larger comparisons; the others have 64."""


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

    norm = partial(nn.BatchNorm2d, eps=float(EPS))
    found = []

    def add(name: str, library: str, build: Callable[[], nn.Module]) -> None:
        found.append(Pair(f"{name}-{library}", ours(name), build))

    for number in range(8):
        build = getattr(models, f"efficientnet_b{number}")
        # B5 and larger have this epsilon of their own there.
        add(f"b{number}", "torchvision", build if number >= 5 else partial(build, norm_layer=norm))
        add(f"b{number}", "timm", partial(timm.create_model, f"efficientnet_b{number}", norm_layer=norm))
    for size in "sml":
        add(f"efficientnet_v2_{size}", "torchvision", partial(getattr(models, f"efficientnet_v2_{size}")))
        timm_name = f"tf_efficientnetv2_{size}"
        add(f"efficientnet_v2_{size}", "timm", partial(timm.create_model, timm_name, pad_type=""))
    for number in range(4):
        timm_name = f"tf_efficientnetv2_b{number}"
        add(f"efficientnet_v2_b{number}", "timm", partial(timm.create_model, timm_name, pad_type=""))
    for number in range(5):
        timm_name = f"efficientnet_lite{number}"
        add(f"efficientnet_lite{number}", "timm", partial(timm.create_model, timm_name, norm_layer=norm))
    for depth in (18, 34, 50, 101, 152):
        add(f"resnet{depth}", "torchvision", getattr(models, f"resnet{depth}"))
        add(f"resnet{depth}", "timm", partial(timm.create_model, f"resnet{depth}"))
    add("mobilenet_v1", "timm", partial(timm.create_model, "mobilenetv1_100", norm_layer=norm))
    add("mobilenet_v2", "torchvision", models.mobilenet_v2)
    add("mobilenet_v2", "timm", partial(timm.create_model, "mobilenetv2_100"))
    add("mnasnet", "torchvision", models.mnasnet1_0)
    add("mnasnet", "timm", partial(timm.create_model, "mnasnet_100"))
    return found


def side_of(pair: Pair) -> int:
    """The px that a pair is compared at."""
    return SIDES.get(pair.name.partition("-")[0], 64)


def at(architecture: Architecture, px: int) -> Architecture:
    """The architecture at another resolution."""
    return replace(architecture, resolution=px)
