"""A Python function in the commands beside `cost` and `grid`: timed, exported, trained, mapped, or refused."""

from __future__ import annotations

import importlib.util
import json
import sys
from decimal import Decimal
from math import log
from pathlib import Path

import jsonschema
import pytest
import torch
from safetensors.torch import save_file

from scalesearch.cli.definition import load_definition as load_named
from scalesearch.cli.json_output import json_schema
from scalesearch.cli.main import run
from scalesearch.design.factory_call import FactoryCall
from scalesearch.errors import InputError
from scalesearch.export.formats import export_network
from scalesearch.export.verify import images_of, seeded
from scalesearch.nets.factory import load_factory
from scalesearch.nets.factory_definition import FactoryDefinition, load_definition
from scalesearch.nets.weights import for_classes, read_weights, weights_file, weights_of
from scalesearch.training.constants import Stated
from scalesearch.training.pretrained import read_pretrained

NET = """from torch import nn


def build(depth=1.0, width=1.0, resolution=20):
    channels = max(2, round(4 * width))
    layers = [nn.Conv2d(3, channels, 3, stride=2, padding=1), nn.ReLU()]
    for _ in range(round(2 * depth)):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 11))


def of_one_side(depth=1.0, width=1.0, resolution=32):
    features = 4 * (resolution // 2) ** 2
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(features, 11))


def of_few(depth=1.0, width=1.0, resolution=32):
    return nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 9))
"""


def macs(blocks: int, channels: int, px: int) -> int:
    side = (px + 1) // 2
    return side**2 * (27 * channels + blocks * 9 * channels**2) + 11 * channels


class Place:
    """A folder with the functions in a module of its own name, where commands run in this process."""

    def __init__(
        self, folder: Path, module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self.module, self._monkeypatch, self._capsys = folder, module, monkeypatch, capsys
        (folder / f"{module}.py").write_text(NET)
        monkeypatch.chdir(folder)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))

    def run(self, *words: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["scalesearch", *words])
        with pytest.raises(SystemExit) as end:
            run()
        assert isinstance(end.value.code, int)
        return (end.value.code, *self._capsys.readouterr())

    def refused(self, *words: str) -> str:
        code, _, error = self.run(*words)
        assert (code, error.count("\n")) == (2, 1), error
        return error

    def definition(self, function: str = "build", depth: str = "1", width: str = "1") -> FactoryDefinition:
        return load_definition(FactoryCall(f"{self.module}:{function}", Decimal(depth), Decimal(width)))


