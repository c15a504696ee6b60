"""Maps over images: where it is bright, where nothing is shown, and where a tile lies in the strip."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from colours import BLIND, lab, linear
from PIL import Image

from scalesearch.proxy.image_grid import TILE, colormap, overlay_heatmap, render_grid, resize_to_tile

GREY = np.full((20, 20, 3), 90, np.uint8)


def lightness(colour: np.ndarray, blind: str = "none") -> float:
    return float(lab(np.array(BLIND[blind]) @ linear("#" + "".join(f"{round(part):02x}" for part in colour)))[0])


def test_the_strongest_place_is_the_brightest_and_negative_ones_are_bare() -> None:
    map_HW = np.array([[5, -3], [0, 1]], np.float32)
    shown = np.asarray(overlay_heatmap(GREY, map_HW)).astype(int)
    top, bottom = shown[5, 5], shown[TILE - 5, TILE - 5]
    assert shown[5, TILE - 5].tolist() == [90, 90, 90]
    assert lightness(top) > lightness(np.array((90, 90, 90))) + 30
    assert lightness(top) > lightness(bottom) + 30
    assert bottom.tolist() != [90, 90, 90], "a weak place has a colour too"
    # only shares of the largest value count
    assert np.array_equal(shown, np.asarray(overlay_heatmap(GREY, map_HW * 40)))


@pytest.mark.parametrize("blind", BLIND)
def test_lightness_rises_with_the_share_to_everybody(blind: str) -> None:
    seen = [lightness(colour, blind) for colour in colormap(np.linspace(0, 1, 21, dtype=np.float32)[None])[0]]
    assert all(low < high for low, high in pairwise(seen))
    assert seen[-1] - seen[0] > 80


def test_a_map_without_a_positive_place_is_the_image() -> None:
    for value in (0.0, -2.0):
        assert overlay_heatmap(GREY, np.full((3, 2), value, np.float32)).tobytes() == resize_to_tile(GREY).tobytes()


def test_tiles_stand_in_their_columns_and_rows() -> None:
    def colour(row: int, column: int) -> tuple[int, int, int]:
        return 40 * row + 40, 30 * column + 30, 99

    rows = [[(Image.new("RGB", (TILE, TILE), colour(r, c)), "words " * 30) for c in range(3)] for r in range(2)]
    picture = np.asarray(render_grid(["a", "b", "c"], rows))
    for r in range(2):
        for c in range(3):
            found = np.argwhere((picture == colour(r, c)).all(2))
            assert len(found) == TILE * TILE, "nothing covers a tile"
            assert (found.max(0) - found.min(0)).tolist() == [TILE - 1, TILE - 1]
            if c:
                left = np.argwhere((picture == colour(r, c - 1)).all(2))
                assert found[:, 1].min() > left[:, 1].max()
    assert picture[:6].min() == 255
