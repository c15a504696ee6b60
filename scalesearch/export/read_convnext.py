"""Import of timm's ConvNeXt as an `Architecture`."""

from __future__ import annotations

from decimal import Decimal
from math import prod

from scalesearch.design.architecture import Architecture, Head, Stage, Stem
from scalesearch.design.decimals import format_decimal
from scalesearch.design.images import ImageSize
from scalesearch.design.norms import DEFAULT_LAYER_NORM_EPS
from scalesearch.export.arguments import Arguments
from scalesearch.export.library_rules import make_divisible
from scalesearch.export.read_timm import UNSEEN, pooled_by_mean
from scalesearch.export.values import Call, Definition, Items

_POSITIONS = (
    "in_chans num_classes global_pool output_stride depths dims kernel_sizes ls_init_value stem_type patch_size "
    "head_init_scale head_norm_first head_hidden_size conv_mlp conv_bias use_grn act_layer norm_layer norm_eps"
)
_UNSEEN = f"{UNSEEN} head_init_scale conv_mlp"
"""Parameters that do not change the network: initial weights, and the memory format of the 1×1 convolutions."""
_STAGES, _EXPANSION, _OUTPUT_STRIDE = 4, 4, 32
_DEPTHS, _DIMS, _KERNEL, _PATCH = (3, 3, 9, 3), (96, 192, 384, 768), 7, 4
"""timm's defaults."""
_OVERLAP_KERNEL, _TIERED = 3, "overlap_tiered"
_OVERLAPS = ("overlap", _TIERED)
"""timm's `overlap_act` has an activation between the convolutions, and is none of ours."""
_LAYER_NORMS = (None, "layernorm", "layernorm2d")
_ONLY: dict[str, tuple[tuple[object, ...], str]] = {
    "norm_layer": (_LAYER_NORMS, "a ConvNeXt block here has layer norm"),
    "conv_bias": ((True,), "a convolution of a ConvNeXt block has a bias here"),
    "head_norm_first": ((False,), "the pooled features are normalised here, not the map before"),
    "output_stride": ((_OUTPUT_STRIDE,), "a network here has strides in place of dilation"),
}
"""Keywords with the values that our networks have, and why they have no others."""


def read_convnext(definition: Definition, call: Call, px: ImageSize) -> Architecture:
    """Return the network of a call of timm's ConvNeXt (`models/convnext.py`) at `px`.

    Raises:
        InputError: something in it is not understood, or is not a network of ours; one line with file and line.
    """
    arguments = Arguments(definition, call, _POSITIONS, _UNSEEN)
    for name, (allowed, reason) in _ONLY.items():
        arguments.only(name, allowed, reason)
    pooled_by_mean(arguments)
    kind = _kind(arguments)
    depths, widths = _of_stages(arguments, "depths", _DEPTHS), _of_stages(arguments, "dims", _DIMS)
    kernels = _kernels(arguments)
    patch = arguments.integer("patch_size", _PATCH)
    stem_type = arguments.word("stem_type", "patch", ("patch", *_OVERLAPS))
    if stem_type in _OVERLAPS:
        patch = _PATCH
    strides = (
        2 if patch == 2 else 1,
        *(2,) * (_STAGES - 1),
    )  # timm's first stage strides behind a stem of stride 2
    if patch * prod(strides) > _OUTPUT_STRIDE:
        raise arguments.refused(
            call.line, f"patch_size is {patch}, but strides multiply to {_OUTPUT_STRIDE} at most"
        )
    hidden = arguments.integer("head_hidden_size", 0, optional=True) or None
    activation = arguments.activation("act_layer", "gelu")
    if hidden is not None and activation != "gelu":
        raise arguments.refused(call.line, "head_hidden_size: timm's hidden layer has GELU, whatever act_layer is")
    with arguments.errors_at(call.line):
        network = Architecture(
            px,
            _stem(stem_type, patch, widths[0]),
            tuple(
                Stage(kind, kernel, stride, _EXPANSION, width, depth)
                for kernel, stride, width, depth in zip(kernels, strides, widths, depths, strict=True)
            ),
            Head(None, arguments.integer("num_classes", 1000), norm="layer_norm", hidden=hidden),
            activation,
            in_channels=arguments.in_channels("in_chans"),
            layer_norm_eps=arguments.number("norm_eps", format_decimal(DEFAULT_LAYER_NORM_EPS)),
        )
    arguments.finish()
    if stem_type == _TIERED and next(network.walk()).stem_widths != (make_divisible(widths[0] // 2),):
        raise arguments.refused(call.line, "stem_type: the first width is no share of the stem's here")
    return network


def _stem(stem_type: str, patch: int, width: int) -> Stem:
    """Return patches of a side (px), or two overlapping convolutions of stride 2."""
    if stem_type == "patch":
        return Stem(patch, patch, width, kind="patch")
    first = make_divisible(width // 2) if stem_type == _TIERED else width
    return Stem(_OVERLAP_KERNEL, _PATCH, width, kind="overlap", shares=(round(Decimal(first) / width, 9),))


def _kind(arguments: Arguments) -> str:
    """Return the block kind: layer scale and response normalisation stand in each other's place here."""
    has_response_norm = arguments.flag("use_grn")
    is_given, scale = arguments.has("ls_init_value"), arguments.value("ls_init_value")
    if scale is not None:
        arguments.as_number(scale, "ls_init_value")
    if (scale is not None or not is_given) == has_response_norm:
        reason = "has no layer scale here; give None" if has_response_norm else "has layer scale here"
        raise arguments.refused(
            arguments.call.line, f"ls_init_value: a block with use_grn={has_response_norm} {reason}"
        )
    return "convnext_v2" if has_response_norm else "convnext"


def _of_stages(arguments: Arguments, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """Return one whole number for each stage."""
    numbers = arguments.integers(name) if arguments.has(name) else default
    if len(numbers) != _STAGES:
        raise arguments.refused(arguments.call.line, f"{name}: a ConvNeXt has four stages")
    return numbers


def _kernels(arguments: Arguments) -> tuple[int, ...]:
    """Return the kernel of each stage; a single number is that of all."""
    value = arguments.value("kernel_sizes")
    items = value.items if isinstance(value, Items) else (value,) * _STAGES
    if len(items) != _STAGES:
        raise arguments.refused(arguments.call.line, "kernel_sizes: a ConvNeXt has four stages")
    return tuple(_KERNEL if item is None else arguments.as_integer(item, "kernel_sizes") for item in items)
