"""Read and write baseline files: YAML text ↔ `Baseline`, strict in both directions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from scalesearch import choices
from scalesearch.design.activations import ActivationName
from scalesearch.design.antialias import AntialiasName
from scalesearch.design.architecture import DEFAULT_EPS, DEFAULT_INNER_DIVISOR, Architecture, Head, Stage, Stem
from scalesearch.design.block_kinds import KINDS, STAGE_KINDS, STEM_KINDS
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.decimals import format_decimal, whole_or_fraction
from scalesearch.design.gates import GateName
from scalesearch.design.images import RECTANGLE, ImageSize, Rectangle, parse_image_size
from scalesearch.design.norms import DEFAULT_LAYER_NORM_EPS
from scalesearch.design.paddings import PaddingName
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline, Origin
from scalesearch.design.shortcuts import ShortcutName
from scalesearch.design.strict_yaml import Path_, dotted, parse
from scalesearch.errors import InputError, SpaceError


def _int_to_decimal(value: object) -> object:
    return Decimal(value) if type(value) is int else value


def _read_size(value: object) -> ImageSize:
    size = parse_image_size(value) if isinstance(value, str) else value
    if isinstance(size, Rectangle) or (type(size) is int and not isinstance(value, str) and size > 0):
        return size
    raise PydanticCustomError("image_size", "must be a side in px, or HEIGHTxWIDTH of another shape, as in 192x320")


Number = Annotated[
    Decimal,
    BeforeValidator(_int_to_decimal),
    Field(ge=0, allow_inf_nan=False),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
Count = Annotated[int, Field(ge=1)]
Expansion = Annotated[
    Decimal,
    BeforeValidator(_int_to_decimal),
    Field(ge=1, allow_inf_nan=False),
    WithJsonSchema({"type": "number", "minimum": 1}),
]
Size = Annotated[
    ImageSize,
    PlainValidator(_read_size),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^{RECTANGLE.pattern}$"}]}
    ),
]
Rule = choices.Rounding
Scaling = Literal["fixed"] | None
if TYPE_CHECKING:
    StageKind = str
    StemKind = str
else:
    StageKind = Literal[STAGE_KINDS]
    StemKind = Literal[STEM_KINDS]
PoolName = Literal["max", "avg", "conv", "max_blur"]
_POOLS: dict[PoolName, str] = {
    "max": "max_pool",
    "avg": "avg_pool",
    "conv": "conv",
    "max_blur": "max_blur_pool",
}
_RGB = 3
"""The channels of an image where the file does not state them.

The key is not written at this value, so that older files stay as they were.
"""
_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StemFile(_Strict):
    """The first layers: conv with batch norm, activation; deep: several; patch with layer norm; or RepVGG's."""

    kind: StemKind = "conv"
    kernel: Count = Field(description="side of the square kernel, odd; patch: the stride")
    stride: Count
    width: Count = Field(description="output channels")
    pool: PoolName | None = Field(
        default=None,
        description="of stride 2, behind the stem: 3×3 max, 2×2 avg (mean), 3×3 conv, max_blur",
    )
    shares: list[Number] = Field(
        default=[], description="deep: widths of the convolutions before the last, as shares of width", max_length=8
    )
    scaling: Scaling = Field(default=None, description="fixed: the width multiplier leaves it alone")


class StageFile(_Strict):
    """`depth` blocks; the first has the stride and changes the width."""

    kind: StageKind
    kernel: Count = Field(description="side of the square (depthwise) kernel, odd")
    stride: Count
    expansion: Expansion = Field(
        default=Decimal(1),
        description="inner width over input width, or what the kind has instead (docs/baseline-files.md)",
        json_schema_extra={"default": 1},
    )
    width: Count = Field(description="output channels")
    depth: Count = Field(description="blocks")
    se: Number = Field(
        default=Decimal(0),
        description="squeeze width over block input width; 0: none",
        json_schema_extra={"default": 0},
    )
    depth_scaling: Scaling = Field(default=None, description="fixed: the depth multiplier leaves it alone")
    activation: ActivationName | None = Field(default=None, description="of these blocks; else the network's")
    gate: GateName | None = Field(default=None, description="the gate; else EfficientNet's where se is above 0")
    group_width: Count | None = Field(
        default=None, description="channels of each group of the k×k convolution; left out: it is not grouped"
    )
    start_kernel: Count = Field(
        default=1, description="side of a depthwise kernel before the expansion, odd; 1: there is none"
    )
    shortcut: ShortcutName | None = Field(
        default=None, description="where the shape changes: a mean and 1×1 in place of a strided 1×1, or none"
    )
    residual: Literal["none"] | None = Field(
        default=None, description="none: blocks that keep their shape do not add their input"
    )
    antialias: AntialiasName | None = Field(
        default=None, description="the smoothing that strides in place of the k×k convolution"
    )
    kernel_count: Count = Field(
        default=1,
        description="sizes of the depthwise kernels: kernel, kernel + 2, …, each for a part of the width",
    )
    expand_groups: Count = Field(default=1, description="groups of the 1×1 convolution that expands")
    project_groups: Count = Field(default=1, description="groups of the 1×1 convolution that projects")


