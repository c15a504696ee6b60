"""Compare the time of the search for duplicate pictures with the time of decoding.

    python benchmarks/duplicate_pictures.py [PICTURES]

Duplicates are pictures in two classes or in both splits. The script decodes pictures of two kinds, 32 x 32 px PNG
(as in CIFAR) to 40 px and 320 x 240 px JPEG (as in ImageNette) to 96 px, and searches the results for duplicates.
Both happen in one run, so that other load affects both. The script prints the seconds of each and their ratio,
which should be at most .1.
"""

from __future__ import annotations

import io
import sys
import time
from functools import partial

import numpy as np
from PIL import Image

from scalesearch.proxy.decoding import EncodedImage, ImageForm
from scalesearch.proxy.duplicates import near_duplicates, without_contradictions
from scalesearch.proxy.pictures import _decode_all
from scalesearch.proxy.progress import no_progress

DIFFERENT = 500
"""The number of encoded pictures; the data set repeats them, each with one label."""
KINDS = (("PNG", 32, 32, 40), ("JPEG", 320, 240, 96))
"""The format, width, height and decoded side of each kind of pictures."""


def encoded(form: str, width: int, height: int, seed: int) -> bytes:
    """Return an encoded picture with coarse and fine structure, so that its file is as large as a photograph's."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((width, height))
    noisy = np.asarray(coarse).astype(int) + rng.integers(-12, 13, (height, width, 3))
    stream = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(stream, form)
    return stream.getvalue()


def measure(form: str, width: int, height: int, px: int, count: int) -> tuple[float, float]:
    """Return the seconds of decoding and of the search for duplicates."""
    files = [encoded(form, width, height, seed) for seed in range(DIFFERENT)]
    pictures = [
        EncodedImage(str(index), index % DIFFERENT % 10, None, partial(io.BytesIO, files[index % DIFFERENT]))
        for index in range(count)
    ]
    began = time.perf_counter()
    decoded = _decode_all(pictures, "data", ImageForm(px), no_progress)
    images = np.stack([picture.square for picture in decoded])
    decoding = time.perf_counter() - began
    began = time.perf_counter()
    without_contradictions(pictures, [picture.digest for picture in decoded], "data")
    near_duplicates(images[count // 5 :], images[: count // 5])
    return decoding, time.perf_counter() - began


def main(count: int = 20_000) -> None:
    """Print a line per kind."""
    for form, width, height, px in KINDS:
        decoding, searching = measure(form, width, height, px, count)
        print(
            f"{count:,} {form} of {width} x {height} px to {px} px: decoding {decoding:.2f} s, "
            f"duplicates {searching:.2f} s, ratio {searching / decoding:.3f}"
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
