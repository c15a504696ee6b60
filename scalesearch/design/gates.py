"""List the forms of squeeze-and-excitation that a stage may have in place of EfficientNet's."""

from __future__ import annotations

from typing import Literal, get_args

GateName = Literal["mobilenet_v3"]
"""The names of the forms in baseline files.

`mobilenet_v3` (Howard et al. 2019, arXiv 1905.02244, section 5.3; torchvision `mobilenetv3.py`, timm
`_gen_mobilenet_v3`): `se` is a share of the expanded width, rounded to a multiple of 8. The gate has ReLU inside
and a hard sigmoid, min(max(x + 3, 0), 6) / 6, at the end. In EfficientNet's form, `se` is a share of the block's
input width, rounded down. That gate has the network's activation inside and a sigmoid at the end.
"""

GATES: tuple[GateName, ...] = get_args(GateName)
