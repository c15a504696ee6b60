"""Define a network after rounding, with every size an integer, and the walk over its blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from math import gcd
from typing import Any

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.antialias import ANTIALIASES, AntialiasName
from scalesearch.design.block_kinds import KINDS, POOL_KINDS, STAGE_KINDS, STEM_KINDS
from scalesearch.design.block_kinds.mixconv import KERNEL_STEP
from scalesearch.design.blocks import Block
from scalesearch.design.gates import GATES, GateName
from scalesearch.design.images import (
    LARGEST_IN_CHANNELS,
    LARGEST_SIDE,
    ImageSize,
    Rectangle,
    longer_side,
    proportional,
    sides_of,
    square_side,
)
from scalesearch.design.norms import DEFAULT_LAYER_NORM_EPS, NormName
from scalesearch.design.paddings import PADDINGS, PaddingName
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.design.shortcuts import SHORTCUTS, ShortcutName
from scalesearch.errors import SpaceError, with_article

DEFAULT_EPS = Decimal("0.001")
"""The default epsilon of batch norm, as in EfficientNet."""

DEFAULT_INNER_DIVISOR = 8
"""The default divisor of inner widths, as in MobileNetV3."""

HIDDEN_NORMS: tuple[NormName | None, ...] = (None, "batch_norm")
"""The values that a head's `hidden_norm` may have."""

HEAD_NORMS: tuple[NormName | None, ...] = (None, "layer_norm")
"""The values that a head's `norm` may have.

Batch norm is none of them: pooled features have no positions over which to take its statistics.
"""

_LIMITS: dict[str, tuple[int | Decimal, int]] = {
    "kernel": (1, 15),
    "start_kernel": (1, 15),
    "kernel_count": (1, 8),
    "expand_groups": (1, 8),
    "project_groups": (1, 8),
    "stride": (1, 8),
    "expansion": (1, 64),
    "width": (1, 65536),
    "in_channels": (1, LARGEST_IN_CHANNELS),
    "group_width": (1, 65536),
    "depth": (1, 4096),
    "resolution": (1, LARGEST_SIDE),
    "classes": (1, 1_000_000),
    "hidden": (1, 65536),
    "inner_divisor": (1, 4096),
    "shares": (Decimal("0.001"), 64),
}

_POOL_STRIDE = 2
_MOST_SHARES = 8
_DECIMAL_PLACES = 9
"""As many decimal places as a baseline file keeps."""


def _check(owner: str, **values: int | Decimal) -> None:
    for name, value in values.items():
        low, high = _LIMITS[name]
        if not low <= value <= high:
            raise SpaceError(f"{owner}: {name} is {value}, but it must be in {low} … {high}")


