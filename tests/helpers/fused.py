"""Networks with fused operators, the same arithmetic in plain matrix products, and some that cannot be counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Self-attention with heads by scaled dot-product attention, or unfused."""

    def __init__(self, width: int, heads: int, fused: bool = True) -> None:
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens_NLC: Tensor) -> Tensor:
        n, length, width = tokens_NLC.shape
        qkv = self.qkv(tokens_NLC).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if self.fused:
            mixed = F.scaled_dot_product_attention(*qkv)
        else:
            weights = (qkv[0] @ qkv[1].transpose(-1, -2) * (width // self.heads) ** -0.5).softmax(-1)
            mixed = weights @ qkv[2]
        projected: Tensor = self.out(mixed.transpose(1, 2).reshape(n, length, width))
        return projected


class Tokens(nn.Module):
    """A patch stem of 4×4, blocks over the tokens, mean pooling and a classifier of ten."""

    def __init__(self, blocks: list[nn.Module], width: int) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = nn.Conv2d(3, width, 4, 4), nn.ModuleList(blocks), nn.Linear(width, 10)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        tokens_NLC = self.stem(images_NCHW).flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens_NLC = block(tokens_NLC)
            tokens_NLC = tokens_NLC[0] if isinstance(tokens_NLC, tuple) else tokens_NLC
        logits: Tensor = self.head(tokens_NLC.mean(1))
        return logits


def attention(depth: float = 1.0, width: float = 1.0, resolution: int = 64) -> nn.Module:
    channels = 4 * round(16 * width)
    return Tokens([Attention(channels, 4) for _ in range(round(2 * depth))], channels)


def unfused_attention(depth: float = 1.0, width: float = 1.0, resolution: int = 64) -> nn.Module:
    channels = 4 * round(16 * width)
    return Tokens([Attention(channels, 4, fused=False) for _ in range(round(2 * depth))], channels)


def encoder(depth: float = 1.0, width: float = 1.0, resolution: int = 64) -> nn.Module:
    channels = 4 * round(16 * width)
    layers = [
        nn.TransformerEncoderLayer(channels, 4, 2 * channels, batch_first=True) for _ in range(round(2 * depth))
    ]
    return Tokens(list(layers), channels)


class SelfAttention(nn.MultiheadAttention):
    """torch's multi-head attention of tokens with themselves."""

    def forward(self, tokens_NLC: Tensor) -> Any:  # type: ignore[override]
        return super().forward(tokens_NLC, tokens_NLC, tokens_NLC, need_weights=False)


def multihead(depth: float = 1.0, width: float = 1.0, resolution: int = 64) -> nn.Module:
    channels = 4 * round(16 * width)
    return Tokens([SelfAttention(channels, 4, batch_first=True) for _ in range(round(2 * depth))], channels)


class Calls(nn.Module):
    """A function of feature maps between a convolution and a classifier."""

    def __init__(self, call: Any, width: int = 6) -> None:
        super().__init__()
        self.conv, self.call, self.head = nn.Conv2d(3, width, 3, padding=1), call, nn.Linear(width, 5)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        features = self.call(self.conv(images_NCHW))
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits


def _fourier(features: Tensor) -> Tensor:
    back: Tensor = torch.fft.irfft2(torch.fft.rfft2(features), s=features.shape[-2:])
    return back


def fourier(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(_fourier)


@torch.library.custom_op("scalesearch_tests::mix", mutates_args=())
def _mix(features: Tensor) -> Tensor:
    mixed: Tensor = torch.einsum("nchw,ndhw->nchw", features, features)
    return mixed


def custom_operator(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(_mix)


def through_numpy(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(lambda features: torch.from_numpy(features.detach().numpy() * 2))


class TwoHeads(Calls):
    """Puts out an auxiliary classifier too while it trains, as Inception does."""

    def forward(self, images_NCHW: Tensor) -> Any:
        logits = super().forward(images_NCHW)
        return (logits, logits) if self.training else logits


def two_heads(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return TwoHeads(nn.ReLU())


def other_by_image(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    """Leaves early at random, so that no two passes cost the same."""
    again = nn.Conv2d(6, 6, 3, padding=1)
    calls = iter([True] + 99 * [False])
    return Calls(lambda features: again(features) if next(calls) else features)


def frozen(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(nn.ReLU()).requires_grad_(False)


def _overwrite(features: Tensor) -> Tensor:
    bounded = features.sigmoid()
    bounded.mul_(2)  # autograd needs what the sigmoid gave
    return bounded


def overwritten(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(_overwrite)


def _in_threads(features: Tensor) -> Tensor:
    halves = features.chunk(2, 1)
    with ThreadPoolExecutor(2) as pool:
        return torch.cat(list(pool.map(lambda half: half @ half.transpose(-1, -2), halves)), 1)


def threads(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(_in_threads)


def _complex(features: Tensor) -> Tensor:
    turned = torch.complex(features, features)
    return (turned @ turned.transpose(-1, -2)).real


def complex_product(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(_complex)


def _without_tracking(features: Tensor) -> Tensor:
    with torch.inference_mode():
        return features @ features.transpose(-1, -2)


def inference_mode(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(_without_tracking)


def _by_condition(features: Tensor) -> Tensor:
    chosen: Tensor = torch.cond(features.sum() > 0, torch.sin, torch.cos, (features,))
    return chosen


def condition(depth: float = 1.0, width: float = 1.0, resolution: int = 8) -> nn.Module:
    return Calls(_by_condition)
