"""Shapes, an embedded data set that is learned from the first steps on: patterned blobs of many kinds.

A class is a point in a space of looks, and an instance lies around it: place, size and proportions, two colours and
their brightness, the outline, the weights of broad patterns. Classes come in kinds, four varieties of each. Kinds
are far apart and told at a glance; varieties differ less, and from kind to kind by a growing factor, so that some
are told apart after hundreds of images and others after many thousands. A body is shifted and turned a little,
waves and fine gratings that tell nothing lie over everything, and noise over every pixel.

Photographs are learned like this: many differences, each seen for a part, none of them all or nothing. Fractals
(`scenes`) are not: there a network learns nothing at first and then all classes at once, at a step that differs
from seed to seed.

Image i of a split has its own PCG64 stream: the same recipe gives the same bits whatever the batch size, and the
layout does not depend on the resolution. All is computed in double precision, so that the last bit of a machine's
sine is lost when levels are rounded.
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
"""Classes of a kind."""

_PLACES, _OUTLINE, _PATTERNS = 9, 8, 8
_LOOKS = _PLACES + _OUTLINE + _PATTERNS
"""Dimensions of the space of looks, by what they decide."""
_KINDS_APART = 3.0
"""Standard deviation of the kinds, where that of a class's instances is 1."""
_VARIETIES_APART = (0.5, 2.0)
"""The same of the varieties of the first and of the last kind; it grows by a constant factor."""
_RANGE = 1.3
"""Standard deviation of a look over all images, in the units that `_rendered` takes."""

_SHIFT, _TURN = 0.15, 0.08
"""Of every body, whatever its class: of half a canvas, to either side, and of half a turn, either way."""
_GRATINGS = 8
_WAVES = 5
"""Of the random pattern on the body, and of that on the ground."""
_NORMALS = _LOOKS + 2 * _GRATINGS
_UNIFORMS = 3 + 2 * 3 * _WAVES + _GRATINGS + 1
_BATCH_PIXELS = 2_000_000
_SOFT_EDGE = 2.5
"""Pixels over which an outline fades."""

Images = NDArray[np.uint8]
Floats = NDArray[np.float64]


