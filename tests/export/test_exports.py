"""Every export is the network that it was made from, and a wrong one is refused before it is written."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from exported import export_as
from networks import random_architecture
from safetensors.torch import load, load_file
from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.block_kinds import STAGE_KINDS
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.design.shortcuts import SHORTCUTS, ShortcutName
from scalesearch.errors import CountError, InputError
from scalesearch.export import formats, verify
from scalesearch.export.formats import FORMATS
from scalesearch.export.names import file_stem
from scalesearch.export.timm_definition import timm_definition
from scalesearch.export.torch_source import torch_source
from scalesearch.nets.blocks.mbconv import MBConvBlock
from scalesearch.nets.blocks.repvgg import RepVGGBlock
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.deployed import deployed_network

SCALES = (("1.2", "1.1"), ("1", "1.25"), ("1.5", "1"), ("0.5", "0.75"), ("1.4", "1.2"))
SMALL = (
    "tiny",
    "convnext_tiny",
    "convnextv2_atto",
    "ghostnet",
    "mobilenet_v3_small",
    "mobilenet_v4_conv_small",
    "mobilenet_v1",
    "mobilenet_v2",
    "repvgg_a0",
    "resnet18",
    "resnext50",
    "regnety_400mf",
    "efficientnet_v2_b0",
)
needs_onnx = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
    reason="the export extra is not installed",
)


def members(name: str, px: int, count: int = 5) -> list[Baseline]:
    """Five scaled members, at small resolutions: counts follow exactly, and a forward pass is short."""
    base = load_baseline(name)
    found = [base.scale(Multipliers(Decimal(depth), Decimal(width))) for depth, width in SCALES[:count]]
    return [replace(one, architecture=replace(one.architecture, resolution=px + i)) for i, one in enumerate(found)]


def random_baseline(kind: str, seed: int) -> Baseline:
    from random import Random

    return Baseline(
        "any", '"""\\ and \'quotes\'"', random_architecture(Random(seed), kind=kind), Rounding("paper", 1)
    )


def test_the_small_ones_cover_every_block_kind_but_some() -> None:
    kinds = {stage.kind for name in SMALL for stage in load_baseline(name).architecture.stages}
    wide = {"wide_bottleneck", "linear_bottleneck", "inverted_bottleneck", "edge_residual", "mixconv"}
    assert set(STAGE_KINDS) - kinds == {"repvgg_deploy", *wide}  # these are in `test_every_kind…`


@pytest.mark.parametrize("name", SMALL)
def test_scaled_members_in_plain_torch(name: str) -> None:
    for member in members(name, 33, 2):
        made = export_as("torch", member, 0)
        price = cost(member.architecture)
        assert f"{price.params:,} parameters, {price.macs:,} multiply-adds" in made.checked


