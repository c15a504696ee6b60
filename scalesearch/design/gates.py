"""List the gates that a stage may have in place of EfficientNet's squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

GateName = Literal["mobilenet_v3", "mobilenet_v3_rw", "fbnet_v3", "senet", "senet_inner", "eca", "eca_inner"]
"""The names of the gates in baseline files."""


@dataclass(frozen=True, slots=True)
class GateForm:
    """A gate form says where a gate stands in its block, and whether `se` gives its size."""

    has_share: bool = True
    """Whether the gate has a squeeze width, which `se` gives."""
    is_last: bool = False
    """Whether the gate stands behind the block's last convolution; else it stands before it."""
    of_inner: bool = True
    """Whether `se` is a share of the gated width; else it is one of the block's input width."""
    is_hard: bool = False
    """Whether the gate ends in the hard sigmoid; else it ends in the sigmoid."""
    kept_percent: int = 90
    """The share (percent) of a squeeze width that is kept where it is rounded down; else it is rounded up."""
    activation: str | None = "relu"
    """The activation inside; None: the stage's."""


GATES: Mapping[GateName, GateForm] = {
    # Howard et al. 2019 (arXiv 1905.02244), section 5.3; torchvision `mobilenetv3.py`, timm `_gen_mobilenet_v3`:
    # `se` is a share of the expanded width, rounded to a multiple of 8. The gate has ReLU inside and at its end a
    # hard sigmoid, min(max(x + 3, 0), 6) / 6. In EfficientNet's form, `se` is a share of the block's input width,
    # rounded down; that gate has the network's activation inside and a sigmoid at the end.
    "mobilenet_v3": GateForm(is_hard=True),
    # timm `mobilenetv3.py`, `mobilenetv3_rw`: the same with the stage's activation inside.
    "mobilenet_v3_rw": GateForm(is_hard=True, activation=None),
    # Dai et al. 2021 (arXiv 2006.02049), as timm `mobilenetv3.py`, `_gen_fbnetv3`, has it: `se` is a share of the
    # block's input width, rounded to a multiple of 8, with the stage's activation inside and a hard sigmoid.
    "fbnet_v3": GateForm(is_hard=True, of_inner=False, kept_percent=95, activation=None),
    # Hu et al. 2018, section 3.3; timm `squeeze_excite.py`, `SEModule`: `se` is a share of the gated width, rounded
    # to the nearest multiple of 8; ReLU inside, a sigmoid at the end.
    "senet": GateForm(is_last=True),
    "senet_inner": GateForm(),
    # Wang et al. 2020 (arXiv 1910.03151), section 3.2; timm `eca.py`, `EcaModule`: one convolution along the
    # channels' means, with the same k weights for all channels, and a sigmoid.
    "eca": GateForm(has_share=False, is_last=True),
    "eca_inner": GateForm(has_share=False),
}
"""The gates by name."""
