"""Mix two images into one by mixup or CutMix.

Sources are Zhang et al. 2018 (arXiv 1710.09412) for mixup, and Yun et al. 2019 (arXiv 1905.04899) for CutMix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Mix:
    """Describes how each image of a batch is mixed with the one at the same position from the batch's end."""

    share: float = 1.0
    """The share of the image itself, which is also the share of its label."""
    box: tuple[int, int, int, int] | None = None
    """Top, bottom, left, right of the region that CutMix takes from the other image; None: mixup."""


def sample_mix(rng: np.random.Generator, mixup: float, cutmix: float, px: int) -> Mix:
    """Sample a batch's mix: one of the two where both are enabled, with share ~ Beta(α, α)."""
    use_cutmix = cutmix > 0 and (mixup <= 0 or rng.random() < 0.5)
    alpha = cutmix if use_cutmix else mixup
    if alpha <= 0:
        return Mix()
    share = float(rng.beta(alpha, alpha))
    if not use_cutmix:
        return Mix(share)
    side = round(px * (1 - share) ** 0.5)
    row, column = (int(integer) for integer in rng.integers(0, px, 2))
    top, bottom, left, right = (
        min(px, max(0, edge))
        for edge in (row - side // 2, row - side // 2 + side, column - side // 2, column - side // 2 + side)
    )
    return Mix(1 - (bottom - top) * (right - left) / px**2, (top, bottom, left, right))


def mix_batch(images_BCHW: Tensor, mix: Mix) -> Tensor:
    """Return the mixed images; the tensor itself where nothing is mixed."""
    if mix.share == 1:
        return images_BCHW
    others_BCHW = images_BCHW.flip(0)
    if mix.box is None:
        return images_BCHW.lerp(others_BCHW, 1 - mix.share)
    top, bottom, left, right = mix.box
    mixed_BCHW = images_BCHW.clone()
    mixed_BCHW[:, :, top:bottom, left:right] = others_BCHW[:, :, top:bottom, left:right]
    return mixed_BCHW
