"""The names of splits: as `datasets` reads them, in all readers, and never mixed."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from scalesearch.errors import InputError
from scalesearch.proxy.splits import KEYWORDS, assign_splits, refuse_empty, split_of_name, splits_of_paths


def test_the_keywords_are_those_of_datasets() -> None:
    data_files = pytest.importorskip("datasets.data_files", reason="the extra [datasets] is not installed")
    theirs = {word: str(split) for split, words in data_files.SPLIT_KEYWORDS.items() for word in words}
    assert {word: split.replace("val", "validation") for word, split in KEYWORDS.items()} == theirs
    assert data_files.NON_WORDS_CHARS == "-._ 0-9"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-00000-of-00002.parquet", "train"),
        ("flowers_train.parquet", "train"),
        ("Training Images", "train"),
        ("val2017", "val"),
        ("dev", "val"),
        ("my-VALID.part.1", "val"),
        ("evaluation", "test"),
        ("trains", None),
        ("latest.parquet", None),
        ("0000.parquet", None),
    ],
)
def test_words_of_names(name: str, split: str | None) -> None:
    assert split_of_name(name) == split


def test_two_splits_in_one_name_are_refused() -> None:
    with pytest.raises(InputError, match=r"'train_test\.parquet' names the splits test and train"):
        split_of_name("train_test.parquet")
    with pytest.raises(InputError, match="lies in folders of test and train"):
        splits_of_paths([PurePath("train/test/0.parquet")])


def test_folders_are_read_before_files() -> None:
    paths = [PurePath("train/val_0.parquet"), PurePath("a/dev/0.parquet")]
    assert splits_of_paths(paths) == ["train", "val"]
    assert splits_of_paths([PurePath("a/val_0.parquet"), PurePath("a/b.parquet")]) == ["val", None]


@pytest.mark.parametrize(
    "names",
    [
        ["train/0.parquet", "val/0.parquet"],
        ["a/train_x/0.parquet", "a/dev/1.parquet", "a/dev/2.parquet"],
        ["flowers_train.parquet", "flowers_test.parquet", "flowers-valid.parquet"],
        ["data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"],
        ["training/0.parquet", "evaluation/0.parquet"],
    ],
)
def test_datasets_finds_the_same_splits(names: list[str], tmp_path: Path) -> None:
    data_files = pytest.importorskip("datasets.data_files", reason="the extra [datasets] is not installed")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    patterns = data_files.get_data_patterns(str(tmp_path))
    theirs = {}
    for split, globs in patterns.items():
        for path in data_files.DataFilesList.from_patterns(globs, base_path=str(tmp_path)):
            theirs[str(Path(path).relative_to(tmp_path))] = str(split).replace("validation", "val")
    assert dict(zip(names, splits_of_paths([PurePath(one) for one in names]), strict=True)) == theirs


def test_what_splits_are_used_for() -> None:
    assert assign_splits({None: 9}, "x").used == {None: None}
    whole = assign_splits({"train": 5, "val": 3, "test": 2}, "x")
    assert (whole.used, whole.notes) == ({"train": "train", "val": "val"}, ("test (2 images) is not used",))
    pair = assign_splits({"train": 5, "test": 2}, "x")
    assert pair.used == {"train": "train", "test": "val"}
    assert pair.notes == ("there is no val: test is the validation set",)
    alone = assign_splits({"train": 5}, "x")
    assert (alone.used, len(alone.notes)) == ({"train": None}, 1)
    refused: list[dict[str | None, int]] = [
        {"val": 1}, {"train": 1, None: 1}, {"train": 1, "spare": 1}, {"val": 1, "test": 1},
    ]  # fmt: skip
    for counts in refused:
        with pytest.raises(InputError, match=r"x: the splits are .*; name them train and val"):
            assign_splits(counts, "x")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("split=train", "train"),
        ("flowersVal.parquet", "val"),
        ("HTMLTrain", "train"),
        ("VaLiD", "val"),
        ("Testimonials", None),
        ("traindata.parquet", None),
        ("vld", None),
    ],
)
def test_hive_folders_and_camel_case_are_words_too(name: str, split: str | None) -> None:
    assert split_of_name(name) == split


def test_two_configurations_are_not_one_set() -> None:
    for name in ("{}/train/0.parquet", "{}/train-0.parquet", "{}/split=train/x/0.parquet"):
        paths = [PurePath(name.format(one)) for one in ("default", "other")]
        with pytest.raises(InputError, match=r"train lies in 'default' and in 'other', as two configurations do"):
            splits_of_paths(paths)
    shards = [PurePath("train/a/0.parquet"), PurePath("train/b/0.parquet"), PurePath("val/0.parquet")]
    assert splits_of_paths(shards) == ["train", "train", "val"]


def test_a_split_has_one_name_and_images() -> None:
    with pytest.raises(InputError, match="splits 'dev' and 'validation' are both val: keep one"):
        splits_of_paths([PurePath("dev/0.parquet"), PurePath("validation/0.parquet"), PurePath("train/0.parquet")])
    with pytest.raises(InputError, match="x: split val has no rows: fill it, or remove it"):
        refuse_empty({"train": 5, "val": 0}, "x")
    with pytest.raises(InputError, match="x: split test has no rows"):
        refuse_empty({"train": 5, "test": 0}, "x")
    refuse_empty({"train": 5, "val": 2, "test": 0, None: 0}, "x")
