"""Find what a library's state dict does not hold: batch norm's epsilon, the padding, and the scaling of its images.

Tensors have names and shapes, no constants. Some constants are the same for all networks of a library. timm's `tf_`
models, which pad as TensorFlow does, have the same tensors as its other models. For these the file beside the
weights (`config.json` of timm's hub format) or the user states the constants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import TIMM_PREFIX
from scalesearch.design.decimals import format_decimal
from scalesearch.design.images import sides_of
from scalesearch.design.paddings import PaddingName
from scalesearch.errors import InputError, printable

PADDINGS = ("symmetric", "tensorflow")
WORDS: dict[PaddingName, str] = {"symmetric": "symmetric", "same": "tensorflow"}
"""The word of `PADDINGS` for the padding of an architecture."""
PIXELS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""The mean and deviation of the images, in 0 … 1, by the names that `--pixels` takes."""
EPSILON, TENSORFLOW_EPSILON = Decimal("0.00001"), Decimal("0.001")
"""The epsilon of torch's batch norm, which both libraries use, and that of timm's `tf_` models."""

_V2_NAMES = {
    f"efficientnetv2_{size}": f"efficientnet_v2_{size}" for size in ("s", "m", "l", "b0", "b1", "b2", "b3")
}
_SYMMETRIC_TIMM = {
    **{f"efficientnet_b{number}": f"b{number}" for number in range(8)},
    **{f"efficientnet_lite{number}": f"efficientnet_lite{number}" for number in range(5)},
    **{name: our_name for name, our_name in _V2_NAMES.items() if "_b" not in name},
    "mobilenetv1_100": "mobilenet_v1",
    "mobilenetv2_100": "mobilenet_v2",
    "mobilenetv3_large_100": "mobilenet_v3_large",
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "mnasnet_100": "mnasnet",
    **{f"resnet{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
    "resnext50_32x4d": "resnext50",
}
_TENSORFLOW_TIMM = {
    f"tf_{name}": our_name
    for name, our_name in {**_SYMMETRIC_TIMM, **_V2_NAMES}.items()
    if name.startswith("efficientnet")
}
TIMM: dict[str, str] = _SYMMETRIC_TIMM | _TENSORFLOW_TIMM
"""timm's names of the models that scalesearch has, without the tag of their weights; `tf_` models pad as
TensorFlow."""
_ONLY_SYMMETRIC = {*_SYMMETRIC_TIMM.values()} - {*_TENSORFLOW_TIMM.values()}
"""Networks of which timm has no `tf_` model."""
_TENSORFLOW_EPSILON_NETWORKS = ("b5", "b6", "b7", "efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l")
"""torchvision's EfficientNets that have TensorFlow's epsilon."""
_HALF_SCALED = {
    ("timm", "mobilenet_v1"),
    *(("timm", f"efficientnet_v2_{size}") for size in "sml"),
    ("torchvision's EfficientNet", "efficientnet_v2_l"),
}
"""Networks, by naming, whose weights were trained on images scaled by `half`."""


@dataclass(frozen=True, slots=True)
class Constants:
    """Holds the constants of the trained network that its tensors do not show."""

    epsilon: Decimal
    padding: str
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    source: str
    """The origin of the constants, as a text."""

    def describe(self, activation: str) -> str:
        """Return the constants as one clause."""
        names_by_values = {values: name for name, values in PIXELS.items()}
        pixels = names_by_values.get((self.mean, self.deviation), f"{self.mean} and {self.deviation}")
        return (
            f"{activation}, batch norm's epsilon {format_decimal(self.epsilon)}, {self.padding} padding, "
            f"pixels by {pixels} ({self.source})"
        )


@dataclass(frozen=True, slots=True)
class Stated:
    """Holds what the user states about the weights."""

    padding: str | None = None
    pixels: str | None = None

    def __post_init__(self) -> None:
        for flag, value, choices in (("padding", self.padding, PADDINGS), ("pixels", self.pixels, tuple(PIXELS))):
            if value is not None and value not in choices:
                raise InputError(f"--{flag} {value!r}: must be one of {', '.join(choices)}")


@dataclass(frozen=True, slots=True)
class Own:
    """Holds the constants that the named network states itself; None: not stated."""

    epsilon: Decimal | None = None
    padding: str | None = None


@dataclass(frozen=True, slots=True)
class HubConfig:
    """Holds timm's `config.json` beside the weights."""

    where: str
    architecture: str
    network: str
    """Our name of the network; the model's in timm where the user named that."""
    mean: tuple[float, ...] | None
    deviation: tuple[float, ...] | None


def read_hub_config(weights: Path, model: str | None = None) -> HubConfig | None:
    """Read the `config.json` in the folder of a file of weights; None where there is none, or it is not timm's.

    Args:
        weights: the file of weights.
        model: timm's name of the model that the weights are said to be of; None: it was not given.

    Raises:
        InputError: it is of another model, or, where none was given, of one that scalesearch does not have.
    """
    path = weights.with_name("config.json")
    source = printable(str(path))
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: cannot be read as JSON; give the model's own, or move it away") from error
    if not isinstance(tree, dict) or not isinstance(tree.get("architecture"), str):
        return None
    architecture = tree["architecture"].partition(".")[0]
    if architecture != model and (model is not None or architecture not in TIMM):
        reason = "" if model is not None else ", which is no network here"
        name = printable(architecture)
        raise InputError(f"{source}: the weights are of timm's {name!r}{reason}; give --network timm:{name}")
    if tree.get("model_args"):
        raise InputError(f"{source}: model_args change the network; give weights of the model as timm builds it")
    pretrained = tree.get("pretrained_cfg")
    cfg: Mapping[str, Any] = pretrained if isinstance(pretrained, dict) else tree
    network = TIMM[architecture] if model is None else f"{TIMM_PREFIX}{model}"
    return HubConfig(source, architecture, network, *(_numbers(cfg.get(key)) for key in ("mean", "std")))


def _numbers(value: object) -> tuple[float, ...] | None:
    if isinstance(value, list) and value and all(isinstance(number, int | float) for number in value):
        return tuple(float(number) for number in value)
    return None


def constants_of(
    naming: str, name: str, own: Own, stated: Stated, config: HubConfig | None, file: str
) -> Constants:
    """Return the constants of a state dict's network.

    Args:
        naming: the library that named the tensors, one of `library_names.NAMINGS`.
        name: the network's name.
        own: the constants of the user's own baseline file or of timm's model; none of a shipped network. A file's
            epsilon is used where `config` is None.
        stated: what the user states.
        config: timm's file beside the weights.
        file: the file of weights, for errors.

    Raises:
        InputError: the padding cannot be known, or a statement is wrong.
    """
    padding = _padding(naming, name, own, stated, config, file)
    epsilon = own.epsilon
    if epsilon is None or (config is not None and own.padding is None):
        epsilon = library_epsilon(naming, name, padding)
    mean, deviation = _pixels(naming, name, stated, config)
    source = "its config.json says so" if config else "assumed" if stated == Stated() else "assumed and stated"
    return Constants(epsilon, padding, mean, deviation, source)


def library_epsilon(naming: str, name: str, padding: str = "symmetric") -> Decimal:
    """Return batch norm's epsilon in a library's own network.

    Sources are timm 1.0 `_efficientnet_builder.py`, `BN_EPS_TF_DEFAULT`, and torchvision `efficientnet.py` and
    `mobilenetv3.py`, `norm_layer`.
    """
    large = naming == "torchvision's EfficientNet" and name in _TENSORFLOW_EPSILON_NETWORKS
    large = large or naming == "torchvision's MobileNetV3"
    return TENSORFLOW_EPSILON if large or padding == "tensorflow" else EPSILON


def _padding(naming: str, name: str, own: Own, stated: Stated, config: HubConfig | None, source: str) -> str:
    if own.padding is not None:
        if stated.padding is not None:
            raise InputError(f"{source}: timm's model says the padding itself; leave --padding out")
        return own.padding
    if config is not None:
        if stated.padding is not None:
            raise InputError(f"{config.where}: says the padding itself; leave --padding out")
        return "tensorflow" if config.architecture.startswith("tf_") else "symmetric"
    if naming == "timm" and name not in _ONLY_SYMMETRIC:
        if stated.padding is None:
            raise InputError(
                f"{source}: tensors do not show whether they are of a tf_ model of timm, which pads otherwise; "
                "give --padding tensorflow for one, else --padding symmetric, or put the model's config.json "
                "beside them"
            )
        return stated.padding
    if stated.padding == "tensorflow":
        raise InputError(f"{source}: is of {naming}'s {name}, which pads symmetrically; leave --padding out")
    return "symmetric"


def _pixels(
    naming: str, name: str, stated: Stated, config: HubConfig | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if config is not None and config.mean is not None and config.deviation is not None:
        if stated.pixels is not None:
            raise InputError(f"{config.where}: says mean and std itself; leave --pixels out")
        return config.mean, config.deviation
    return PIXELS[stated.pixels or ("half" if (naming, name) in _HALF_SCALED else "imagenet")]


def equal_sides(net: Architecture, px: int) -> int:
    """Return the side nearest to `px` at which TensorFlow's padding is symmetric: every stride sees an odd side.

    SAME pads ⌈n/s⌉·s − s + k − n in all, with one more at the end where that is odd. For an odd kernel and stride 2
    the two ends are equal where n is odd.
    """
    sides = sorted(range(1, 2 * px + 2), key=lambda side: (abs(side - px), side))
    return next(side for side in sides if _all_strides_see_odd_sides(net, side))


def _all_strides_see_odd_sides(net: Architecture, side: int) -> bool:
    blocks = net.repeated_blocks(net.widths, net.depths, side)
    strided = [block for block, length in blocks if length and block.stride > 1]
    return all(size % 2 for block in strided for size in sides_of(block.in_px))
