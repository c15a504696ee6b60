"""Drawn shapes: the same bits for the same recipe, balanced classes, and classes that can be told apart."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scalesearch.proxy.datasets import load_data
from scalesearch.proxy.sample_images import sample_images
from scalesearch.proxy.shapes import (
    VARIETIES,
    class_centres,
    first_val_shapes,
    render_shapes,
    shape_names,
)
from scalesearch.search.scenes import SceneRecipe

SMALL = SceneRecipe(classes=12, train=29, val=17, noise=7)
GOLDEN = "f3647843bfe4eddb"


def test_the_same_recipe_gives_the_same_bits() -> None:
    """On every machine: whoever changes a pixel raises SHAPES_VERSION."""
    train, val = render_shapes(SMALL, 21)
    assert (train.shape, val.shape) == ((29, 21, 21, 3), (17, 21, 21, 3))
    assert train.dtype == val.dtype == np.uint8
    assert hashlib.sha256(train.tobytes() + val.tobytes()).hexdigest()[:16] == GOLDEN


def test_an_image_depends_on_its_own_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on how many there are, nor on the batch that it is drawn in."""
    whole, val = render_shapes(SMALL, 18)
    fewer, _ = render_shapes(replace(SMALL, train=13), 18)
    assert np.array_equal(fewer, whole[:13])
    assert np.array_equal(first_val_shapes(SMALL, 18, 5), val[:5])
    monkeypatch.setattr("scalesearch.proxy.shapes._BATCH_PIXELS", 3 * 18**2)
    assert all(np.array_equal(one, two) for one, two in zip(render_shapes(SMALL, 18), (whole, val), strict=True))


def test_seeds_and_splits_differ() -> None:
    train, val = render_shapes(SMALL, 18)
    other, _ = render_shapes(replace(SMALL, seed=1), 18)
    assert not any(np.array_equal(one, two) for one, two in zip(train, val, strict=False))
    assert not any(np.array_equal(one, two) for one, two in zip(train, other, strict=True))


def test_noise_is_even_and_no_larger_than_asked() -> None:
    clean, _ = render_shapes(replace(SMALL, noise=0), 30)
    noisy, _ = render_shapes(SMALL, 30)
    change = noisy.astype(int) - clean
    inside = (clean >= SMALL.noise) & (clean <= 255 - SMALL.noise)
    assert np.abs(change).max() == SMALL.noise
    assert abs(change[inside].mean()) < 0.1
    assert change[inside].std() == pytest.approx(((2 * SMALL.noise + 1) ** 2 - 1) ** 0.5 / 12**0.5, rel=0.02)


def test_the_layout_does_not_depend_on_the_resolution() -> None:
    """A large image, averaged over squares, is nearly the small one."""
    recipe = replace(SMALL, noise=0)
    small, large = (render_shapes(recipe, px)[0].astype(float) for px in (24, 72))
    mean = large.reshape(29, 24, 3, 24, 3, 3).mean((2, 4))
    assert np.abs(mean - small).mean() < 6
    assert np.corrcoef(mean.ravel(), small.ravel())[0, 1] > 0.97


def test_kinds_are_far_apart_and_varieties_less_and_less() -> None:
    """Where classes lie: kinds 3 √2 apart a look, the first kind's varieties .5 √2 and the last one's 2 √2."""
    recipe = SceneRecipe(classes=240, train=240, val=240)
    looks, kinds = class_centres(recipe), 240 // VARIETIES
    by_kind = looks.reshape(VARIETIES, kinds, -1)
    within = by_kind.std(0, ddof=1).mean(1)
    assert by_kind.mean(0).std(0).mean() == pytest.approx(3, rel=0.15)
    assert within[:6].mean() == pytest.approx(0.5, rel=0.25)
    assert within[-6:].mean() == pytest.approx(2, rel=0.25)
    assert np.corrcoef(np.log(within), np.arange(kinds))[0, 1] > 0.95


def test_a_linear_look_tells_kinds_and_leaves_varieties() -> None:
    """What they are for: something to learn at once, and something left for long, more of it in the first kinds."""
    from sklearn.linear_model import LogisticRegression

    recipe, kinds = SceneRecipe(classes=40, train=1200, val=1200, noise=12), 10
    train, val = (one.reshape(len(one), -1) / 255 for one in render_shapes(recipe, 12))
    labels = np.arange(1200) % 40
    guessed = LogisticRegression(C=0.02, max_iter=100).fit(train, labels).predict(val)
    right = guessed == labels
    assert (guessed % kinds == labels % kinds).mean() > 0.9
    assert 0.5 < right.mean() < 0.9, "most classes, as docs/facts.md says"
    assert right[labels % kinds < 3].mean() < right[labels % kinds >= 7].mean() - 0.15


def test_names_where_classes_are_no_multiple_of_the_varieties() -> None:
    """Then the last kinds have fewer; two classes are varieties of one kind."""
    assert shape_names(replace(SMALL, classes=6)) == (
        "shape 0 variety 0", "shape 1 variety 0", "shape 0 variety 1", "shape 1 variety 1",
        "shape 0 variety 2", "shape 1 variety 2",
    )  # fmt: skip
    assert shape_names(replace(SMALL, classes=2)) == ("shape 0 variety 0", "shape 0 variety 1")
    assert shape_names(replace(SMALL, classes=5))[3:] == ("shape 1 variety 1", "shape 0 variety 2")
    for classes in (2, 5):
        looks = class_centres(replace(SMALL, classes=classes))
        assert np.isfinite(looks).all()
        assert len(np.unique(looks, axis=0)) == classes
        assert render_shapes(replace(SMALL, classes=classes), 16)[0].std() > 10


def test_they_are_loaded_by_name_and_shown(tmp_path: Path) -> None:
    data = load_data("shapes", 20, SMALL, tmp_path)
    train, val = render_shapes(SMALL, 20)
    assert data.name == "drawn shapes"
    assert data.classes == shape_names(SMALL)
    assert np.array_equal(data.train_images_NCHW.permute(0, 2, 3, 1).numpy(), train)
    assert data.val_labels_N.tolist() == [index % 12 for index in range(17)]
    shown = sample_images("shapes", 20, 4, SMALL, tmp_path)
    assert np.array_equal(shown.images_NHWC, val[:4])
    assert shown.names == shape_names(SMALL)[:4]
    assert load_data("fractal", 20, SMALL, tmp_path).fingerprint != data.fingerprint
    assert load_data("shapes", 20, SMALL, tmp_path, channels=1).train_images_NCHW.shape[1] == 1


_ELSEWHERE = """
import hashlib
import subprocess
import sys
from scalesearch.proxy.shapes import render_shapes
from scalesearch.search.scenes import SceneRecipe
train, val = render_shapes(SceneRecipe(classes=12, train=1029, val=17, noise=7), 21)
print(hashlib.sha256(train.tobytes() + val.tobytes()).hexdigest())
"""


def test_another_machine_gets_the_same_bits() -> None:
    """Other vector code in numpy, another BLAS kernel, several threads: twelve million sines, the same levels."""
    recipe = replace(SMALL, train=1029)
    train, val = render_shapes(recipe, 21)
    wanted = hashlib.sha256(train.tobytes() + val.tobytes()).hexdigest()
    narrow = {
        "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512_SKX X86_V3 X86_V4",
        "OPENBLAS_CORETYPE": "Nehalem",
        "OMP_NUM_THREADS": "2",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _ELSEWHERE],
        env=narrow, cwd=Path(__file__).parents[2], capture_output=True, timeout=100, check=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == wanted
