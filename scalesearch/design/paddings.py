"""List how the feature maps of a network may be padded."""

from __future__ import annotations

from typing import Literal, get_args

PaddingName = Literal["symmetric", "same"]
"""The names of the paddings in baseline files.

`symmetric`: ⌊k/2⌋ on every side, as in torch and torchvision. `same`: as TensorFlow's SAME (its API documentation,
`tf.nn`, "Notes on padding"; timm's `pad_type='same'`). A side i is padded by max((⌈i/s⌉ − 1)·s + k − i, 0) in all,
the smaller half of it before the map. Both give ⌈i/s⌉ outputs. At stride 1 both are the same for odd kernels.
"""

PADDINGS: tuple[PaddingName, ...] = get_args(PaddingName)
