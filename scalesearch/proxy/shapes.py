"""Draw shapes, an embedded data set that networks learn from the first steps on: patterned blobs of many kinds.

A class is a point in a feature space, and its instances lie around it. The features are position, size and
proportions, two colours and their brightness, the outline, and the weights of broad patterns. Classes come in kinds
with four varieties each. Kinds are far apart and easy to distinguish. Varieties differ less, and their distance
grows from kind to kind by a constant factor: some are learned after hundreds of images, others after many
thousands. A body is shifted and rotated a little. Uninformative waves and fine gratings cover everything, and every
pixel has noise.

Photographs are learned in the same way: many differences, each learned in part. Fractals (`scenes`) are not: a
network learns nothing at first and then all classes at once, at a step that differs from seed to seed.

Image i of a split has its own PCG64 stream: the same recipe gives the same bits for any batch size, and the layout
does not depend on the resolution. Everything is computed in double precision, so rounding to levels hides the last
bits, in which the sines of machines differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.search.scenes import SceneRecipe

SHAPES_VERSION = 1
"""Part of the cache key: raise it whenever the same recipe would give other pixels."""
VARIETIES = 4
"""The number of classes of a kind."""

_ATTRIBUTES, _OUTLINE, _PATTERNS = 9, 8, 8
_FEATURES = _ATTRIBUTES + _OUTLINE + _PATTERNS
"""The dimensions of the feature space: attributes of placement and colour, the outline, the patterns."""
_KINDS_APART = 3.0
"""The standard deviation of the kinds, where that of a class's instances is 1."""
_VARIETIES_APART = (0.5, 2.0)
"""The standard deviation of the varieties of the first and of the last kind; it grows by a constant factor."""
_RANGE = 1.3
"""The standard deviation of a feature over all images, in the units that `_render_levels` takes."""

_SHIFT, _TURN = 0.15, 0.08
"""The random shift to either side, as a share of half a canvas, and the random rotation either way, as a share of
half a turn; of every body, whatever its class."""
_GRATINGS = 8
_WAVES = 5
"""The number of waves in the random pattern on the body, and in that on the ground."""
_NORMALS = _FEATURES + 2 * _GRATINGS
_UNIFORMS = 3 + 2 * 3 * _WAVES + _GRATINGS + 1
_BATCH_PIXELS = 2_000_000
_SOFT_EDGE = 2.5
"""The number of pixels over which an outline fades."""

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]


