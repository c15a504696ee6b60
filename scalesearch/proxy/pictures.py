"""Turn images of any source into a data set: decode, crop to squares, split by content, refuse unusable images.

Every image is decoded before anything is trained, and all that cannot be decoded are listed in one error.
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
from scalesearch.proxy.decoding import Decoded, EncodedImage, ImageForm, decode
from scalesearch.proxy.duplicates import MAX_LISTED, near_duplicates, without_contradictions
from scalesearch.proxy.levels import colours_note, scale_greys
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.units import MAX_MEGAPIXELS

SPLIT_RULE_VERSION = 3
"""Part of every cache key: raise it whenever the same bytes would be decoded or split differently."""

_VAL_SHARE = 0.2


def form_key(form: ImageForm) -> str:
    """Return the part of a cache key that does not depend on the images: rule version, side, channels and limit."""
    channels = "" if form.channels == RGB else f" channels {form.channels}"
    limit = "" if form.max_megapixels == MAX_MEGAPIXELS else f" megapixels {form.max_megapixels}"
    return f"{SPLIT_RULE_VERSION} {form.px}{channels}{limit}"


def read_pictures(
    pictures: Sequence[EncodedImage],
    classes: Sequence[str],
    source: str,
    form: ImageForm,
    on_progress: ProgressCallback = no_progress,
) -> SplitArrays:
    """Decode all images to the centre squares of the form's side; sort each split by label, then content.

    Without given splits, `split_by_content` takes a fifth of every class for validation.

    Args:
        pictures: the images with their labels and splits.
        classes: the class names in the order of the labels.
        source: the beginning of messages, such as `data folder 'pets'`.
        form: what the images are decoded to.
        on_progress: called after each image.

    Raises:
        InputError: an image cannot be read, one is in both splits, too many are in two classes, or a class is too
            small to split.
    """
    decoded, grey_notes = scale_greys(_decode_all(pictures, source, form, on_progress), form.channels, source)
    kept_indices, contradiction_notes = without_contradictions(
        pictures, [picture.digest for picture in decoded], source
    )
    pictures, decoded = [pictures[index] for index in kept_indices], [decoded[index] for index in kept_indices]
    labels, digests = [picture.label for picture in pictures], [picture.digest for picture in decoded]
    if pictures[0].split is None:
        train, val = split_by_content(labels, digests, classes)
    else:
        train, val = (
            sorted(
                (index for index, picture in enumerate(pictures) if picture.split == split),
                key=lambda index: (labels[index], digests[index]),
            )
            for split in ("train", "val")
        )
    _refuse_overlap(source, pictures, digests, train, val)
    train_images, val_images = (np.stack([decoded[index].square for index in part]) for part in (train, val))
    labels_N = np.array(labels, np.int64)
    notes = (
        *grey_notes,
        *contradiction_notes,
        *near_duplicates(_visible_levels(train_images), _visible_levels(val_images)),
    )
    return SplitArrays(train_images, labels_N[train], val_images, labels_N[val], tuple(classes), notes)


def _visible_levels(images_NHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images with alpha as their green over white (N, px, px, 1), so that alpha counts; others unchanged."""
    if images_NHWC.shape[3] != RGBA:
        return images_NHWC
    green, alpha = (images_NHWC[..., band, None].astype(np.uint16) for band in (1, 3))
    return (255 - (255 - green) * alpha // 255).astype(np.uint8)


def read_squares(
    pictures: Sequence[EncodedImage], source: str, form: ImageForm
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the centre squares (N, px, px, channels) of single images, and a note on 16-bit colours.

    Raises:
        InputError: an image cannot be read, or has 16-bit greys, whose range is that of the training set.
    """
    decoded = _decode_all(pictures, source, form, no_progress)
    greys = sum(result.grey_range is not None for result in decoded)
    if greys:
        raise InputError(
            f"{source}: {greys} of {len(decoded)} are 16-bit greys, and a network expects them scaled by the range "
            "of its training set: give that data set, or convert them to 8 bits by its range"
        )
    has_colours = any(result.colour_counts is not None for result in decoded)
    return np.stack([result.square for result in decoded]), (colours_note(decoded),) if has_colours else ()


def _decode_all(
    pictures: Sequence[EncodedImage], source: str, form: ImageForm, on_progress: ProgressCallback
) -> list[Decoded]:
    """Decode all images; raise `InputError` if one cannot be read."""
    with _pillow_without_limits(), ThreadPoolExecutor(1) as large, ThreadPoolExecutor(os.cpu_count()) as pool:
        decoded = []
        try:
            for result in pool.map(lambda picture: decode(picture, form, large), pictures):
                decoded.append(result)
                on_progress(len(decoded), len(pictures))
        except BaseException:  # Ctrl-C ends the decoding before the last image
            pool.shutdown(cancel_futures=True)
            raise
    broken = [
        (picture, reason) for picture, reason in zip(pictures, decoded, strict=True) if isinstance(reason, str)
    ]
    if broken:
        raise InputError(_broken_message(source, len(pictures), broken))
    return [picture for picture in decoded if not isinstance(picture, str)]


@contextmanager
def _pillow_without_limits() -> Iterator[None]:
    """Silence Pillow's warnings of odd metadata, and lift its limit on sizes: `decode` has its own."""
    previous_limit = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = previous_limit


def split_by_content(
    labels: Sequence[int], digests: Sequence[str], classes: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Return the indices of the training and the validation images, each sorted by label, then content.

    In every class the fifth with the smallest digests (at least one) is for validation. This is as good as random,
    does not depend on names or order, and keeps copies of an image together.

    Raises:
        InputError: a class has fewer than 2 different images.
    """
    train: list[int] = []
    val: list[int] = []
    for label, name in enumerate(classes):
        members = sorted(
            (digests[index], index) for index, image_label in enumerate(labels) if image_label == label
        )
        distinct = sorted({digest for digest, _ in members})
        if len(distinct) < 2:
            raise InputError(f"class '{name}' has fewer than 2 different images: add some, or remove the class")
        last = distinct[max(1, round(_VAL_SHARE * len(distinct))) - 1]
        val += [index for digest, index in members if digest <= last]
        train += [index for digest, index in members if digest > last]
    return train, val


def _broken_message(source: str, total: int, broken: list[tuple[EncodedImage, str]]) -> str:
    lines = [f"{source}: {len(broken)} of {total} images cannot be read: repair or remove them"]
    lines += [f"  '{printable(picture.name)}': {reason}" for picture, reason in broken[:MAX_LISTED]]
    if len(broken) > MAX_LISTED:
        lines.append(f"  and {len(broken) - MAX_LISTED} more")
    return "\n".join(lines)


def _refuse_overlap(
    source: str, pictures: Sequence[EncodedImage], digests: list[str], train: list[int], val: list[int]
) -> None:
    """Raise `InputError` if an image, by its decoded pixels, is in both splits."""
    in_train = {digests[index]: index for index in train}
    shared_pairs = [(in_train[digests[index]], index) for index in val if digests[index] in in_train]
    if shared_pairs:
        first, second = (f"'{printable(pictures[index].name)}'" for index in shared_pairs[0])
        raise InputError(
            f"{source}: pictures in both train and val: {len(shared_pairs)}, "
            f"such as {second} and {first}: remove one of each pair"
        )
