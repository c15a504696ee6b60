"""Read Hugging Face data sets by name or folder, through the optional package `datasets`."""

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
from scalesearch.proxy.rows import IMAGE_COLUMNS, LABEL_COLUMNS, Row, encoded_bytes, open_file, opener, read_rows
from scalesearch.proxy.splits import KEYWORDS, refuse_two_names
from scalesearch.redaction import redacted

PREFIX = "hf:"
"""Marks a Hugging Face data set: `hf:NAME`, with a name on the hub such as `cifar10`, or the path of a folder that
`datasets` can load."""
_SAVED = ("dataset_dict.json", "state.json")
"""The files that `save_to_disk` leaves in its folder: for several splits, for one."""


class HubData:
    """Holds a loaded data set: its image and label columns and its splits."""

    def __init__(self, name: str) -> None:
        """Load the data set from the hub, from a folder, or from the cache of `datasets`.

        Raises:
            InputError: the package is missing, or there is no such data set of labelled images.
        """
        self.name = name
        self._source = f"data {PREFIX}{printable(redacted(name))}"
        if not name:
            raise InputError(f"data {PREFIX}: names no data set; give one, as in {PREFIX}cifar10")
        try:
            import datasets
        except ImportError as error:
            raise InputError(f"{self._source}: needs the extra; pip install 'scalesearch[datasets]'") from error
        loaded = self._load(datasets)
        self._splits, self._unused_splits = self._group_by_split(loaded, datasets)
        features = next(iter(self._splits.values())).features
        for split, part in self._splits.items():
            if part.features != features:
                raise InputError(f"{self._source}: split {split} has other columns or classes than the first split")
        self._image_column = self._find_column(features, datasets.Image, IMAGE_COLUMNS, "images")
        self._label_column_name = self._find_label_column(features, datasets)
        self._classes: list[str] | None = getattr(features[self._label_column_name], "names", None)
        self._undecoded = datasets.Image(decode=False)

    def _load(self, datasets: Any) -> Mapping[str, Any]:
        datasets.disable_progress_bars()
        # The hub's client logs every retry; only the final failure is reported, below.
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        try:
            if any((Path(self.name) / marker).is_file() for marker in _SAVED):
                loaded = datasets.load_from_disk(self.name)
            else:
                loaded = datasets.load_dataset(self.name)
        except Exception as error:  # the hub, the network and the files raise errors of any type
            reason = printable(redacted(" ".join(str(error).split()))[:160])
            raise InputError(f"{self._source}: cannot be loaded ({type(error).__name__}: {reason})") from error
        return loaded if isinstance(loaded, dict) else {str(loaded.split or "train"): loaded}

    def _group_by_split(self, loaded: Mapping[str, Any], datasets: Any) -> tuple[dict[str, Any], list[str]]:
        """Return the data by `train`, `val` and `test`, and the names of further splits, which are not used."""
        splits: dict[str, Any] = {}
        unused = []
        try:
            refuse_two_names(map(str, loaded))
        except InputError as error:
            raise InputError(f"{self._source}: {error}") from error
        for name, part in loaded.items():
            if not isinstance(part, datasets.Dataset):
                raise InputError(f"{self._source}: is a stream; load it whole, or save it as parquet files")
            split = KEYWORDS.get(str(name).lower())
            if split is None:
                unused.append(printable(str(name)))
            else:
                splits[split] = part
        if "train" not in splits:
            raise InputError(
                f"{self._source}: has no split train (it has {printable(', '.join(map(str, loaded)))})"
            )
        return splits, unused

    def _find_column(self, features: Any, kind: type, preferred: tuple[str, ...], content: str) -> str:
        """Return the only column of a type or, of several, the one with a preferred name.

        A column with a preferred name but of another type is not passed over in favour of one with another name.
        """
        columns = [str(name) for name, feature in features.items() if isinstance(feature, kind)]
        wrong_type = next((name for name in preferred if name in features and name not in columns), None)
        if columns and wrong_type is not None and not set(preferred) & set(columns):
            raise InputError(
                f"{self._source}: column {wrong_type} holds no {content}, but {printable(columns[0])} does; "
                "rename one"
            )
        if not columns:
            raise InputError(
                f"{self._source}: has no column of {content}; give a data set for image classification"
            )
        preferred_columns = [name for name in preferred if name in columns]
        if len(columns) > 1 and not preferred_columns:
            raise InputError(
                f"{self._source}: has several columns of {content} ({printable(', '.join(columns))}); "
                f"call one {preferred[0]}"
            )
        return columns[0] if len(columns) == 1 else preferred_columns[0]

    def _find_label_column(self, features: Any, datasets: Any) -> str:
        """Return the column with a label's name that holds classes, names or numbers.

        Without one, return the only column of class labels.
        """
        kinds = (datasets.ClassLabel, datasets.Value)
        candidates = [name for name in LABEL_COLUMNS if isinstance(features.get(name), kinds)]
        if candidates:
            return candidates[0]
        return self._find_column(features, datasets.ClassLabel, LABEL_COLUMNS, "class labels")

    def key(self, form: ImageForm) -> str:
        """Return the cache key (hex) of the data set.

        It covers the fingerprints of `datasets`, external files, the image form and the split rule.
        """
        digest = hashlib.sha256(f"hub {form_key(form)} {self._unused_splits}".encode())
        for split, part in sorted(self._splits.items()):
            digest.update(f"{split} {part._fingerprint} ".encode())
            for path in self._external_paths(part):
                digest.update(path.encode("utf-8", "surrogatepass"))
                if Path(path).is_file():
                    with Path(path).open("rb") as stream:
                        digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def _external_paths(self, part: Any) -> Iterator[str]:
        """Return the paths of images whose bytes are not in the table."""
        column = part.data.column(self._image_column)
        paths = pc.struct_field(column, "path").filter(pc.is_null(pc.struct_field(column, "bytes")))
        return (path for path in paths.to_pylist() if path is not None)

    def read(self, form: ImageForm, on_progress: ProgressCallback = no_progress) -> SplitArrays:
        """Decode every row (see `pictures.read_pictures`).

        Raises:
            InputError: an image or a class cannot be used.
        """
        rows = [row for split in self._splits for row in self._iterate_rows(split)]
        arrays = read_rows(rows, self._classes, self._source, form, on_progress)
        notes = [f"split {name} is not used" for name in self._unused_splits]
        return replace(arrays, notes=(*notes, *arrays.notes))

    def _iterate_rows(self, split: str) -> Iterator[Row]:
        for index, row in enumerate(self._splits[split].cast_column(self._image_column, self._undecoded)):
            cell = row[self._image_column] or {}
            content, path = encoded_bytes(cell), cell.get("path")
            opens = partial(open_file, Path(path)) if content is None and path else opener(content)
            yield Row(f"{split} row {index}", row[self._label_column_name], split, opens)
