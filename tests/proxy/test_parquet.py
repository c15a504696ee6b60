"""Parquet files and Hugging Face data sets: the same pictures as an image folder give the same data."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from scalesearch.errors import InputError
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.search.scenes import SceneRecipe

CLASSES = ("ant", "bee", "cow")
PX = 9


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (11, 14, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


PICTURES = [(png(100 * label + index), label) for label, count in enumerate((10, 7, 5)) for index in range(count)]


def load(spec: Path | str, cache: Path) -> ImageData:
    return load_data(str(spec), PX, SceneRecipe(classes=3, train=3, val=3), cache)


def write(path: Path, pictures: Sequence[tuple[bytes, Any]], **columns: Sequence[object]) -> Path:
    table = {"image": [one for one, _ in pictures], "label": [label for _, label in pictures], **columns}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)
    return path


def folder(root: Path) -> Path:
    for index, (content, label) in enumerate(PICTURES):
        path = root / "pets" / CLASSES[label] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root / "pets"


def same(one: ImageData, other: ImageData) -> bool:
    return (
        torch.equal(one.train_images_NCHW, other.train_images_NCHW)
        and torch.equal(one.val_images_NCHW, other.val_images_NCHW)
        and torch.equal(one.train_labels_N, other.train_labels_N)
        and torch.equal(one.val_labels_N, other.val_labels_N)
    )


def test_a_file_of_names_is_the_folder_of_the_same_pictures(tmp_path: Path) -> None:
    named = [(content, CLASSES[label]) for content, label in reversed(PICTURES)]
    found = load(write(tmp_path / "pets.parquet", named), tmp_path / "cache")
    wanted = load(folder(tmp_path), tmp_path / "cache")
    assert found.fingerprint == wanted.fingerprint
    assert found.classes == wanted.classes == CLASSES
    assert found.name == "pets.parquet"
    assert same(found, wanted)


def test_numbers_are_classes_in_their_order(tmp_path: Path) -> None:
    shifted = [(content, label * 5 - 5) for content, label in PICTURES]
    found = load(write(tmp_path / "pets.parquet", shifted), tmp_path / "cache")
    assert found.classes == ("-5", "0", "5")
    assert same(found, load(folder(tmp_path), tmp_path / "cache"))


def test_files_named_by_split_are_taken_as_they_are(tmp_path: Path) -> None:
    train, val = PICTURES[::2], PICTURES[1::2]
    write(tmp_path / "pets" / "data" / "train-00000-of-00001.parquet", train)
    write(tmp_path / "pets" / "data" / "validation-00000-of-00001.parquet", val)
    found = load(tmp_path / "pets", tmp_path / "cache")
    assert len(found.train_labels_N) == len(train) == 11
    assert found.val_labels_N.bincount().tolist() == [5, 3, 3]
    column = ["train"] * len(train) + ["test"] * len(val)
    other = load(write(tmp_path / "one.parquet", train + val, split=column), tmp_path / "cache")
    assert same(found, other)


def test_hugging_faces_own_files_and_names(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra [datasets] is not installed")
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))})
    rows = [{"img": {"bytes": content, "path": None}, "label": label} for content, label in PICTURES]
    (tmp_path / "hub").mkdir()
    datasets.Dataset.from_list(rows, features=features).to_parquet(str(tmp_path / "hub" / "train.parquet"))
    wanted = load(folder(tmp_path), tmp_path / "cache")
    for spec in (tmp_path / "hub", f"hf:{tmp_path / 'hub'}"):
        found = load(spec, tmp_path / "cache")
        assert found.classes == CLASSES
        assert same(found, wanted)


def refusal(path: Path | str, cache: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(path, cache)
    return str(caught.value)


def test_what_cannot_be_data_is_refused_in_a_line(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    assert "is no parquet file that can be read" in refusal(tmp_path / "torn.parquet", cache)
    pq.write_table(pa.table({"picture": [b"1"], "label": [1]}), tmp_path / "a.parquet")
    assert "has no column image (it has picture, label)" in refusal(tmp_path / "a.parquet", cache)
    one = write(tmp_path / "b.parquet", [(content, 1) for content, _ in PICTURES])
    assert "has 1 classes, but a comparison needs at least 2" in refusal(one, cache)
    floats = write(tmp_path / "c.parquet", [(content, label + 0.5) for content, label in PICTURES])
    assert "label of c.parquet row 0 is '0.5'" in refusal(floats, cache)
    odd = write(tmp_path / "d.parquet", PICTURES, split=["train"] * 21 + ["spare"])
    assert "the splits are spare, train; name them" in refusal(odd, cache)
    half = write(tmp_path / "e.parquet", PICTURES, split=["train"] * 17 + ["val"] * 5)
    assert "class '2' is in only one of train and val" in refusal(half, cache)
    for path in tmp_path.glob("*.parquet"):
        assert "\n" not in refusal(path, cache)


def test_every_broken_row_is_listed(tmp_path: Path) -> None:
    pictures = [*PICTURES, (b"not an image", 1), (b"", 2)]
    lines = refusal(write(tmp_path / "pets.parquet", pictures), tmp_path / "cache").splitlines()
    assert lines[0].endswith("pets.parquet': 2 of 24 images cannot be read: repair or remove them")
    assert lines[1] == "  'pets.parquet row 22': not a JPEG, PNG or WebP image"
    assert len(lines) == 3


def test_a_data_set_that_the_hub_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets", reason="the extra [datasets] is not installed")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    assert refusal("hf:", tmp_path / "cache").startswith("data hf:: names no data set")
    message = refusal(f"hf:{tmp_path / 'nowhere'}", tmp_path / "cache")
    assert message.startswith(f"data hf:{tmp_path / 'nowhere'}: cannot be loaded (")
    assert "\n" not in message


def mixed(count: int, first: int) -> list[tuple[bytes, int]]:
    return [(png(first + index), index % 3) for index in range(count)]


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("train/0000.parquet", "val/0000.parquet"),
        ("flowers_train.parquet", "flowers_validation.parquet"),
        ("training/a.parquet", "Dev/a.parquet"),
        ("data/x-train.parquet", "data/x-valid.parquet"),
    ],
)
def test_40_and_12_rows_stay_40_and_12(train: str, val: str, tmp_path: Path) -> None:
    write(tmp_path / "pets" / train, mixed(40, 0))
    write(tmp_path / "pets" / val, mixed(12, 1000))
    data = load(tmp_path / "pets", tmp_path / "cache")
    assert (len(data.train_labels_N), len(data.val_labels_N)) == (40, 12)
    wanted = load(
        write(tmp_path / "a.parquet", mixed(40, 0) + mixed(12, 1000), split=["train"] * 40 + ["val"] * 12),
        tmp_path / "cache",
    )
    assert same(data, wanted)
    assert data.notes == ()


def test_test_rows_are_never_in_the_other_splits(tmp_path: Path) -> None:
    for split, count in (("train", 10), ("validation", 7), ("test", 5)):
        write(tmp_path / "three" / split / "0.parquet", mixed(count, 100 * count))
    write(tmp_path / "pair" / "train.parquet", mixed(10, 1000))
    write(tmp_path / "pair" / "test.parquet", mixed(5, 500))
    for _ in range(2):  # read, and from the cache
        three = load(tmp_path / "three", tmp_path / "cache")
        assert (len(three.train_labels_N), len(three.val_labels_N)) == (10, 7)
        assert three.notes == ("test (5 images) is not used",)
        pair = load(tmp_path / "pair", tmp_path / "cache")
        assert (len(pair.train_labels_N), len(pair.val_labels_N)) == (10, 5)
        assert pair.notes == ("there is no val: test is the validation set",)


def test_moving_a_file_to_another_split_is_seen_by_the_cache(tmp_path: Path) -> None:
    write(tmp_path / "pets" / "train" / "0.parquet", mixed(9, 0))
    write(tmp_path / "pets" / "val" / "0.parquet", mixed(6, 100))
    before = load(tmp_path / "pets", tmp_path / "cache")
    for old, new in (("train", "spare"), ("val", "train"), ("spare", "val")):
        (tmp_path / "pets" / old).rename(tmp_path / "pets" / new)
    after = load(tmp_path / "pets", tmp_path / "cache")
    assert (len(before.train_labels_N), len(after.train_labels_N)) == (9, 6)


def named_classes(path: Path, pictures: Sequence[tuple[bytes, int]], names: Sequence[str]) -> None:
    datasets = pytest.importorskip("datasets", reason="the extra [datasets] is not installed")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))})
    rows = [{"image": {"bytes": content, "path": None}, "label": label} for content, label in pictures]
    path.parent.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_list(rows, features=features).to_parquet(str(path))


def test_labels_that_mean_nothing_or_two_things_are_refused(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    named_classes(tmp_path / "two" / "train.parquet", mixed(9, 0), ("ant", "bee", "cow"))
    named_classes(tmp_path / "two" / "val.parquet", mixed(6, 100), ("bee", "ant", "cow"))
    assert "names other classes than the files before it" in refusal(tmp_path / "two", cache)
    for label, words in ((None, "row 9 is 'None'"), (-1, "label -1 is none of the 3 classes")):
        named_classes(tmp_path / "null.parquet", [*mixed(9, 0), (png(900), label)], CLASSES)  # type: ignore[list-item]
        assert words in refusal(tmp_path / "null.parquet", cache)
    write(tmp_path / "kinds" / "train.parquet", mixed(9, 0))
    write(tmp_path / "kinds" / "val.parquet", [(content, str(label)) for content, label in mixed(6, 100)])
    assert "some labels are names and some are numbers" in refusal(tmp_path / "kinds", cache)
    accents = [(content, ("caf\u00e9", "cafe\u0301", "tea")[label]) for content, label in PICTURES]
    assert "different Unicode normalisations" in refusal(write(tmp_path / "nfc.parquet", accents), cache)
    for spec in (tmp_path / "two", tmp_path / "null.parquet", tmp_path / "kinds", tmp_path / "nfc.parquet"):
        assert "\n" not in refusal(spec, cache)


def test_class_labels_with_gaps_keep_their_names(tmp_path: Path) -> None:
    gaps = [(content, (0, 3, 7)[label]) for content, label in PICTURES]
    named_classes(tmp_path / "gaps.parquet", gaps, [f"kind {index}" for index in range(9)])
    data = load(tmp_path / "gaps.parquet", tmp_path / "cache")
    assert data.classes == ("kind 0", "kind 3", "kind 7")
    assert same(data, load(folder(tmp_path), tmp_path / "cache"))


def test_files_beside_parquet_files_are_counted_and_hidden_copies_left_out(tmp_path: Path) -> None:
    write(tmp_path / "pets" / "train" / "0.PARQUET", mixed(9, 0))
    write(tmp_path / "pets" / "val" / "0.parquet", mixed(6, 100))
    write(tmp_path / "pets" / ".cache" / "train" / "0.parquet", mixed(9, 0))
    (tmp_path / "pets" / "photo.jpg").write_bytes(png(3))
    data = load(tmp_path / "pets", tmp_path / "cache")
    assert (len(data.train_labels_N), len(data.val_labels_N)) == (9, 6)
    assert data.notes == ("files that are not used: 1, such as 'photo.jpg'",)


@pytest.mark.parametrize(
    ("train", "val"),
    [("split=train/x", "split=val/x"), ("flowersTrain", "flowersVal")],
)
def test_names_of_hive_and_camel_case_split(train: str, val: str, tmp_path: Path) -> None:
    write(tmp_path / "set" / f"{train}.parquet", mixed(40, 0))
    write(tmp_path / "set" / f"{val}.parquet", mixed(12, 1000))
    data = load(tmp_path / "set", tmp_path / "cache")
    assert (len(data.train_labels_N), len(data.val_labels_N)) == (40, 12)
    assert data.notes == ()


@pytest.mark.parametrize(("first", "second"), [("traindata", "valdata"), ("trn", "vld"), ("a/0", "b/0")])
def test_files_that_are_joined_and_split_here_are_said(first: str, second: str, tmp_path: Path) -> None:
    write(tmp_path / "set" / f"{first}.parquet", mixed(40, 0))
    write(tmp_path / "set" / f"{second}.parquet", mixed(12, 1000))
    notes = load(tmp_path / "set", tmp_path / "cache").notes
    assert len(notes) == 1
    assert notes[0].startswith(
        "2 files without a split's name are one set, of which a fifth of each class is held out, such as "
    )


def test_an_empty_split_and_two_names_of_one_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "empty" / "train.parquet", mixed(20, 0))
    write(tmp_path / "empty" / "val.parquet", [])
    assert "split val has no rows: fill it, or remove it" in refusal(tmp_path / "empty", tmp_path / "cache")
    column = ["train"] * 20 + ["dev"] * 4 + ["validation"] * 4
    both = write(tmp_path / "both.parquet", mixed(28, 0), split=column)
    assert "splits 'dev' and 'validation' are both val" in refusal(both, tmp_path / "cache")
