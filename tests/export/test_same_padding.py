"""Exports of a network that pads as TensorFlow does, and definitions of timm with `pad_type='same'`."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import pytest
from exported import export_as

from scalesearch.design.baselines import load_baseline
from scalesearch.design.scaling import Baseline
from scalesearch.errors import CountError, InputError
from scalesearch.export import formats
from scalesearch.export.formats import as_onnx
from scalesearch.export.import_definition import read_network
from scalesearch.export.library_rules import same_network
from scalesearch.export.onnx_file import OnnxTarget
from scalesearch.export.timm_definition import timm_definition
from scalesearch.export.torch_source import torch_source
from scalesearch.export.torchvision_definition import torchvision_definition
from scalesearch.export.verify import check_equivalent, seeded


def same(name: str) -> Baseline:
    """The baseline at 64 px with TensorFlow's padding: there every stride sees an even side."""
    baseline = load_baseline(name)
    return replace(baseline, architecture=replace(baseline.architecture, padding="same", resolution=64))


@pytest.mark.parametrize("name", ["tiny", "resnet18", "mobilenet_v3_small"])
def test_the_plain_source_has_equal_logits(name: str) -> None:
    """Weights, counts and logits are compared before the text is returned; the pool of ResNet pads as well."""
    made = export_as("torch", same(name), 0)
    assert "logits within" in made.checked or "equal logits" in made.checked
    text = made.files[f"{name}.py"].decode()
    assert text.count("        pad_same(self)\n") == 1
    assert "pad_same" not in torch_source(load_baseline(name))


def test_the_check_sees_the_other_padding() -> None:
    baseline = same("tiny")
    text = torch_source(baseline).replace("        pad_same(self)\n", "")
    with pytest.raises(CountError, match="logits differ"):
        check_equivalent(baseline.architecture, formats._load_module(text, "tiny").Network(), "tiny")


def test_torch_export_has_equal_logits() -> None:
    assert "logits within" in (checked := export_as("torch-export", same("tiny"), 0).checked) or "equal" in checked


NEEDS_ONNX = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="the export extra is not installed",
)


@NEEDS_ONNX
@pytest.mark.parametrize("opset", [15, *(pytest.param(opset, marks=pytest.mark.slow) for opset in (18, 23))])
@pytest.mark.parametrize("name", ["tiny", pytest.param("resnet18", marks=pytest.mark.slow)])
def test_onnx_pads_images_of_any_side(name: str, opset: int) -> None:
    """Counts and logits, also at sides of other remainders, are compared before the file is returned."""
    baseline = same(name)
    made = as_onnx(baseline, seeded(baseline.architecture, 0), OnnxTarget(opset, dynamic_side=True))
    assert "multiply-adds" in made.checked


@NEEDS_ONNX
def test_the_oldest_opset_pads_images_of_one_side_only() -> None:
    baseline = same("tiny")
    network = seeded(baseline.architecture, 0)
    with pytest.raises(
        InputError, match=r"^--opset 14: tiny has the padding same, which for --dynamic-side needs 15"
    ):
        as_onnx(baseline, network, OnnxTarget(14, dynamic_side=True))
    assert "multiply-adds" in as_onnx(baseline, network, OnnxTarget(13)).checked


@pytest.mark.parametrize("name", ["b0", "efficientnet_v2_b0", "mobilenet_v3_large", "mobilenet_v2"])
def test_timms_text_states_it_and_reads_back(name: str) -> None:
    baseline = same(name)
    text = timm_definition(baseline)
    assert text.count('    pad_type="same",\n') == 1
    assert "pad_type" not in timm_definition(load_baseline(name))
    assert same_network(read_network(text, "x")) == same_network(baseline.architecture)
    symmetric = read_network(text.replace('"same"', '""'), "x")
    assert symmetric == replace(read_network(text, "x"), padding="symmetric")


@pytest.mark.parametrize("name", ["b0", "mobilenet_v2", "resnet50", "efficientnet_v2_s"])
def test_torchvision_has_no_such_padding(name: str) -> None:
    with pytest.raises(InputError, match="the padding is same, but the library's network pads symmetrically"):
        torchvision_definition(same(name))


def test_timms_resnet_has_no_such_padding() -> None:
    with pytest.raises(InputError, match="resnet50: the padding is same, but the library's network pads symmetric"):
        timm_definition(same("resnet50"))
