"""Load the images that a study trains on: drawn fractals or shapes, scikit-learn's digits, or users' own images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scalesearch.design.images import check_image_channels
from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays, cached, fingerprint
from scalesearch.proxy.channels import RGB, convert_split, key_with_channels
from scalesearch.proxy.decoding import ImageForm, picture_digest, resize_square
from scalesearch.proxy.drawn import DRAWN, Drawn
from scalesearch.proxy.hugging_face import PREFIX, HubData
from scalesearch.proxy.image_folder import list_folder, listing_key, read_folder
from scalesearch.proxy.parquet import parquet_files, parquet_key, read_parquet, unused_files
from scalesearch.proxy.pictures import split_by_content
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.proxy.scenes import scene_labels
from scalesearch.proxy.tensors import TrainingData
from scalesearch.redaction import redacted
from scalesearch.search.scenes import SceneRecipe
from scalesearch.units import MAX_MEGAPIXELS

DIGITS = "digits"

_PX_RANGE = (8, 1024)


@dataclass(frozen=True, slots=True, eq=False)
class ImageData:
    """Holds a classification data set in memory. Tensors may be mapped from the cache: do not write to them."""

    train_images_NCHW: torch.Tensor
    """uint8, square, channels_last; 3 channels are RGB, 1 is luminance, 4 are RGB and alpha."""
    train_labels_N: torch.Tensor
    """int64, each an index into `classes`."""
    val_images_NCHW: torch.Tensor
    """As the training images."""
    val_labels_N: torch.Tensor
    """As the training labels."""
    classes: tuple[str, ...]
    fingerprint: str
    """The SHA-256 (hex) over the images and labels of both splits and the class names."""
    name: str
    """`fractal scenes`, `drawn shapes`, `digits`, or the name of the folder, file or Hugging Face data set."""
    notes: tuple[str, ...] = ()
    """What a user should know about decisions in reading it, one line each."""

    @property
    def majority(self) -> tuple[str, int] | None:
        """The class of more than half of the validation images and how many it has; None where there is none."""
        counts = self.val_labels_N.bincount()
        label = int(counts.argmax())
        return (self.classes[label], int(counts[label])) if 2 * counts[label] > len(self.val_labels_N) else None

    def resized_to(self, px: int) -> TrainingData:
        """Return the images as training data of the side `px` of a network."""
        tensors = (self.train_images_NCHW, self.train_labels_N, self.val_images_NCHW, self.val_labels_N)
        return TrainingData(*tensors).resized(px)


def load_data(
    spec: str,
    px: int,
    scenes: SceneRecipe,
    cache_dir: Path,
    on_progress: ProgressCallback = no_progress,
    channels: int = RGB,
    max_megapixels: int = MAX_MEGAPIXELS,
) -> ImageData:
    """Load the data set that `spec` names, with square images of side `px` (8 to 1024).

    `spec` is `fractal` or `shapes` (drawn by the recipe `scenes`), `digits` (1,797 scans of 8 x 8 px, scaled up),
    the path of an image folder (see `image_folder`), the path of a parquet file or of a folder of them (see
    `parquet`), or `hf:` and the name of a Hugging Face data set.

    Decoded images are kept in `cache_dir`. `on_progress` is called for each image that is read or drawn. `channels`
    is 3 for RGB, 1 for luminance, or 4 for RGB and alpha; alpha is opaque where an image has none. The split is the
    same for all three, except that pictures which differ in alpha alone are one picture without it. Pictures of
    more than `max_megapixels` are refused; large ones are decoded one at a time, at about 10 bytes a pixel.

    Raises:
        InputError: the data cannot be used, or the size or the number of channels is not supported.
        StorageError: the cache cannot be written.
    """
    low, high = _PX_RANGE
    if not low <= px <= high:
        raise InputError(f"image size is {px} px, but it must be from {low} to {high}")
    check_image_channels(channels)
    if spec == DIGITS:
        arrays = convert_split(_digit_arrays(px), channels)
        return _image_data(DIGITS, arrays, fingerprint(arrays))
    source = _source(spec, scenes, ImageForm(px, channels, max_megapixels), on_progress)
    data = _image_data(source.name, *cached(source.key, cache_dir, source.read))
    return replace(data, notes=(*source.notes, *data.notes))


@dataclass(frozen=True, slots=True)
class _Source:
    """A data set that is built once and then read from the cache."""

    name: str
    key: str
    """The cache key (hex)."""
    read: Callable[[], SplitArrays]
    notes: tuple[str, ...] = ()
    """Notes on what the key does not cover."""


def _source(spec: str, scenes: SceneRecipe, form: ImageForm, on_progress: ProgressCallback) -> _Source:
    if spec in DRAWN:
        drawn = DRAWN[spec]
        key = key_with_channels(_drawn_key(drawn, scenes, form.px), form.channels)
        draw = partial(_drawn_arrays, drawn, scenes, form.px, on_progress)
        return _Source(drawn.name, key, lambda: convert_split(draw(), form.channels))
    if spec.startswith(PREFIX):
        hub = HubData(spec.removeprefix(PREFIX))
        return _Source(printable(redacted(hub.name)), hub.key(form), lambda: hub.read(form, on_progress))
    root = Path(spec)
    if not spec or not root.exists():
        raise InputError(
            f"data set '{printable(redacted(spec))}' is not known and there is no such folder: "
            f"give {', '.join(DRAWN)}, {DIGITS}, the path of an image folder or of parquet files, or {PREFIX}NAME"
        )
    name = printable(root.resolve().name)
    if files := parquet_files(root):
        read = partial(read_parquet, root, files, form, on_progress)
        return _Source(name, parquet_key(root, files, form), read, unused_files(root))
    listing = list_folder(root)
    return _Source(name, listing_key(listing, form), lambda: read_folder(listing, form, on_progress), listing.notes)


def _drawn_key(drawn: Drawn, recipe: SceneRecipe, px: int) -> str:
    """Return the cache key (hex) of a recipe's images: equal values, however written, give equal keys."""
    values = [
        format(value.normalize(), "f") if isinstance(value, Decimal) else str(value) for value in astuple(recipe)
    ]
    return hashlib.sha256(f"{drawn.generator} {px} {' '.join(values)}".encode()).hexdigest()


