"""The levels of a network as a backbone: the last feature map of each stride, before the head."""

from __future__ import annotations

from dataclasses import dataclass

from scalesearch.design.architecture import Architecture

_ENDS = ("head", "classifier")


@dataclass(frozen=True, slots=True)
class Level:
    """One feature map."""

    stride: int
    """Pixels of the image, in each direction, for one of the map."""
    channels: int
    part: str
    """What puts it out: `stem`, `pool` or `stages.i`."""


def parts(architecture: Architecture) -> tuple[str, ...]:
    """The names of stem, max-pool where there is one, and stages, from the input on."""
    return tuple(dict.fromkeys(_part(block.name) for block in architecture.walk() if block.name not in _ENDS))


def levels(architecture: Architecture) -> tuple[Level, ...]:
    """A level for each stride, from the image down, each as deep in the network as its stride goes."""
    found: dict[int, Level] = {}
    stride = 1
    for block in architecture.walk():
        if block.name not in _ENDS:
            stride *= block.stride
            found[stride] = Level(stride, block.out_width, _part(block.name))
    return tuple(found.values())


def _part(name: str) -> str:
    """`stages.3` of `stages.3.1`."""
    return ".".join(name.split(".")[:2])
