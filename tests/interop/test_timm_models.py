"""timm's models as baselines, `timm:NAME`, beside what the installed timm builds by that name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import timm
import torch
from scripts import page, script
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.export.timm_model import load_timm, registered_models
from scalesearch.export.timm_source import FAMILIES

COUNTED = (
    *("resnet50d", "tf_efficientnet_b4", "mixnet_s", "fbnetv3_b", "mobilenet_edgetpu_v2_xs", "regnety_016"),
    *("convnext_atto", "convnextv2_atto", "mobilenetv4_conv_small", "repvgg_a0", "ghostnet_100", "resnext50_32x4d"),
    *("efficientnet_lite0", "mobilenetv3_small_100", "regnetz_b16", "resnet50_clip_gap"),
)


def test_as_many_are_read_as_the_table_says() -> None:
    """All have the parameters that timm counts with 1000 classes, and the classes and channels of its defaults."""
    counts = script("timm_corpus").read_counts()
    names = [
        name
        for name, family in registered_models(Path(timm.__file__).parent / "models").items()
        if family in FAMILIES
    ]
    read: Counter[bool] = Counter()
    for name in names:
        try:
            found = load_timm(f"timm:{name}").architecture
        except InputError:
            read[False] += 1
            continue
        read[True] += 1
        config = timm.models.get_pretrained_cfg(name)
        assert (found.in_channels, found.resolution) == (config.input_size[0], config.input_size[1])
        assert found.classes == (config.num_classes or 1000)
        if found.classes == 1000:
            assert cost(found).params == counts[name]
    assert f"| all | {len(names)} | {read[True]} (" in page("export")


@pytest.mark.parametrize("name", COUNTED)
def test_parameters_and_multiply_adds_at_its_own_side(name: str) -> None:
    found = load_timm(f"timm:{name}").architecture
    network = timm.create_model(name, num_classes=found.classes).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *found.image_shape))
    assert cost(found).params == sum(one.numel() for one in network.parameters())
    assert 2 * cost(found).macs == counter.get_total_flops()