def _drawn_arrays(drawn: Drawn, recipe: SceneRecipe, px: int, on_progress: ProgressCallback) -> SplitArrays:
    train_NHWC, val_NHWC = drawn.render(recipe, px, on_progress)
    labels = scene_labels(recipe, val=False), scene_labels(recipe, val=True)
    return SplitArrays(train_NHWC, labels[0], val_NHWC, labels[1], drawn.class_names(recipe))


def _digit_arrays(px: int) -> SplitArrays:
    """Return scikit-learn's digits as RGB, scaled to `px` and split by content like a folder that holds them."""
    from sklearn.datasets import load_digits  # half a second, for the one data set that comes from there

    digits = load_digits()
    levels_NHW = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    scans = [np.repeat(scan[:, :, None], 3, axis=2) for scan in levels_NHW]
    labels_N = digits.target.astype(np.int64)
    classes = tuple(str(label) for label in range(10))
    train, val = split_by_content(labels_N.tolist(), [picture_digest(scan) for scan in scans], classes)
    images = np.stack([resize_square(Image.fromarray(scan), px) for scan in scans])
    return SplitArrays(images[train], labels_N[train], images[val], labels_N[val], classes)


def _image_data(name: str, arrays: SplitArrays, fingerprint_hex: str) -> ImageData:
    return ImageData(
        torch.from_numpy(arrays.train_images_NHWC).permute(0, 3, 1, 2),
        torch.from_numpy(arrays.train_labels_N),
        torch.from_numpy(arrays.val_images_NHWC).permute(0, 3, 1, 2),
        torch.from_numpy(arrays.val_labels_N),
        arrays.classes,
        fingerprint_hex,
        name,
        arrays.notes,
    )
