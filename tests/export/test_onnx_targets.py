"""ONNX for other runtimes: the operators' version, the file's own version, and images of any side."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import pytest
import torch

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError
from scalesearch.export.formats import as_deployed, as_onnx
from scalesearch.export.onnx_file import OnnxTarget
from scalesearch.export.verify import seeded

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="the export extra is not installed",
)

IR_VERSIONS = {13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}
"""onnx's docs/Versioning.md."""


def exported(name: str, target: OnnxTarget | None) -> tuple[Any, bytes]:
    import onnx

    baseline = load_baseline(name)
    (data,) = as_onnx(baseline, seeded(baseline.architecture, 0), target).files.values()
    return onnx.load_from_string(data), data


def check(name: str, target: OnnxTarget) -> None:
    import onnxruntime

    model, data = exported(name, target)
    assert [one.version for one in model.opset_import if one.domain in ("", "ai.onnx")] == [target.opset]
    assert model.ir_version == IR_VERSIONS[target.opset]
    px = load_baseline(name).architecture.side
    sides = [
        dimension.dim_param or dimension.dim_value for dimension in model.graph.input[0].type.tensor_type.shape.dim
    ]
    assert sides == (["batch", 3, "height", "width"] if target.dynamic_side else ["batch", 3, px, px])
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    shapes = [(2, 3, px, px), (3, 3, px + 7, px - 13)] if target.dynamic_side else [(2, 3, px, px)]
    network = seeded(load_baseline(name).architecture, 0)
    for shape in shapes:
        images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
        (logits,) = session.run(["logits"], {"images": images.numpy()})
        with torch.no_grad():
            torch.testing.assert_close(torch.from_numpy(logits), network(images), atol=1e-5, rtol=1e-4)


def test_the_oldest_opset_takes_images_of_any_side() -> None:
    check("tiny", OnnxTarget(13, dynamic_side=True))


def small_convnext(name: str = "convnext_tiny") -> Baseline:
    baseline = load_baseline(name)
    small = baseline.architecture.resized((8, 8, 12, 16, 20), (1, 1, 2, 1), 37)
    return replace(baseline, name="small", architecture=small)


@pytest.mark.parametrize("name", ["convnextv2_atto", pytest.param("convnext_tiny", marks=pytest.mark.slow)])
@pytest.mark.parametrize("opset", [17, pytest.param(23, marks=pytest.mark.slow)])
def test_the_normalisations_of_convnext_are_written_for_any_side(opset: int, name: str) -> None:
    """Parameters, multiply-adds and logits, also at other sides, are checked before the file is handed over."""
    baseline = small_convnext(name)
    made = as_onnx(baseline, seeded(baseline.architecture, 0), OnnxTarget(opset, dynamic_side=True))
    assert f"{cost(baseline.architecture).params:,} parameters" in made.checked


def small_repvgg() -> Baseline:
    baseline = load_baseline("repvgg_a0")
    small = baseline.architecture.resized((4, 8, 6, 9, 10), (1, 1, 2, 1), 33)
    return replace(baseline, name="small", architecture=small)


def operators(data: bytes) -> list[str]:
    import onnx

    return [node.op_type for node in onnx.load_from_string(data).graph.node]


@pytest.mark.parametrize("opset", [13, pytest.param(23, marks=pytest.mark.slow)])
def test_the_batch_norm_of_an_identity_branch_is_written(opset: int) -> None:
    """It stands before no convolution that it could be folded into."""
    baseline = small_repvgg()
    made = as_onnx(baseline, seeded(baseline.architecture, 0), OnnxTarget(opset, dynamic_side=True))
    assert f"{cost(baseline.architecture).params:,} parameters" in made.checked
    (data,) = made.files.values()
    assert operators(data).count("BatchNormalization") == 1


@pytest.mark.slow
def test_a_deployed_repvgg_is_convolutions_alone() -> None:
    baseline = small_repvgg()
    made = as_onnx(*as_deployed(baseline, seeded(baseline.architecture, 0)), OnnxTarget(13))
    (data,) = made.files.values()
    assert operators(data) == ["Conv", "Relu"] * 6 + ["ReduceMean", "Gemm"]


def test_an_opset_without_layer_norm_is_refused_in_one_line() -> None:
    baseline = small_convnext()
    with pytest.raises(
        InputError, match=r"^--opset 16: small has layer_norm, which ONNX lacks before 17; give that$"
    ):
        as_onnx(baseline, seeded(baseline.architecture, 0), OnnxTarget(16))


@pytest.mark.slow  # each is two exports
@pytest.mark.parametrize("name", ["tiny", "mobilenet_v2", "resnet18"])
@pytest.mark.parametrize("opset", IR_VERSIONS)
def test_every_opset(name: str, opset: int) -> None:
    check(name, OnnxTarget(opset, dynamic_side=opset % 2 == 0))


@pytest.mark.parametrize("opset", [12, 24, 0, -1])
def test_other_opsets_are_refused_with_the_range(opset: int) -> None:
    with pytest.raises(InputError, match=rf"^--opset {opset}: must be in 13 … 23$"):
        OnnxTarget(opset)
