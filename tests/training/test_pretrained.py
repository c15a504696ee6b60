"""A transfer begins with the trained layers, whoever named them, under a classifier of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from library_states import theirs
from safetensors.torch import save_file
from schooled import job

from scalesearch.design.baselines import load_baseline
from scalesearch.errors import InputError
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.weights import weights_file, weights_of
from scalesearch.proxy.augment import normalise
from scalesearch.training.constants import Own, Stated, constants_of
from scalesearch.training.pretrained import _with_our_pixels, read_pretrained

TINY = load_baseline("tiny")
SYMMETRIC = Stated("symmetric")
IMAGENET = constants_of("timm", "b0", Own(), SYMMETRIC, None, "x")
CLASSES = tuple(f"class {index}" for index in range(10))


def saved(folder: Path) -> tuple[Path, ConvNet]:
    torch.manual_seed(3)
    network = ConvNet(TINY.architecture)
    path = folder / "tiny.safetensors"
    path.write_bytes(weights_file(weights_of(TINY, network, CLASSES)))
    return path, network


def test_layers_are_the_trained_ones_and_the_classifier_is_new(tmp_path: Path) -> None:
    path, network = saved(tmp_path)
    start = read_pretrained(path, None)
    found = start.weights(("a", "b", "c"), 48, seed=1)
    assert found.definition.architecture.resolution == 48
    assert found.classes == ("a", "b", "c")
    own = network.state_dict()
    for name, tensor in found.tensors.items():
        if name.startswith("classifier."):
            assert tensor.shape[0] == 3
        else:
            assert torch.equal(tensor, own[name]), name
    again = start.weights(("a", "b", "c"), 48, seed=1)
    other = start.weights(("a", "b", "c"), 48, seed=2)
    name = "classifier.linear.weight"
    assert torch.equal(found.tensors[name], again.tensors[name])
    assert not torch.equal(found.tensors[name], other.tensors[name])


def test_a_start_says_the_same_of_itself_again(tmp_path: Path) -> None:
    """Else the command that was killed would not resume; a file's bytes are others at every writing."""
    path, _ = saved(tmp_path)
    first, *same, other = (
        replace(job(), start=read_pretrained(path, None).weights(("a", "b", "c"), 16, seed)).id
        for seed in (0, 0, 0, 1)
    )
    assert same == [first, first]
    assert other != first


def test_a_librarys_pixels_are_folded_into_the_stem(tmp_path: Path) -> None:
    network = ConvNet(TINY.architecture).eval()
    images = torch.randint(0, 256, (2, 3, 20, 20), dtype=torch.uint8)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    library = (images / 255 - mean[:, None, None]) / deviation[:, None, None]
    stem = network.get_submodule("stem")
    with torch.no_grad():
        wanted = stem(library)
        network.load_state_dict(_with_our_pixels(network.state_dict(), IMAGENET, "x"))
        got = stem(normalise(images))
    assert torch.allclose(got[:, :, 1:, 1:], wanted[:, :, 1:, 1:], atol=1e-5)


def test_a_librarys_file_needs_the_networks_name_and_its_shapes(tmp_path: Path) -> None:
    given = {name: torch.zeros(one.shape) for name, one in theirs("b0", "timm").items()}
    path = tmp_path / "timm.safetensors"
    save_file(given, path)
    assert read_pretrained(path, "b0", SYMMETRIC).definition.name == "b0"
    for network, reason in (
        (None, "give --network NAME"),
        ("efficientnet_v2_s", "are not named as"),
        ("b1", "is no b1: .* is missing"),
        ("b3", "is no b3: .* is "),
    ):
        with pytest.raises(InputError, match=reason):
            read_pretrained(path, network, SYMMETRIC)
    save_file({**given, "conv_stem.weight": torch.zeros(8, 3, 3, 3)}, path)
    with pytest.raises(InputError, match=r"is no b0: stem.conv.0.weight is 8×3×3×3"):
        read_pretrained(path, "b0", SYMMETRIC)


def test_a_pickle_and_a_name_too_many_are_refused(tmp_path: Path) -> None:
    path, network = saved(tmp_path)
    with pytest.raises(InputError, match="leave --network out"):
        read_pretrained(path, "tiny")
    torch.save(network.state_dict(), tmp_path / "tiny.pt")
    with pytest.raises(InputError, match="is a pickle"):
        read_pretrained(tmp_path / "tiny.pt", "tiny")
