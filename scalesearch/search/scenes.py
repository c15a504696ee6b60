"""Defines the recipe of generated images: how many there are and, for fractal scenes, how hard they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from scalesearch import choices
from scalesearch.design.serialization import OMIT_IF_DEFAULT
from scalesearch.errors import SpaceError

FRACTAL_SCENES, SHAPES = "fractal scenes", "drawn shapes"
SYNTHETIC = frozenset((FRACTAL_SCENES, SHAPES))
"""The names, in studies, of the data sets that are generated from a recipe."""
_SPECS: dict[str, choices.EmbeddedData] = {FRACTAL_SCENES: "fractal", SHAPES: "shapes", "digits": "digits"}


def embedded_spec(name: str) -> choices.EmbeddedData | None:
    """Return the `--data` value of the embedded data set with this name in a study; None: it is not embedded."""
    return _SPECS.get(name)


_INTEGER_RANGES = {
    "classes": (2, 1000),
    "train": (2, 1_000_000),
    "val": (2, 1_000_000),
    "varieties": (1, 100),
    "distractors": (0, 8),
    "noise": (0, 128),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True, slots=True)
class SceneRecipe:
    """Determines the pixels of generated images, except their side in px.

    For drawn shapes, only `classes`, `train`, `val`, `noise` and `seed` matter. The defaults are a hard setting of
    scenes: 40 classes, which a small network learns only in part within a dozen epochs. Fewer classes, larger
    shares, fewer distractors and less jitter make scenes easier. A value outside its range raises `SpaceError`.
    """

    classes: int = 40
    """Number of classes, each a fractal code with a label; 2 to 1000."""
    train: int = 6000
    """Number of training scenes, at least one a class. Classes are balanced to within one scene."""
    val: int = 1000
    """Number of validation scenes, generated independently of the training scenes; at least one a class."""
    share_low: Decimal = Decimal("0.63")
    """Smallest side of the labelled fractal, as a share of the canvas's side; at least 0.1."""
    share_high: Decimal = Decimal("0.8")
    """Largest side of the labelled fractal, as a share of the canvas's side; at most 1.

    The defaults put the fractal's box on 40 to 64 % of the canvas's area.
    """
    distractors: int = 2
    """Number of fractals without a label behind the labelled one; 0 to 8."""
    distractor_scale: Decimal = Decimal("0.6")
    """Sides of distractors as a share of the sides of labelled fractals; 0.1 to 1."""
    noise: int = 8
    """Uniform noise on every channel of every pixel: up to this many of 255 levels up or down; 0 to 128."""
    jitter: Decimal = Decimal("0.1")
    """An instance multiplies one parameter of its code by a factor in 1 - jitter to 1 + jitter; 0 to 0.5."""
    seed: int = 0
    """Random seed of the codes and of every scene; 0 to 2**32 - 1."""
    varieties: int = field(default=1, metadata=OMIT_IF_DEFAULT)
    """Number of classes that share a fractal code, each a variety of it; 1 to 100, at most half of the classes."""
    difference_low: Decimal = field(default=Decimal("0.008"), metadata=OMIT_IF_DEFAULT)
    """Smallest relative difference of the codes of neighbouring varieties; at least 0.001.

    From code to code the difference grows by a constant factor, up to `difference_high`, so that some classes can
    be distinguished after a short training and others only after a long one.
    """
    difference_high: Decimal = field(default=Decimal("0.1"), metadata=OMIT_IF_DEFAULT)
    """Largest relative difference, see `difference_low`; at most 0.3."""
    rotation: Decimal = field(default=Decimal(1), metadata=OMIT_IF_DEFAULT)
    """Every fractal is rotated by a random angle from 0 to this share of a full turn; 0 to 1."""

    def __post_init__(self) -> None:
        for name, (low, high) in _INTEGER_RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise SpaceError(f"scenes: {name} is {value}, but it must be from {low} to {high}")
        for name in ("train", "val"):
            if getattr(self, name) < self.classes:
                raise SpaceError(f"scenes: {name} is {getattr(self, name)}, but needs {self.classes}, one a class")
        if not Decimal("0.1") <= self.share_low <= self.share_high <= 1:
            raise SpaceError(
                f"scenes: share_low is {self.share_low} and share_high {self.share_high}, "
                "but 0.1 <= share_low <= share_high <= 1 must hold"
            )
        if not Decimal("0.1") <= self.distractor_scale <= 1:
            raise SpaceError(f"scenes: distractor_scale is {self.distractor_scale}, but it must be from 0.1 to 1")
        if self.varieties > max(1, self.classes // 2):
            raise SpaceError(
                f"scenes: varieties is {self.varieties}, but {self.classes} classes must have two codes or more"
            )
        if not Decimal("0.001") <= self.difference_low <= self.difference_high <= Decimal("0.3"):
            raise SpaceError(
                f"scenes: difference_low is {self.difference_low} and difference_high {self.difference_high}, "
                "but 0.001 <= difference_low <= difference_high <= 0.3 must hold"
            )
        if not 0 <= self.rotation <= 1:
            raise SpaceError(f"scenes: rotation is {self.rotation}, but it must be from 0 to 1")
        if not 0 <= self.jitter <= Decimal("0.5"):
            raise SpaceError(f"scenes: jitter is {self.jitter}, but it must be from 0 to 0.5")
