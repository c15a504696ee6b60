"""The table of keywords beside the libraries' real signatures, and its costs beside their own networks."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from keywords import NO_EFFECT, SUPPORTED, VALUES, table, text_of
from networks import FIXTURES
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.export.import_definition import read_network

GOLDEN = FIXTURES / "keyword_costs.json"


def namespace(builder: str) -> dict[str, Any]:
    """What a definition of the builder's library imports."""
    if builder.startswith("timm."):
        from timm.layers import BlurPool2d, get_attn
        from timm.models._efficientnet_blocks import SqueezeExcite
        from timm.models._efficientnet_builder import decode_arch_def, round_channels
        from timm.models.byobnet import ByoBlockCfg, ByobNet, ByoModelCfg
        from timm.models.convnext import ConvNeXt
        from timm.models.efficientnet import EfficientNet
        from timm.models.ghostnet import GhostNet
        from timm.models.mobilenetv3 import MobileNetV3
        from timm.models.regnet import RegNet, RegNetCfg
        from timm.models.resnet import BasicBlock, Bottleneck, ResNet

        known: list[Any] = [
            decode_arch_def,
            round_channels,
            get_attn,
            BlurPool2d,
            EfficientNet,
            MobileNetV3,
            SqueezeExcite,
            *(RegNet, RegNetCfg, ConvNeXt, GhostNet, ByobNet, ByoModelCfg, ByoBlockCfg),
            BasicBlock,
            Bottleneck,
            ResNet,
        ]
    else:
        from torchvision.models import MobileNetV2, efficientnet, resnet

        known = [MobileNetV2, efficientnet.EfficientNet, efficientnet.MBConvConfig, efficientnet.FusedMBConvConfig]
        known += [resnet.BasicBlock, resnet.Bottleneck, resnet.ResNet]
    return {one.__name__: one for one in (*known, partial)} | {"nn": nn}


@pytest.mark.parametrize("builder", VALUES)
def test_the_table_has_every_keyword_of_the_signature(builder: str) -> None:
    name = builder.partition(".")[2]
    real: Callable[..., Any] = namespace(builder)[name]
    parameters = inspect.signature(real).parameters.values()
    # What `**kwargs` of a RegNet or ByobNet takes are the keywords of its configuration, which is a builder here.
    named = {one.name for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD}
    assert table(builder).keys() == named


def cases() -> Iterator[tuple[str, str, str]]:
    for builder, keywords in VALUES.items():
        for keyword, values in keywords.items():
            yield from (
                (builder, keyword, value) for value, becomes in values.items() if becomes in (SUPPORTED, NO_EFFECT)
            )


def costs(text: str, names: dict[str, Any]) -> list[int]:
    """Parameters and multiply-adds of the library's network at 224 px."""
    exec(text, names)
    network: nn.Module = names["network"].eval()
    channels = read_network(text, "x").in_channels
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, channels, 224, 224))
    return [sum(one.numel() for one in network.parameters()), counter.get_total_flops() // 2]


def test_what_is_read_costs_what_the_library_builds() -> None:
    found = {
        f"{builder} {keyword}={value}": costs(text_of(builder, {keyword: value}), namespace(builder))
        for builder, keyword, value in cases()
    }
    if os.environ.get("GOLDEN"):
        lines = [f" {json.dumps(name)}: {json.dumps(one)}" for name, one in found.items()]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    assert json.loads(GOLDEN.read_text()) == found
