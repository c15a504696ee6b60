"""`hf:`: folders of files, saved sets, other columns; the same pictures as an image folder give the same data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scalesearch.errors import InputError
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.search.scenes import SceneRecipe

datasets = pytest.importorskip("datasets", reason="the extra [datasets] is not installed")

CLASSES = ("ant", "bee", "cow")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)


def _png(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (11, 14, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _folder(root: Path, first: int = 0) -> Path:
    for label, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for index in range(5 + label):
            (root / name / f"{index}.png").write_bytes(_png(first + 100 * label + index))
    return root


def _rows(label_names: bool = False) -> list[dict[str, Any]]:
    return [
        {"picture": {"bytes": _png(100 * label + index), "path": None}, "kind": name if label_names else label}
        for label, name in enumerate(CLASSES)
        for index in range(5 + label)
    ]


def _load(spec: Path | str, tmp_path: Path) -> ImageData:
    return load_data(str(spec), 9, SceneRecipe(classes=3, train=3, val=3), tmp_path / "cache")


def _same(data: ImageData, other: ImageData) -> bool:
    return data.fingerprint == other.fingerprint and torch.equal(data.val_images_NCHW, other.val_images_NCHW)


def _refusal(spec: Path | str, tmp_path: Path) -> str:
    with pytest.raises(InputError) as caught:
        _load(spec, tmp_path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_of_class_folders_is_the_image_folder(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "pets")
    assert _same(_load(f"hf:{folder}", tmp_path), _load(folder, tmp_path))


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    """Whatever `datasets` keeps: the bytes of loose files are in the key."""
    folder = _folder(tmp_path / "pets")
    before = _load(f"hf:{folder}", tmp_path)
    (folder / "ant" / "0.png").write_bytes(_png(999))
    after = _load(f"hf:{folder}", tmp_path)
    assert before.fingerprint != after.fingerprint
    assert _same(after, _load(folder, tmp_path))


def test_folders_of_splits_stay_apart(tmp_path: Path) -> None:
    _folder(tmp_path / "pets" / "train")
    _folder(tmp_path / "pets" / "validation", 1000)
    _folder(tmp_path / "pets" / "test", 2000)
    data = _load(f"hf:{tmp_path / 'pets'}", tmp_path)
    assert _same(data, _load(tmp_path / "pets", tmp_path))
    assert (len(data.train_labels_N), data.notes) == (18, ("test (18 images) is not used",))


@pytest.mark.parametrize("split", [False, True])
def test_what_save_to_disk_wrote(split: bool, tmp_path: Path) -> None:
    features = datasets.Features({"picture": datasets.Image(), "kind": datasets.ClassLabel(names=list(CLASSES))})
    saved = datasets.Dataset.from_list(_rows(), features=features)
    (datasets.DatasetDict({"train": saved}) if split else saved).save_to_disk(tmp_path / "saved")
    data = _load(f"hf:{tmp_path / 'saved'}", tmp_path)
    assert _same(data, _load(_folder(tmp_path / "pets"), tmp_path))
    assert data.notes == ("there is no validation split: a fifth of each class of train is held out",)


def _loads(monkeypatch: pytest.MonkeyPatch, **splits: object) -> None:
    monkeypatch.setattr("datasets.load_dataset", lambda _: splits)


def test_labels_without_class_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"picture": one["picture"], "label": one["kind"]} for one in _rows(label_names=True)]
    features = datasets.Features({"picture": datasets.Image(), "label": datasets.Value("string")})
    _loads(monkeypatch, train=datasets.Dataset.from_list(rows, features=features))
    assert _same(_load("hf:any", tmp_path), _load(_folder(tmp_path / "pets"), tmp_path))


def test_gaps_nulls_and_further_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["ape", "ant", "bat", "bee", "cow"]
    features = datasets.Features({"picture": datasets.Image(), "kind": datasets.ClassLabel(names=names)})
    rows = [{**one, "kind": (1, 3, 4)[one["kind"]]} for one in _rows()]
    train = datasets.Dataset.from_list(rows, features=features)
    _loads(monkeypatch, train=train, extra=train)
    data = _load("hf:any", tmp_path)
    assert data.classes == CLASSES
    assert "split extra is not used" in data.notes
    for label, words in ((None, "the label of train row 18 is 'None'"), (-1, "label -1 is none of the 5 classes")):
        odd = [*rows, {"picture": rows[0]["picture"], "kind": label}]
        _loads(monkeypatch, train=datasets.Dataset.from_list(odd, features=features))
        assert words in _refusal("hf:any", tmp_path)


def test_what_cannot_be_told_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = datasets.Features(
        {"scan": datasets.Image(), "mask": datasets.Image(), "kind": datasets.ClassLabel(names=["ant", "bee"])}
    )
    rows = [{"scan": one["picture"], "mask": one["picture"], "kind": 0} for one in _rows()]
    _loads(monkeypatch, train=datasets.Dataset.from_list(rows, features=two))
    assert "has several columns of images (scan, mask); call one image" in _refusal("hf:any", tmp_path)
    _loads(monkeypatch, train=datasets.Dataset.from_list(rows, features=two).to_iterable_dataset())
    assert "is a stream; load it whole" in _refusal("hf:any", tmp_path)
    arrays = datasets.Features({"image": datasets.Array2D((8, 8), "float32"), "label": datasets.ClassLabel(2)})
    _loads(monkeypatch, train=datasets.Dataset.from_dict({"image": [np.ones((8, 8))], "label": [0]}, arrays))
    assert "has no column of images" in _refusal("hf:any", tmp_path)
    one = datasets.Features({"picture": datasets.Image(), "kind": datasets.ClassLabel(names=["ant", "bee", "cow"])})
    other = datasets.Features(
        {"picture": datasets.Image(), "kind": datasets.ClassLabel(names=["bee", "ant", "cow"])}
    )
    parts = {
        name: datasets.Dataset.from_list(_rows(), features=kind) for name, kind in (("train", one), ("test", other))
    }
    _loads(monkeypatch, **parts)
    assert "split test has other columns or classes" in _refusal("hf:any", tmp_path)


def test_a_missing_file_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["ant", "bee"])})
    rows = [{"image": {"bytes": None, "path": str(tmp_path / "gone.png")}, "label": 0}] * 2
    _loads(monkeypatch, train=datasets.Dataset.from_list([*rows, {**rows[0], "label": 1}], features=features))
    with pytest.raises(InputError, match=r"3 of 3 images cannot be read(?s:.*)'train row 0': not a file"):
        _load("hf:any", tmp_path)


def _typed(count: int, first: int, **features: Any) -> Any:
    """Pictures with columns of the given features, each of 0, 1, 0, 1 …; `kind` of 0, 1, 2, 0 …"""
    columns: dict[str, Any] = {
        name: [index % (3 if name == "kind" else 2) for index in range(count)] for name in features
    }
    columns["image"] = [{"bytes": _png(first + index), "path": None} for index in range(count)]
    return datasets.Dataset.from_dict(columns, features=datasets.Features(image=datasets.Image(), **features))


def test_a_known_name_comes_before_another_column_of_class_labels(tmp_path: Path) -> None:
    three = datasets.ClassLabel(names=["p", "q", "r"])
    _typed(20, 0, label=datasets.Value("int64"), kind=three).save_to_disk(tmp_path / "set")
    assert _load(f"hf:{tmp_path / 'set'}", tmp_path).classes == ("0", "1")
    _typed(20, 0, kind=three).save_to_disk(tmp_path / "alone")
    assert _load(f"hf:{tmp_path / 'alone'}", tmp_path).classes == ("p", "q", "r")
    odd = _typed(20, 0, kind=three).add_column("label", [[0]] * 20)
    odd.save_to_disk(tmp_path / "odd")
    assert "column label holds no class labels, but kind does" in _refusal(f"hf:{tmp_path / 'odd'}", tmp_path)


def test_splits_with_two_names_are_refused(tmp_path: Path) -> None:
    two = datasets.ClassLabel(names=["x", "y"])
    train, val = _typed(20, 0, label=two), _typed(6, 100, label=two)
    datasets.DatasetDict(train=train, dev=val, validation=val).save_to_disk(tmp_path / "both")
    assert "splits 'dev' and 'validation' are both val" in _refusal(f"hf:{tmp_path / 'both'}", tmp_path)
