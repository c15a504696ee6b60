"""Hugging Face data sets by name or folder, through the optional package `datasets`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.decoding import ImageForm
from scalesearch.proxy.pictures import form_key
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.proxy.rows import IMAGE_COLUMNS, LABEL_COLUMNS, Row, content_of, open_file, opener, read_rows
from scalesearch.proxy.splits import KEYWORDS, refuse_two_names
from scalesearch.redaction import redacted

PREFIX = "hf:"
"""`hf:NAME`, with a name of the hub such as `cifar10`, or the path of a folder that `datasets` can load."""
_SAVED = ("dataset_dict.json", "state.json")
"""What `save_to_disk` leaves in its folder: of several splits, of one."""


class HubData:
    """A loaded data set: its picture and label columns, its splits."""

    def __init__(self, name: str) -> None:
        """Load it, from the hub, from a folder, or from `datasets`' own cache.

        Raises:
            InputError: the package is missing, or there is no such data set of labelled images.
        """
        self.name = name
        self._shown = f"data {PREFIX}{printable(redacted(name))}"
        if not name:
            raise InputError(f"data {PREFIX}: names no data set; give one, as in {PREFIX}cifar10")
        try:
            import datasets
        except ImportError as error:
            raise InputError(f"{self._shown}: needs the extra; pip install 'scalesearch[datasets]'") from error
        loaded = self._load(datasets)
        self._splits, self._unused = self._by_split(loaded, datasets)
        features = next(iter(self._splits.values())).features
        for split, part in self._splits.items():
            if part.features != features:
                raise InputError(f"{self._shown}: split {split} has other columns or classes than the first split")
        self._image = self._column(features, datasets.Image, IMAGE_COLUMNS, "images")
        self._label = self._label_column(features, datasets)
        self._classes: list[str] | None = getattr(features[self._label], "names", None)
        self._raw = datasets.Image(decode=False)

    def _load(self, datasets: Any) -> Mapping[str, Any]:
        datasets.disable_progress_bars()
        # The hub's client tells of every retry; the end is told here.
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        try:
            if any((Path(self.name) / one).is_file() for one in _SAVED):
                loaded = datasets.load_from_disk(self.name)
            else:
                loaded = datasets.load_dataset(self.name)
        except Exception as error:  # the hub, the network and the files raise what they like
            reason = printable(redacted(" ".join(str(error).split()))[:160])
            raise InputError(f"{self._shown}: cannot be loaded ({type(error).__name__}: {reason})") from error
        return loaded if isinstance(loaded, dict) else {str(loaded.split or "train"): loaded}

    def _by_split(self, loaded: Mapping[str, Any], datasets: Any) -> tuple[dict[str, Any], list[str]]:
        """The data by `train`, `val` and `test`, and the names of further splits, which are not used."""
        splits: dict[str, Any] = {}
        unused = []
        try:
            refuse_two_names(map(str, loaded))
        except InputError as error:
            raise InputError(f"{self._shown}: {error}") from error
        for name, part in loaded.items():
            if not isinstance(part, datasets.Dataset):
                raise InputError(f"{self._shown}: is a stream; load it whole, or save it as parquet files")
            split = KEYWORDS.get(str(name).lower())
            if split is None:
                unused.append(printable(str(name)))
            else:
                splits[split] = part
        if "train" not in splits:
            raise InputError(f"{self._shown}: has no split train (it has {printable(', '.join(map(str, loaded)))})")
        return splits, unused

    def _column(self, features: Any, kind: type, known: tuple[str, ...], what: str) -> str:
        """The one column of a kind; of several the one with a known name.

        A column with a known name that is of another kind is not passed over for one that is called otherwise.
        """
        columns = [str(name) for name, feature in features.items() if isinstance(feature, kind)]
        other = next((name for name in known if name in features and name not in columns), None)
        if columns and other is not None and not set(known) & set(columns):
            raise InputError(
                f"{self._shown}: column {other} holds no {what}, but {printable(columns[0])} does; rename one"
            )
        if not columns:
            raise InputError(f"{self._shown}: has no column of {what}; give a data set for image classification")
        named = [name for name in known if name in columns]
        if len(columns) > 1 and not named:
            raise InputError(
                f"{self._shown}: has several columns of {what} ({printable(', '.join(columns))}); "
                f"call one {known[0]}"
            )
        return columns[0] if len(columns) == 1 else named[0]

    def _label_column(self, features: Any, datasets: Any) -> str:
        """The column that is called a label, of classes, names or numbers; else the one column of class labels."""
        kinds = (datasets.ClassLabel, datasets.Value)
        named = [name for name in LABEL_COLUMNS if isinstance(features.get(name), kinds)]
        if named:
            return named[0]
        return self._column(features, datasets.ClassLabel, LABEL_COLUMNS, "class labels")

    def key(self, form: ImageForm) -> str:
        """The cache key (hex): `datasets`' own fingerprints, files outside of them, the form and the rule."""
        digest = hashlib.sha256(f"hub {form_key(form)} {self._unused}".encode())
        for split, part in sorted(self._splits.items()):
            digest.update(f"{split} {part._fingerprint} ".encode())
            for path in self._outside(part):
                digest.update(path.encode("utf-8", "surrogatepass"))
                if Path(path).is_file():
                    with Path(path).open("rb") as stream:
                        digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def _outside(self, part: Any) -> Iterator[str]:
        """The paths of pictures whose bytes are not in the table."""
        column = part.data.column(self._image)
        paths = pc.struct_field(column, "path").filter(pc.is_null(pc.struct_field(column, "bytes")))
        return (path for path in paths.to_pylist() if path is not None)

    def read(self, form: ImageForm, on_progress: ProgressCallback = no_progress) -> SplitArrays:
        """Decodes every row (see `pictures.read_pictures`).

        Raises:
            InputError: a picture or a class cannot be used.
        """
        rows = [row for split in self._splits for row in self._rows(split)]
        arrays = read_rows(rows, self._classes, self._shown, form, on_progress)
        notes = [f"split {name} is not used" for name in self._unused]
        return replace(arrays, notes=(*notes, *arrays.notes))

    def _rows(self, split: str) -> Iterator[Row]:
        for index, row in enumerate(self._splits[split].cast_column(self._image, self._raw)):
            cell = row[self._image] or {}
            content, path = content_of(cell), cell.get("path")
            opens = partial(open_file, Path(path)) if content is None and path else opener(content)
            yield Row(f"{split} row {index}", row[self._label], split, opens)
