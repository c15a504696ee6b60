"""Pictures of a package become the folder of images that `--data` takes."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from real_pictures import CLASSES, main, write


def package(path: Path) -> Path:
    """A package as npm's: of class k the picture n is grey level 10 k + n, but for a white first row."""
    with tarfile.open(path, "w:gz") as files:
        for label in range(10):
            shown = [[255] * 28 + [10 * label + number] * 756 for number in range(5)]
            data = json.dumps({"data": shown}).encode()
            about = tarfile.TarInfo(f"package/src/clothes/{label}.json")
            about.size = len(data)
            files.addfile(about, io.BytesIO(data))
    return path


def test_each_class_has_as_many_and_no_picture_is_in_both_splits(tmp_path: Path) -> None:
    assert write(package(tmp_path / "p.tgz"), tmp_path / "f", train=30, val=20) == 50
    for split, first, count in (("train", 0, 3), ("val", 3, 2)):
        for label, name in enumerate(CLASSES):
            files = sorted((tmp_path / "f" / split / name).iterdir())
            images = [np.asarray(Image.open(path)) for path in files]
            assert [image.shape for image in images] == [(28, 28)] * count
            assert [image[1, 0] for image in images] == [10 * label + first + number for number in range(count)]
            assert all((image[0] == 255).all() for image in images)


def test_another_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["real_pictures.py", str(package(tmp_path / "p.tgz")), str(tmp_path / "f")])
    with pytest.raises(SystemExit, match="is another version of the package"):
        main()
    assert not (tmp_path / "f").exists()
