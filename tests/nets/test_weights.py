"""Trained networks as files: what is written is read again, and what is not ours is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from networks import random_baseline
from safetensors.torch import load, save

from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.baselines import load_baseline
from scalesearch.errors import InputError
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.weights import Weights, read_weights, same_classes, weights_file, weights_of, with_classes

TINY = with_classes(load_baseline("tiny"), 3)
NAMES = ("ant", "Süß 深い", 'a "b"')


def written(folder: Path, data: bytes, name: str = "net.safetensors") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_any_network_survives_its_file(tmp_path: Path) -> None:
    random = Random(2)
    for _ in range(20):
        definition = random_baseline(random)
        classes = tuple(f"class {i}" for i in range(definition.architecture.classes))
        network = ConvNet(definition.architecture)
        for tensor in network.state_dict().values():
            tensor.copy_(torch.rand(tensor.shape) * 9)
        again = read_weights(written(tmp_path, weights_file(weights_of(definition, network, classes))))
        assert (again.definition, again.classes) == (definition, classes)
        built = again.network()
        assert not built.training
        for name, tensor in network.state_dict().items():
            assert torch.equal(built.state_dict()[name], tensor), name


def test_class_names_are_any_text(tmp_path: Path) -> None:
    weights = weights_of(TINY, ConvNet(TINY.architecture), NAMES)
    assert read_weights(written(tmp_path, weights_file(weights))).classes == NAMES


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_weights(path)
    text = str(error.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    state = ConvNet(TINY.architecture).state_dict()
    assert "does not exist" in refused(tmp_path / "missing.safetensors")
    assert "is not a file" in refused(tmp_path)
    for name in ("net.pt", "net.safetensors"):
        for legacy in (False, True):
            torch.save(state, tmp_path / name, _use_new_zipfile_serialization=not legacy)
            assert "is a pickle, which can run code" in refused(tmp_path / name)
    assert "is no safetensors file" in refused(written(tmp_path, b""))
    assert "is no safetensors file" in refused(written(tmp_path, b"name: tiny\nstages: no\n"))
    whole = weights_file(weights_of(TINY, ConvNet(TINY.architecture), NAMES))
    assert "is no safetensors file" in refused(written(tmp_path, whole[:-7]))
    assert "does not say which network" in refused(written(tmp_path, save(state)))


def test_metadata_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    good = weights_of(TINY, ConvNet(TINY.architecture), NAMES)
    tensors = load(weights_file(good))
    text = baseline_text(TINY)

    def file(definition: str, classes: str) -> Path:
        metadata = {"scalesearch": "1", "definition": definition, "classes": classes}
        return written(tmp_path, save(tensors, metadata))

    assert read_weights(file(text, '["a", "b", "c"]')).classes == ("a", "b", "c")
    assert "has 3 logits, but 2 different class names" in refused(file(text, '["a", "b"]'))
    assert "has 3 logits, but 2 different class names" in refused(file(text, '["a", "b", "a"]'))
    for classes in ("{}", "[1, 2, 3]", "no"):
        assert "no JSON list of texts" in refused(file(text, classes))
    assert "definition:1: name:" in refused(file("name: no\n", '["a", "b", "c"]'))
    wider = replace(TINY, architecture=replace(TINY.architecture, stem=replace(TINY.architecture.stem, width=17)))
    line = refused(file(baseline_text(wider), '["a", "b", "c"]'))
    assert "is 16, but the definition's is 17" in line or "16×" in line
    longer = TINY.architecture.resized(TINY.architecture.widths, (1, 2, 3), 64)
    assert "is missing, but" in refused(file(baseline_text(replace(TINY, architecture=longer)), '["a", "b", "c"]'))
    with pytest.raises(InputError, match="tensor extra is 2"):
        Weights(TINY, NAMES, {**tensors, "extra": torch.zeros(2)})


def test_networks_of_other_classes_are_refused() -> None:
    assert same_classes([("one", ("a", "b")), ("two", ("a", "b"))]) == ("a", "b")
    with pytest.raises(InputError, match="data: has 2 classes"):
        same_classes([("one", ("a", "b")), ("data", ("b", "a"))])