def render_shapes(
    recipe: SceneRecipe, px: int, on_progress: ProgressCallback = no_progress
) -> tuple[Images, Images]:
    """Training and validation images, each uint8 (N, px, px, 3), RGB; labels are `scenes.scene_labels`.

    Of the recipe `classes`, `train`, `val`, `noise` and `seed` count.
    """
    total, found = recipe.train + recipe.val, []
    batch = max(1, _BATCH_PIXELS // px**2)
    for val, count, before in ((False, recipe.train, 0), (True, recipe.val, recipe.train)):
        images_NHWC = np.empty((count, px, px, 3), np.uint8)
        for begin in range(0, count, batch):
            end = min(begin + batch, count)
            images_NHWC[begin:end] = _images(recipe, px, val, begin, end)
            on_progress(before + end, total)
        found.append(images_NHWC)
    return found[0], found[1]


def first_val_shapes(recipe: SceneRecipe, px: int, count: int) -> Images:
    """The first `count` validation images of `render_shapes`, one of each class while there are classes."""
    return _images(recipe, px, True, 0, min(count, recipe.val))


def shape_names(recipe: SceneRecipe) -> tuple[str, ...]:
    """The names of the classes: of their kind, and which variety of it."""
    kinds = _kinds(recipe)
    return tuple(f"shape {label % kinds} variety {label // kinds}" for label in range(recipe.classes))


def class_looks(recipe: SceneRecipe) -> Floats:
    """Where the classes lie, (classes, looks); instances are normal around them with variance 1."""
    kinds = _kinds(recipe)
    low, high = _VARIETIES_APART
    found = np.empty((recipe.classes, _LOOKS))
    for label in range(recipe.classes):
        kind = label % kinds
        apart = low * (high / low) ** (kind / max(1, kinds - 1))
        place = _KINDS_APART * _stream(recipe, 3, kind).standard_normal(_LOOKS)
        found[label] = place + apart * _stream(recipe, 4, label).standard_normal(_LOOKS)
    return found


def _kinds(recipe: SceneRecipe) -> int:
    return math.ceil(recipe.classes / VARIETIES)


def _stream(recipe: SceneRecipe, part: int, index: int) -> np.random.Generator:
    """Of an image (parts 1 and 2 are training and validation), of a kind (3) or of a class (4)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(recipe.seed, spawn_key=(part, index))))


def _images(recipe: SceneRecipe, px: int, val: bool, begin: int, end: int) -> Images:
    """Images `begin` to `end` of a split; each takes its draws from its own stream, the noise last."""
    streams = [_stream(recipe, 1 + val, index) for index in range(begin, end)]
    normals_BD = np.stack([stream.standard_normal(_NORMALS) for stream in streams])
    uniforms_BD = np.stack([stream.random(_UNIFORMS) for stream in streams])
    labels_B = np.arange(begin, end) % recipe.classes
    scale = _RANGE / math.hypot(1, _KINDS_APART)
    looks_BD = scale * (class_looks(recipe)[labels_B] + normals_BD[:, :_LOOKS])
    levels = np.rint(_rendered(looks_BD, normals_BD[:, _LOOKS:], uniforms_BD, px)).astype(np.int16)
    if recipe.noise:
        for index, one in enumerate(streams):
            noise = one.integers(0, 2 * recipe.noise + 1, (px, px, 3), dtype=np.uint16)
            levels[index] += noise.astype(np.int16) - recipe.noise
    return np.clip(levels, 0, 255).astype(np.uint8)


def _rendered(looks_BD: Floats, normals_BD: Floats, uniforms_BD: Floats, px: int) -> Floats:
    """Levels (B, px, px, 3) in 0 to 255, before noise."""
    place, outline, weights = np.split(looks_BD, (_PLACES, _PLACES + _OUTLINE), axis=1)
    shift_B2, turn_B, uniforms_BD = 2 * uniforms_BD[:, :2] - 1, 2 * uniforms_BD[:, 2] - 1, uniforms_BD[:, 3:]
    side = (np.arange(px) + 0.5) / px * 2 - 1
    x_BW = side - 0.07 * place[:, 3:4] - _SHIFT * shift_B2[:, :1]
    y_BH = side - 0.07 * place[:, 4:5] - _SHIFT * shift_B2[:, 1:]
    frame_B22 = _frame(math.pi * _TURN * turn_B, np.exp(0.09 * place[:, 6]))
    body_BHW = _body(x_BW, y_BH, frame_B22, 0.66 + 0.05 * place[:, 5], outline, px)

    own, ground, phases, light = np.split(uniforms_BD, (3 * _WAVES, 6 * _WAVES, 6 * _WAVES + _GRATINGS), axis=1)
    waves = _joined(_patterns(weights), _random_waves(own, 4.0, 0.3), _gratings(normals_BD, 2 * math.pi * phases))
    tone_BHW = 0.55 + 0.4 * np.tanh(0.7 * _summed(_seen(waves, frame_B22), x_BW, y_BH))
    flat_BW = np.broadcast_to(side, x_BW.shape)
    slope_BHW = place[:, 7, None, None] * side + place[:, 8, None, None] * side[:, None]
    uneven_BHW = 1 + 0.3 * slope_BHW + 0.175 * _summed(_random_waves(ground, 3.0, 1.0), flat_BW, flat_BW)
    dim_BHW = (0.25 + 0.2 * light)[:, :, None] * np.clip(uneven_BHW, 0.1, 2)

    bright_BHW = tone_BHW * np.clip(0.8 + 0.1 * place[:, 2], 0.4, 1.1)[:, None, None]
    ground_BHWC = dim_BHW[..., None] * _colour(0.5 + 0.08 * place[:, 1], 0.7)
    own_BHWC = 1.15 * bright_BHW[..., None] * _colour(0.08 * place[:, 0], 0.8)
    canvas_BHWC = ground_BHWC + body_BHW[..., None] * (own_BHWC - ground_BHWC)
    levels: Floats = 255 * np.clip(canvas_BHWC, 0, 1)
    return levels


def _frame(angle_B: Floats, stretch_B: Floats) -> Floats:
    """From the canvas to the body's own coordinates, (B, 2, 2): turned, then wider by `stretch` and lower by it."""
    cos_B, sin_B = np.cos(angle_B), np.sin(angle_B)
    across = np.stack([cos_B * stretch_B, -sin_B * stretch_B], axis=1)
    down = np.stack([sin_B / stretch_B, cos_B / stretch_B], axis=1)
    return np.stack([across, down], axis=1)


def _body(x_BW: Floats, y_BH: Floats, frame_B22: Floats, radius_B: Floats, outline_BD: Floats, px: int) -> Floats:
    """How much of each pixel the body covers, (B, H, W): a circle with four harmonics of its outline."""
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
    """Plane waves, each field (B, J): height · cos(along_x · x + along_y · y + phase)."""

    height: Floats
    along_x: Floats
    along_y: Floats
    phase: Floats


def _joined(*waves: _Waves) -> _Waves:
    return _Waves(
        *(
            np.concatenate([getattr(wave, name) for wave in waves], axis=1)
            for name in ("height", "along_x", "along_y", "phase")
        )
    )


def _seen(waves: _Waves, frame_B22: Floats) -> _Waves:
    """Waves of the body's coordinates in those of the canvas."""
    x, y, frame = waves.along_x, waves.along_y, frame_B22[..., None]
    along_x, along_y = x * frame[:, 0, 0] + y * frame[:, 1, 0], x * frame[:, 0, 1] + y * frame[:, 1, 1]
    return _Waves(waves.height, along_x, along_y, waves.phase)


def _summed(waves: _Waves, x_BW: Floats, y_BH: Floats) -> Floats:
    """The sum of the waves at every pixel, (B, H, W): of each the product of a row and a column."""
    across = waves.along_x[:, :, None] * x_BW[:, None, :] + waves.phase[:, :, None]
    down = (waves.along_y[:, :, None] * y_BH[:, None, :]).transpose(0, 2, 1)
    height = waves.height[:, :, None]
    found: Floats = np.cos(down) @ (height * np.cos(across)) - np.sin(down) @ (height * np.sin(across))
    return found


def _patterns(weights_BJ: Floats) -> _Waves:
    """The broad patterns, the same for all images but for their weights."""
    fixed = np.random.Generator(np.random.PCG64(np.random.SeedSequence(0, spawn_key=(5,)))).random((3, _PATTERNS))
    length, angle, phase = (2.5 + 3.5 * fixed[0]) * math.pi / 2, 2 * math.pi * fixed[1], 2 * math.pi * fixed[2]
    shape = weights_BJ.shape
    along = (np.broadcast_to(one, shape) for one in (length * np.cos(angle), length * np.sin(angle), phase))
    return _Waves(0.45 * weights_BJ, *along)


def _random_waves(uniforms_BD: Floats, cells: float, spread: float) -> _Waves:
    """A smooth random field of standard deviation `spread`, with at most `cells` waves over the canvas."""
    length_BJ = (0.3 + 0.7 * uniforms_BD[:, :_WAVES]) * cells * math.pi
    angle_BJ, phase_BJ = (2 * math.pi * uniforms_BD[:, n * _WAVES : (n + 1) * _WAVES] for n in (1, 2))
    height_BJ = np.full_like(length_BJ, spread * math.sqrt(2 / _WAVES))
    return _Waves(height_BJ, length_BJ * np.cos(angle_BJ), length_BJ * np.sin(angle_BJ), phase_BJ)


def _gratings(normals_BD: Floats, phases_BJ: Floats) -> _Waves:
    """Fine gratings whose strengths tell nothing: 9 to 19 waves over the canvas."""
    turns, strengths = normals_BD[:, :_GRATINGS], normals_BD[:, _GRATINGS:]
    order = np.arange(_GRATINGS, dtype=np.float64)
    length, angle = math.pi * (9 + 1.4 * order), 2.4 * order + 0.1 * turns
    return _Waves(0.06 * np.exp(0.7 * strengths), length * np.cos(angle), length * np.sin(angle), phases_BJ)


def _colour(hue_B: Floats, depth: float) -> Floats:
    """RGB (B, 1, 1, 3) in 0 to 1 by three cosines."""
    shift_C = np.array([0, 1 / 3, 2 / 3])
    found: Floats = 0.5 + 0.5 * depth * np.cos(2 * math.pi * (hue_B[:, None, None, None] - shift_C))
    return found
