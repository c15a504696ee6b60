"""Define which images networks take, and which of them can be read for training."""

from __future__ import annotations

from scalesearch.errors import SpaceError

LARGEST_IN_CHANNELS = 1024
"""The largest number of image channels of a network, above that of hyperspectral cameras."""

IMAGE_CHANNELS = (1, 3, 4)
"""The numbers of channels with which images are read: grey, RGB, and RGB with an alpha channel."""


def check_image_channels(channels: int) -> None:
    """Check that images can be read for a network that takes this number of channels.

    Raises:
        SpaceError: they are read with other numbers of channels only.
    """
    if channels not in IMAGE_CHANNELS:
        raise SpaceError(
            f"images are read with 1 (grey), 3 (RGB) or 4 (RGBA) channels, but the network takes {channels}: it "
            "cannot be trained here, but cost, explain, solve, family, latency and export take it"
        )