@dataclass(frozen=True, slots=True)
class Stem:
    """A stem is the first convolution, with the max-pool that may follow it."""

    kernel: int
    stride: int
    width: int
    pool: bool = field(default=False, metadata=OMIT_IF_DEFAULT)
    """Whether a layer of stride 2 follows: ResNet's 3×3 max-pool, unless `pool_kind` is another."""
    fixed: bool = field(default=False, metadata=OMIT_IF_DEFAULT)
    """Whether the width multiplier leaves the stem's width unchanged (timm's `fix_stem`)."""
    kind: str = field(default="conv", metadata=OMIT_IF_DEFAULT)
    """The block kind, one of `STEM_KINDS`."""
    pool_kind: str = field(default="max_pool", metadata=OMIT_IF_DEFAULT)
    """The block kind of the layer behind the stem, one of `POOL_KINDS`."""
    shares: tuple[Decimal, ...] = field(default=(), metadata=OMIT_IF_DEFAULT)
    """The widths of the convolutions before the last, as shares of `width`, in a stem of several."""

    def __post_init__(self) -> None:
        if self.kind not in STEM_KINDS:
            raise SpaceError(f"stem: kind is {self.kind!r}, but it must be one of {', '.join(STEM_KINDS)}")
        if self.pool_kind not in POOL_KINDS:
            raise SpaceError(f"stem: pool is {self.pool_kind!r}, but it must be one of {', '.join(POOL_KINDS)}")
        if not self.pool and self.pool_kind != "max_pool":
            raise SpaceError(f"stem: pool is {self.pool_kind}, but there is none behind this stem")
        if bool(self.shares) != KINDS[self.kind].has_shares:
            raise SpaceError(
                f"stem: shares is missing, but {with_article(self.kind)} stem has one or more; give them"
                if not self.shares
                else f"stem: shares is given, but {with_article(self.kind)} stem has none; leave it out"
            )
        if len(self.shares) > _MOST_SHARES:
            raise SpaceError(f"stem: shares is of {len(self.shares)} numbers, but at most {_MOST_SHARES} are read")
        for share in self.shares:
            _check("stem", shares=share)
            _check_decimal_places("stem", shares=share)
        _check("stem", kernel=self.kernel, stride=self.stride, width=self.width)
        if not KINDS[self.kind].patches:
            _check_odd("stem", self.kernel)
        elif self.kernel != self.stride:
            raise SpaceError(
                f"stem: kernel is {self.kernel}, but {with_article(self.kind)}'s is its stride, {self.stride}"
            )

    @property
    def first(self) -> Stem:
        """The stem with the stride of its first convolution.

        Costs depend on the image's side only through the side of that convolution's output.
        """
        first_layer = next(
            KINDS[self.kind].layers(_stem_block(self, in_channels=3, width=self.width, px=self.stride))
        )
        return self if first_layer.stride == self.stride else replace(self, stride=first_layer.stride)

    def out_px(self, px: Any) -> Any:
        """Return the side of the output (px) for an image of side `px`, which may be an array of sides."""
        return KINDS[self.kind].out_px(px, self.stride)

    def smallest_px(self, px: Any) -> Any:
        """Return the smallest side of an image whose output has side `px`, which may be an array of sides."""
        return KINDS[self.kind].smallest_px(px, self.stride)


