"""The forms of squeeze-and-excitation that a stage may have, beside EfficientNet's."""

from __future__ import annotations

from typing import Literal, get_args

GateName = Literal["mobilenet_v3"]
"""As baseline files call them.

`mobilenet_v3` (Howard et al. 2019, arXiv 1905.02244, section 5.3; torchvision `mobilenetv3.py`, timm
`_gen_mobilenet_v3`): `se` is a share of the expanded width, rounded to a multiple of 8; ReLU inside and a hard
sigmoid, min(max(x + 3, 0), 6) / 6, at the end. EfficientNet's takes a share of the block's input, rounded down, has
the network's activation inside and a sigmoid at the end.
"""

GATES: tuple[GateName, ...] = get_args(GateName)
