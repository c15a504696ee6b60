"""Weights by timm's and torchvision's names become ours, each in its place."""

from __future__ import annotations

import pytest
import torch
from library_states import state, theirs

from scalesearch.design.networks import load_network
from scalesearch.nets.state_dict_mapping import remap_state_dict, without_prefix

KNOWN = {
    # From the libraries' state dicts: timm 1.0, torchvision 0.29
    ("b0", "timm"): "conv_stem.weight bn1.running_var blocks.0.0.conv_dw.weight blocks.0.0.bn2.bias "
    "blocks.0.0.conv_pw.weight blocks.0.0.se.conv_reduce.bias blocks.6.0.conv_pwl.weight blocks.1.1.bn3.weight "
    "blocks.3.2.conv_pw.weight conv_head.weight bn2.weight",
    ("b0", "torchvision's EfficientNet"): "features.0.0.weight features.0.1.bias features.1.0.block.0.0.weight "
    "features.1.0.block.1.fc1.weight features.1.0.block.2.1.running_mean features.2.0.block.3.0.weight "
    "features.8.0.weight features.8.1.weight",
    ("efficientnet_v2_s", "timm"): "blocks.0.1.conv.weight blocks.0.0.bn1.weight blocks.1.0.conv_exp.weight "
    "blocks.1.3.conv_pwl.weight blocks.1.3.bn2.bias blocks.4.8.se.conv_expand.weight blocks.5.14.bn3.weight",
    (
        "efficientnet_v2_s",
        "torchvision's EfficientNet",
    ): "features.1.0.block.0.0.weight features.2.0.block.1.0.weight "
    "features.4.0.block.2.fc2.bias features.6.14.block.3.1.weight features.7.0.weight",
    (
        "mobilenet_v2",
        "torchvision's MobileNetV2",
    ): "features.0.0.weight features.0.1.bias features.1.conv.0.0.weight "
    "features.1.conv.1.weight features.1.conv.2.running_var features.2.conv.0.0.weight features.17.conv.1.1.bias "
    "features.17.conv.2.weight features.17.conv.3.weight features.18.0.weight features.18.1.running_mean",
    (
        "mnasnet",
        "torchvision's MNASNet",
    ): "layers.0.weight layers.1.bias layers.3.weight layers.4.weight layers.6.weight "
    "layers.7.running_var layers.8.0.layers.0.weight layers.8.2.layers.7.bias layers.13.0.layers.4.weight "
    "layers.14.weight layers.15.bias",
    ("resnet50", "ResNet"): "conv1.weight bn1.weight layer1.0.conv3.weight layer4.2.bn3.bias "
    "layer2.0.downsample.0.weight layer2.0.downsample.1.running_var",
    (
        "mobilenet_v3_large",
        "timm",
    ): "blocks.0.0.conv_dw.weight blocks.1.1.bn3.weight blocks.2.2.se.conv_reduce.bias "
    "blocks.3.3.conv_pwl.weight blocks.5.2.se.conv_expand.weight blocks.6.0.conv.weight blocks.6.0.bn1.bias",
    (
        "mobilenet_v3_small",
        "torchvision's MobileNetV3",
    ): "features.0.0.weight features.1.block.1.fc1.weight features.1.block.2.1.bias features.3.block.2.0.weight "
    "features.11.block.2.fc2.bias features.12.0.weight",
    ("mobilenet_v1", "timm"): "blocks.0.0.conv_dw.weight blocks.0.0.conv_pw.weight blocks.0.0.bn2.weight",
}


@pytest.mark.parametrize(("name", "library"), KNOWN)
def test_their_names_lead_to_our_tensors(name: str, library: str) -> None:
    given = theirs(name, library)
    assert set(KNOWN[name, library].split()) <= set(given)
    result = remap_state_dict(given, load_network(name).architecture)
    assert result is not None
    naming, found = result
    assert naming == library
    wanted = {
        key: tensor
        for key, tensor in state(name).items()
        if not key.startswith("classifier.") and not key.endswith("num_batches_tracked")
    }
    assert found.keys() == wanted.keys()
    assert all(found[key].shape == tensor.shape for key, tensor in wanted.items())


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model.encoder.", "module._orig_mod.model."])
def test_what_wrappers_put_before_the_names_is_taken_off(prefix: str) -> None:
    given = {f"{prefix}{name}": tensor for name, tensor in theirs("b0", "timm").items()}
    found, taken = without_prefix({**given, "n_averaged": torch.zeros(())})
    assert (list(found), taken) == (list(theirs("b0", "timm")), prefix)


def test_a_prefix_of_some_names_only_is_a_part_of_them() -> None:
    given = {"encoder.conv_stem.weight": torch.zeros(1), "decoder.weight": torch.zeros(1)}
    assert without_prefix(given) == (given, "")


def test_another_networks_names_are_none() -> None:
    assert remap_state_dict(theirs("b0", "timm"), load_network("efficientnet_v2_s").architecture) is None
    assert remap_state_dict({"block1.weight": torch.zeros(1)}, load_network("b0").architecture) is None