def _stem_block(stem: Stem, in_channels: int, width: int, px: ImageSize) -> Block:
    """Return the block of a stem; the width and the size of the image (px) may be arrays."""
    return Block("stem", stem.kind, in_channels, width, px, stem.kernel, stem.stride, stem_shares=stem.shares)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage is `depth` blocks of one kind.

    The first block has the stride and changes the width. The others have stride 1 and keep the width.
    """

    kind: str
    kernel: int
    stride: int
    expansion: int | Decimal
    """The ratio of the inner width to the input's width, or what the kind has in its place (`block_kinds`).

    It may be a fraction only where the kind rounds its inner width.
    """
    width: int
    depth: int
    se: Decimal = Decimal(0)
    """The squeeze-and-excitation width as a share of the block's input width; 0: none."""
    depth_fixed: bool = field(default=False, metadata=OMIT_IF_DEFAULT)
    """Whether the depth multiplier leaves `depth` unchanged (timm's `fix_first_last`, as in EfficientNet-Lite)."""
    activation: str | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The activation of the stage's blocks; None: the network's."""
    gate: GateName | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The gate, one of `GATES`; None: EfficientNet's where `se` is not 0, else none."""
    group_width: int | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The channels of each group of the k×k convolution; None: it is not grouped.

    A convolution with no more channels than this is one group.
    """
    start_kernel: int = field(default=1, metadata=OMIT_IF_DEFAULT)
    """The side of the kernel of a depthwise convolution before the expansion; 1: there is no such convolution."""
    shortcut: ShortcutName | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The shortcut where the shape changes, one of `SHORTCUTS`; None: the kind's own."""
    residual: bool = field(default=True, metadata=OMIT_IF_DEFAULT)
    """Whether blocks that keep their shape add their input to their output, if their kind does."""
    antialias: AntialiasName | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The smoothing that strides in place of the k×k convolution, one of `ANTIALIASES`; None: there is none."""
    kernel_count: int = field(default=1, metadata=OMIT_IF_DEFAULT)
    """The number of sizes of the depthwise kernels: `kernel`, `kernel` + 2, …, each for an equal part of the
    channels."""
    expand_groups: int = field(default=1, metadata=OMIT_IF_DEFAULT)
    """The number of groups of the 1×1 convolution that expands."""
    project_groups: int = field(default=1, metadata=OMIT_IF_DEFAULT)
    """The number of groups of the 1×1 convolution that projects."""

    def __post_init__(self) -> None:
        if self.kind not in STAGE_KINDS:
            raise SpaceError(f"stage: kind is {self.kind!r}, but it must be one of {', '.join(STAGE_KINDS)}")
        _check("stage", kernel=self.kernel, stride=self.stride, expansion=self.expansion)
        _check("stage", width=self.width, depth=self.depth)
        _check_odd("stage", self.kernel)
        _check("stage", start_kernel=self.start_kernel)
        _check_odd("stage", self.start_kernel, "start_kernel")
        if not 0 <= self.se <= 1:
            raise SpaceError(f"stage: se is {self.se}, but it is a share, in 0 … 1")
        _check_decimal_places("stage", se=self.se)
        if self.activation is not None:
            _check_activation("stage", self.activation)
        kind = KINDS[self.kind]
        for key, is_given, is_allowed in (
            ("expansion", self.expansion != 1, kind.expands),
            ("se", self.se != 0, kind.squeezes or bool(kind.gates)),
            ("gate", self.gate is not None, bool(kind.gates)),
            ("group_width", self.group_width is not None, kind.grouped),
            ("start_kernel", self.start_kernel != 1, kind.starts),
            ("shortcut", self.shortcut is not None, kind.projects),
            ("residual", not self.residual, kind.adds_input),
            ("antialias", self.antialias is not None, kind.smooths),
            ("kernel_count", self.kernel_count != 1, kind.mixes),
            ("expand_groups", self.expand_groups != 1, kind.mixes),
            ("project_groups", self.project_groups != 1, kind.mixes),
        ):
            if is_given and not is_allowed:
                raise SpaceError(
                    f"stage: {key} is given, but {with_article(self.kind)} stage has none; leave it out"
                )
        self._check_expansion()
        self._check_parts()
        self._check_gate()
        if self.antialias not in (None, *ANTIALIASES):
            raise SpaceError(
                f"stage: antialias is {self.antialias!r}, but it must be one of {', '.join(ANTIALIASES)}"
            )
        if self.shortcut not in (None, *SHORTCUTS):
            raise SpaceError(f"stage: shortcut is {self.shortcut!r}, but it must be one of {', '.join(SHORTCUTS)}")
        if self.width % self.unit:
            raise SpaceError(
                f"stage: width is {self.width}, but {with_article(self.kind)}'s is a multiple of its expansion, "
                f"{self.unit}"
            )
        if self.group_width is not None:
            _check("stage", group_width=self.group_width)
            if not isinstance(self.expansion, int):
                raise SpaceError(
                    f"stage: group_width is given, but expansion is {self.expansion}: a fraction may give no whole "
                    "groups; leave one out"
                )
            inner = self.width // self.unit
            which = "output" if KINDS[self.kind].fits_groups else "inner"
            if inner > self.group_width and inner % self.group_width:
                raise SpaceError(
                    f"stage: width is {self.width}, but groups of {self.group_width} channels do not divide the "
                    f"{which} width, {inner}; make it a multiple, or no more than one group"
                )

    def _check_gate(self) -> None:
        kind, gate = KINDS[self.kind], self.gate
        if gate is None:
            if self.se and not kind.squeezes:
                raise SpaceError(
                    f"stage: se is {self.se}, but {with_article(self.kind)}'s belongs to a gate; give gate"
                )
            return
        if gate not in GATES:
            raise SpaceError(f"stage: gate is {gate!r}, but it must be one of {', '.join(GATES)}")
        if gate not in kind.gates:
            raise SpaceError(f"stage: gate is {gate}, but {with_article(self.kind)}'s is {' or '.join(kind.gates)}")
        if GATES[gate].has_share and not self.se:
            raise SpaceError(f"stage: gate is {gate}, but se is 0: there is none; leave it out")
        if self.se and not GATES[gate].has_share:
            raise SpaceError(f"stage: se is {self.se}, but the gate {gate} has no such share; leave it out")

    def _check_parts(self) -> None:
        _check("stage", kernel_count=self.kernel_count)
        _check("stage", expand_groups=self.expand_groups, project_groups=self.project_groups)
        if self.kernels[-1] > _LIMITS["kernel"][1]:
            raise SpaceError(
                f"stage: kernel_count is {self.kernel_count}, but from {self.kernel} on the largest kernel is then "
                f"{self.kernels[-1]}, above {_LIMITS['kernel'][1]}"
            )
        if self.expand_groups > 1 and self.expansion == 1:
            raise SpaceError(
                "stage: expand_groups is given, but without expansion nothing is expanded; leave it out"
            )
        if self.width < self.parts:
            raise SpaceError(f"stage: width is {self.width}, but its convolutions have {self.parts} parts")

    @property
    def parts(self) -> int:
        """The largest number of parts that a convolution of the stage has."""
        return max(self.kernel_count, self.expand_groups, self.project_groups)

    @property
    def kernels(self) -> tuple[int, ...]:
        """The sides of the depthwise kernels, ascending; a single one in most kinds."""
        return tuple(self.kernel + KERNEL_STEP * index for index in range(self.kernel_count))

    def _check_expansion(self) -> None:
        if isinstance(self.expansion, int):
            return
        _check_decimal_places("stage", expansion=self.expansion)
        if self.expansion == self.expansion.to_integral_value():
            raise SpaceError(f"stage: expansion is {self.expansion}, but a whole number is written without a point")
        if not KINDS[self.kind].rounds:
            raise SpaceError(
                f"stage: expansion is {self.expansion}, but {with_article(self.kind)}'s is a whole number"
            )

    def can_grow(self, activation: str) -> bool:
        """Return whether more and wider blocks can be added without a change of what the stage computes.

        Args:
            activation: that of the network, used where the stage names none.
        """
        kind, inner = KINDS[self.kind], self.width // self.unit
        # Groups of the input are others where the stage before grows.
        fills_groups = self.group_width is None or (inner % self.group_width == 0 and not kind.groups_input)
        is_idempotent = ACTIVATIONS[self.activation or activation].is_idempotent
        deepens = kind.deepens and self.residual and (is_idempotent or not kind.acts_on_sum)
        # A gate without a squeeze is a convolution over neighbouring channels, old and new.
        widens = kind.widens and fills_groups and (self.gate is None or GATES[self.gate].has_share)
        return widens and (deepens or self.depth_fixed)

    @property
    def unit(self) -> int:
        """The number that the width is a multiple of for any divisor: the expansion of a bottleneck, else 1."""
        return int(self.expansion) if KINDS[self.kind].narrows else 1

    @property
    def rounds(self) -> bool:
        """Whether the stage rounds an inner width to a multiple of the network's `inner_divisor`."""
        has_share = self.gate is not None and GATES[self.gate].has_share
        return has_share or not isinstance(self.expansion, int)

    @property
    def groups(self) -> int:
        """The number of groups of the k×k convolution of each block behind the first."""
        kind = KINDS[self.kind]
        if self.group_width is not None and kind.fits_groups:
            grouped = self.width if kind.groups_input else self.width * int(self.expansion)
            return grouped // gcd(self.width, self.group_width)
        return 1 if self.group_width is None else max(1, self.width // self.unit // self.group_width)

    @property
    def effective_kind(self) -> str:
        """The block kind, or for a stage without `se` the kind that its own kind then equals.

        For example, `mbconv` without squeeze-and-excitation is `inverted_residual`.
        """
        return self.kind if self.se else KINDS[self.kind].ungated or self.kind


def _check_size(resolution: ImageSize) -> None:
    for side in sides_of(resolution):
        _check("architecture", resolution=side)
    if isinstance(resolution, Rectangle) and resolution.height == resolution.width:
        raise SpaceError(f"architecture: resolution is {resolution}, but a square is its side, {resolution.height}")


def _check_decimal_places(owner: str, **values: Decimal) -> None:
    """Refuse decimals that a file would round, or that would overflow int64 where grids are counted."""
    for name, value in values.items():
        if value != round(value, _DECIMAL_PLACES):
            raise SpaceError(
                f"{owner}: {name} is {value}, but it must have at most {_DECIMAL_PLACES} decimal places"
            )


def _check_activation(owner: str, name: str) -> None:
    if name not in ACTIVATIONS:
        raise SpaceError(f"{owner}: activation is {name!r}, but it must be one of {', '.join(ACTIVATIONS)}")


def _check_odd(owner: str, kernel: int, name: str = "kernel") -> None:
    if kernel % 2 == 0:
        raise SpaceError(f"{owner}: {name} is {kernel}, but it must be odd: an even one has no centre")


@dataclass(frozen=True, slots=True)
class Head:
    """A head is a 1×1 convolution to `width` channels, global average pooling, `norm` and a linear classifier.

    Where `width` is None, there is no convolution.
    """

    width: int | None
    classes: int
    fixed: bool = field(default=False, metadata=OMIT_IF_DEFAULT)
    """Whether the width multiplier leaves the head's width unchanged (timm's `fix_head`)."""
    norm: NormName | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The normalisation of the pooled features: `layer_norm`, as in ConvNeXt; None: there is none."""
    hidden: int | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The features of a linear layer with the network's activation before the classifier; None: there is none.

    The width multiplier leaves this number unchanged, as in timm (`num_features`); torchvision multiplies it.
    """
    hidden_norm: NormName | None = field(default=None, metadata=OMIT_IF_DEFAULT)
    """The normalisation of the hidden features before the activation: `batch_norm`, as in MobileNetV4; None: none.

    It takes the place of the hidden layer's bias.
    """
    hidden_bias: bool = field(default=True, metadata=OMIT_IF_DEFAULT)
    """Whether the hidden layer has a bias where no normalisation takes its place."""

    def __post_init__(self) -> None:
        if self.norm not in HEAD_NORMS:
            raise SpaceError(f"head: norm is {self.norm!r}, but it must be layer_norm or left out")
        _check("head", classes=self.classes)
        if self.width is not None:
            _check("head", width=self.width)
        if self.hidden is not None:
            _check("head", hidden=self.hidden)
        if self.hidden_norm not in HIDDEN_NORMS:
            raise SpaceError(f"head: hidden_norm is {self.hidden_norm!r}, but it must be batch_norm or left out")
        if self.hidden_norm is not None and self.hidden is None:
            raise SpaceError("head: hidden_norm is given, but there is no hidden layer; leave it out")
        if not self.hidden_bias and (self.hidden is None or self.hidden_norm is not None):
            which = "there is no hidden layer" if self.hidden is None else "with hidden_norm there is no bias"
            raise SpaceError(f"head: hidden_bias is given, but {which}; leave it out")


LARGEST_MULTIPLE = 512
"""The largest `resolution_multiple`, in px."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """An architecture is a staged ConvNet with integer sizes. Equal values are the same network."""

    resolution: ImageSize
    """The size of the images (px); squares are integers."""
    stem: Stem
    stages: tuple[Stage, ...]
    head: Head
    activation: str = "silu"
    batch_norm_eps: Decimal = DEFAULT_EPS
    in_channels: int = field(default=3, metadata=OMIT_IF_DEFAULT)
    """The channels of the images; networks are trained for those of `images.IMAGE_CHANNELS` only."""
    inner_divisor: int = field(default=DEFAULT_INNER_DIVISOR, metadata=OMIT_IF_DEFAULT)
    """The divisor of inner widths that a fractional expansion gives, and of the squeeze width of a `gate`."""
    padding: PaddingName = field(default="symmetric", metadata=OMIT_IF_DEFAULT)
    """How strided convolutions and the stem's pool are padded, one of `PADDINGS`.

    No size and no cost depends on it. Convolutions that take whole patches have no padding in either case.
    """
    resolution_multiple: int = field(default=1, metadata=OMIT_IF_DEFAULT)
    """The sides (px) of scaled networks are multiples of it; `resolution` itself need not be one."""
    layer_norm_eps: Decimal = field(default=DEFAULT_LAYER_NORM_EPS, metadata=OMIT_IF_DEFAULT)
    """The epsilon of every layer norm."""

    def __post_init__(self) -> None:
        _check_size(self.resolution)
        _check("architecture", inner_divisor=self.inner_divisor)
        _check("architecture", in_channels=self.in_channels)
        if not 1 <= self.resolution_multiple <= LARGEST_MULTIPLE:
            raise SpaceError(
                f"architecture: resolution_multiple is {self.resolution_multiple}, but it must be in "
                f"1 … {LARGEST_MULTIPLE} px"
            )
        if not self.stages:
            raise SpaceError("architecture: there is no stage, but a network has at least one")
        _check_activation("architecture", self.activation)
        for name in ("batch_norm_eps", "layer_norm_eps"):
            eps = getattr(self, name)
            if not 0 < eps < 1:
                raise SpaceError(f"architecture: {name} is {eps}, but it is in 0 … 1")
            _check_decimal_places("architecture", **{name: eps})
        if self.padding not in PADDINGS:
            raise SpaceError(
                f"architecture: padding is {self.padding!r}, but it must be one of {', '.join(PADDINGS)}"
            )
        for width, stage in zip(self.widths, self.stages, strict=False):
            if width < stage.parts:
                raise SpaceError(
                    f"architecture: {with_article(stage.kind)} stage has {stage.parts} parts, but only {width} "
                    "channels come in"
                )
        smallest = self.smallest_resolution
        if min(sides_of(self.resolution)) < smallest:
            raise SpaceError(
                f"architecture: resolution is {self.resolution}, but it must be at least {smallest}: below that, "
                "the last map has no whole patch"
            )

    def __hash__(self) -> int:
        """Hash what the networks of a study differ in; hashing every field takes ten times as long."""
        return hash((self.resolution, self.head, *((stage.width, stage.depth) for stage in self.stages)))

    @property
    def side(self) -> int:
        """The side (px) of the square images.

        Raises:
            SpaceError: the images are rectangles.
        """
        return square_side(self.resolution)

    @property
    def longer_side(self) -> int:
        """The longer side (px) of the images; the side of square ones."""
        return longer_side(self.resolution)

    def proportional(self, side: int) -> ImageSize:
        """Return the size of images of the same proportions whose longer side is `side`, which may be an array.

        The shorter side is rounded to the nearest pixel, or to the nearest multiple of `resolution_multiple`.
        """
        return proportional(self.resolution, side, self.resolution_multiple)

    @property
    def smallest_longer_side(self) -> int:
        """The smallest longer side of such images for which the last feature map is at least 1×1."""
        short, long = sorted(sides_of(self.resolution))
        side = -(-((2 * self.smallest_resolution - 1) * long) // (2 * short))
        return max(side, self.smallest_resolution)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return (self.in_channels, *sides_of(self.resolution))

    @property
    def smallest_resolution(self) -> int:
        """The smallest side (px) of an image for which the last feature map is at least 1×1."""
        px = 1
        for stage in reversed(self.stages):
            px = KINDS[stage.kind].smallest_px(px, stage.stride)
        if self.stem.pool:
            px = KINDS[self.stem.pool_kind].smallest_px(px, _POOL_STRIDE)
        smallest: int = self.stem.smallest_px(px)
        return smallest

    @property
    def rounds(self) -> bool:
        """Whether any stage rounds an inner width to a multiple of `inner_divisor`."""
        return any(stage.rounds for stage in self.stages)

    @property
    def classes(self) -> int:
        """The number of logits that the network returns."""
        return self.head.classes

    @property
    def norms(self) -> frozenset[NormName]:
        """The names of the normalisations in the network."""
        blocks = (block for block, _ in self.repeated_blocks(self.widths, self.depths, self.resolution))
        return frozenset(name for block in blocks for layer in block.layers for name, _, _ in layer.normalised)

    @property
    def has_depthwise(self) -> bool:
        """Whether any block has a convolution with as many groups as channels."""
        blocks = (block for block, _ in self.repeated_blocks(self.widths, self.depths, self.resolution))
        return any(layer.is_depthwise for block in blocks for layer in block.layers)

    @property
    def can_grow(self) -> bool:
        """Whether any deeper and wider network of its form can start as this one, computing the same (`nets.grow`).

        Layer norm rules it out: it takes old and new channels together. So does a group that is not filled.
        """
        return "layer_norm" not in self.norms and all(stage.can_grow(self.activation) for stage in self.stages)

    @property
    def widths(self) -> tuple[int, ...]:
        """The output channels of the stem, of every stage, and of the head where it has a convolution."""
        head = () if self.head.width is None else (self.head.width,)
        return (self.stem.width, *(stage.width for stage in self.stages), *head)

    @property
    def units(self) -> tuple[int, ...]:
        """The number that each of `widths` is a multiple of for any divisor (`Stage.unit`)."""
        head = () if self.head.width is None else (1,)
        return (1, *(stage.unit for stage in self.stages), *head)

    @property
    def group_widths(self) -> tuple[int | None, ...]:
        """The channels of each group for each of `widths`; None: there is no grouped convolution."""
        head = () if self.head.width is None else (None,)
        return (None, *(stage.group_width for stage in self.stages), *head)

    @property
    def fixed(self) -> tuple[bool, ...]:
        """Whether the width multiplier leaves it unchanged, for each of `widths`."""
        head = () if self.head.width is None else (self.head.fixed,)
        return (self.stem.fixed, *(False for _ in self.stages), *head)

    @property
    def depths(self) -> tuple[int, ...]:
        """The number of blocks of every stage."""
        return tuple(stage.depth for stage in self.stages)

    def resized(self, widths: Sequence[int], depths: Sequence[int], resolution: ImageSize) -> Architecture:
        """Return the same network with other widths (stem, stages, head), depths (stages) and image size (px)."""
        stages = tuple(
            replace(stage, width=width, depth=depth)
            for stage, width, depth in zip(self.stages, widths[1:], depths, strict=False)
        )
        head = self.head if self.head.width is None else replace(self.head, width=widths[-1])
        stem = replace(self.stem, width=widths[0])
        return replace(self, resolution=resolution, stem=stem, stages=stages, head=head)

    def repeated_blocks(
        self, widths: Sequence[int], depths: Sequence[int], resolution: ImageSize
    ) -> Iterator[tuple[Block, int]]:
        """Yield each block with the number of times that it is repeated; sizes may be arrays of one shape.

        The first block of a stage is followed by the others, which are equal, as one pair.
        """
        block = partial(Block, activation=self.activation, inner_divisor=self.inner_divisor)
        stem = self.stem
        stem_block = replace(_stem_block(stem, self.in_channels, widths[0], resolution), activation=self.activation)
        yield stem_block, 1
        width, px = stem_block.out_width, stem_block.out_px
        if self.stem.pool:
            pool = block("pool", stem.pool_kind, width, width, px, kernel=3, stride=_POOL_STRIDE)
            yield pool, 1
            px = pool.out_px
        for index, (stage, out_width, depth) in enumerate(zip(self.stages, widths[1:], depths, strict=False)):
            first = block(
                f"stages.{index}",
                stage.kind,
                width,
                out_width,
                px,
                stage.kernel,
                stage.stride,
                stage.expansion,
                stage.se,
                activation=stage.activation or self.activation,
                gate=stage.gate,
                group_width=stage.group_width,
                start_kernel=stage.start_kernel,
                shortcut=stage.shortcut,
                residual=stage.residual,
                antialias=stage.antialias,
                kernel_count=stage.kernel_count,
                expand_groups=stage.expand_groups,
                project_groups=stage.project_groups,
            )
            width, px = out_width, first.out_px
            yield first, 1
            yield replace(first, in_width=width, in_px=px, stride=1), depth - 1
        if self.head.width is not None:
            yield block("head", "conv", width, widths[-1], px), 1
            width = widths[-1]
        head = self.head
        classifier = block("classifier", "classifier", width, head.classes, 1, norm=head.norm, hidden=head.hidden)
        yield replace(classifier, hidden_norm=head.hidden_norm, hidden_bias=head.hidden_bias), 1

    @property
    def deployed(self) -> Architecture:
        """The network with every block in the form that it is folded into for inference.

        A network whose blocks have no such form is returned as it is. So is one of `same` padding: there a strided
        k×k kernel has its middle on other pixels than the 1×1 kernel beside it.
        """
        if self.padding != "symmetric":
            return self
        stages = tuple(replace(stage, kind=KINDS[stage.kind].deployed or stage.kind) for stage in self.stages)
        stem = replace(self.stem, kind=KINDS[self.stem.kind].deployed or self.stem.kind)
        return replace(self, stem=stem, stages=stages)

    def walk(self) -> Iterator[Block]:
        """Yield every block from stem to classifier, in the order in which data meets them.

        The builder in `nets`, the exports and the tables all follow this walk.
        """
        counts: dict[str, int] = {}
        for block, length in self.repeated_blocks(self.widths, self.depths, self.resolution):
            for _ in range(length):
                index = counts[block.name] = counts.get(block.name, -1) + 1
                in_stage = block.name.startswith("stages.")
                yield replace(block, name=f"{block.name}.{index}") if in_stage else block
