"""What a study trains on: the embedded fractal scenes, scikit-learn's digits, or a user's own images."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays, cached, fingerprint
from scalesearch.proxy.hear import Hear, silent
from scalesearch.proxy.hugging_face import PREFIX, HubData
from scalesearch.proxy.image_folder import list_folder, listing_key, read_folder
from scalesearch.proxy.parquet import parquet_files, parquet_key, read_parquet
from scalesearch.proxy.pictures import picture_digest, resize_square, split_by_content
from scalesearch.proxy.scenes import GENERATOR_VERSION, render_scenes, scene_labels
from scalesearch.proxy.tensors import TrainingData, with_channels
from scalesearch.search.scenes import SceneRecipe

FRACTAL = "fractal"
DIGITS = "digits"

_PX_RANGE = (8, 1024)


@dataclass(frozen=True, slots=True, eq=False)
class ImageData:
    """A classification data set in memory. Tensors may be mapped from the cache: do not write to them."""

    train_images_NCHW: torch.Tensor
    """uint8, RGB, square, channels_last."""
    train_labels_N: torch.Tensor
    """int64, each an index into `classes`."""
    val_images_NCHW: torch.Tensor
    """As the training images."""
    val_labels_N: torch.Tensor
    """As the training labels."""
    classes: tuple[str, ...]
    fingerprint: str
    """SHA-256 (hex) over the images and labels of both splits and the class names."""
    name: str
    """`fractal scenes`, `digits`, or the name of the folder, file or hub's data set."""

    def with_channels(self, channels: int) -> ImageData:
        """The same images for a network of 1, 3 or 4 input channels."""
        if channels == self.train_images_NCHW.shape[1]:
            return self
        train, val = (with_channels(one, channels) for one in (self.train_images_NCHW, self.val_images_NCHW))
        return replace(self, train_images_NCHW=train, val_images_NCHW=val)

    def at(self, px: int) -> TrainingData:
        """The images at a network's side."""
        whole = (self.train_images_NCHW, self.train_labels_N, self.val_images_NCHW, self.val_labels_N)
        return TrainingData(*whole).resized(px)


def load_data(
    spec: str, px: int, scenes: SceneRecipe, cache_dir: Path, hear: Hear = silent, channels: int = 3
) -> ImageData:
    """The data set that `spec` names, with square images of side `px` (8 to 1024).

    `spec` is `fractal` (drawn by the recipe `scenes`), `digits` (1,797 scans of 8 x 8 px, scaled up), the path of
    an image folder (see `image_folder`), of a parquet file or a folder of them (see `parquet`), or `hf:` and the
    name of a Hugging Face data set. Decoded images are kept in `cache_dir`; `hear` hears of each that is made.
    `channels` is 3 for RGB, 1 for luminance, 4 for RGBA.
    Raises `InputError` for data that cannot be used and `StorageError` if the cache cannot be written.
    """
    return _load_colour(spec, px, scenes, cache_dir, hear).with_channels(channels)


def _load_colour(spec: str, px: int, scenes: SceneRecipe, cache_dir: Path, hear: Hear) -> ImageData:
    low, high = _PX_RANGE
    if not low <= px <= high:
        raise InputError(f"image size is {px} px, but it must be from {low} to {high}")
    if spec == FRACTAL:
        key = _scenes_key(scenes, px)
        return _image_data("fractal scenes", *cached(key, cache_dir, lambda: _scene_arrays(scenes, px, hear)))
    if spec == DIGITS:
        arrays = _digit_arrays(px)
        return _image_data(DIGITS, arrays, fingerprint(arrays))
    if spec.startswith(PREFIX):
        hub = HubData(spec.removeprefix(PREFIX))
        return _image_data(printable(hub.name), *cached(hub.key(px), cache_dir, lambda: hub.read(px, hear)))
    root = Path(spec)
    if not spec or not root.exists():
        raise InputError(
            f"data set '{printable(spec)}' is not known and there is no such folder: "
            f"give {FRACTAL}, {DIGITS}, the path of an image folder or of parquet files, or {PREFIX}NAME"
        )
    if files := parquet_files(root):
        key = parquet_key(files, px)
        return _image_data(
            printable(root.resolve().name), *cached(key, cache_dir, lambda: read_parquet(files, px, hear))
        )
    listing = list_folder(root)
    found = cached(listing_key(listing, px), cache_dir, lambda: read_folder(listing, px, hear))
    return _image_data(printable(root.resolve().name), *found)


def _scenes_key(recipe: SceneRecipe, px: int) -> str:
    """The cache key (hex) of the scenes of a recipe: equal values, however written, give equal keys."""
    values = [
        format(value.normalize(), "f") if isinstance(value, Decimal) else str(value) for value in astuple(recipe)
    ]
    return hashlib.sha256(f"scenes {GENERATOR_VERSION} {px} {' '.join(values)}".encode()).hexdigest()


def _scene_arrays(recipe: SceneRecipe, px: int, hear: Hear) -> SplitArrays:
    train_NHWC, val_NHWC = render_scenes(recipe, px, hear)
    labels = scene_labels(recipe, val=False), scene_labels(recipe, val=True)
    return SplitArrays(train_NHWC, labels[0], val_NHWC, labels[1], scene_names(recipe))


def scene_names(recipe: SceneRecipe) -> tuple[str, ...]:
    """The names of the scenes' classes."""
    return tuple(f"fractal {label}" for label in range(recipe.classes))


def _digit_arrays(px: int) -> SplitArrays:
    """scikit-learn's digits as RGB, scaled to `px` and split by content like a folder that holds them."""
    from sklearn.datasets import load_digits  # half a second, for the one data set that comes from there

    digits = load_digits()
    levels_NHW = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    scans = [np.repeat(scan[:, :, None], 3, axis=2) for scan in levels_NHW]
    labels_N = digits.target.astype(np.int64)
    classes = tuple(str(label) for label in range(10))
    train, val = split_by_content(labels_N.tolist(), [picture_digest(scan) for scan in scans], classes)
    images = np.stack([resize_square(Image.fromarray(scan), px) for scan in scans])
    return SplitArrays(images[train], labels_N[train], images[val], labels_N[val], classes)


def _image_data(name: str, arrays: SplitArrays, content: str) -> ImageData:
    return ImageData(
        torch.from_numpy(arrays.train_images_NHWC).permute(0, 3, 1, 2),
        torch.from_numpy(arrays.train_labels_N),
        torch.from_numpy(arrays.val_images_NHWC).permute(0, 3, 1, 2),
        torch.from_numpy(arrays.val_labels_N),
        arrays.classes,
        content,
        name,
    )