def render_shapes(
    recipe: SceneRecipe, px: int, on_progress: ProgressCallback = no_progress
) -> tuple[Images, Images]:
    """Render training and validation images, each uint8 (N, px, px, 3), RGB; labels are `scenes.scene_labels`.

    Only `classes`, `train`, `val`, `noise` and `seed` of the recipe are used.
    """
    total, splits = recipe.train + recipe.val, []
    batch = max(1, _BATCH_PIXELS // px**2)
    for val, count, num_before in ((False, recipe.train, 0), (True, recipe.val, recipe.train)):
        images_NHWC = np.empty((count, px, px, 3), np.uint8)
        for begin in range(0, count, batch):
            end = min(begin + batch, count)
            images_NHWC[begin:end] = _render_images(recipe, px, val, begin, end)
            on_progress(num_before + end, total)
        splits.append(images_NHWC)
    return splits[0], splits[1]


def first_val_shapes(recipe: SceneRecipe, px: int, count: int) -> Images:
    """Render the first `count` validation images of `render_shapes`, one of each class while there are classes."""
    return _render_images(recipe, px, True, 0, min(count, recipe.val))


def shape_names(recipe: SceneRecipe) -> tuple[str, ...]:
    """Return the names of the classes: the kind and its variety."""
    kinds = _num_kinds(recipe)
    return tuple(f"shape {label % kinds} variety {label // kinds}" for label in range(recipe.classes))


def class_centres(recipe: SceneRecipe) -> Floats:
    """Return the centres of the classes, (classes, features); instances are normal around them with variance 1."""
    kinds = _num_kinds(recipe)
    low, high = _VARIETIES_APART
    centres = np.empty((recipe.classes, _FEATURES))
    for label in range(recipe.classes):
        kind = label % kinds
        spread = low * (high / low) ** (kind / max(1, kinds - 1))
        kind_centre = _KINDS_APART * _rng(recipe, 3, kind).standard_normal(_FEATURES)
        centres[label] = kind_centre + spread * _rng(recipe, 4, label).standard_normal(_FEATURES)
    return centres


def _num_kinds(recipe: SceneRecipe) -> int:
    return math.ceil(recipe.classes / VARIETIES)


def _rng(recipe: SceneRecipe, part: int, index: int) -> np.random.Generator:
    """Return the generator of an image, a kind or a class.

    Part 1 are the training images, part 2 the validation images, part 3 the kinds and part 4 the classes.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(recipe.seed, spawn_key=(part, index))))


def _render_images(recipe: SceneRecipe, px: int, val: bool, begin: int, end: int) -> Images:
    """Render images `begin` to `end` of a split.

    Each image takes its random numbers from its own stream, the noise last.
    """
    rngs = [_rng(recipe, 1 + val, index) for index in range(begin, end)]
    normals_BD = np.stack([rng.standard_normal(_NORMALS) for rng in rngs])
    uniforms_BD = np.stack([rng.random(_UNIFORMS) for rng in rngs])
    labels_B = np.arange(begin, end) % recipe.classes
    scale = _RANGE / math.hypot(1, _KINDS_APART)
    features_BD = scale * (class_centres(recipe)[labels_B] + normals_BD[:, :_FEATURES])
    levels = np.rint(_render_levels(features_BD, normals_BD[:, _FEATURES:], uniforms_BD, px)).astype(np.int16)
    if recipe.noise:
        for index, rng in enumerate(rngs):
            noise = rng.integers(0, 2 * recipe.noise + 1, (px, px, 3), dtype=np.uint16)
            levels[index] += noise.astype(np.int16) - recipe.noise
    return np.clip(levels, 0, 255).astype(np.uint8)


def _render_levels(features_BD: Floats, normals_BD: Floats, uniforms_BD: Floats, px: int) -> Floats:
    """Render levels (B, px, px, 3) in 0 to 255, before noise."""
    attributes, outline, weights = np.split(features_BD, (_ATTRIBUTES, _ATTRIBUTES + _OUTLINE), axis=1)
    shift_B2, turn_B, uniforms_BD = 2 * uniforms_BD[:, :2] - 1, 2 * uniforms_BD[:, 2] - 1, uniforms_BD[:, 3:]
    side = (np.arange(px) + 0.5) / px * 2 - 1
    x_BW = side - 0.07 * attributes[:, 3:4] - _SHIFT * shift_B2[:, :1]
    y_BH = side - 0.07 * attributes[:, 4:5] - _SHIFT * shift_B2[:, 1:]
    frame_B22 = _body_frame(math.pi * _TURN * turn_B, np.exp(0.09 * attributes[:, 6]))
    coverage_BHW = _body_coverage(x_BW, y_BH, frame_B22, 0.66 + 0.05 * attributes[:, 5], outline, px)

    body_waves, ground_waves, phases, ground_light = np.split(
        uniforms_BD, (3 * _WAVES, 6 * _WAVES, 6 * _WAVES + _GRATINGS), axis=1
    )
    waves = _concatenate(
        _broad_patterns(weights), _random_waves(body_waves, 4.0, 0.3), _gratings(normals_BD, 2 * math.pi * phases)
    )
    tone_BHW = 0.55 + 0.4 * np.tanh(0.7 * _evaluate(_to_canvas(waves, frame_B22), x_BW, y_BH))
    flat_BW = np.broadcast_to(side, x_BW.shape)
    slope_BHW = attributes[:, 7, None, None] * side + attributes[:, 8, None, None] * side[:, None]
    uneven_BHW = 1 + 0.3 * slope_BHW + 0.175 * _evaluate(_random_waves(ground_waves, 3.0, 1.0), flat_BW, flat_BW)
    dim_BHW = (0.25 + 0.2 * ground_light)[:, :, None] * np.clip(uneven_BHW, 0.1, 2)

    bright_BHW = tone_BHW * np.clip(0.8 + 0.1 * attributes[:, 2], 0.4, 1.1)[:, None, None]
    ground_BHWC = dim_BHW[..., None] * _colour(0.5 + 0.08 * attributes[:, 1], 0.7)
    body_BHWC = 1.15 * bright_BHW[..., None] * _colour(0.08 * attributes[:, 0], 0.8)
    canvas_BHWC = ground_BHWC + coverage_BHW[..., None] * (body_BHWC - ground_BHWC)
    levels: Floats = 255 * np.clip(canvas_BHWC, 0, 1)
    return levels


def _body_frame(angle_B: Floats, stretch_B: Floats) -> Floats:
    """Return the maps from the canvas to the body's own coordinates, (B, 2, 2).

    The body is rotated, then made wider by `stretch` and lower by it.
    """
    cos_B, sin_B = np.cos(angle_B), np.sin(angle_B)
    across = np.stack([cos_B * stretch_B, -sin_B * stretch_B], axis=1)
    down = np.stack([sin_B / stretch_B, cos_B / stretch_B], axis=1)
    return np.stack([across, down], axis=1)


def _body_coverage(
    x_BW: Floats, y_BH: Floats, frame_B22: Floats, radius_B: Floats, outline_BD: Floats, px: int
) -> Floats:
    """Return the share of each pixel that the body covers, (B, H, W).

    The body is a circle with four harmonics of its outline.
    """
    complex_B2 = frame_B22[:, 0] + 1j * frame_B22[:, 1]
    point_BHW = complex_B2[:, :1, None] * x_BW[:, None, :] + complex_B2[:, 1:, None] * y_BH[:, :, None]
    distance_BHW = np.maximum(np.abs(point_BHW), 1e-9)
    turn_BHW = point_BHW / distance_BHW
    harmonic_BHW, edge_BHW = turn_BHW, np.ones_like(distance_BHW)
    for order in range(_OUTLINE // 2):
        harmonic_BHW = harmonic_BHW * turn_BHW
        factor_B = outline_BD[:, 2 * order] - 1j * outline_BD[:, 2 * order + 1]
        edge_BHW += 0.055 * (factor_B[:, None, None] * harmonic_BHW).real
    covered: Floats = np.clip((radius_B[:, None, None] * edge_BHW - distance_BHW) * px / _SOFT_EDGE + 0.5, 0, 1)
    return covered


@dataclass(frozen=True, slots=True)
class _Waves:
    """Plane waves with fields of shape (B, J): height · cos(along_x · x + along_y · y + phase)."""

    height: Floats
    along_x: Floats
    along_y: Floats
    phase: Floats


def _concatenate(*waves: _Waves) -> _Waves:
    return _Waves(
        *(
            np.concatenate([getattr(wave, name) for wave in waves], axis=1)
            for name in ("height", "along_x", "along_y", "phase")
        )
    )


def _to_canvas(waves: _Waves, frame_B22: Floats) -> _Waves:
    """Convert waves in the body's coordinates to those of the canvas."""
    x, y, frame = waves.along_x, waves.along_y, frame_B22[..., None]
    along_x, along_y = x * frame[:, 0, 0] + y * frame[:, 1, 0], x * frame[:, 0, 1] + y * frame[:, 1, 1]
    return _Waves(waves.height, along_x, along_y, waves.phase)


def _evaluate(waves: _Waves, x_BW: Floats, y_BH: Floats) -> Floats:
    """Return the sum of the waves at every pixel, (B, H, W), each as a product of a row and a column."""
    across = waves.along_x[:, :, None] * x_BW[:, None, :] + waves.phase[:, :, None]
    down = (waves.along_y[:, :, None] * y_BH[:, None, :]).transpose(0, 2, 1)
    height = waves.height[:, :, None]
    total: Floats = np.cos(down) @ (height * np.cos(across)) - np.sin(down) @ (height * np.sin(across))
    return total


def _broad_patterns(weights_BJ: Floats) -> _Waves:
    """Return the broad patterns, which differ between images by their weights only."""
    fixed = np.random.Generator(np.random.PCG64(np.random.SeedSequence(0, spawn_key=(5,)))).random((3, _PATTERNS))
    length, angle, phase = (2.5 + 3.5 * fixed[0]) * math.pi / 2, 2 * math.pi * fixed[1], 2 * math.pi * fixed[2]
    shape = weights_BJ.shape
    along = (np.broadcast_to(values, shape) for values in (length * np.cos(angle), length * np.sin(angle), phase))
    return _Waves(0.45 * weights_BJ, *along)


def _random_waves(uniforms_BD: Floats, cells: float, spread: float) -> _Waves:
    """Return a smooth random field of standard deviation `spread`, with at most `cells` waves over the canvas."""
    length_BJ = (0.3 + 0.7 * uniforms_BD[:, :_WAVES]) * cells * math.pi
    angle_BJ, phase_BJ = (2 * math.pi * uniforms_BD[:, n * _WAVES : (n + 1) * _WAVES] for n in (1, 2))
    height_BJ = np.full_like(length_BJ, spread * math.sqrt(2 / _WAVES))
    return _Waves(height_BJ, length_BJ * np.cos(angle_BJ), length_BJ * np.sin(angle_BJ), phase_BJ)


def _gratings(normals_BD: Floats, phases_BJ: Floats) -> _Waves:
    """Return fine gratings with uninformative strengths: 9 to 19 waves over the canvas."""
    turns, strengths = normals_BD[:, :_GRATINGS], normals_BD[:, _GRATINGS:]
    order = np.arange(_GRATINGS, dtype=np.float64)
    length, angle = math.pi * (9 + 1.4 * order), 2.4 * order + 0.1 * turns
    return _Waves(0.06 * np.exp(0.7 * strengths), length * np.cos(angle), length * np.sin(angle), phases_BJ)


def _colour(hue_B: Floats, depth: float) -> Floats:
    """Return RGB (B, 1, 1, 3) in 0 to 1 by three cosines."""
    shift_C = np.array([0, 1 / 3, 2 / 3])
    rgb: Floats = 0.5 + 0.5 * depth * np.cos(2 * math.pi * (hue_B[:, None, None, None] - shift_C))
    return rgb