@pytest.fixture
def place(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Place:
    return Place(tmp_path, f"net_{abs(hash(request.node.nodeid))}", monkeypatch, capsys)


def test_networks_of_a_function_are_timed_beside_others(place: Place) -> None:
    """Depth 1.5, width 2 and 30 px give 3 blocks of 8 channels; the reference stays as it is."""
    name = f"{place.module}:build"
    sizes = ("--depth", "1.5", "--width", "2", "--resolution", "30")
    code, out, error = place.run("latency", name, "--against", name, *sizes, "--runs", "3", "--json")
    assert code == 0, error
    facts = json.loads(out)
    reference, scaled = facts["measured"][0]["networks"]
    assert facts["reference"] == reference["name"] == f"{place.module}-build"
    assert scaled["name"] == f"{place.module}-build-d1.5-w2-30px"
    assert [one["macs"] for one in (reference, scaled)] == [macs(2, 4, 20), macs(3, 8, 30)]
    assert scaled["resolution"] == 30
    assert scaled["seconds"] > 0


def test_a_file_of_a_family_is_timed_as_its_call(place: Place) -> None:
    (place.folder / "phi1.yaml").write_text(
        f"factory: {place.module}:build\ndepth: 1.5\nwidth: 2\nresolution: 30\n"
    )
    code, out, error = place.run("latency", "phi1.yaml", "--runs", "3", "--json")
    assert code == 0, error
    assert json.loads(out)["measured"][0]["networks"][0]["macs"] == macs(3, 8, 30)


def test_an_exported_program_is_the_functions_network(place: Place) -> None:
    definition = place.definition(depth="1.5", width="2")
    network = seeded(definition.architecture, 3)
    code, out, error = place.run(
        *(
            "export",
            f"{place.module}:build",
            "--to",
            "torch-export",
            "--depth",
            "1.5",
            "--width",
            "2",
            "--seed",
            "3",
        )
    )
    assert code == 0, error
    assert f"{macs(3, 8, 20):,} multiply-adds" in out
    (path,) = (place.folder / "exports").iterdir()
    images = images_of(definition.architecture, 5)
    with torch.no_grad():
        assert torch.allclose(torch.export.load(path).module()(images), network(images), atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="needs the extra export")
def test_an_onnx_file_is_the_functions_network(place: Place) -> None:
    import onnxruntime

    definition = place.definition(width="2")
    network = seeded(definition.architecture, 0)
    exported = export_network("onnx", definition, network)
    assert "logits" in exported.checked
    (data,) = exported.files.values()
    images = images_of(definition.architecture, 5)
    (logits,) = onnxruntime.InferenceSession(data).run(["logits"], {"images": images.numpy()})
    with torch.no_grad():
        assert torch.allclose(torch.from_numpy(logits), network(images), atol=1e-5)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--to", "timm"), "--to timm: is written from a network's stages"),
        (("--to", "torchvision"), "give --to onnx or torch-export"),
        (("--to", "torch"), "--to torch: is written from a network's stages"),
        (("--to", "onnx", "--opset", "15"), "--opset 15: a function's network needs 18 or above"),
        (("--to", "onnx", "--deployed"), "is of a Python function, not of blocks; leave out --deployed"),
        (("--to", "onnx", "--rounding", "nearest", "--width", "2"), "which rounds by itself; leave it out"),
    ],
)
def test_an_export_that_a_function_cannot_have(words: tuple[str, ...], reason: str, place: Place) -> None:
    assert reason in place.refused("export", f"{place.module}:build", *words)
    assert not (place.folder / "exports").exists()


def test_a_network_that_torch_cannot_export_is_one_line(place: Place) -> None:
    with (place.folder / f"{place.module}.py").open("a") as stream:
        stream.write(
            "\n\nclass Asks(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.net = build()\n\n    def forward(self, images):\n"
            "        logits = self.net(images)\n        return logits + 1 if logits.sum() > 0 else logits\n\n\n"
            "def asks(depth=1.0, width=1.0, resolution=20):\n    return Asks()\n"
        )
    error = place.refused("export", f"{place.module}:asks", "--to", "torch-export")
    assert "torch cannot export it (" in error


def test_a_functions_network_is_trained_mapped_and_exported(place: Place) -> None:
    name = f"{place.module}:build"
    words = ("train", name, "--data", "digits", "--resolution", "16", "--epochs", "3", "--threads", "1")
    code, out, error = place.run(*words)
    assert code == 0, error
    folder = place.folder / "results" / f"{place.module}-build-train-fast"
    record = json.loads((folder / "run.json").read_text())
    assert record["result"]["macs"] == macs(2, 4, 16)
    assert record["result"]["val_accuracy"] > 0.3, "chance is 0.1"
    weights = read_weights(folder / "weights.safetensors")
    assert weights.definition.architecture == load_definition(FactoryCall(name, resolution=16)).architecture
    assert len(weights.classes) == 10
    path = str(folder / "weights.safetensors")
    code, out, error = place.run("cam", path, "--images", "digits")
    assert code == 0, error
    assert out.startswith("cam.png: 4 images, 1 networks")
    code, out, error = place.run("export", path, "--to", "torch-export")
    assert code == 0, error
    images = images_of(weights.definition.architecture, 2)
    (program,) = (place.folder / "exports").iterdir()
    with torch.no_grad():
        assert torch.allclose(torch.export.load(program).module()(images), weights.network()(images), atol=1e-5)
    sizes = ("--data", "digits", "--resolution", "12", "--epochs", "2", "--threads", "1")
    code, out, error = place.run("transfer", f"mine={path}", *sizes)
    assert code == 0, error
    assert "mine" in out.splitlines()[-2]
    (transferred,) = (place.folder / "results").glob("*-on-digits/weights.safetensors")
    assert read_weights(transferred).definition.architecture.resolution == 12
    assert "is trained" in place.run(*words)[1]


