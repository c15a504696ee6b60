"""The normalisations that a layer may have, and what each costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

NormName = Literal["batch_norm", "layer_norm"]
"""As layers call them; fvcore counts their operations under the same names."""


@dataclass(frozen=True, slots=True)
class Norm:
    """A normalisation of a map's channels, with a learned scale and shift for each."""

    torch_class: str
    """Its class in `torch.nn`."""
    fvcore_operations: int
    """What fvcore counts for each element in eval (`fvcore/nn/jit_handles.py`)."""
    is_folded: bool
    """Whether inference engines fold it into the convolution before it."""
    params: int = 2
    """Trained parameters a channel."""
    statistics: int = 0
    """Numbers that training keeps of each place of the map, beside the input."""
    opset: int = 1
    """The first version of ONNX's operators that has it."""
    eps: Decimal | None = None
    """What is added to the variance; None: the network's `batch_norm_eps`."""


NORMS: Mapping[str, Norm] = {
    # Ioffe & Szegedy 2015; `batchnorm_flop_jit`: a scale and a shift.
    "batch_norm": Norm("BatchNorm2d", fvcore_operations=2, is_folded=True),
    # Over the channels of each place (Ba et al. 2016; ConvNeXt's `LayerNorm`); `norm_flop_counter`: a rough five.
    "layer_norm": Norm(
        "LayerNorm", fvcore_operations=5, is_folded=False, statistics=2, opset=17, eps=Decimal("0.000001")
    ),
}
