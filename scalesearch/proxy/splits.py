"""Recognise the names of splits, in one table for all readers, as Hugging Face's `datasets` does (`data_files.py`).

A folder or a file belongs to a split if a keyword is one of the words of its name. Words end at `-`, `.`, `_`, a
space or a digit: `train-00000-of-00002.parquet`, `flowers_val`, `test2017`. Case does not matter. Beyond that
package, words also end at `=` and before a capital: `split=train`, `flowersTrain`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from scalesearch.errors import InputError, printable

KEYWORDS = {
    "train": "train",
    "training": "train",
    "validation": "val",
    "valid": "val",
    "dev": "val",
    "val": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
"""The names that a split may have, and the split that each of them means."""
ADVICE = "name them train and val (or validation, valid, dev, test)"
_DELIMITERS = re.compile(r"[-._ 0-9=]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def split_of_word(word: str) -> str:
    """Return the split that a whole name means, as in a column `split`; the name itself where it means none."""
    return KEYWORDS.get(word.strip().lower(), word)


def split_of_name(name: str) -> str | None:
    """Return the split (`train`, `val`, `test`) that a name contains as a word, or None.

    Raises:
        InputError: the name contains the words of two splits.
    """
    splits = {KEYWORDS[word] for word in _keywords(name)}
    if len(splits) > 1:
        raise InputError(
            f"'{printable(name)}' names the splits {' and '.join(sorted(splits))}: give it the name of one"
        )
    return splits.pop() if splits else None


def _keywords(name: str) -> list[str]:
    """Return the words of a name that mean a split; also words without their inner capitals, such as `VaLiD`."""
    words = [word.lower() for word in _DELIMITERS.split(name)]
    undivided = [word for word in re.split(r"[-._ 0-9=]+", name.lower()) if word in KEYWORDS]
    return [word for word in [*words, *undivided] if word in KEYWORDS]


def splits_of_paths(paths: Sequence[PurePath]) -> list[str | None]:
    """Return the split of every file, by its path relative to the data set's folder.

    The names of folders decide where any of them names a split, otherwise the names of the files. This is the order
    of `datasets.data_files.get_data_patterns`.

    Raises:
        InputError: one path names two splits, a split has two names, or a split lies in two folders with further
            splits of their own, as two configurations of a data set do.
    """
    by_folder = [_split_of_folders(path, path.parts[:-1]) for path in paths]
    if any(by_folder):
        refuse_two_names(word for path in paths for part in path.parts[:-1] for word in _keywords(part))
        _refuse_configurations(paths, by_folder)
        return by_folder
    by_file = [split_of_name(path.name) for path in paths]
    refuse_two_names(word for path in paths for word in _keywords(path.name))
    _refuse_configurations(paths, by_file)
    return by_file


def refuse_two_names(words: Iterable[str]) -> None:
    """Raise `InputError` if two words, such as `dev` and `validation`, are names of one split.

    Args:
        words: the names of the splits of one data set; words that mean no split are ignored.
    """
    first_word: dict[str, str] = {}
    for word in sorted({word.strip().lower() for word in words} & set(KEYWORDS)):
        first = first_word.setdefault(KEYWORDS[word], word)
        if first != word:
            raise InputError(f"splits '{first}' and '{word}' are both {KEYWORDS[word]}: keep one, or join them")


def refuse_empty(counts: Mapping[str | None, int], source: str) -> None:
    """Raise `InputError` if a split that is used has no images.

    Args:
        counts: images by split, with 0 for a split that exists and is empty.
        source: the beginning of messages.
    """
    unused = "test" if "val" in counts else "val"
    empty = sorted(split for split, count in counts.items() if split and not count and split != unused)
    if empty:
        raise InputError(f"{source}: split {printable(empty[0])} has no rows: fill it, or remove it")


def _refuse_configurations(paths: Sequence[PurePath], splits: Sequence[str | None]) -> None:
    """Raise `InputError` if the files belong to two data sets.

    An example are `default/train/0.parquet` and `other/train/0.parquet`.
    """
    roots: dict[str, PurePath] = {}
    for path, split in zip(paths, splits, strict=True):
        if split is None:
            continue
        folders = path.parts[:-1]
        split_level = next((index for index, part in enumerate(folders) if split_of_name(part)), len(folders))
        root = PurePath(*folders[:split_level])
        first_root = roots.setdefault(split, root)
        if first_root != root:
            first, second = (f"'{printable(str(path))}'" for path in sorted((first_root, root)))
            raise InputError(
                f"{split} lies in {first} and in {second}, as two configurations do: give the folder of one, or "
                f"put all {split} files into one folder"
            )


def _split_of_folders(path: PurePath, parts: Sequence[str]) -> str | None:
    splits = {split for part in parts if (split := split_of_name(part)) is not None}
    if len(splits) > 1:
        raise InputError(f"'{printable(str(path))}' lies in folders of {' and '.join(sorted(splits))}: move it")
    return splits.pop() if splits else None


@dataclass(frozen=True, slots=True)
class SplitAssignment:
    """Describes which splits of a data set are used for training and validation."""

    used: Mapping[str | None, str | None]
    """Maps a split of the data set to `train`, `val`, or None where the data set is split by content."""
    notes: tuple[str, ...] = ()
    """What a user should know about the choice."""


def assign_splits(counts: Mapping[str | None, int], source: str) -> SplitAssignment:
    """Decide what the splits are used for, from the number of images in each (None: in no split).

    Train and val are used as they are, and test is then not used. Without val, test is the validation set. Train
    alone is split by content, like images without splits.

    Args:
        counts: images by split: `train`, `val`, `test`, None or another name.
        source: the beginning of messages.

    Raises:
        InputError: there is no train, a name is not known, or some images are in no split.
    """
    splits = set(counts)
    if splits == {None}:
        return SplitAssignment({None: None})
    if splits == {"train"}:
        return SplitAssignment(
            {"train": None}, ("there is no validation split: a fifth of each class of train is held out",)
        )
    if "train" not in splits or splits - {"train", "val", "test"}:
        names = ", ".join(sorted(printable(str(split)) for split in splits))
        raise InputError(f"{source}: the splits are {names}; {ADVICE} everywhere")
    if "val" not in splits:
        return SplitAssignment({"train": "train", "test": "val"}, ("there is no val: test is the validation set",))
    if "test" in splits:
        return SplitAssignment({"train": "train", "val": "val"}, (f"test ({counts['test']} images) is not used",))
    return SplitAssignment({"train": "train", "val": "val"})
