"""Define a layer, as the cost counts it and as `nets` builds it.

All sizes may be numpy arrays of integers as well. The arithmetic is the same, so a grid of 100,000 networks is
counted at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.antialias import ANTIALIASES, AntialiasName
from scalesearch.design.images import ImageSize, area
from scalesearch.design.norms import NORMS, NormName

_GATE_ROLES = ("squeeze", "attend", "excite")
"""The roles of the layers of gates; the last is the second layer of squeeze-and-excitation."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer is a convolution with the normalisations before and after it, and its activation.

    A linear layer is a 1×1 convolution on one pixel.
    """

    role: str
    in_width: int
    out_width: int
    in_px: ImageSize
    out_px: ImageSize
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    """The number of groups of input channels; each output channel sees one group (Krizhevsky et al. 2012,
    Xie et al. 2017). A convolution with as many groups as channels is depthwise."""
    parts: int = 1
    """How many parts the channels are split into, each with a convolution of its own. Parts are equally wide, and
    the first takes the channels that are left over."""
    kernel_step: int = 0
    """How much larger the kernel of each part is than that of the part before."""
    padded: bool = True
    """Whether the feature map is padded by half the kernel; False: there is no padding."""
    bias: bool = False
    pre_norm: NormName | None = None
    """The normalisation before the convolution, one of `norms.NORMS`."""
    pool_stride: int = 1
    """The stride of the mean of 2×2 places before the convolution; 1: there is none."""
    channel_kernel: int | None = None
    """The weights of a convolution along the channels, the same ones for every channel (ECA: Wang et al. 2020,
    arXiv 1910.03151, section 3.2); None: the convolution is one of maps."""
    response_norm: bool = False
    """Whether global response normalisation (GRN) comes before the convolution (Woo et al. 2023, arXiv 2301.00808,
    section 4). GRN weighs each channel by its share of the responses, scales and shifts it by learned parameters,
    and adds the input."""
    norm: NormName | None = None
    """The normalisation after the convolution, one of `norms.NORMS`."""
    identity_norm: NormName | None = None
    """The normalisation of the identity branch, one of `norms.NORMS`. The branch normalises the layer's input and
    adds it to the output (RepVGG: Ding et al. 2021, arXiv 2101.03697, section 3.2)."""
    identity_times: int = 1
    """How many identity branches there are: 1, or 0 for a network of a grid that has none."""
    activation: str | None = None
    """The activation after convolution and normalisation, one of `activations.ACTIVATIONS`."""
    antialias: AntialiasName | None = None
    """The smoothing layer that comes last and has the stride, one of `antialias.ANTIALIASES`; None: the convolution
    has it."""
    is_constant: bool = False
    """Whether the weights are constants: no parameters, and no output that counts as an activation."""
    layer_scale: bool = False
    """Whether a learned factor for each channel comes last (LayerScale: Touvron et al. 2021, arXiv 2103.17239)."""
    is_joined: bool = False
    """Whether the output is concatenated with the layer's input: the next layer sees the channels of both."""
    is_shortcut: bool = False
    """Whether the output is what the block's shortcut adds, so that it is kept until the end of the block."""
    is_beside: bool = False
    """Whether the layer belongs to a second branch from the block's input. The first branch's output is kept while
    the second is computed."""
    kept_inputs: int = 1
    """How many tensors of the input's size are saved for the backward pass."""
    kept_outputs: int = 0
    """How many tensors of the output's size are saved in addition to those of the norm and the activation."""
    times: int = 1
    """How many of this layer there are: 1, or 0 for a network of a grid that has none, such as no projection."""

    @property
    def fan_in(self) -> int:
        """The number of weights per output channel, where the channels are in one part."""
        if self.channel_kernel is not None:
            return self.channel_kernel
        return self.kernel**2 * (self.in_width // self.groups)

    @property
    def part_layers(self) -> Iterator[Layer]:
        """The convolutions of the parts, without what is before and after them; all dense or all depthwise."""
        is_dense = isinstance(self.groups, int) and self.groups == 1  # groups may be an array
        for index in range(self.parts):
            in_width, out_width = (_part(width, index, self.parts) for width in (self.in_width, self.out_width))
            yield Layer(
                self.role,
                in_width,
                out_width,
                self.in_px,
                self.out_px,
                self.kernel + index * self.kernel_step,
                self.stride,
                groups=1 if is_dense else in_width,
                padded=self.padded,
                bias=self.bias,
            )

    @property
    def weights(self) -> int:
        """The number of weights of the convolution."""
        if self.parts == 1:
            return self.fan_in * self.out_width
        return sum(part.fan_in * part.out_width for part in self.part_layers)

    @property
    def is_gate(self) -> bool:
        """Whether the layer is part of a gate, which leaves the size of the map alone."""
        return self.role in _GATE_ROLES

    @property
    def pools(self) -> bool:
        """Whether the layer is the first of a gate, which reads the channels' means over the map."""
        return self.role in _GATE_ROLES[:-1]

    @property
    def is_depthwise(self) -> bool:
        """Whether the convolution filters each of several channels by itself."""
        return self.groups > 1 and self.groups == self.in_width == self.out_width

    @property
    def outputs(self) -> int:
        """The number of elements that the convolution puts out for one image, if its weights are trained."""
        return 0 if self.is_constant else self._conv_outputs

    @property
    def conv_px(self) -> ImageSize:
        """The size (px) of the convolution's output, before a smoothing that strides."""
        return self.in_px if self.antialias else self.out_px

    @property
    def smoothed(self) -> int:
        """The number of elements that the smoothing puts out for one image; 0 where there is none."""
        return self.times * self.out_width * area(self.out_px) if self.antialias else 0

    @property
    def smoothing_input(self) -> int:
        """The number of elements of the padded input of the smoothing's kernel; 0 where there is no kernel."""
        if not self.antialias or not ANTIALIASES[self.antialias].kernel:
            return 0
        side = self.conv_px + ANTIALIASES[self.antialias].kernel - 1
        return self.times * self.out_width * area(side)

    @property
    def _conv_outputs(self) -> int:
        return self.times * self.out_width * area(self.conv_px)

    @property
    def macs(self) -> int:
        """The multiply-adds for one image. As in other counters, padding is counted and the bias is not."""
        smoothing = ANTIALIASES[self.antialias].kernel ** 2 * self.smoothed if self.antialias else 0
        return self.times * self.weights * area(self.conv_px) + smoothing

    @property
    def normalised(self) -> Iterator[tuple[NormName, int, int]]:
        """The layer's normalisations: for each its name, the channels, and the positions of one image's map."""
        yield from self._normalised_in_line
        if self.identity_norm:
            yield self.identity_norm, self.identity_times * self.in_width, area(self.in_px)

    @property
    def _normalised_in_line(self) -> Iterator[tuple[NormName, int, int]]:
        """The normalisations before and after the convolution."""
        if self.pre_norm:
            yield self.pre_norm, self.times * self.in_width, area(self.in_px)
        if self.norm:
            yield self.norm, self.times * self.out_width, area(self.conv_px)

    @property
    def params(self) -> int:
        """The number of parameters: weights, bias, layer scale, and the parameters of the normalisations."""
        response_norm = 2 * self.times * self.in_width if self.response_norm else 0
        norms = sum(NORMS[name].params * channels for name, channels, _ in self.normalised)
        if self.is_constant:
            return 0
        if self.channel_kernel is not None:
            return self.times * self.channel_kernel
        others = self.out_width * (self.bias + self.layer_scale)
        return self.times * (self.weights + others) + norms + response_norm

    @property
    def stored(self) -> int:
        """The number of elements saved for the backward pass: the inputs of the layer's operations."""
        inputs = self.times * self.kept_inputs * self.in_width * area(self.in_px)
        # The identity branch keeps the block's input, which a convolution keeps already.
        norms = sum(
            (channels + self.times * NORMS[name].statistics) * positions
            for name, channels, positions in self._normalised_in_line
        )
        saves_activation = self.activation is not None and ACTIVATIONS[self.activation].saves_input
        # A mean saves its input, which the activation saves too if it needs its output.
        # The padded input's size may be an array, so whether there is one is asked of the kernel.
        pads_input = self.antialias is not None and ANTIALIASES[self.antialias].kernel > 0
        saves_smoothed = self.antialias is not None and not (pads_input and saves_activation)
        kept = saves_activation + self.layer_scale + self.kept_outputs + saves_smoothed
        return inputs + norms + kept * self.outputs + self.smoothing_input


def _part(width: int, index: int, parts: int) -> int:
    """Return the channels of a part of a width, which may be an array."""
    each = width // parts
    return each if index else width - (parts - 1) * each