def test_a_transfer_of_a_functions_network_begins_with_all_but_its_classifier(place: Place) -> None:
    definition = place.definition()
    network = seeded(definition.architecture, 3)
    path = place.folder / "own.safetensors"
    path.write_bytes(weights_file(weights_of(definition, network, tuple("abcdefghijk"))))
    start = read_pretrained(path, None).weights(("x", "y"), 26, 5)
    trained = network.state_dict()
    equal = {name: torch.equal(tensor, trained[name]) for name, tensor in start.tensors.items()}
    assert not any(equal.pop(name) for name in ("10.weight", "10.bias"))
    assert all(equal.values())
    assert (start.definition.architecture.resolution, len(start.classes)) == (26, 2)
    with pytest.raises(InputError, match="gives 11 logits, but the data have 12 classes"):
        read_pretrained(path, None).weights(tuple("abcdefghijkl"), 26, 5)


def test_a_transfer_of_a_functions_own_state_dict(place: Place) -> None:
    """The classifier's shape may be another; a prefix of wrappers is taken off, but not the module's own names."""
    with (place.folder / f"{place.module}.py").open("a") as stream:
        stream.write(
            "\n\ndef held(depth=1.0, width=1.0, resolution=20):\n    net = nn.Module()\n    net.model = build()\n"
            "    net.forward = net.model.forward\n    return net\n"
        )
    name = f"{place.module}:build"
    trained = seeded(place.definition().architecture, 3).state_dict()
    trained["10.weight"] = torch.zeros(5, 4)
    path = place.folder / "own.safetensors"
    for prefix in ("", "module."):
        save_file({f"{prefix}{key}": tensor for key, tensor in trained.items()}, path)
        start = read_pretrained(path, name, load=load_named)
        assert (
            start.notes[-1]
            == f"tensors named as those of {name}; pixels are given to it in 0 … 1, less 0.5, over 0.25"
        )
        tensors = start.weights(("x", "y"), 26, 5).tensors
        assert all(torch.equal(tensors[key], trained[key]) for key in trained if not key.startswith("10."))
    save_file({f"module.model.{key}": tensor for key, tensor in trained.items()}, path)
    assert (
        read_pretrained(path, f"{place.module}:held", load=load_named).notes[0].startswith("the prefix module. of")
    )
    save_file({key: tensor for key, tensor in trained.items() if key != "0.bias"}, path)
    with pytest.raises(
        InputError, match=r"is no state dict of .*width=1, resolution=20\): 0.bias is missing, but 4"
    ):
        read_pretrained(path, name, Stated(), load_named)
    with pytest.raises(InputError, match="a function; leave --padding and --pixels out"):
        read_pretrained(path, name, Stated(pixels="half"), load_named)


def test_a_network_without_weights_is_to_be_trained_first(place: Place) -> None:
    (place.folder / "mine.yaml").write_text(f"factory: {place.module}:build\n")
    for name in (f"{place.module}:build", "b0", "b4", "timm:resnet50", "mine.yaml"):
        for words in (("cam", name), ("transfer", name, "--data", "digits")):
            assert (
                f"{name}: is a network without weights; train it first (scalesearch train {name})"
                in place.refused(*words)
            )


