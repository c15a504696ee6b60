"""timm's registered networks, read from its sources: its weights in ours give its logits, and equal costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import timm
import torch
from filling import fill, images, tensors_in_order
from scripts import script
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.cost import cost
from scalesearch.export.import_definition import read_network
from scalesearch.nets.convnet import ConvNet

NAMES = (
    *("test_resnet", "resnet10t", "resnet18d", "resnet50c", "seresnet18", "ecaresnet26t", "ecaresnetlight"),
    *("resnetaa34d", "resnetblur18", "seresnetaa50d", "seresnext26d_32x4d"),
    *("resnet33ts", "seresnet33ts", "eca_resnext26ts", "resnet50_clip_gap"),
    *("lcnet_050", "efficientnet_blur_b0", "efficientnet_em", "mobilenet_edgetpu_100"),
    *("gernet_s", "regnetz_b16", "regnetz_c16", "regnetz_005", "resnext101_32x16d", "efficientnetv2_rw_s"),
    *("mobilenetv4_conv_blur_medium", "convnext_atto_ols", "convnext_nano_ols"),
    *("test_convnext", "test_convnext3", "mobilenet_edgetpu_v2_xs"),
    *("mobilenetv3_rw", "fbnetv3_b", "fbnetv3_g", "mixnet_s", "mixnet_xxl"),
)
"""Networks with what no shipped baseline has."""
PX, CLASSES = 96, 1000
_SHORTCUT = re.compile(r"\.(shortcut|downsample)\.")


@cache
def definitions() -> dict[str, str]:
    """The definition of every registered network."""
    found = script("timm_corpus").definitions(Path(timm.__file__).parent)
    return {name: text for _, name, text in found}


def tensors(network: nn.Module) -> list[Tensor]:
    """The tensors in our order: those of a block's shortcut come last, which ByobNet's blocks register first."""
    blocks: dict[str, list[tuple[str, Tensor]]] = {}
    for name, tensor in tensors_in_order(network).items():
        block = re.match(r"stages\.\d+\.\d+\.", name)
        blocks.setdefault(block[0] if block else name, []).append((name, tensor))
    return [tensor for block in blocks.values() for tensor in _in_block(block)]


def _in_block(block: list[tuple[str, Tensor]]) -> Iterator[Tensor]:
    for is_shortcut in (False, True):
        yield from (tensor for name, tensor in block if bool(_SHORTCUT.search(name)) == is_shortcut)


@pytest.mark.parametrize("name", NAMES)
def test_a_registered_network_is_the_one_that_is_read(name: str) -> None:
    architecture = replace(read_network(definitions()[name], "x"), resolution=PX)
    theirs = fill(timm.create_model(name, num_classes=CLASSES), PX)
    ours = ConvNet(architecture).eval()
    state = ours.state_dict()
    weights = zip(state.items(), tensors(theirs), strict=True)
    ours.load_state_dict({ours_name: tensor.reshape(one.shape) for (ours_name, one), tensor in weights})
    seen = images(2, PX, 3000)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        theirs(seen[:1])
    assert counter.get_total_flops() == 2 * cost(architecture).macs
    with torch.no_grad():
        wanted, got = theirs(seen), ours(seen)
    assert not torch.allclose(wanted[0], wanted[1], rtol=1e-2)  # the images matter
    assert torch.allclose(got, wanted, rtol=1e-4, atol=1e-5 * max(1, float(wanted.abs().max())))