class HeadFile(_Strict):
    """A 1×1 convolution (unless width is left out), global average pooling, norm, a linear classifier."""

    kind: Literal["conv"] = "conv"
    width: Count | None = None
    norm: Literal["layer_norm"] | None = Field(default=None, description="normalises the pooled features")
    hidden: Count | None = Field(
        default=None,
        description="features of a linear layer with the activation before the classifier; never scaled",
    )
    hidden_norm: Literal["batch_norm"] | None = Field(
        default=None, description="normalises the hidden layer's features, in place of its bias"
    )
    hidden_bias: Literal["none"] | None = Field(default=None, description="none: the hidden layer has no bias")
    classes: Count
    scaling: Scaling = Field(default=None, description="fixed: the width multiplier leaves it alone")


class OriginFile(_Strict):
    """What a scaled network was made from; written by scalesearch, for the reader."""

    baseline: str = Field(pattern=_NAME)
    rounding: Rule
    depth: Number
    width: Number
    resolution: Number
    nominal_flops_ratio: Number
    flops_ratio: Number


class BaselineFile(_Strict):
    """A staged ConvNet that scalesearch can count, train and scale."""

    name: str = Field(pattern=_NAME)
    source: str = Field(description="paper, table or file that the figures are from", max_length=1000)
    resolution: Size = Field(description="size of the input, px: a side, or HEIGHTxWIDTH as in 192x320")
    rounding: Rule = Field(description="the rule for scaled widths and depths")
    divisor: Count = Field(default=8, description="scaled widths are multiples of this")
    axes: list[Literal["depth", "width", "resolution"]] = Field(
        default=["depth", "width", "resolution"], description="the dimensions that a search may grow"
    )
    activation: ActivationName = "silu"
    batch_norm_eps: Number = Field(default=DEFAULT_EPS, json_schema_extra={"default": float(DEFAULT_EPS)})
    layer_norm_eps: Number = Field(
        default=DEFAULT_LAYER_NORM_EPS, json_schema_extra={"default": float(DEFAULT_LAYER_NORM_EPS)}
    )
    in_channels: Count = Field(
        default=3, description="of the images: 1 grey, 3 RGB, 4 RGBA; others are not trained"
    )
    inner_divisor: Count = Field(
        default=DEFAULT_INNER_DIVISOR,
        description="inner widths from a fractional expansion, and a gate's, are multiples of this",
    )
    padding: PaddingName = Field(
        default="symmetric", description="of strided convolutions; same: as TensorFlow pads, the rest at the end"
    )
    resolution_multiple: Count = Field(
        default=1, description="the sides of scaled networks are multiples of it, px"
    )
    stem: StemFile
    stages: list[StageFile] = Field(min_length=1, max_length=64)
    head: HeadFile
    scaled_from: OriginFile | None = None


def parse_baseline(text: str, source: str) -> Baseline:
    """Parse the text of a baseline file.

    Args:
        text: the YAML text.
        source: the name that error messages begin with, such as the file's path.

    Raises:
        InputError: the file is invalid. The message is one line, `source:line: key: reason`.
    """
    tree, lines = parse(text, source)
    if not isinstance(tree, dict):
        raise InputError(f"{source}:1: file: must be a mapping of keys such as name, stem and stages")
    if ("factory",) in lines and "stages" not in tree:
        raise InputError(
            f"{source}:{lines['factory',]}: factory: is the call of a Python function, but a network of stages is "
            "needed here; give a baseline file"
        )
    try:
        return _baseline(BaselineFile.model_validate(tree))
    except ValidationError as error:
        raise InputError(validation_line(error, source, lines)) from error
    except SpaceError as error:
        raise InputError(_space_error_line(tree, error, source, lines)) from error