@pytest.mark.parametrize(
    ("function", "side", "reason"),
    [
        ("sized", 16, "at 16 px its 2.weight has another shape than in the trained network; give --resolution 20"),
        ("normed", 20, "logits are not the output of an nn.Linear or nn.Conv2d"),
    ],
)
def test_weights_that_a_transfer_cannot_begin_with(function: str, side: int, reason: str, place: Place) -> None:
    with (place.folder / f"{place.module}.py").open("a") as stream:
        stream.write(
            "\n\ndef normed(depth=1.0, width=1.0, resolution=20):\n"
            "    return nn.Sequential(build(depth, width), nn.LayerNorm(11))\n"
            "\n\ndef sized(depth=1.0, width=1.0, resolution=20):\n"
            "    side = (resolution + 1) // 2\n"
            "    hidden = nn.Linear(4 * side**2, 6)\n"
            "    return nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Flatten(), hidden, nn.Linear(6, 11))\n"
        )
    definition = place.definition(function)
    path = place.folder / "own.safetensors"
    weights = weights_of(definition, seeded(definition.architecture, 0), tuple("abcdefghijk"))
    path.write_bytes(weights_file(weights))
    with pytest.raises(InputError, match=reason):
        read_pretrained(path, None).weights(("x", "y"), side, 0)


def test_weights_are_bound_to_the_functions_source(place: Place) -> None:
    definition = place.definition()
    classes = tuple("abcdefghijk")
    path = place.folder / "own.safetensors"
    path.write_bytes(weights_file(weights_of(definition, seeded(definition.architecture, 0), classes)))
    assert read_weights(path).definition == definition
    source = place.folder / f"{place.module}.py"
    source.write_text(source.read_text() + "\n# changed\n")
    load_factory.cache_clear()
    with pytest.raises(InputError, match="its source has changed since; restore it"):
        read_weights(path)


def test_a_network_of_one_side_is_trained_at_one_side(place: Place) -> None:
    words = ("train", f"{place.module}:of_one_side", "--data", "digits", "--epochs", "3", "--threads", "1")
    error = place.refused(*words)
    assert "fails in a training step on an image of 16 px" in error
    assert error.endswith("give --fixed, which trains at one side\n")
    assert not list((place.folder / "results").glob("*/run.json"))
    assert place.run(*words[:-3], "1", "--threads", "1", "--fixed")[0] == 0


def test_too_few_logits_are_refused_before_training(place: Place) -> None:
    error = place.refused("train", f"{place.module}:of_few", "--data", "digits", "--threads", "1")
    assert "of_few: gives 9 logits, but the data have 10 classes; return as many" in error
    definition = place.definition("of_few")
    assert for_classes(definition, 9) == definition


def test_the_largest_network_of_a_function_within_limits(place: Place) -> None:
    """Every φ is counted here in closed form, and the largest that fits is found by trying all."""
    words = ("solve", f"{place.module}:build", "--max-flops", "150k", "--max-params", "2k", "--coefficients")
    code, out, error = place.run(*words, "1.3", "1.2", "1.05", "--json", "--out", "largest.yaml")
    assert code == 0, error
    facts = json.loads(out)
    jsonschema.validate(facts, json_schema("solve"))

    def amounts(phi: float) -> tuple[int, int]:
        blocks, channels = round(2 * 1.3**phi), max(2, round(4 * 1.2**phi))
        params = 28 * channels + blocks * (9 * channels**2 + 3 * channels) + 11 * (channels + 1)
        return macs(blocks, channels, int(20 * 1.05**phi + 0.5)), params

    fits = [step for step in range(5000) if amounts(step / 1000)[0] <= 150e3 and amounts(step / 1000)[1] <= 2000]
    assert facts["phi"] == max(fits) / 1000
    assert (facts["macs"], facts["params"]) == amounts(max(fits) / 1000)
    larger = amounts(max(fits) / 1000 + 0.001)
    assert [one["binds"] for one in facts["limits"]] == [larger[0] > 150e3, larger[1] > 2000]
    assert (facts["next_larger"]["macs"], facts["next_larger"]["params"]) == larger
    cost = json.loads(place.run("cost", "largest.yaml", "--json")[1])
    assert (cost["macs"], cost["params"], cost["resolution"]) == (facts["macs"], facts["params"], facts["px"])


