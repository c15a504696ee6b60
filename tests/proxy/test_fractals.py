"""Codes, the chaos game and the scenes made of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from scalesearch.errors import SpaceError
from scalesearch.proxy import fractals, scenes
from scalesearch.search.scenes import SceneRecipe

SMALL = SceneRecipe(classes=3, train=7, val=5, distractors=1)
PLAIN = SceneRecipe(classes=12, train=240, val=120, distractors=0, noise=0, jitter=Decimal("0.3"))


def _rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _visited(code: fractals.FractalCode, points: int, seed: int) -> NDArray[np.float64]:
    """(points, 2): one chain, one point at a time, as the textbook plays the game."""
    matrices = code.maps_M6[: code.count, :4].reshape(-1, 2, 2).astype(float)
    offsets = code.maps_M6[: code.count, 4:].astype(float)
    weights = np.bincount(code.choice_256, minlength=code.count) / 256
    picks = _rng(seed).choice(code.count, points + 50, p=weights)
    point, visited = np.zeros(2), np.empty((points + 50, 2))
    for step, pick in enumerate(picks):
        point = matrices[pick] @ point + offsets[pick]
        visited[step] = point
    return visited[50:]


def _cells(points: NDArray[np.float64], px: int) -> NDArray[np.bool_]:
    low = points.min(axis=0)
    span = np.ptp(points, axis=0).max()
    cells = np.minimum(((points - low) / span * px).astype(int), px - 1)
    filled = np.zeros((px, px), bool)
    filled[cells[:, 1], cells[:, 0]] = True
    return filled


@pytest.mark.parametrize("seed", range(40))
def test_singular_values_obey_the_sigma_factor_rule(seed: int) -> None:
    code = fractals.sample_code(_rng(seed))
    values = np.linalg.svd(code.maps_M6[: code.count, :4].reshape(-1, 2, 2).astype(float), compute_uv=False)
    factor = float((values @ [1, 2]).sum())
    assert (5 + code.count) / 2 - 1e-5 <= factor <= (6 + code.count) / 2 + 1e-5
    assert values.max() <= 1 + 1e-6
    assert np.abs(code.maps_M6[: code.count, 4:]).max() <= 1


def test_maps_are_chosen_in_proportion_to_their_determinants() -> None:
    for seed in range(20):
        code = fractals.sample_code(_rng(seed))
        matrices = code.maps_M6[: code.count, :4].reshape(-1, 2, 2).astype(float)
        determinants = np.maximum(np.abs(np.linalg.det(matrices)), 0.01)
        shares = np.bincount(code.choice_256, minlength=code.count) / 256
        assert len(shares) == code.count
        assert shares.min() > 0
        assert np.abs(shares - determinants / determinants.sum()).max() < 1.5 * code.count / 256


def test_every_number_of_maps_occurs() -> None:
    assert {fractals.sample_code(_rng(seed)).count for seed in range(80)} == set(range(2, 8))


def test_accepted_codes_fill_a_fifth_of_their_box_by_an_independent_drawing() -> None:
    rates = [
        float(_cells(_visited(code, 32768, seed), 256).mean())
        for seed, code in enumerate(fractals.accepted_codes(11, 4))
    ]
    assert min(rates) >= 0.95 * fractals.MIN_FILLING
    rejected = [fractals.sample_code(_rng(seed)) for seed in range(30)]
    measured = fractals.filling_rates(rejected, [_rng(100 + seed) for seed in range(30)])
    assert 0.02 < float((measured >= fractals.MIN_FILLING).mean()) < 0.5


def test_a_code_that_collapses_or_diverges_has_filling_rate_zero() -> None:
    point = np.zeros((fractals.MAX_MAPS, 6), np.float32)
    away = point.copy()
    away[:2] = (3, 0, 0, 3, 1, 1)
    table = (np.arange(256) % 2).astype(np.uint8)
    codes = [fractals.FractalCode(2, maps, table) for maps in (point, away)]
    with np.errstate(over="ignore", invalid="ignore"):
        assert fractals.filling_rates(codes, [_rng(1), _rng(2)]).tolist() == [0.0, 0.0]


def test_chains_side_by_side_draw_what_one_chain_draws() -> None:
    code = fractals.accepted_codes(5, 1)[0]
    picks = code.choice_256[fractals.random_choices(_rng(3), 640, 1)]
    x, y = fractals.chaos_game(code.maps_M6[None], picks)
    assert x.shape == y.shape == (640, 1, fractals.CHAINS)
    many = _cells(np.stack([x.ravel(), y.ravel()], axis=1).astype(float), 24)
    one = _cells(_visited(code, 40960, 4), 24)
    assert (many & one).sum() / (many | one).sum() > 0.85


def test_longer_games_begin_like_shorter_ones() -> None:
    short, long = fractals.random_choices(_rng(9), 5, 3), fractals.random_choices(_rng(9), 11, 3)
    assert (short == long[: len(short)]).all()


def test_counted_points_lie_in_their_box_and_none_is_lost() -> None:
    x = _rng(1).uniform(-3, 5, (11, 2, 13)).astype(np.float32)
    y = _rng(2).uniform(0, 4, (11, 2, 13)).astype(np.float32)
    corner = np.array([[0.0, 0.0], [0.999, 0.999]], np.float32)
    counts = fractals.count_points(x, y, np.array([10, 6], np.float32), corner, 20)
    assert counts.sum(axis=(1, 2)).tolist() == [143, 143]
    assert counts[0, 6:].sum() == counts[0, :, 11:].sum() == 0
    assert counts[1, :16].sum() == counts[1, :, :13].sum() == 0


def test_jitter_changes_one_parameter_and_never_stretches() -> None:
    codes = fractals.accepted_codes(2, 6)
    where = _rng(4).random((6, 2))
    maps = fractals.jitter_maps(codes, where, np.full(6, 1.05))
    for code, jittered, (row, column) in zip(codes, maps, where, strict=True):
        changed = np.argwhere(jittered != code.maps_M6)
        assert set(changed[:, 0]) <= {int(row * code.count)}
        if len(changed) == 1:
            assert changed[0].tolist() == [int(row * code.count), int(column * 6)]
    assert any((a != b.maps_M6).any() for a, b in zip(maps, codes, strict=True))
    wild = fractals.jitter_maps(codes, where, np.full(6, 40.0))
    assert np.linalg.svd(wild[..., :4].reshape(-1, 2, 2).astype(float), compute_uv=False).max() <= 1 + 1e-6
    same = fractals.jitter_maps(codes, where, np.ones(6))
    assert np.allclose(same, np.stack([code.maps_M6 for code in codes]), atol=1e-7)


def test_distractor_codes_are_disjoint_from_class_codes() -> None:
    classes, pool = scenes.scene_codes(SMALL)
    assert (len(classes), len(pool)) == (3, scenes.DISTRACTOR_CODES)
    assert len({code.maps_M6.tobytes() for code in classes + pool}) == 3 + scenes.DISTRACTOR_CODES


def test_scenes_do_not_depend_on_the_batch_or_on_later_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    train, val = scenes.render_scenes(SMALL, 20)
    assert train.shape == (7, 20, 20, 3)
    assert val.shape == (5, 20, 20, 3)
    monkeypatch.setattr(scenes, "_BATCH_POINTS", 1)
    alone, alone_val = scenes.render_scenes(SMALL, 20)
    assert (train == alone).all()
    assert (val == alone_val).all()
    assert (scenes.render_scenes(replace(SMALL, train=4), 20)[0] == train[:4]).all()
    assert not (train[:5] == val).all(axis=(1, 2, 3)).any()


def test_the_layout_does_not_depend_on_the_resolution() -> None:
    recipe = replace(SMALL, noise=0, train=12)
    small, large = scenes.render_scenes(recipe, 24)[0], scenes.render_scenes(recipe, 72)[0]
    pooled = large.reshape(12, 24, 3, 24, 3, 3).mean(axis=(2, 4))
    own = np.abs(pooled - small).mean(axis=(1, 2, 3))
    other = np.abs(pooled - np.roll(small, 1, axis=0)).mean(axis=(1, 2, 3))
    assert own.max() < 12
    assert own.max() < other.min()


def test_every_knob_changes_the_pixels() -> None:
    base = scenes.render_scenes(SMALL, 18)[0]
    for change in (
        {"distractors": 2},
        {"noise": 3},
        {"jitter": Decimal("0.3")},
        {"share_low": Decimal("0.7")},
        {"share_high": Decimal("0.9")},
        {"distractor_scale": Decimal("0.4")},
        {"seed": 1},
    ):
        assert (scenes.render_scenes(replace(SMALL, **change), 18)[0] != base).any(), change


def test_fractals_have_the_share_of_the_canvas_that_the_recipe_says() -> None:
    recipe = replace(PLAIN, train=40, share_low=Decimal("0.5"), share_high=Decimal("0.7"))
    images = scenes.render_scenes(recipe, 40)[0].astype(int)
    for image in images:
        backdrop = np.array([np.bincount(image[..., channel].ravel()).argmax() for channel in range(3)])
        rows, columns = np.nonzero((image != backdrop).any(axis=2))
        assert 0.4 * 40 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 0.7 * 40 + 1


def test_noise_stays_within_its_amplitude() -> None:
    clean = scenes.render_scenes(replace(SMALL, noise=0), 30)[0].astype(int)
    noisy = scenes.render_scenes(replace(SMALL, noise=5), 30)[0].astype(int)
    difference = noisy - clean
    assert (difference.min(), difference.max()) == (-5, 5)
    assert abs(difference.mean()) < 0.3


def _radial_profile(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How cover is spread around its centre of mass: the same for every colour, place and rotation."""
    px = image.shape[0]
    levels = image.reshape(-1, 3).astype(int)
    backdrop = [np.bincount(levels[:, channel]).argmax() for channel in range(3)]
    cover = np.abs(levels - backdrop).sum(axis=1)
    cover = cover / max(1, cover.max())
    rows, columns = np.divmod(np.arange(px * px), px)
    row, column = (rows @ cover) / cover.sum(), (columns @ cover) / cover.sum()
    radius = np.hypot(rows - row, columns - column)
    ring = np.minimum(radius / radius[cover > 0].max() * 8, 7).astype(int)
    profile = np.bincount(ring, cover, 8) / np.maximum(1, np.bincount(ring, minlength=8))
    return np.append(profile, cover.mean())


