"""Select images to look at: an image file, a folder of images, or some of a data set's validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scalesearch.design.images import check_image_channels
from scalesearch.errors import InputError, printable
from scalesearch.proxy.channels import convert_channels
from scalesearch.proxy.datasets import load_data
from scalesearch.proxy.decoding import EncodedImage, ImageForm
from scalesearch.proxy.drawn import DRAWN
from scalesearch.proxy.image_files import SUFFIXES
from scalesearch.proxy.pictures import read_squares
from scalesearch.proxy.rows import open_file
from scalesearch.proxy.scenes import scene_labels
from scalesearch.search.scenes import SceneRecipe


@dataclass(frozen=True, slots=True, eq=False)
class SampleImages:
    """Holds images, their names and, where they are known, their classes."""

    images_NHWC: NDArray[np.uint8]
    names: tuple[str, ...]
    labels: tuple[int, ...] | None = None
    """The class indices; None for images without classes."""
    classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    """Notes on decisions in reading them."""


def sample_images(
    spec: str, px: int, count: int, scenes: SceneRecipe, cache_dir: Path, channels: int = 3
) -> SampleImages:
    """Return the first `count` images of a file or folder; of a data set the first validation image of each class.

    Args:
        spec: an image file, a folder of image files, or what `load_data` accepts.
        px: the side to which centre squares are scaled.
        count: the maximum number of images.
        scenes: the recipe of images that are drawn.
        cache_dir: the folder for decoded data sets.
        channels: 3 for RGB, 1 for luminance, 4 for RGBA, as in `load_data`.

    Raises:
        InputError: there is no such file or data set, or an image cannot be read, or not with so many channels.
    """
    check_image_channels(channels)
    paths = _picture_files(Path(spec)) if spec else []
    if paths:
        encoded_images = [
            EncodedImage(printable(path.name), 0, None, partial(open_file, path)) for path in paths[:count]
        ]
        squares, notes = read_squares(encoded_images, f"images '{printable(spec)}'", ImageForm(px, channels))
        return SampleImages(squares, tuple(image.name for image in encoded_images), notes=notes)
    if spec in DRAWN:  # a few images are drawn at once, a whole data set takes half a minute
        labels = scene_labels(scenes, val=True)[: min(count, scenes.classes)].tolist()
        names = DRAWN[spec].class_names(scenes)
        drawn = DRAWN[spec].first_val(scenes, px, len(labels))
        return SampleImages(
            convert_channels(drawn, channels), tuple(names[label] for label in labels), tuple(labels), names
        )
    data = load_data(spec, px, scenes, cache_dir, channels=channels)
    labels = data.val_labels_N.tolist()
    chosen = _first_of_each_class(labels, count)
    images = data.val_images_NCHW[torch.tensor(chosen)].permute(0, 2, 3, 1).contiguous().numpy()
    chosen_labels = tuple(labels[index] for index in chosen)
    return SampleImages(
        images, tuple(data.classes[label] for label in chosen_labels), chosen_labels, data.classes, data.notes
    )


def _picture_files(path: Path) -> list[Path]:
    """Return the image files that `path` refers to; none where it is a data set's spec."""
    if path.suffix.lower() in SUFFIXES and not path.is_dir():
        if not path.is_file():
            raise InputError(f"images '{printable(str(path))}': there is no such file; give a picture or a folder")
        return [path]
    if not path.is_dir():
        return []
    return sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())


def _first_of_each_class(labels: Sequence[int], count: int) -> list[int]:
    """Return the index of the first image of each of the first `count` classes."""
    return [labels.index(label) for label in sorted(set(labels))[:count]]