def test_a_smaller_network_of_a_function_is_found_too(place: Place) -> None:
    code, out, error = place.run("solve", f"{place.module}:build", "--max-flops", "0.4x")
    assert code == 0, error
    assert "at φ = -" in out
    assert "Bound by --max-flops" in out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--max-flops", "100"), "--max-flops 100: the smallest member (φ = -4) has"),
        (("--max-memory", "1MiB"), "give --training too, whose memory is estimated"),
        (("--max-flops", "1M", "--rounding", "nearest"), "which rounds by itself; leave it out"),
    ],
)
def test_limits_that_a_function_cannot_have(words: tuple[str, ...], reason: str, place: Place) -> None:
    assert reason in place.refused("solve", f"{place.module}:build", *words)


def test_what_each_dimension_adds_is_explained(place: Place) -> None:
    """2 blocks of 4 channels at 20 px become 3 blocks of 8 channels at 30 px, one dimension after the other."""
    name = f"{place.module}:build"
    sizes = ("--depth", "1.5", "--width", "2", "--resolution", "30")
    code, out, error = place.run("explain", name, *sizes, "--coefficients", "1.5", "1.2", "1.1", "--json")
    assert code == 0, error
    facts = json.loads(out)
    jsonschema.validate(facts, json_schema("explain"))
    base, deep, wide, whole = macs(2, 4, 20), macs(3, 4, 20), macs(3, 8, 20), macs(3, 8, 30)
    added = [facts[f"macs_by_{axis}"] for axis in ("depth", "width", "resolution")]
    assert added == [deep - base, wide - deep, whole - wide]
    assert (facts["macs"], facts["px"]) == (whole, 30)
    stages = {stage["name"]: stage for stage in facts["stages"]}
    assert list(stages) == ["0", "2", "5", "8", "13", "10"], "the submodules that multiply; 10 was the classifier"
    stem, new, out = stages["0"], stages["8"], stages["13"]
    assert [stem[key] for key in ("macs", "macs_by_depth", "macs_by_width", "macs_by_resolution")] == [
        *(10**2 * 27 * 4, 0, 10**2 * 27 * 4, (15**2 - 10**2) * 27 * 8)
    ]
    assert [new[key] for key in ("macs", "macs_by_depth", "macs_by_width", "macs_by_resolution")] == [
        *(0, 10**2 * 9 * 4**2, 10**2 * 9 * (8**2 - 4**2), (15**2 - 10**2) * 9 * 8**2)
    ]
    fields = ("layers", "scaled_layers", "channels", "scaled_channels", "px", "scaled_px")
    assert [stem[key] for key in fields] == [1, 1, 4, 8, 20, 30]
    assert [new[key] for key in fields] == [0, 1, 0, 8, 0, 15]
    assert [out[key] for key in (*fields, "scaled_macs")] == [0, 1, 0, 11, 0, 1, 88]
    assert (stages["10"]["macs"], stages["10"]["scaled_macs"]) == (44, 0)
    assert sum(stage["scaled_macs"] for stage in stages.values()) == whole
    assert 2 ** facts["measured_phi"] == pytest.approx(whole / base)
    phis = [facts[axis]["phi"] for axis in ("depth", "width", "resolution")]
    assert phis == pytest.approx([1, log(2) / log(1.2), log(1.5) / log(1.1)])
    assert facts["at_phi_1"]["macs"] == macs(3, 5, 22)
    (place.folder / "phi1.yaml").write_text(f"factory: {name}\ndepth: 1.5\nwidth: 2\nresolution: 30\n")
    code, out, error = place.run("explain", "phi1.yaml")
    assert code == 0, error
    (row,) = (line.split() for line in out.splitlines() if line.startswith("multiply-adds"))
    assert row[1:] == [f"{value:,}" for value in (base, *added, whole)]
    assert "is not scaled; give --depth" in place.refused("explain", name)
    assert "which rounds by itself" in place.refused("explain", name, *sizes, "--rounding", "nearest")