def _centroid_accuracy(features: list[NDArray[np.float64]], labels: list[NDArray[np.int64]]) -> float:
    """Validation accuracy of the nearest class centre."""
    spread = features[0].std(axis=0) + 1e-9
    centres = np.stack([features[0][labels[0] == label].mean(axis=0) for label in np.unique(labels[0])])
    distance = (((features[1][:, None] - centres) / spread) ** 2).sum(axis=2)
    return float((distance.argmin(axis=1) == labels[1]).mean())


def test_shape_tells_the_class_and_colour_does_not() -> None:
    splits = scenes.render_scenes(PLAIN, 32)
    labels = [scenes.scene_labels(PLAIN, val) for val in (False, True)]
    by_shape = [np.stack([_radial_profile(image) for image in images]) for images in splits]
    by_colour = [images.max(axis=(1, 2)).astype(float) for images in splits]
    assert 0.4 < _centroid_accuracy(by_shape, labels) < 0.95
    assert _centroid_accuracy(by_colour, labels) < 0.2


VARIETIES = SceneRecipe(classes=10, train=40, val=20, distractors=0, noise=0, jitter=Decimal(0), varieties=3)


def test_varieties_of_a_code_lie_on_a_line_at_the_stated_distances() -> None:
    codes, pool = scenes.scene_codes(VARIETIES)
    plain, _ = scenes.scene_codes(replace(VARIETIES, varieties=1, classes=4))
    assert len(codes) == 10
    assert len(pool) == scenes.DISTRACTOR_CODES
    steps = []
    for kind, middle in enumerate(plain):
        own = [code.maps_M6[: middle.count].astype(float) for code in codes[kind::4]]
        base = middle.maps_M6[: middle.count].astype(float)
        assert np.allclose(own[1], base, atol=1e-6)  # the second of three
        assert all(code.count == middle.count for code in codes[kind::4])
        free = [row for row in range(middle.count) if all(_stretch(maps[row]) < 0.999 for maps in own)]
        factors = [maps[free] / base[free] for maps in own]
        if len(own) == 3:
            assert np.allclose(factors[2] - factors[1], factors[1] - factors[0], atol=1e-3)
        if len(free) == middle.count:
            steps.append((kind, float(np.sqrt(((factors[1] - factors[0]) ** 2).mean()))))
    assert steps, "a code whose matrices were not scaled back"
    for kind, step in steps:
        assert step == pytest.approx(0.1 * 0.08 ** (kind / 3), rel=0.02)


