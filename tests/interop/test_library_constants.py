"""What is known of timm's models beside their tensors, against the models themselves; and their logits in ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filling import fill, images
from networks import staged
from safetensors.torch import save_file
from torch import nn

from scalesearch.design.networks import load_network
from scalesearch.nets.convnet import ConvNet
from scalesearch.training.constants import EPSILON, TENSORFLOW_EPSILON, TIMM
from scalesearch.training.pretrained import PretrainedBackbone, read_pretrained

ACTIVATIONS = {"silu": "SiLU", "relu": "ReLU", "relu6": "ReLU6", "hard_swish": "Hardswish"}
PX = 65
"""32k + 1: both paddings are the same."""


@pytest.mark.parametrize("name", TIMM)
def test_padding_epsilon_and_activation_are_the_models_own(name: str) -> None:
    import timm

    with torch.device("meta"):
        model = timm.create_model(name)
    kinds = {type(one).__name__ for one in model.modules()}
    assert ("Conv2dSame" in kinds) == name.startswith("tf_")
    epsilons = {one.eps for one in model.modules() if isinstance(one, nn.BatchNorm2d)}
    assert epsilons == {float(TENSORFLOW_EPSILON if name.startswith("tf_") else EPSILON)}
    net = load_network(TIMM[name]).architecture
    activations = {ACTIVATIONS[one] for one in (net.activation, *(stage.activation for stage in net.stages)) if one}
    assert kinds & {*ACTIVATIONS.values(), "Swish"} == activations


def read_back(model: nn.Module, architecture: str, folder: Path) -> PretrainedBackbone:
    """The model's file as timm's hub has it; its images are scaled as ours, so that no edge differs."""
    save_file(model.state_dict(), folder / "model.safetensors")
    pixels = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    (folder / "config.json").write_text(json.dumps({"architecture": architecture, "pretrained_cfg": pixels}))
    return read_pretrained(folder / "model.safetensors", None)


def difference(start: PretrainedBackbone, model: nn.Module, px: int) -> float:
    """Of the features' means, as a share of the largest."""
    net = replace(staged(start.definition.architecture), resolution=px)
    ours = ConvNet(net).eval()
    ours.load_state_dict(start.tensors, strict=False)
    ours.get_submodule("classifier.linear").load_state_dict(model.get_submodule("classifier").state_dict())
    seen = images(2, px, 3000)
    with torch.no_grad():
        wanted, got = model(seen), ours(seen)
    return float((wanted - got).abs().max() / wanted.abs().max())


@pytest.mark.parametrize(
    "name", ["efficientnet_b0", "tf_efficientnet_b0", "tf_efficientnet_lite0", "tf_efficientnetv2_b0"]
)
def test_a_file_with_its_config_gives_the_models_logits(name: str, tmp_path: Path) -> None:
    import timm

    model = fill(timm.create_model(name), PX)
    start = read_back(model, f"{name}.some_tag", tmp_path)
    start.check_side(PX)
    assert difference(start, model, PX) < 1e-4
    if name.startswith("tf_"):
        assert difference(start, model, PX - 1) > 0.01  # what `check_side` refuses
