"""Define the synthetic data sets that are drawn from a recipe, by the name that `--data` gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalesearch.proxy import scenes, shapes
from scalesearch.proxy.progress import ProgressCallback
from scalesearch.search.scenes import FRACTAL_SCENES, SHAPES, SceneRecipe

Images = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Describes one synthetic data set."""

    name: str
    """The name in studies and reports."""
    generator: str
    """The generator's name and version, part of the cache key."""
    render: Callable[[SceneRecipe, int, ProgressCallback], tuple[Images, Images]]
    """Recipe, side in px, progress callback → training and validation images, each (N, px, px, 3). The callback is
    called as images are drawn."""
    first_val: Callable[[SceneRecipe, int, int], Images]
    """Recipe, side in px, count → the first validation images of `render`."""
    class_names: Callable[[SceneRecipe], tuple[str, ...]]


DRAWN: dict[str, Drawn] = {
    "fractal": Drawn(
        FRACTAL_SCENES,
        f"scenes {scenes.GENERATOR_VERSION}",
        scenes.render_scenes,
        scenes.first_val_scenes,
        scenes.scene_names,
    ),
    "shapes": Drawn(
        SHAPES,
        f"shapes {shapes.SHAPES_VERSION}",
        shapes.render_shapes,
        shapes.first_val_shapes,
        shapes.shape_names,
    ),
}