def _stretch(row_6: NDArray[np.float64]) -> float:
    return float(np.linalg.svd(row_6[:4].reshape(2, 2), compute_uv=False)[0])


def test_no_variety_stretches() -> None:
    wild = replace(VARIETIES, classes=20, varieties=10, difference_high=Decimal("0.3"))
    for code in scenes.scene_codes(wild)[0]:
        assert all(_stretch(row) < 1 + 1e-6 for row in code.maps_M6.astype(float))


def test_without_rotation_instances_of_a_class_are_turned_alike() -> None:
    """Their masks, of instances that fill the canvas, overlap more than those of instances that are turned."""
    still = replace(VARIETIES, varieties=1, classes=4, share_low=Decimal(1), share_high=Decimal(1))
    overlaps = []
    for rotation in (Decimal(0), Decimal(1)):
        _, masks = scenes.masked_scenes(replace(still, rotation=rotation), 24, val=False)
        first, again = masks[:4], masks[4:8]
        overlaps.append((first & again).sum() / (first | again).sum())
    assert overlaps[0] > 0.6  # the chaos game differs, and edges with it
    assert overlaps[1] < overlaps[0] - 0.1


def test_an_unturned_variety_free_recipe_draws_what_it_drew_before() -> None:
    """SHA-256 of scenes by the generator as of its first version."""
    images, _ = scenes.render_scenes(SMALL, 20)
    assert (
        hashlib.sha256(images.tobytes()).hexdigest()
        == "c586e6533610abca21c96868d7e577401dc4f94e562c544fd756d424ad524e74"
    )


