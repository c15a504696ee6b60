"""Two images in one: mixup (Zhang et al. 2018, arXiv 1710.09412) and CutMix (Yun et al. 2019, arXiv 1905.04899)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Mix:
    """How each image of a batch is joined with the one at the same place from the batch's end."""

    share: float = 1.0
    """Of the image itself; the label's share too."""
    box: tuple[int, int, int, int] | None = None
    """Top, bottom, left, right of what CutMix takes from the other; None: mixup."""


def draw_mix(rng: np.random.Generator, mixup: float, cutmix: float, px: int) -> Mix:
    """A batch's mix: one of the two where both are asked for, each with share ~ Beta(α, α)."""
    cuts = cutmix > 0 and (mixup <= 0 or rng.random() < 0.5)
    alpha = cutmix if cuts else mixup
    if alpha <= 0:
        return Mix()
    share = float(rng.beta(alpha, alpha))
    if not cuts:
        return Mix(share)
    side = round(px * (1 - share) ** 0.5)
    row, column = (int(integer) for integer in rng.integers(0, px, 2))
    top, bottom, left, right = (
        min(px, max(0, one))
        for one in (row - side // 2, row - side // 2 + side, column - side // 2, column - side // 2 + side)
    )
    return Mix(1 - (bottom - top) * (right - left) / px**2, (top, bottom, left, right))


def mixed(images_BCHW: Tensor, mix: Mix) -> Tensor:
    """The joined images; the tensor itself where nothing is joined."""
    if mix.share == 1:
        return images_BCHW
    others_BCHW = images_BCHW.flip(0)
    if mix.box is None:
        return images_BCHW.lerp(others_BCHW, 1 - mix.share)
    top, bottom, left, right = mix.box
    joined_BCHW = images_BCHW.clone()
    joined_BCHW[:, :, top:bottom, left:right] = others_BCHW[:, :, top:bottom, left:right]
    return joined_BCHW
