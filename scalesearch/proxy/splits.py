"""The names of splits, in one table for all readers: as Hugging Face's `datasets` reads them (`data_files.py`).

A folder or a file belongs to a split if a keyword is one of its name's words, where words end at `-`, `.`, `_`,
a space or a digit: `train-00000-of-00002.parquet`, `flowers_val`, `test2017`. Case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
"""What a split may be called, and which it is."""
ADVICE = "name them train and val (or validation, valid, dev, test)"
_DELIMITERS = re.compile(r"[-._ 0-9]+")


def split_of_word(word: str) -> str:
    """The split that a whole name means, as in a column `split`; the name itself where it means none."""
    return KEYWORDS.get(word.strip().lower(), word)


def split_of_name(name: str) -> str | None:
    """The split (`train`, `val`, `test`) that a name has among its words, or None.

    Raises:
        InputError: the name has the words of two splits.
    """
    splits = {KEYWORDS[word] for word in _DELIMITERS.split(name.lower()) if word in KEYWORDS}
    if len(splits) > 1:
        raise InputError(
            f"'{printable(name)}' names the splits {' and '.join(sorted(splits))}: give it the name of one"
        )
    return splits.pop() if splits else None


def splits_of_paths(paths: Sequence[PurePath]) -> list[str | None]:
    """The split of every file, by its path relative to the data set's folder.

    The names of folders decide where any of them names a split, otherwise the names of the files: the order of
    `datasets.data_files.get_data_patterns`.

    Raises:
        InputError: one path names two splits.
    """
    by_folder = [_one_of(path, path.parts[:-1]) for path in paths]
    return by_folder if any(by_folder) else [split_of_name(path.name) for path in paths]


def _one_of(path: PurePath, parts: Sequence[str]) -> str | None:
    splits = {split for part in parts if (split := split_of_name(part)) is not None}
    if len(splits) > 1:
        raise InputError(f"'{printable(str(path))}' lies in folders of {' and '.join(sorted(splits))}: move it")
    return splits.pop() if splits else None


@dataclass(frozen=True, slots=True)
class SplitUse:
    """Which of the splits that a data set has are trained and validated on."""

    used: Mapping[str | None, str | None]
    """From the split in the data set to `train`, `val`, or None where the set is to be split here."""
    notes: tuple[str, ...] = ()
    """What a user should know of it."""


def use_of_splits(counts: Mapping[str | None, int], where: str) -> SplitUse:
    """Decides what the splits are used for, from the number of images in each (None: in no split).

    Train and val are used as they are, and test is left unused beside them; without val, test is the validation
    set; train alone is split here, as images without splits are.

    Args:
        counts: images by split: `train`, `val`, `test`, None or another name.
        where: what a message begins with.

    Raises:
        InputError: there is no train, a name is not known, or some images are in no split.
    """
    splits = set(counts)
    if splits == {None}:
        return SplitUse({None: None})
    if splits == {"train"}:
        return SplitUse(
            {"train": None}, ("there is no validation split: a fifth of each class of train is held out",)
        )
    if "train" not in splits or splits - {"train", "val", "test"}:
        names = ", ".join(sorted(printable(str(one)) for one in splits))
        raise InputError(f"{where}: the splits are {names}; {ADVICE} everywhere")
    if "val" not in splits:
        return SplitUse({"train": "train", "test": "val"}, ("there is no val: test is the validation set",))
    if "test" in splits:
        return SplitUse({"train": "train", "val": "val"}, (f"test ({counts['test']} images) is not used",))
    return SplitUse({"train": "train", "val": "val"})
