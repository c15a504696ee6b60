"""Find pictures that are in a data set more than once: under two classes, or nearly equal in both splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from scalesearch.errors import InputError, printable
from scalesearch.proxy.decoding import EncodedImage

CONTRADICTIONS = 0.01
"""The share of images in two classes up to which they are dropped; public data sets contain some."""
MAX_LISTED = 20
"""The number of pictures or pairs that one error lists."""
COMPARED = 2000
"""The most validation images that are compared with all training images; the time must not grow with both."""
_SIDE = 8
_NEAR = 0.1
"""Two images are nearly equal below this root mean square difference, relative to a thumbnail's own contrast."""
_FLATTEST = 2.0
"""Thumbnails whose standard deviation is below this many of 255 levels resemble any other such thumbnail."""
_CHUNK = 64


def without_contradictions(
    pictures: Sequence[EncodedImage], digests: Sequence[str], source: str
) -> tuple[list[int], tuple[str, ...]]:
    """Return the indices of the pictures whose pixels have one class only, and a note on those that are dropped.

    Raises:
        InputError: more than `CONTRADICTIONS` of all pictures are in two classes, or a class would lose all of its
            pictures; the message lists them.
    """
    labels_by_digest: dict[str, dict[int, int]] = defaultdict(dict)
    for index, (picture, digest) in enumerate(zip(pictures, digests, strict=True)):
        labels_by_digest[digest].setdefault(picture.label, index)
    conflicting = {
        digest: list(first_indices.values())
        for digest, first_indices in labels_by_digest.items()
        if len(first_indices) > 1
    }
    if not conflicting:
        return list(range(len(pictures))), ()
    kept_indices = [index for index, digest in enumerate(digests) if digest not in conflicting]
    num_dropped = len(pictures) - len(kept_indices)
    pairs = [
        " and ".join(f"'{printable(pictures[index].name)}'" for index in indices)
        for indices in conflicting.values()
    ]
    groups = {(picture.split, picture.label) for picture in pictures}
    if num_dropped > CONTRADICTIONS * len(pictures) or groups != {
        (pictures[index].split, pictures[index].label) for index in kept_indices
    }:
        lines = [
            (
                f"{source}: {num_dropped} of {len(pictures)} images are in two classes with the same pixels: "
                "leave each in one"
            )
        ]
        lines += [f"  {pair}" for pair in pairs[:MAX_LISTED]]
        lines += [f"  and {len(pairs) - MAX_LISTED} more"] if len(pairs) > MAX_LISTED else []
        raise InputError("\n".join(lines))
    note = f"{num_dropped} of {len(pictures)} images are in two classes with the same pixels and are left out"
    return kept_indices, (f"{note}, such as {pairs[0]}",)


def near_duplicates(train_NHWC: NDArray[np.uint8], val_NHWC: NDArray[np.uint8]) -> tuple[str, ...]:
    """Return a note on how many validation images nearly equal training images; empty where there are none.

    Thumbnails of 8 x 8 mean levels of green are compared, for at most `COMPARED` validation images at even
    distances.
    """
    step = -(-len(val_NHWC) // COMPARED)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for chunks this small a second thread costs more than it saves
    try:
        near_N = _has_near_duplicate(train_NHWC, val_NHWC[::step])
    finally:
        torch.set_num_threads(threads)
    count = int(near_N.sum())
    if not count:
        return ()
    total = f"{len(near_N)} validation images" + (f" compared, of {len(val_NHWC)}," if step > 1 else "")
    return (f"{count} of {total} are nearly equal to a training image; accuracy counts them as unseen",)


def _has_near_duplicate(train_NHWC: NDArray[np.uint8], val_NHWC: NDArray[np.uint8]) -> torch.Tensor:
    """Return (N,): whether a validation image's thumbnail nearly equals that of some training image."""
    val_NF = _thumbnails(val_NHWC)
    contrast_N = val_NF.std(dim=1, correction=0)
    nearest_N = torch.full((len(val_NF),), torch.inf)
    for start in range(0, len(train_NHWC), _CHUNK):
        train_TF = _thumbnails(train_NHWC[start : start + _CHUNK])
        # |a - b|² = |a|² + (|b|² - 2ab); |a|² is added after the loop.
        distance_NT = torch.addmm((train_TF**2).sum(1)[None], val_NF, train_TF.T, alpha=-2)
        nearest_N = torch.minimum(nearest_N, distance_NT.amin(dim=1))
    squared_N = nearest_N + (val_NF**2).sum(1)
    return (squared_N <= _SIDE**2 * (_NEAR * contrast_N) ** 2) & (contrast_N >= _FLATTEST)


def _thumbnails(images_NHWC: NDArray[np.uint8]) -> torch.Tensor:
    """Return (N, 64): mean levels of 8 x 8 fields, minus the middle grey; large images are subsampled."""
    stride = max(1, images_NHWC.shape[1] // (2 * _SIDE))
    green = min(1, images_NHWC.shape[3] - 1)
    levels_NHW = torch.from_numpy(images_NHWC)[:, ::stride, ::stride, green].float() - 127.5
    weights_FS = _field_weights(levels_NHW.shape[1])
    return (weights_FS @ (levels_NHW @ weights_FS.T)).flatten(1)


def _field_weights(side: int) -> torch.Tensor:
    """Return (8, side): the weight of each pixel in each of the eight fields along a side."""
    weights = torch.zeros(_SIDE, side)
    for field in range(_SIDE):
        first, end = field * side // _SIDE, -(-(field + 1) * side // _SIDE)
        weights[field, first:end] = 1 / (end - first)
    return weights
