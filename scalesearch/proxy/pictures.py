"""Pictures of any source → a data set: decode, cut to squares, split by content, refuse what cannot be used.

Every picture is decoded before anything is trained, and all that cannot be are listed in one error.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scalesearch.errors import InputError, printable
from scalesearch.proxy.cache import SplitArrays
from scalesearch.proxy.channels import RGB, RGBA
from scalesearch.proxy.decoding import Decoded, ImageForm, Picture, decode
from scalesearch.proxy.duplicates import MAX_LISTED, near_duplicates, without_contradictions
from scalesearch.proxy.levels import colours_note, scale_greys
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.units import MAX_MEGAPIXELS

SPLIT_RULE_VERSION = 3
"""Part of every cache key: raise it whenever the same bytes would be decoded or split otherwise."""

_VAL_SHARE = 0.2


def form_key(form: ImageForm) -> str:
    """What of a key in the cache is not the pictures themselves: the rule, the side, channels and limit."""
    channels = "" if form.channels == RGB else f" channels {form.channels}"
    limit = "" if form.max_megapixels == MAX_MEGAPIXELS else f" megapixels {form.max_megapixels}"
    return f"{SPLIT_RULE_VERSION} {form.px}{channels}{limit}"


def read_pictures(
    pictures: Sequence[Picture],
    classes: Sequence[str],
    source: str,
    form: ImageForm,
    on_progress: ProgressCallback = no_progress,
) -> SplitArrays:
    """Decodes all: short side to the form's, centre square; within a split by label, then content.

    Without splits of their own, `split_by_content` takes a fifth of every class for validation. `where` begins
    the messages, as in `data folder 'pets'`. Raises `InputError` if a picture cannot be read, if one is in both
    splits, if too many are in two classes, or if a class is too small to split.
    """
    decoded, greys = scale_greys(_all_decoded(pictures, source, form, on_progress), form.channels, source)
    kept, contradictions = without_contradictions(pictures, [one.digest for one in decoded], source)
    pictures, decoded = [pictures[one] for one in kept], [decoded[one] for one in kept]
    labels, digests = [picture.label for picture in pictures], [one.digest for one in decoded]
    if pictures[0].split is None:
        train, val = split_by_content(labels, digests, classes)
    else:
        train, val = (
            sorted(
                (index for index, one in enumerate(pictures) if one.split == split),
                key=lambda index: (labels[index], digests[index]),
            )
            for split in ("train", "val")
        )
    _refuse_overlap(source, pictures, digests, train, val)
    train_images, val_images = (np.stack([decoded[index].square for index in part]) for part in (train, val))
    labels_N = np.array(labels, np.int64)
    notes = (*greys, *contradictions, *near_duplicates(_seen(train_images), _seen(val_images)))
    return SplitArrays(train_images, labels_N[train], val_images, labels_N[val], tuple(classes), notes)


def _seen(images_NHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images with alpha as their green over white (N, px, px, 1), so that alpha counts; others as they are."""
    if images_NHWC.shape[3] != RGBA:
        return images_NHWC
    green, alpha = (images_NHWC[..., band, None].astype(np.uint16) for band in (1, 3))
    return (255 - (255 - green) * alpha // 255).astype(np.uint8)


def read_squares(
    pictures: Sequence[Picture], source: str, form: ImageForm
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The centre squares (N, px, px, channels) of pictures that are no data set, and a line on 16-bit colours.

    Raises:
        InputError: one cannot be read, or has 16-bit greys, whose range is that of the set that was trained on.
    """
    decoded = _all_decoded(pictures, source, form, no_progress)
    greys = sum(one.grey_range is not None for one in decoded)
    if greys:
        raise InputError(
            f"{source}: {greys} of {len(decoded)} are 16-bit greys, and a network expects them scaled by the range "
            "of its training set: give that data set, or convert them to 8 bits by its range"
        )
    deep = any(one.colour_counts is not None for one in decoded)
    return np.stack([one.square for one in decoded]), (colours_note(decoded),) if deep else ()


def _all_decoded(
    pictures: Sequence[Picture], source: str, form: ImageForm, on_progress: ProgressCallback
) -> list[Decoded]:
    """All pictures; raises `InputError` if one cannot be read."""
    with _pillow_without_limits(), ThreadPoolExecutor(1) as large, ThreadPoolExecutor(os.cpu_count()) as pool:
        decoded = []
        try:
            for one in pool.map(lambda one: decode(one, form, large), pictures):
                decoded.append(one)
                on_progress(len(decoded), len(pictures))
        except BaseException:  # Ctrl-C ends it before the last picture
            pool.shutdown(cancel_futures=True)
            raise
    broken = [(one, why) for one, why in zip(pictures, decoded, strict=True) if isinstance(why, str)]
    if broken:
        raise InputError(_broken_message(source, len(pictures), broken))
    return [one for one in decoded if not isinstance(one, str)]


@contextmanager
def _pillow_without_limits() -> Iterator[None]:
    """Pillow warns of odd metadata, and of sizes that `decode` has a limit of its own for."""
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def split_by_content(
    labels: Sequence[int], digests: Sequence[str], classes: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Indices of the training and the validation pictures, each by label, then content.

    In every class the fifth with the smallest digests (at least one) is for validation: that is as good as
    random, does not depend on names or order, and keeps copies of a picture together. Raises `InputError` for
    a class with fewer than 2 different pictures.
    """
    train: list[int] = []
    val: list[int] = []
    for label, name in enumerate(classes):
        members = sorted((digests[index], index) for index, own in enumerate(labels) if own == label)
        distinct = sorted({digest for digest, _ in members})
        if len(distinct) < 2:
            raise InputError(f"class '{name}' has fewer than 2 different images: add some, or remove the class")
        last = distinct[max(1, round(_VAL_SHARE * len(distinct))) - 1]
        val += [index for digest, index in members if digest <= last]
        train += [index for digest, index in members if digest > last]
    return train, val


def _broken_message(source: str, total: int, broken: list[tuple[Picture, str]]) -> str:
    lines = [f"{source}: {len(broken)} of {total} images cannot be read: repair or remove them"]
    lines += [f"  '{printable(one.name)}': {why}" for one, why in broken[:MAX_LISTED]]
    if len(broken) > MAX_LISTED:
        lines.append(f"  and {len(broken) - MAX_LISTED} more")
    return "\n".join(lines)


def _refuse_overlap(
    source: str, pictures: Sequence[Picture], digests: list[str], train: list[int], val: list[int]
) -> None:
    """Raises `InputError` if a picture, by its decoded pixels, is in both splits."""
    in_train = {digests[index]: index for index in train}
    both = [(in_train[digests[index]], index) for index in val if digests[index] in in_train]
    if both:
        first, second = (f"'{printable(pictures[index].name)}'" for index in both[0])
        raise InputError(
            f"{source}: pictures in both train and val: {len(both)}, "
            f"such as {second} and {first}: remove one of each pair"
        )