@pytest.mark.parametrize(
    "seeds", [pytest.param(range(2), id="two"), pytest.param(range(2, 8), id="more", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("kind", STAGE_KINDS)
def test_every_kind_in_plain_torch(kind: str, seeds: range) -> None:
    for seed in seeds:
        export_as("torch", random_baseline(kind, seed), 0)


def test_another_epsilon_and_an_activation_that_torch_lacks_in_plain_torch() -> None:
    """Network-wide and in one stage; of the libraries' definitions none has the activation."""
    base = load_baseline("convnext_atto")
    net = replace(base.architecture, resolution=33, layer_norm_eps=Decimal("0.01"))
    for network, stage in (("gelu_tanh", None), ("gelu", "gelu_tanh"), ("gelu_tanh", "gelu")):
        stages = (*net.stages[:-1], replace(net.stages[-1], activation=stage))
        export_as("torch", replace(base, architecture=replace(net, activation=network, stages=stages)), 0)
    for name in ("b0", "resnet18"):
        other = load_baseline(name)
        other = replace(other, architecture=replace(other.architecture, activation="gelu_tanh"))
        with pytest.raises(InputError, match="the activation is gelu_tanh, which is not written for the library"):
            timm_definition(other)


@pytest.mark.slow
@pytest.mark.timeout(3600)  # V2-L's four ONNX files: two for each member
@pytest.mark.parametrize("name", baseline_names())
@pytest.mark.parametrize("form", FORMATS)
def test_scaled_members_in_every_format(form: str, name: str) -> None:
    """Five where a definition is written; two of the traced formats, which take minutes for the large ones."""
    if form == "onnx":
        pytest.importorskip("onnxruntime", reason="the export extra is not installed")
    for member in members(name, 65, 2 if form in ("onnx", "torch-export") else 5):
        try:
            made = export_as(form, member, 1)
        except InputError:  # a library has no such network
            assert form in ("timm", "torchvision")
            continue
        assert made.files
        assert made.checked


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plain-torch export of a network with a pool, gates, and blocks of four kinds."""
    folder = tmp_path_factory.mktemp("export")
    made = export_as("torch", load_baseline("tiny"), 3)
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    return folder


def test_the_source_stands_alone(folder: Path) -> None:
    """Run without this package, in an isolated interpreter that may import torch and nothing of ours."""
    code = (
        "import runpy, sys; runpy.run_path('tiny.py', run_name='__main__');"
        "assert not [name for name in sys.modules if name.startswith('scalesearch')]"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "tiny: 63,738 parameters\n"
    text = (folder / "tiny.py").read_text()
    modules = {line.split()[1].partition(".")[0] for line in text.splitlines() if re.match(r"(from|import) ", line)}
    assert modules == {"collections", "fractions", "torch"}
    assert 'load_file("tiny.safetensors")' in text


def test_the_weights_fit_the_source_and_are_the_seeds(folder: Path) -> None:
    weights = load_file(folder / "tiny.safetensors")
    network = formats._load_module((folder / "tiny.py").read_text(), "tiny").Network().eval()
    network.load_state_dict(weights)
    torch.manual_seed(3)
    ours = ConvNet(load_baseline("tiny").architecture).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(network(images), ours(images), atol=1e-6)
    others = load(export_as("torch", load_baseline("tiny"), 4).files["tiny.safetensors"])
    assert not torch.equal(others["stem.0.weight"], weights["stem.0.weight"])


def test_a_file_never_hides_a_module_that_it_needs() -> None:
    names = {
        "b0": "b0",
        "b0-d1.4-w1-224px": "b0_d1_4_w1_224px",
        "7.a": "net_7_a",
        "torch": "net_torch",
        "fractions": "net_fractions",
    }
    for name, stem in (names | {"class": "net_class"}).items():
        assert file_stem(name) == stem


def test_only_the_blocks_that_are_used_stand_in_the_source() -> None:
    text = torch_source(load_baseline("efficientnet_v2_b0"))
    assert re.findall(r"^(?:class|def) (\w+)", text, re.MULTILINE) == [
        *("conv", "SqueezeExcite", "MBConv", "FusedMBConv", "stage", "Features", "Network"),
    ]
    plain = torch_source(load_baseline("resnet18"))
    assert re.findall(r"^(?:class|def) (\w+)", plain, re.MULTILINE) == [
        *("conv", "shortcut", "Basic", "stage", "Features", "Network"),
    ]
    assert "Fraction" not in plain
    assert "stage(Basic, 64, 128, layers=2, kernel=3, stride=2)," in plain


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_a_squeeze_stands_beside_any_shortcut(shortcut: ShortcutName) -> None:
    """A bottleneck's own squeeze has a share of the block's input width; as in RegNetY with pooled shortcuts."""
    base = load_baseline("regnety_400mf")
    first, second, *_ = base.architecture.stages
    stages = tuple(replace(stage, shortcut=shortcut) for stage in (first, second))
    assert all(stage.se for stage in stages)
    small = replace(base.architecture, stages=stages, resolution=33)
    made = export_as("torch", replace(base, architecture=small), 0)
    assert f"{cost(small).params:,} parameters" in made.checked


def test_the_source_says_what_it_was_made_from() -> None:
    by = Multipliers(Decimal("1.4"), Decimal("1.2"))
    text = torch_source(load_baseline("b0").scale(by))
    assert text.startswith('"""b0-d1.4-w1.2-224px: b0 scaled by depth 1.4, width 1.2; EfficientNet-B0: ')
    assert 'load_file("b0_d1_4_w1_2_224px.safetensors")' in text


WRONG = {
    "a larger kernel": (
        ", kernel=5,",
        ", kernel=3,",
        "is (96, 1, 3, 3), but our stages_2_0.depthwise.0.weight is (96, 1, 5, 5)",
    ),
    "a layer less": ("layers=2", "layers=1", "tensors, but ours"),
    "another stride": ("kernel=5, stride=2", "kernel=5, stride=1", "multiply-adds, but the closed form"),
    "another activation": ("nn.SiLU", "nn.ReLU", "logits differ"),
    "another epsilon": ("EPS = 0.001", "EPS = 0.1", "logits differ"),
    "no shortcut": ("return x + branch if self.has_shortcut else branch", "return branch", "logits differ"),
    "another pooling": ("features.mean((2, 3))", "features.amax((2, 3))", "logits differ"),
    "another map": ("1: (2, 16)", "0: (2, 16)", "feature maps are others"),
    "a map less": ("            2: (4, 24),\n", "", "feature maps are others"),
    "no gate": ("self.gate(self.depthwise(self.expand(x)))", "self.depthwise(self.expand(x))", "multiply-adds"),
    "a weight of its own": (
        "        self.classifier",
        "        self.more = nn.Parameter(EPS * nn.Linear(1, 1).weight)\n        self.classifier",
        "tensors, but ours",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_export_is_refused(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad, reason = WRONG[what]
    text = torch_source(load_baseline("tiny"))
    assert good in text
    monkeypatch.setattr(formats, "torch_source", lambda _: text.replace(good, bad))
    with pytest.raises(CountError) as error:
        export_as("torch", load_baseline("tiny"), 0)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_definition_that_reads_back_differently_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = timm_definition(load_baseline("b0"))
    monkeypatch.setattr(formats, "timm_definition", lambda _: text.replace("_e6_c40", "_e6_c48"))
    with pytest.raises(CountError, match="reads back as another network"):
        export_as("timm", load_baseline("b0"), 0)


@pytest.mark.parametrize(
    "name", ["tiny", *(pytest.param(name, marks=pytest.mark.slow) for name in ("resnet18", "b5"))]
)
def test_scrambling_leaves_no_tensor_without_effect(name: str) -> None:
    """Otherwise an export that mixes two of them up would pass; deep networks must not drown their last layers."""
    found = load_baseline("b0") if name == "b5" else load_baseline(name)
    if name == "b5":
        found = found.scale(Multipliers(Decimal("2.2"), Decimal("1.6")))
    architecture = replace(found.architecture, resolution=64)
    net = verify.randomized(architecture)
    images = verify.images_of(architecture)
    with torch.no_grad():
        before = net(images)
        for name, tensor in net.state_dict().items():
            if tensor.ndim == 0:
                continue
            kept = tensor.clone()
            tensor.copy_(tensor.flip(0) if tensor.ndim == 1 else tensor * 0.9)
            difference = float((net(images) - before).abs().max()) / max(1.0, float(before.abs().max()))
            assert difference > 3 * verify.TOLERANCE, name
            tensor.copy_(kept)


def small_repvgg(px: int = 33) -> Baseline:
    """The same blocks with fewer channels."""
    baseline = load_baseline("repvgg_a0")
    return replace(baseline, architecture=baseline.architecture.resized((8, 8, 12, 16, 20), (2, 3, 3, 1), px))


@pytest.mark.parametrize("form", ["torch", pytest.param("torch-export", marks=pytest.mark.slow)])
def test_the_deployed_form_has_the_trained_weights(form: str) -> None:
    baseline = small_repvgg()
    trained = verify.randomized(baseline.architecture)
    deployed, network = formats.as_deployed(baseline, trained)
    made = formats.export_network(form, deployed, network)
    price = cost(baseline.architecture.deployed)
    assert f"{price.params:,} parameters, {price.macs:,} multiply-adds" in made.checked
    images = verify.images_of(baseline.architecture, 2)
    if form == "torch":
        source, weights = (made.files[f"repvgg_a0_deployed.{end}"] for end in ("py", "safetensors"))
        assert "BatchNorm2d" not in source.decode()
        theirs = formats._load_module(source.decode(), "repvgg_a0_deployed").Network().eval()
        theirs.load_state_dict(load(weights))
    else:
        theirs = torch.export.load(io.BytesIO(made.files["repvgg_a0_deployed.pt2"])).module()
    with torch.no_grad():
        assert verify.difference_of(trained(images), theirs(images)) < verify.TOLERANCE


def test_a_wrong_fold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    baseline = small_repvgg()

    def without_a_branch(architecture: Architecture, trained: ConvNet) -> ConvNet:
        block = trained.get_submodule("stages_1_1")
        assert isinstance(block, RepVGGBlock)
        block.identity, kept = None, block.identity
        try:
            return deployed_network(architecture, trained)
        finally:
            block.identity = kept

    monkeypatch.setattr(formats, "deployed_network", without_a_branch)
    with pytest.raises(CountError, match=r"^repvgg_a0-deployed: the exported network's logits differ by "):
        formats.as_deployed(baseline, verify.seeded(baseline.architecture, 0))


def test_scrambling_reaches_the_end_of_a_network_without_norms() -> None:
    """With torch's initial weights nothing of the images would be left behind twenty layers."""
    net = replace(load_baseline("repvgg_a0").architecture.deployed, resolution=64)
    with torch.no_grad():
        first, second = verify.randomized(net)(verify.images_of(net, 2))
        assert verify.difference_of(first, second) > 1000 * verify.TOLERANCE
        faded, other = verify.seeded(net, 0)(verify.images_of(net, 2))
        assert verify.difference_of(faded, other) < verify.TOLERANCE


@pytest.mark.slow  # the compiler takes ten seconds
def test_torch_export_runs_without_our_code_for_any_batch(tmp_path: Path) -> None:
    made = export_as("torch-export", load_baseline("tiny"), 5)
    (tmp_path / "tiny.pt2").write_bytes(made.files["tiny.pt2"])
    code = (
        "import sys, torch\n"
        "net = torch.export.load('tiny.pt2').module()\n"
        "torch.manual_seed(0); print([round(float(x), 4) for x in net(torch.randn(3, 3, 64, 64)).sum(1)])\n"
        "assert not [name for name in sys.modules if name.startswith('scalesearch')]"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours = verify.seeded(load_baseline("tiny").architecture, 5)
    torch.manual_seed(0)
    with torch.no_grad():
        wanted = ours(torch.randn(3, 3, 64, 64)).sum(1)
    assert json.loads(done.stdout) == pytest.approx(wanted.tolist(), abs=2e-4)


@needs_onnx
@pytest.mark.slow
@pytest.mark.parametrize(("name", "channels"), [("tiny", 3), ("resnet18", 3), ("tiny", 1), ("tiny", 4)])
def test_onnx_is_the_same_network_for_any_batch(name: str, channels: int, tmp_path: Path) -> None:
    import onnxruntime

    baseline = members(name, 40, 1)[0]
    baseline = replace(baseline, architecture=replace(baseline.architecture, in_channels=channels))
    made = export_as("onnx", baseline, 5)
    ((_, data),) = made.files.items()
    assert f"{cost(baseline.architecture).macs:,} multiply-adds" in made.checked
    assert b"site-packages" not in data  # no paths of this machine
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    images = torch.randn(4, channels, 40, 40)
    (got,) = session.run(["logits"], {"images": images.numpy()})
    with torch.no_grad():
        wanted = verify.seeded(baseline.architecture, 5)(images)
    assert torch.allclose(torch.from_numpy(got), wanted, atol=1e-5)


@needs_onnx
def test_a_wrong_onnx_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from scalesearch.export import onnx_file

    saved = onnx_file._export_model

    def without_shortcut(network: nn.Module, *rest: object) -> bytes:
        block = next(one for one in network.modules() if isinstance(one, MBConvBlock) and one.has_shortcut)
        block.has_shortcut = False
        try:
            return saved(network, *rest)  # type: ignore[arg-type]
        finally:
            block.has_shortcut = True

    monkeypatch.setattr(onnx_file, "_export_model", without_shortcut)
    with pytest.raises(CountError, match="logits differ"):
        export_as("onnx", load_baseline("tiny"), 0)


def test_without_the_extra_onnx_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'scalesearch\[export\]'"):
        export_as("onnx", load_baseline("tiny"), 0)


@pytest.mark.parametrize(
    ("library", "said"),
    [
        ("raise ImportError('no such thing here\\nand more')", "cannot be imported: no such thing here"),
        ("import missing_part", "cannot be imported: No module named 'missing_part'"),
        (None, "is not installed"),
    ],
)
def test_a_definition_that_is_not_built_says_why(
    library: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    if library is None:
        monkeypatch.setitem(sys.modules, "timm", None)
    else:
        (tmp_path / "timm.py").write_text(library)
        monkeypatch.syspath_prepend(tmp_path)
    tiny = load_baseline("tiny")
    exported = formats.as_timm(tiny, ConvNet(tiny.architecture))
    assert exported.checked == f"reads back as the same network (timm {said}, so it was not built)"
