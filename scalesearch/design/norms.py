"""List the normalisations that a layer may have, and the cost of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

NormName = Literal["batch_norm", "layer_norm"]
"""The names of the normalisations, under which fvcore counts their operations too."""

DEFAULT_LAYER_NORM_EPS = Decimal("0.000001")
"""The default epsilon of layer norm, as in ConvNeXt."""


@dataclass(frozen=True, slots=True)
class Norm:
    """A norm normalises a feature map, with a learned scale and shift for each channel."""

    torch_class: str
    """The name of the class in `torch.nn`."""
    fvcore_operations: int
    """The operations that fvcore counts per element in eval mode (`fvcore/nn/jit_handles.py`)."""
    is_folded: bool
    """Whether inference engines fold the norm into the convolution before it."""
    params: int = 2
    """The trained parameters per channel."""
    statistics: int = 0
    """The numbers that are saved for each position of the map, in addition to the input."""
    opset: int = 1
    """The first ONNX opset that has the norm."""
    eps: Decimal | None = None
    """The default of the epsilon that is added to the variance; None: the network's `batch_norm_eps`."""


NORMS: Mapping[str, Norm] = {
    # Ioffe & Szegedy 2015; `batchnorm_flop_jit`: a scale and a shift.
    "batch_norm": Norm("BatchNorm2d", fvcore_operations=2, is_folded=True),
    # Over the channels of each position (Ba et al. 2016; ConvNeXt's `LayerNorm`).
    # fvcore's `norm_flop_counter` counts a rough five operations.
    "layer_norm": Norm(
        "LayerNorm", fvcore_operations=5, is_folded=False, statistics=2, opset=17, eps=DEFAULT_LAYER_NORM_EPS
    ),
}