_REASONS = {
    "extra_forbidden": "is not a key here",
    "model_type": "must be a mapping of keys, as in {kind: conv, kernel: 3}",
    "model_attributes_type": "must be a mapping of keys, as in {kind: conv, kernel: 3}",
}
"""The reasons to show in place of pydantic's messages, which name this module's classes."""


def validation_line(error: ValidationError, source: str, lines: dict[Path_, int]) -> str:
    """Return the first of pydantic's errors as `source:line: key: reason`."""
    # A misspelt key is the cause of the missing one, so it is named first.
    first = min(error.errors(), key=lambda details: details["type"] != "extra_forbidden")
    path: Path_ = tuple(first["loc"])
    known_path = path
    while known_path not in lines:
        known_path = known_path[:-1]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    reason = _REASONS.get(first["type"], first["msg"])
    return f"{source}:{lines[known_path]}: {dotted(path)}: {reason[0].lower()}{reason[1:]}{more}"


def _space_error_line(tree: dict[str, Any], error: SpaceError, source: str, lines: dict[Path_, int]) -> str:
    """Return a broken rule, `owner: key is …` or `key is …`, with the line of the key or of the part around it."""
    owner, colon, reason = str(error).partition(": ")
    if not colon:
        owner, reason = "", str(error)
    parent: Path_ = (owner,) if (owner,) in lines else ()
    if owner == "stage":
        parent = ("stages", next(i for i, stage in enumerate(tree["stages"]) if _breaks_a_rule(stage)))
    path = (*parent, reason.split(" ")[0])
    path = path if path in lines else parent
    return f"{source}:{lines[path]}: {dotted(path)}: {reason}"


def _breaks_a_rule(stage: object) -> bool:
    try:
        _stage(StageFile.model_validate(stage))
    except SpaceError:
        return True
    return False


def _stage(file: StageFile) -> Stage:
    return Stage(
        file.kind,
        file.kernel,
        file.stride,
        whole_or_fraction(file.expansion),
        file.width,
        file.depth,
        file.se,
        file.depth_scaling == "fixed",
        file.activation,
        file.gate,
        file.group_width,
        file.start_kernel,
        file.shortcut,
        file.residual is None,
        file.antialias,
        file.kernel_count,
        file.expand_groups,
        file.project_groups,
    )


def _baseline(file: BaselineFile) -> Baseline:
    architecture = Architecture(
        resolution=file.resolution,
        stem=Stem(
            file.stem.kernel,
            file.stem.stride,
            file.stem.width,
            file.stem.pool is not None,
            file.stem.scaling == "fixed",
            file.stem.kind,
            _POOLS[file.stem.pool or "max"],
            tuple(file.stem.shares),
        ),
        stages=tuple(_stage(stage) for stage in file.stages),
        head=Head(
            file.head.width,
            file.head.classes,
            file.head.scaling == "fixed",
            file.head.norm,
            file.head.hidden,
            file.head.hidden_norm,
            file.head.hidden_bias is None,
        ),
        activation=file.activation,
        batch_norm_eps=file.batch_norm_eps,
        in_channels=file.in_channels,
        inner_divisor=file.inner_divisor,
        padding=file.padding,
        resolution_multiple=file.resolution_multiple,
        layer_norm_eps=file.layer_norm_eps,
    )
    rounding = Rounding(file.rounding, file.divisor)
    origin = None if file.scaled_from is None else _origin(file.scaled_from)
    return Baseline(file.name, file.source, architecture, rounding, tuple(file.axes), origin)


def _origin(file: OriginFile) -> Origin:
    try:
        multipliers = Multipliers(file.depth, file.width, file.resolution)
    except SpaceError as error:
        raise SpaceError(f"scaled_from: {error}") from error
    return Origin(file.baseline, file.rounding, multipliers, file.flops_ratio)


