"""A layer as the cost counts it and as `nets` builds it.

All sizes may be numpy arrays of integers as well: the arithmetic is the same, and that is how a grid of
100,000 networks is counted at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scalesearch.design.activations import ACTIVATIONS
from scalesearch.design.norms import NORMS, NormName


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution (or a linear layer: a 1×1 convolution on one pixel), and what is right before and behind it."""

    role: str
    in_width: int
    out_width: int
    in_px: int
    out_px: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    """Equal shares into which the input channels are divided; each output channel sees one (Krizhevsky et al. 2012,
    Xie et al. 2017). As many as channels: a depthwise convolution."""
    padded: bool = True
    """Whether the map is padded by half the kernel; False: by nothing."""
    bias: bool = False
    pre_norm: NormName | None = None
    """The normalisation before the convolution, one of `norms.NORMS`."""
    response_norm: bool = False
    """Whether global response normalisation comes before the convolution (GRN: Woo et al. 2023, arXiv 2301.00808,
    section 4): a learned scale and shift of each channel weighed by its share of the responses, and the input."""
    norm: NormName | None = None
    """The normalisation behind the convolution, one of `norms.NORMS`."""
    identity_norm: NormName | None = None
    """The normalisation of the layer's input that is added to the output (the identity branch of RepVGG: Ding et
    al. 2021, arXiv 2101.03697, section 3.2), one of `norms.NORMS`."""
    identity_times: int = 1
    """0 where there is no such branch: in a grid, one network may have it and the next not."""
    activation: str | None = None
    """The activation behind both, one of `activations.ACTIVATIONS`."""
    layer_scale: bool = False
    """Whether a learned factor for each channel comes last (LayerScale: Touvron et al. 2021, arXiv 2103.17239)."""
    is_joined: bool = False
    """Whether the output is joined to the layer's input, so that the next layer sees the maps of both."""
    is_shortcut: bool = False
    """Whether the output is what the block's shortcut hands on, so that it is kept to the block's end."""
    is_beside: bool = False
    """Whether the layer is of a second branch from the block's input, while the output of the first one waits."""
    kept_inputs: int = 1
    """How many tensors of the input's size the backward pass keeps for this layer."""
    kept_outputs: int = 0
    """How many tensors of the output's size it keeps beside those that its norm and activation need."""
    times: int = 1
    """0 where the layer is not there: in a grid, a projection may be in one network and not in the next."""

    @property
    def fan_in(self) -> int:
        """Weights per output channel."""
        return self.kernel**2 * (self.in_width // self.groups)

    @property
    def is_depthwise(self) -> bool:
        """Whether each of several channels is filtered by itself."""
        return self.groups > 1 and self.groups == self.in_width == self.out_width

    @property
    def outputs(self) -> int:
        """Elements of the output of one image."""
        return self.times * self.out_width * self.out_px**2

    @property
    def macs(self) -> int:
        """Multiply-adds for one image; padding is counted as in every counter, bias is not."""
        return self.fan_in * self.outputs

    @property
    def normalised(self) -> Iterator[tuple[NormName, int, int]]:
        """The layer's normalisations: the name, the channels, and the places of one image's map."""
        yield from self._normalised_in_line
        if self.identity_norm:
            yield self.identity_norm, self.identity_times * self.in_width, self.in_px**2

    @property
    def _normalised_in_line(self) -> Iterator[tuple[NormName, int, int]]:
        """Those before and behind the convolution."""
        if self.pre_norm:
            yield self.pre_norm, self.times * self.in_width, self.in_px**2
        if self.norm:
            yield self.norm, self.times * self.out_width, self.out_px**2

    @property
    def params(self) -> int:
        """Weights, bias, layer scale, and the parameters of the normalisations."""
        responses = 2 * self.times * self.in_width if self.response_norm else 0
        norms = sum(NORMS[name].params * channels for name, channels, _ in self.normalised)
        return self.times * self.out_width * (self.fan_in + self.bias + self.layer_scale) + norms + responses

    @property
    def stored(self) -> int:
        """Elements that training keeps for the backward pass: the inputs of all that the layer consists of."""
        kept = self.times * self.kept_inputs * self.in_width * self.in_px**2
        # The identity branch keeps the block's input, which a convolution keeps already.
        norms = sum(
            (channels + self.times * NORMS[name].statistics) * places
            for name, channels, places in self._normalised_in_line
        )
        activation = self.activation is not None and ACTIVATIONS[self.activation].saves_input
        return kept + norms + (activation + self.layer_scale + self.kept_outputs) * self.outputs
