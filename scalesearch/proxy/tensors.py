"""Hold the images that one network is trained on, as tensors on one device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from scalesearch.errors import InputError


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Holds images as uint8 at the resolution of the model and their classes as int64, all on one device."""

    train_images_NCHW: Tensor
    train_labels_N: Tensor
    val_images_NCHW: Tensor
    val_labels_N: Tensor

    def __post_init__(self) -> None:
        for part in ("train", "val"):
            images: Tensor = getattr(self, f"{part}_images_NCHW")
            labels: Tensor = getattr(self, f"{part}_labels_N")
            if images.dtype != torch.uint8 or images.ndim != 4:
                raise InputError(
                    f"{part} images are {images.dtype} with {images.ndim} dimensions: give uint8, NCHW"
                )
            if labels.dtype != torch.int64 or labels.shape != images.shape[:1] or not len(labels):
                raise InputError(
                    f"{part} labels are {labels.dtype} of shape {tuple(labels.shape)} for {len(images)} "
                    "images: give int64, one an image, and at least one image"
                )

    def resized(self, px: int) -> TrainingData:
        """Return the same images at `px` x `px`; the images must be on the CPU (see `resize`)."""
        return TrainingData(
            resize(self.train_images_NCHW, px),
            self.train_labels_N,
            resize(self.val_images_NCHW, px),
            self.val_labels_N,
        )

    def to(self, device: torch.device) -> TrainingData:
        """Return the same data on `device`, the images in channels_last."""
        return TrainingData(
            self.train_images_NCHW.to(device, memory_format=torch.channels_last),
            self.train_labels_N.to(device),
            self.val_images_NCHW.to(device, memory_format=torch.channels_last),
            self.val_labels_N.to(device),
        )


def resize(images_NCHW: Tensor, px: int) -> Tensor:
    """Resize uint8 images on the CPU to `px` x `px`: bilinear, antialiased, in integers, so the same everywhere.

    The input is returned unchanged where `px` is its side already. The result is in channels_last, the layout that
    torch resizes fast.
    """
    images_NCHW = images_NCHW.contiguous(memory_format=torch.channels_last)
    if images_NCHW.shape[2:] == (px, px):
        return images_NCHW
    return F.interpolate(images_NCHW, size=(px, px), mode="bilinear", antialias=True)
