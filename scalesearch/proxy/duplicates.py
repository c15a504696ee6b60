"""Pictures that are in a set more than once: under two classes, or nearly alike in both splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from scalesearch.errors import InputError, printable
from scalesearch.proxy.decoding import Picture

CONTRADICTIONS = 0.01
"""Share of images in two classes up to which they are left out; public sets contain some."""
MAX_LISTED = 20
"""Pictures or pairs that one error lists."""
COMPARED = 2000
"""Validation images that are compared with all training images at most: the time must not grow with both."""
_SIDE = 8
_NEAR = 0.1
"""Of a thumbnail's own contrast: the root mean square difference below which two images are nearly alike."""
_FLATTEST = 2.0
"""Thumbnails whose standard deviation is below this many of 255 levels are like any other such."""
_CHUNK = 64


def without_contradictions(
    pictures: Sequence[Picture], digests: Sequence[str], source: str
) -> tuple[list[int], tuple[str, ...]]:
    """The indices of the pictures whose pixels have one class only, and a line on those that are left out.

    Raises:
        InputError: more than `CONTRADICTIONS` of all are in two classes, or nothing else is in some class; with the
            list.
    """
    classes: dict[str, dict[int, int]] = defaultdict(dict)
    for index, (picture, digest) in enumerate(zip(pictures, digests, strict=True)):
        classes[digest].setdefault(picture.label, index)
    twice = {digest: list(found.values()) for digest, found in classes.items() if len(found) > 1}
    if not twice:
        return list(range(len(pictures))), ()
    kept = [index for index, digest in enumerate(digests) if digest not in twice]
    out = len(pictures) - len(kept)
    pairs = [" and ".join(f"'{printable(pictures[one].name)}'" for one in found) for found in twice.values()]
    groups = {(one.split, one.label) for one in pictures}
    if out > CONTRADICTIONS * len(pictures) or groups != {
        (pictures[one].split, pictures[one].label) for one in kept
    }:
        lines = [
            f"{source}: {out} of {len(pictures)} images are in two classes with the same pixels: leave each in one"
        ]
        lines += [f"  {pair}" for pair in pairs[:MAX_LISTED]]
        lines += [f"  and {len(pairs) - MAX_LISTED} more"] if len(pairs) > MAX_LISTED else []
        raise InputError("\n".join(lines))
    note = f"{out} of {len(pictures)} images are in two classes with the same pixels and are left out"
    return kept, (f"{note}, such as {pairs[0]}",)


def near_duplicates(train_NHWC: NDArray[np.uint8], val_NHWC: NDArray[np.uint8]) -> tuple[str, ...]:
    """A line on how many validation images nearly are training images; none where none is.

    Thumbnails of 8 x 8 mean levels of green are compared, of at most `COMPARED` validation images, spread evenly.
    """
    step = -(-len(val_NHWC) // COMPARED)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # pieces this small wait longer for a second thread than they take
    try:
        near_N = _near(train_NHWC, val_NHWC[::step])
    finally:
        torch.set_num_threads(threads)
    count = int(near_N.sum())
    if not count:
        return ()
    of = f"{len(near_N)} validation images" + (f" compared, of {len(val_NHWC)}," if step > 1 else "")
    return (f"{count} of {of} are nearly equal to a training image; accuracy counts them as unseen",)


def _near(train_NHWC: NDArray[np.uint8], val_NHWC: NDArray[np.uint8]) -> torch.Tensor:
    """(N,): whether a validation image's thumbnail is as good as that of some training image."""
    val_NF = _thumbnails(val_NHWC)
    contrast_N = val_NF.std(dim=1, correction=0)
    nearest_N = torch.full((len(val_NF),), torch.inf)
    for start in range(0, len(train_NHWC), _CHUNK):
        train_TF = _thumbnails(train_NHWC[start : start + _CHUNK])
        # |a - b|² = |a|² + (|b|² - 2ab), of which the first is added at the end.
        rest_NT = torch.addmm((train_TF**2).sum(1)[None], val_NF, train_TF.T, alpha=-2)
        nearest_N = torch.minimum(nearest_N, rest_NT.amin(dim=1))
    squared_N = nearest_N + (val_NF**2).sum(1)
    return (squared_N <= _SIDE**2 * (_NEAR * contrast_N) ** 2) & (contrast_N >= _FLATTEST)


def _thumbnails(images_NHWC: NDArray[np.uint8]) -> torch.Tensor:
    """(N, 64): mean levels of 8 x 8 fields, less the middle grey; of fewer pixels in large images."""
    stride = max(1, images_NHWC.shape[1] // (2 * _SIDE))
    green = min(1, images_NHWC.shape[3] - 1)
    levels_NHW = torch.from_numpy(images_NHWC)[:, ::stride, ::stride, green].float() - 127.5
    fields_FS = _fields(levels_NHW.shape[1])
    return (fields_FS @ (levels_NHW @ fields_FS.T)).flatten(1)


def _fields(side: int) -> torch.Tensor:
    """(8, side): what each pixel weighs in each of the eight fields along a side."""
    weights = torch.zeros(_SIDE, side)
    for field in range(_SIDE):
        first, end = field * side // _SIDE, -(-(field + 1) * side // _SIDE)
        weights[field, first:end] = 1 / (end - first)
    return weights
