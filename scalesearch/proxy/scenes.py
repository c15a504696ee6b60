"""Draw fractal scenes, the embedded data set: one labelled fractal among distractors, at any resolution.

A class is an accepted code (`fractals`), or one of several varieties of a code, which differ in detail. A scene
shows one jittered instance of its class at a random size, position and rotation over smaller distractors on a plain
dark background, with noise. No class has the code of a distractor. Every colour is random per instance, so only the
shape identifies the class. Plain fractals (FractalDB, Kataoka et al., arXiv 2101.08515; codes by Anderson and
Farrell, arXiv 2110.03091) saturate a proxy; scenes do not.

Scene i of a split has its own PCG64 stream: the same recipe gives the same bits for any batch size, and the layout
(codes, sizes, positions, colours) does not depend on the resolution.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scalesearch.proxy.fractals import (
    CHAINS,
    FractalCode,
    accepted_codes,
    chaos_game,
    count_points,
    jitter_maps,
    random_choices,
    varieties,
)
from scalesearch.proxy.progress import ProgressCallback, no_progress
from scalesearch.search.scenes import SceneRecipe

GENERATOR_VERSION = 1
"""Part of the cache key: raise it whenever the same recipe would give other pixels."""
DISTRACTOR_CODES = 32
"""The number of codes from which distractors are sampled; no class has one of them."""

_POINTS_PER_PIXEL = 4
"""The number of points of a fractal per pixel of its largest possible box."""
_HALF_COVER_POINTS = np.float32(3)
"""n points cover n / (n + 3) of a pixel, so a fractal shows its density and not only its outline."""
_MASK_COVER = 0.5
_BATCH_POINTS = 3_000_000
_DRAWS = 11
"""The number of uniform numbers per fractal: code, jitter (3), angle, side, corner (2), colour (3)."""
_BACKGROUND_LEVELS = 64
_DARKEST_FRACTAL_LEVEL = 96

Images = NDArray[np.uint8]
Masks = NDArray[np.bool_]
Codes = tuple[FractalCode, ...]


def scene_codes(recipe: SceneRecipe) -> tuple[Codes, Codes]:
    """Return the class codes and the distractor codes of a recipe: disjoint accepted codes or varieties of them."""
    kinds = math.ceil(recipe.classes / recipe.varieties)
    codes = accepted_codes(recipe.seed, kinds + DISTRACTOR_CODES)
    if recipe.varieties == 1:
        return codes[:kinds], codes[kinds:]
    high, ratio = float(recipe.difference_high), float(recipe.difference_low / recipe.difference_high)
    variety_codes = []
    for kind, code in enumerate(codes[:kinds]):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(recipe.seed, spawn_key=(3, kind))))
        difference = high * ratio ** (kind / max(1, kinds - 1))
        variety_codes.append(varieties(code, recipe.varieties, difference, rng))
    classes = tuple(variety_codes[label % kinds][label // kinds] for label in range(recipe.classes))
    return classes, codes[kinds:]


def scene_labels(recipe: SceneRecipe, val: bool) -> NDArray[np.int64]:
    """Return the labels (N,) of a split, of scenes or shapes: 0, 1, .. classes - 1, and again from 0."""
    return np.arange(recipe.val if val else recipe.train, dtype=np.int64) % recipe.classes


def scene_names(recipe: SceneRecipe) -> tuple[str, ...]:
    """Return the names of the scenes' classes: the fractal and, where there are several, its variety."""
    if recipe.varieties == 1:
        return tuple(f"fractal {label}" for label in range(recipe.classes))
    kinds = -(-recipe.classes // recipe.varieties)
    return tuple(f"fractal {label % kinds} variety {label // kinds}" for label in range(recipe.classes))


def render_scenes(
    recipe: SceneRecipe, px: int, on_progress: ProgressCallback = no_progress
) -> tuple[Images, Images]:
    """Render training and validation scenes, each uint8 (N, px, px, 3), RGB."""
    total = recipe.train + recipe.val
    train_NHWC, val_NHWC = (np.empty((count, px, px, 3), np.uint8) for count in (recipe.train, recipe.val))
    for part, images, _ in _render_split(recipe, px, val=False):
        train_NHWC[part] = images
        on_progress(part.stop, total)
    for part, images, _ in _render_split(recipe, px, val=True):
        val_NHWC[part] = images
        on_progress(recipe.train + part.stop, total)
    return train_NHWC, val_NHWC


def masked_scenes(recipe: SceneRecipe, px: int, val: bool) -> tuple[Images, Masks]:
    """Render a split, and masks of where the labelled fractal, which lies on top, covers half a pixel or more.

    Masks are (N, px, px); distractors are not part of them.
    """
    _, images, masks = zip(*_render_split(recipe, px, val), strict=True)
    return np.concatenate(images), np.concatenate(masks)


def first_val_scenes(recipe: SceneRecipe, px: int, count: int) -> Images:
    """Render the first `count` validation scenes of `render_scenes`, one of each class while there are classes."""
    classes, pool = scene_codes(recipe)
    labels = scene_labels(recipe, val=True)[:count].tolist()
    rngs = [_image_rng(recipe, True, index) for index in range(len(labels))]
    return _render_batch(recipe, px, classes, pool, labels, rngs)[0]


def _render_split(recipe: SceneRecipe, px: int, val: bool) -> Iterator[tuple[slice, Images, Masks]]:
    """Yield a split in batches: the slice of scenes, their images and their masks."""
    classes, pool = scene_codes(recipe)
    labels_N = scene_labels(recipe, val).tolist()
    points = _num_steps(recipe, px) * CHAINS * (recipe.distractors + 1)
    batch = max(1, _BATCH_POINTS // points)
    for begin in range(0, len(labels_N), batch):
        labels = labels_N[begin : begin + batch]
        rngs = [_image_rng(recipe, val, index) for index in range(begin, begin + len(labels))]
        yield slice(begin, begin + len(labels)), *_render_batch(recipe, px, classes, pool, labels, rngs)


def _image_rng(recipe: SceneRecipe, val: bool, index: int) -> np.random.Generator:
    """Return the generator of scene `index` of a split."""
    seeds = np.random.SeedSequence(recipe.seed, spawn_key=(1 + val, index))
    return np.random.Generator(np.random.PCG64(seeds))


def _num_steps(recipe: SceneRecipe, px: int) -> int:
    """Return the steps of the chaos game after the burn-in, equal for every fractal of a recipe at a resolution."""
    return math.ceil(_POINTS_PER_PIXEL * (float(recipe.share_high) * px) ** 2 / CHAINS)


def _render_batch(
    recipe: SceneRecipe,
    px: int,
    classes: Codes,
    pool: Codes,
    labels: list[int],
    rngs: list[np.random.Generator],
) -> tuple[Images, Masks]:
    """Render scenes (B, px, px, 3) of the given labels, and masks of their labelled fractals (B, px, px).

    Each scene takes its random numbers from its own generator, in order: the layout, the chaos game, the noise.
    """
    batch, fractals = len(labels), recipe.distractors + 1
    background_BC = np.empty((batch, 3))
    draws_BFD = np.empty((batch, fractals, _DRAWS))
    for index, rng in enumerate(rngs):
        background_BC[index] = rng.random(3) * _BACKGROUND_LEVELS
        draws_BFD[index] = rng.random((fractals, _DRAWS))
    codes = [
        classes[label] if layer == fractals - 1 else pool[int(draws_BFD[index, layer, 0] * len(pool))]
        for index, label in enumerate(labels)
        for layer in range(fractals)
    ]
    counts = _count_fractals(recipe, px, codes, draws_BFD.reshape(-1, _DRAWS), rngs)
    counts_BFHW = counts.reshape(batch, fractals, px, px).astype(np.float32)
    cover_BFHW = counts_BFHW / (counts_BFHW + _HALF_COVER_POINTS)
    canvas_BHWC = _paint(background_BC, draws_BFD[:, :, 8:], cover_BFHW)
    levels = np.rint(canvas_BHWC).astype(np.int16)
    if recipe.noise:
        for index, rng in enumerate(rngs):
            levels[index] += rng.integers(0, 2 * recipe.noise + 1, (px, px, 3), dtype=np.uint16).astype(np.int16)
        levels -= recipe.noise
    return np.clip(levels, 0, 255).astype(np.uint8), cover_BFHW[:, -1] >= _MASK_COVER


def _count_fractals(
    recipe: SceneRecipe,
    px: int,
    codes: list[FractalCode],
    draws_KD: NDArray[np.float64],
    rngs: list[np.random.Generator],
) -> NDArray[np.int64]:
    """Count points per pixel (K, px, px) of K = batch x fractals instances: jittered, rotated, scaled, placed."""
    fractals, steps = recipe.distractors + 1, _num_steps(recipe, px)
    choices_SKC = np.concatenate([random_choices(rng, steps, fractals) for rng in rngs], axis=1)
    tables = np.concatenate([code.choice_256 for code in codes])
    choices_SKC = tables.take(choices_SKC + (np.arange(len(codes)) * 256)[:, None])
    factor_K = 1 + float(recipe.jitter) * (2 * draws_KD[:, 3] - 1)
    x, y = chaos_game(jitter_maps(codes, draws_KD[:, 1:3], factor_K), choices_SKC)
    angle_K1 = 2 * math.pi * float(recipe.rotation) * draws_KD[:, 4:5]
    # Rounding to float32 hides the last-bit differences between machines' sines.
    cos_K1, sin_K1 = np.cos(angle_K1).astype(np.float32), np.sin(angle_K1).astype(np.float32)
    low, high = float(recipe.share_low), float(recipe.share_high)
    scale_F = np.array([float(recipe.distractor_scale)] * recipe.distractors + [1.0])
    side_K = (low + (high - low) * draws_KD[:, 5]) * np.tile(scale_F, len(rngs))
    side_px_K = (side_K * px).astype(np.float32)
    corner_K2 = draws_KD[:, 6:8].astype(np.float32)
    return count_points(cos_K1 * x - sin_K1 * y, sin_K1 * x + cos_K1 * y, side_px_K, corner_K2, px)


def _paint(
    background_BC: NDArray[np.float64], colours_BFC: NDArray[np.float64], cover_BFHW: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Paint layers over the background, the last one on top: float32 (B, H, W, 3) in levels 0 to 255.

    Backgrounds are dark and fractals bright in every channel: with contrast of either sign, small networks spend a
    short training on learning to ignore the sign.
    """
    batch, fractals, px, _ = cover_BFHW.shape
    bright_BFC = _DARKEST_FRACTAL_LEVEL + colours_BFC * (256 - _DARKEST_FRACTAL_LEVEL)
    colour_BFC = np.floor(bright_BFC).astype(np.float32)
    canvas = np.broadcast_to(np.floor(background_BC).astype(np.float32)[:, None, None], (batch, px, px, 3))
    canvas = canvas.copy()
    for layer in range(fractals):
        canvas += cover_BFHW[:, layer, :, :, None] * (colour_BFC[:, layer, None, None] - canvas)
    return canvas