def test_labels_are_balanced() -> None:
    recipe = SceneRecipe(classes=6, train=20, val=13)
    assert np.bincount(scenes.scene_labels(recipe, val=False)).tolist() == [4, 4, 3, 3, 3, 3]
    assert np.bincount(scenes.scene_labels(recipe, val=True)).tolist() == [3, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 1}, "classes is 1, but it must be from 2 to 1000"),
        ({"train": 2}, "train is 2, but needs 3"),
        ({"val": 2}, "val is 2, but needs 3"),
        ({"distractors": 9}, "distractors is 9"),
        ({"noise": -1}, "noise is -1"),
        ({"seed": -1}, "seed is -1"),
        ({"jitter": Decimal("0.6")}, "jitter is 0.6"),
        ({"share_low": Decimal("0.9")}, "share_low is 0.9 and share_high 0.8"),
        ({"distractor_scale": Decimal(2)}, "distractor_scale is 2"),
        ({"share_high": Decimal("1.1")}, "share_high 1.1"),
        ({"varieties": 2}, "varieties is 2, but 3 classes must have two codes or more"),
        ({"difference_low": Decimal("0.2")}, "difference_low is 0.2 and difference_high 0.1"),
        ({"rotation": Decimal("1.1")}, "rotation is 1.1"),
    ],
)
def test_values_out_of_range_are_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        replace(SMALL, **change)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