def baseline_text(baseline: Baseline) -> str:
    """Return the baseline as the text of a file: `parse_baseline(baseline_text(b), …) == b`."""
    net = baseline.architecture
    lines = [
        f"name: {_quoted(baseline.name)}",
        f"source: {_quoted(baseline.source)}",
        f"resolution: {net.resolution}",
        f"rounding: {baseline.rounding.rule}",
        f"divisor: {baseline.rounding.divisor}",
        f"axes: [{', '.join(baseline.axes)}]",
        f"activation: {net.activation}",
        *_eps_lines(net),
        *([] if net.in_channels == _RGB else [f"in_channels: {net.in_channels}"]),
        *([] if net.inner_divisor == DEFAULT_INNER_DIVISOR else [f"inner_divisor: {net.inner_divisor}"]),
        *([] if net.padding == "symmetric" else [f"padding: {net.padding}"]),
        *([] if net.resolution_multiple == 1 else [f"resolution_multiple: {net.resolution_multiple}"]),
        _stem_text(net.stem),
        "stages:",
        *(f"  - {{{_stage_text(stage)}}}" for stage in net.stages),
        _head_text(net.head),
    ]
    if baseline.origin:
        lines += _origin_lines(baseline.origin)
    return "\n".join(lines) + "\n"


def _eps_lines(net: Architecture) -> Iterator[str]:
    """Yield the lines of the epsilons: batch norm's where there is batch norm, layer norm's unless the default."""
    if "batch_norm" in net.norms or net.batch_norm_eps != DEFAULT_EPS:
        yield f"batch_norm_eps: {format_decimal(net.batch_norm_eps)}"
    if net.layer_norm_eps != DEFAULT_LAYER_NORM_EPS:
        yield f"layer_norm_eps: {format_decimal(net.layer_norm_eps)}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _stem_text(stem: Stem) -> str:
    pool = next(name for name, kind in _POOLS.items() if kind == stem.pool_kind)
    shares = f", shares: [{', '.join(map(format_decimal, stem.shares))}]" if stem.shares else ""
    extras = shares + (f", pool: {pool}" if stem.pool else "") + _fixed_text(stem.fixed)
    return f"stem: {{kind: {stem.kind}, kernel: {stem.kernel}, stride: {stem.stride}, width: {stem.width}{extras}}}"


def _fixed_text(fixed: bool) -> str:
    return ", scaling: fixed" if fixed else ""


def _stage_text(stage: Stage) -> str:
    expansion = f", expansion: {format_decimal(Decimal(stage.expansion))}" if KINDS[stage.kind].expands else ""
    se = f", se: {format_decimal(stage.se)}" if stage.se else ""
    groups = "" if stage.group_width is None else f", group_width: {stage.group_width}"
    start = "" if stage.start_kernel == 1 else f", start_kernel: {stage.start_kernel}"
    return (
        f"kind: {stage.kind}{start}, kernel: {stage.kernel}, stride: {stage.stride}{expansion}, "
        f"width: {stage.width}, depth: {stage.depth}{se}{groups}"
        f"{', depth_scaling: fixed' if stage.depth_fixed else ''}"
        f"{f', gate: {stage.gate}' if stage.gate else ''}"
        f"{f', shortcut: {stage.shortcut}' if stage.shortcut else ''}"
        f"{'' if stage.residual else ', residual: none'}"
        f"{f', antialias: {stage.antialias}' if stage.antialias else ''}"
        f"{_parts_text(stage)}"
        f"{f', activation: {stage.activation}' if stage.activation else ''}"
    )


def _parts_text(stage: Stage) -> str:
    names = ("kernel_count", "expand_groups", "project_groups")
    return "".join(f", {name}: {getattr(stage, name)}" for name in names if getattr(stage, name) != 1)


def _head_text(head: Head) -> str:
    width = "" if head.width is None else f"kind: conv, width: {head.width}, "
    norm = "" if head.norm is None else f"norm: {head.norm}, "
    hidden = "" if head.hidden is None else f"hidden: {head.hidden}, "
    hidden += "" if head.hidden_norm is None else f"hidden_norm: {head.hidden_norm}, "
    hidden += "" if head.hidden_bias else "hidden_bias: none, "
    return f"head: {{{width}{norm}{hidden}classes: {head.classes}{_fixed_text(head.fixed)}}}"


def _origin_lines(origin: Origin) -> list[str]:
    multipliers = origin.multipliers
    return [
        "scaled_from:",
        f"  baseline: {_quoted(origin.baseline)}",
        f"  rounding: {origin.rounding}",
        f"  depth: {format_decimal(multipliers.depth)}",
        f"  width: {format_decimal(multipliers.width)}",
        f"  resolution: {format_decimal(multipliers.resolution)}",
        f"  nominal_flops_ratio: {format_decimal(round(multipliers.nominal_flops_ratio, 5))}",
        f"  flops_ratio: {format_decimal(origin.flops_ratio)}",
    ]
