"""Images to look at: a picture file, a folder of pictures, or some of a data set's validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scalesearch.errors import InputError, printable
from scalesearch.proxy.channels import of_channels
from scalesearch.proxy.datasets import load_data
from scalesearch.proxy.decoding import ImageForm, Picture
from scalesearch.proxy.drawn import DRAWN
from scalesearch.proxy.image_files import SUFFIXES
from scalesearch.proxy.pictures import read_squares
from scalesearch.proxy.rows import open_file
from scalesearch.proxy.scenes import scene_labels
from scalesearch.search.scenes import SceneRecipe


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Images, and what is known of them."""

    images_NHWC: NDArray[np.uint8]
    names: tuple[str, ...]
    labels: tuple[int, ...] | None = None
    """None: pictures without classes."""
    classes: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    """What was decided in reading them."""


def shown_images(spec: str, px: int, count: int, scenes: SceneRecipe, cache_dir: Path, channels: int = 3) -> Shown:
    """The first `count` pictures of a file or folder; of a data set the first validation image of each class.

    Args:
        spec: a picture file, a folder with picture files in it, or what `load_data` takes.
        px: side to scale their centre squares to.
        count: at most so many.
        scenes: the recipe of images that are drawn.
        cache_dir: where decoded data sets are kept.
        channels: 3 for RGB, 1 for luminance, 4 for RGBA, as `load_data` has them.

    Raises:
        InputError: nothing there, or a picture that cannot be read.
    """
    paths = _pictures(Path(spec)) if spec else []
    if paths:
        asked = [Picture(printable(path.name), 0, None, partial(open_file, path)) for path in paths[:count]]
        squares, notes = read_squares(asked, f"images '{printable(spec)}'", ImageForm(px, channels))
        return Shown(squares, tuple(one.name for one in asked), notes=notes)
    if spec in DRAWN:  # a few are drawn in no time, where a whole data set takes half a minute
        labels = scene_labels(scenes, val=True)[: min(count, scenes.classes)].tolist()
        names = DRAWN[spec].class_names(scenes)
        drawn = DRAWN[spec].first_val(scenes, px, len(labels))
        return Shown(of_channels(drawn, channels), tuple(names[label] for label in labels), tuple(labels), names)
    data = load_data(spec, px, scenes, cache_dir, channels=channels)
    labels = data.val_labels_N.tolist()
    chosen = _firsts(labels, count)
    images = data.val_images_NCHW[torch.tensor(chosen)].permute(0, 2, 3, 1).contiguous().numpy()
    found = tuple(labels[index] for index in chosen)
    return Shown(images, tuple(data.classes[one] for one in found), found, data.classes, data.notes)


def _pictures(path: Path) -> list[Path]:
    """The picture files that `path` means; none where it is a data set's spec."""
    if path.suffix.lower() in SUFFIXES and not path.is_dir():
        if not path.is_file():
            raise InputError(f"images '{printable(str(path))}': there is no such file; give a picture or a folder")
        return [path]
    if not path.is_dir():
        return []
    return sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file())


def _firsts(labels: Sequence[int], count: int) -> list[int]:
    """The index of the first image of each of the first `count` classes."""
    return [labels.index(label) for label in sorted(set(labels))[:count]]
