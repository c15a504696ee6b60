"""Generated odd image folders: each has the right pixels, labels and splits, or is refused; none is silent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from command import scalesearch
from odd_folders import PX, Folder, odd

from scalesearch.errors import InputError
from scalesearch.proxy.datasets import ImageData, load_data
from scalesearch.search.scenes import SceneRecipe

Content = Counter[tuple[str, bytes]]


def _load(folder: Folder, cache: Path) -> ImageData | str:
    """The data, or the message that it is refused with: a line, or a line and a list of pictures."""
    scenes = SceneRecipe(classes=3, train=3, val=3)
    if not folder.refused:
        return load_data(str(folder.root), PX, scenes, cache)
    with pytest.raises(InputError) as caught:
        load_data(str(folder.root), PX, scenes, cache)
    assert caught.value.exit_code == 2
    head, *listed = str(caught.value).splitlines()
    assert all(line.startswith(("  '", "  and ")) for line in listed)
    assert head.startswith(f"data folder '{folder.root}'")
    return str(caught.value)


def _content(data: ImageData, split: str) -> Content:
    images = getattr(data, f"{split}_images_NCHW").permute(0, 2, 3, 1).numpy()
    labels = getattr(data, f"{split}_labels_N").tolist()
    return Counter((data.classes[label], image.tobytes()) for label, image in zip(labels, images, strict=True))


def _expected(folder: Folder, split: str | None) -> Content:
    return Counter(
        (one.label, np.ascontiguousarray(one.pixels).tobytes()) for one in folder.items if one.split == split
    )


def _check(folder: Folder, data: ImageData) -> None:
    train, val = _content(data, "train"), _content(data, "val")
    if None in folder.tops:
        assert train + val == _expected(folder, None)
        assert not set(train) & set(val)
        for label in folder.classes:
            kinds = {key for key in train + val if key[0] == label}
            assert len({key for key in val if key[0] == label}) == max(1, round(0.2 * len(kinds)))
    else:
        assert train == _expected(folder, "train")
        assert val == _expected(folder, "val")
    said = "\n".join(data.notes)
    for note in folder.notes:
        assert note in said
    assert f"files that are not used: {folder.unused}," in said or not folder.unused
    assert "not used" not in said or folder.unused or any("not used" in note for note in folder.notes)


@pytest.mark.slow
def test_200_odd_folders(tmp_path: Path) -> None:
    ends: Counter[str] = Counter()
    for seed in range(200):
        folder = odd(tmp_path / str(seed), seed)
        try:
            data = _load(folder, tmp_path / "cache")
            if isinstance(data, ImageData):
                _check(folder, data)
        except (Exception, pytest.fail.Exception) as error:
            raise AssertionError(f"seed {seed}: {folder.kinds}") from error
        ends["refused" if folder.refused else "read"] += 1
    assert min(ends.values()) > 60, ends


@pytest.mark.parametrize("seed", range(6))
def test_a_few_odd_folders(seed: int, tmp_path: Path) -> None:
    folder = odd(tmp_path / "pets", seed)
    data = _load(folder, tmp_path / "cache")
    if isinstance(data, ImageData):
        _check(folder, data)


@pytest.mark.slow
def test_the_command_line_says_the_same(tmp_path: Path) -> None:
    for seed in range(1000, 1012):
        folder = odd(tmp_path / str(seed), seed)
        words = ["--runner", "inline", "--data", str(folder.root), "--plan"]
        done = scalesearch("grid", "--baseline", "tiny", "--budget", "smoke", *words, cwd=tmp_path)
        assert done.returncode == (2 if folder.refused else 0), (seed, folder.kinds, done.stderr)
        assert "Traceback" not in done.stderr
        assert bool(done.stderr) == folder.refused, done.stderr
