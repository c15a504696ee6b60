"""What the search for pictures in two classes or in both splits takes, beside the decoding that it follows.

    python benchmarks/duplicate_pictures.py [PICTURES]

Decodes pictures of two kinds, 32 x 32 px PNG (as CIFAR's) to 40 px and 320 x 240 px JPEG (as ImageNette's) to
96 px, and looks for duplicates in what came of it: both in one run, so that what else the machine does weighs on
both. Prints the seconds of each and their ratio, which should be at most .1.
"""

from __future__ import annotations

import io
import sys
import time
from functools import partial

import numpy as np
from PIL import Image

from scalesearch.proxy.decoding import ImageForm, Picture
from scalesearch.proxy.duplicates import near_duplicates, without_contradictions
from scalesearch.proxy.pictures import _all_decoded
from scalesearch.proxy.progress import no_progress

DIFFERENT = 500
"""Encoded pictures that are made; the data set repeats them, each with one label."""
KINDS = (("PNG", 32, 32, 40), ("JPEG", 320, 240, 96))
"""Format, width, height, and the side that they are kept at."""


def encoded(form: str, width: int, height: int, seed: int) -> bytes:
    """A picture with large and small shapes, so that its file is as large as a photograph's."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((width, height))
    noisy = np.asarray(coarse).astype(int) + draw.integers(-12, 13, (height, width, 3))
    stream = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(stream, form)
    return stream.getvalue()


def measure(form: str, width: int, height: int, px: int, count: int) -> tuple[float, float]:
    """Seconds of decoding and of looking for duplicates."""
    files = [encoded(form, width, height, seed) for seed in range(DIFFERENT)]
    pictures = [
        Picture(str(index), index % DIFFERENT % 10, None, partial(io.BytesIO, files[index % DIFFERENT]))
        for index in range(count)
    ]
    began = time.perf_counter()
    decoded = _all_decoded(pictures, "data", ImageForm(px), no_progress)
    images = np.stack([one.square for one in decoded])
    decoding = time.perf_counter() - began
    began = time.perf_counter()
    without_contradictions(pictures, [one.digest for one in decoded], "data")
    near_duplicates(images[count // 5 :], images[: count // 5])
    return decoding, time.perf_counter() - began


def main(count: int = 20_000) -> None:
    """Print a line a kind."""
    for form, width, height, px in KINDS:
        decoding, looking = measure(form, width, height, px, count)
        print(
            f"{count:,} {form} of {width} x {height} px to {px} px: decoding {decoding:.2f} s, "
            f"duplicates {looking:.2f} s, ratio {looking / decoding:.3f}"
        )


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:]))
