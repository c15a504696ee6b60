"""Hugging Face data sets by name, through the optional package `datasets`."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.channels import RGB
from scalesearch.proxy.hear import Hear, silent
from scalesearch.proxy.parquet import SPLITS, Row, read_rows
from scalesearch.proxy.pictures import SPLIT_RULE_VERSION

PREFIX = "hf:"
"""`hf:NAME`, with a name of the hub such as `cifar10`, or the path of a folder that `datasets` can load."""


class HubData:
    """A loaded data set: its picture and label columns, its splits."""

    def __init__(self, name: str) -> None:
        """Load it, from the hub or from `datasets`' own cache.

        Raises:
            InputError: the package is missing, or there is no such data set of labelled images.
        """
        self.name = name
        if not name:
            raise InputError(f"data {PREFIX}: names no data set; give one, as in {PREFIX}cifar10")
        try:
            import datasets
        except ImportError as error:
            raise InputError(
                f"data {PREFIX}{name}: needs the extra; pip install 'scalesearch[datasets]'"
            ) from error
        datasets.disable_progress_bars()
        logging.getLogger("huggingface_hub").setLevel(
            logging.ERROR
        )  # it tells of every retry; the end is told here
        try:
            loaded = datasets.load_dataset(name)
        except Exception as error:  # the hub, the network and the files raise what they like
            reason = printable(" ".join(str(error).split())[:160])
            raise InputError(f"data {PREFIX}{name}: cannot be loaded ({type(error).__name__}: {reason})") from error
        self._splits: dict[str, Any] = {}
        for split, part in loaded.items():
            self._splits.setdefault(SPLITS.get(str(split), ""), part)
        if "train" not in self._splits:
            raise InputError(f"data {PREFIX}{name}: has no split train (it has {', '.join(loaded)})")
        features = self._splits["train"].features
        self._image = _first(features, datasets.Image, name, "images")
        self._label = _first(features, datasets.ClassLabel, name, "class labels")
        self._classes = list(features[self._label].names)
        self._raw = datasets.Image(decode=False)

    def key(self, px: int) -> str:
        """The cache key (hex), from `datasets`' own fingerprints, `px` and the rule's version."""
        prints = [f"{split} {part._fingerprint}" for split, part in sorted(self._splits.items())]
        return hashlib.sha256(f"hub {SPLIT_RULE_VERSION} {px} {prints}".encode()).hexdigest()

    def read(self, px: int, hear: Hear = silent, channels: int = RGB) -> SplitArrays:
        """Decodes every row (see `pictures.read_pictures`).

        Raises:
            InputError: a picture or a class cannot be used.
        """
        used = [one for one in ("train", "val") if one in self._splits]
        rows = [
            Row(
                f"{split} row {index}",
                row[self._label],
                split if len(used) > 1 else None,
                row[self._image]["bytes"],
            )
            for split in used
            for index, row in enumerate(self._splits[split].cast_column(self._image, self._raw))
        ]
        return read_rows(rows, self._classes, f"data {PREFIX}{printable(self.name)}", px, hear, channels)


def _first(features: Any, kind: type, name: str, what: str) -> str:
    for column, feature in features.items():
        if isinstance(feature, kind):
            return str(column)
    raise InputError(f"data {PREFIX}{name}: has no column of {what}; give a data set for image classification")
