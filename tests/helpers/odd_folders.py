"""Image folders with oddities, and what they must be read as: worked out beside the package, in NumPy."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PX = 12
SPLITS = (
    ("train", "val"), ("training", "valid"), ("Train", "validation"), ("train_set", "dev"), ("train", "test"),
)  # fmt: skip
Pixels = NDArray[np.uint8]


@dataclass
class Item:
    """A picture that must be read: its split (None: split here), class and pixels."""

    split: str | None
    label: str
    pixels: Pixels
    path: Path


@dataclass
class Folder:
    """A folder on disk and what is expected of it."""

    root: Path
    draw: np.random.Generator
    classes: list[str]
    tops: dict[str | None, Path]
    items: list[Item] = field(default_factory=list)
    refused: bool = False
    unused: int = 0
    """Files that must be counted as not used."""
    notes: list[str] = field(default_factory=list)
    """Words that must be said."""
    kinds: list[str] = field(default_factory=list)

    def pixels(self) -> Pixels:
        """Noise, which no other picture has."""
        return self.draw.integers(0, 256, (PX, PX, 3), dtype=np.uint8)

    def place(self) -> tuple[str | None, str]:
        """A random split and class."""
        splits = list(self.tops)
        return splits[self.draw.integers(len(splits))], self.classes[self.draw.integers(len(self.classes))]

    def add(self, name: str, image: Image.Image, expected: Pixels | None, **how: Any) -> None:
        """A picture in a random class; `expected` None: it makes the folder one to refuse."""
        split, label = self.place()
        path = self.tops[split] / label / f"{len(self.kinds)}-{name}"
        image.save(path, **how)
        if expected is None:
            self.refused = True
        else:
            self.items.append(Item(split, label, expected, path))

    def write(self, name: str, content: bytes) -> None:
        """A file in a random class."""
        split, label = self.place()
        (self.tops[split] / label / f"{len(self.kinds)}-{name}").write_bytes(content)


def sound(root: Path, draw: np.random.Generator) -> Folder:
    """Two to four classes, split or not, of three to six pictures each in every split."""
    classes = ["ant", "bee", "train", "dév"][: draw.integers(2, 5)]
    tops: dict[str | None, Path] = {None: root}
    said: list[str] = []
    if draw.random() < 0.6:
        train, val = SPLITS[draw.integers(len(SPLITS))]
        tops = {"train": root / train, "val": root / val}
        said = ["test is the validation set"] if val == "test" else []
    folder = Folder(root, draw, classes, tops, notes=said)
    for split, top in tops.items():
        for label in classes:
            (top / label).mkdir(parents=True)
            for index in range(draw.integers(3, 7)):
                pixels, path = folder.pixels(), top / label / f"{index}.png"
                Image.fromarray(pixels).save(path)
                folder.items.append(Item(split, label, pixels, path))
    return folder


def renamed(folder: Folder) -> None:
    """Names whose suffix does not say that they are pictures, or says it oddly."""
    item = folder.items[folder.draw.integers(len(folder.items))]
    names = ("photo.JPG.1", "photo", "x.PNG", "x.jfif", "x.jpe", "x.JPEG", "x.bin", "café 1.txt", "a\nb.png")
    target = item.path.with_name(names[folder.draw.integers(len(names))])
    if not target.exists():
        item.path = item.path.rename(target)


def other_files(folder: Folder) -> None:
    """Files that are no pictures."""
    names = (("notes.txt", b"hello"), ("empty", b""), (".hidden.png", b"x"), ("labels.csv", b"a,b"))
    name, content = names[folder.draw.integers(len(names))]
    split, label = folder.place()
    path = folder.tops[split] / label / name
    folder.unused += not path.exists()
    path.write_bytes(content)


def other_formats(folder: Folder) -> None:
    """Pictures in formats that are not read."""
    form = ("GIF", "BMP", "TIFF")[folder.draw.integers(3)]
    name = (f"other.{form.lower()}", "other", "other.png")[folder.draw.integers(3)]
    folder.add(name, Image.fromarray(folder.pixels()), None, format=form)


def damaged(folder: Folder) -> None:
    """Files that are called pictures and are none, or not whole, or not there."""
    kind = folder.draw.integers(4)
    item = folder.items[folder.draw.integers(len(folder.items))]
    if kind == 0:
        folder.write("bad.jpg", b"not an image")
    elif kind == 1:
        content = item.path.read_bytes()
        folder.write("torn.png", content[: len(content) // 2])
    elif kind == 2:
        folder.write("void.webp", b"")
    else:
        item.path.with_name(f"{len(folder.kinds)}-dead.png").symlink_to(folder.root / "nowhere.png")
    folder.refused = True


def nested(folder: Folder) -> None:
    """A folder in a class's folder."""
    split, label = folder.place()
    (folder.tops[split] / label / "inner").mkdir(exist_ok=True)
    folder.refused = True


def turned(folder: Folder) -> None:
    """EXIF orientation 6, 3 or 8: shown turned clockwise by a quarter, a half, three quarters."""
    pixels, exif = folder.pixels(), Image.Exif()
    orientation, turns = ((6, -1), (3, 2), (8, 1))[folder.draw.integers(3)]
    exif[0x0112] = orientation
    form = ("png", "webp")[folder.draw.integers(2)]
    folder.add(f"turned.{form}", Image.fromarray(pixels), np.rot90(pixels, turns), exif=exif, lossless=True)


def clear(folder: Folder) -> None:
    """RGBA, wholly clear in places: white there; white on nothing is refused."""
    seen = folder.draw.random((PX, PX)) < 0.5
    if folder.draw.random() < 0.3:
        white = np.dstack([np.full((PX, PX, 3), 255, np.uint8), np.where(seen, 255, 0).astype(np.uint8)])
        folder.add("icon.png", Image.fromarray(white), None)
        return
    pixels = folder.pixels()
    layered = np.dstack([pixels, np.where(seen, 255, 0).astype(np.uint8)])
    folder.add("clear.png", Image.fromarray(layered), np.where(seen[..., None], pixels, 255).astype(np.uint8))


def other_modes(folder: Folder) -> None:
    """Palettes, greys of 8 and of 1 bit."""
    kind = folder.draw.integers(3)
    if kind == 0:
        palette, index = folder.draw.integers(0, 256, (7, 3), dtype=np.uint8), folder.draw.integers(0, 7, (PX, PX))
        image = Image.fromarray(index.astype(np.uint8), "P")
        image.putpalette(palette.tobytes())
        folder.add("palette.png", image, palette[index])
    elif kind == 1:
        grey = folder.draw.integers(0, 256, (PX, PX), dtype=np.uint8)
        folder.add("grey.png", Image.fromarray(grey), np.repeat(grey[..., None], 3, 2))
    else:
        bits = folder.draw.random((PX, PX)) < 0.5
        folder.add(
            "bits.png", Image.fromarray(bits), np.repeat(np.where(bits, 255, 0).astype(np.uint8)[..., None], 3, 2)
        )


def animated(folder: Folder) -> None:
    """Three frames in one file."""
    frames = [Image.fromarray(folder.pixels()) for _ in range(3)]
    form = ("png", "webp")[folder.draw.integers(2)]
    folder.add(f"film.{form}", frames[0], None, save_all=True, append_images=frames[1:], duration=40)


def deep(folder: Folder) -> None:
    """One 16-bit grey among pictures of 8 bits."""
    levels = folder.draw.integers(0, 4096, (PX, PX)).astype(np.uint16)
    folder.add("deep.png", Image.fromarray(levels), None)


def repeated(folder: Folder) -> None:
    """The pixels of a picture once more, in another file: in its own class, in another, or in the other split."""
    item = folder.items[folder.draw.integers(len(folder.items))]
    split, label = folder.place()
    path = folder.tops[split] / label / f"{len(folder.kinds)}-again.webp"
    Image.fromarray(item.pixels).save(path, lossless=True)
    if label != item.label or split != item.split:
        folder.refused = True  # of so few pictures two are more than 1 %
    else:
        folder.items.append(Item(split, label, item.pixels, path))


def beside(folder: Folder) -> None:
    """Another split, or another folder, beside the two; or an empty class."""
    if None in folder.tops:
        (folder.root / "empty class").mkdir(exist_ok=True)
        folder.refused = True
        return
    test_is_val = folder.tops["val"].name == "test"
    name = "extra" if test_is_val or folder.draw.random() < 0.5 else "evaluation"
    for label in folder.classes:
        (folder.root / name / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(folder.pixels()).save(folder.root / name / label / "0.png")
    words = f"test ({len(folder.classes)} images) is not used"
    folder.notes.append("beside the splits are not used: extra" if name == "extra" else words)


def missing_class(folder: Folder) -> None:
    """A class that one split alone has."""
    if None in folder.tops:
        return
    (folder.tops["val"] / "zebra").mkdir(exist_ok=True)
    Image.fromarray(folder.pixels()).save(folder.tops["val"] / "zebra" / "0.png")
    folder.refused = True


def normalised(folder: Folder) -> None:
    """The class `dév` in two codes: in one split besides the other, or in one split only."""
    if "dév" not in folder.classes:
        return
    other = unicodedata.normalize("NFD", "dév")
    if None in folder.tops:
        (folder.root / other).mkdir(exist_ok=True)
        Image.fromarray(folder.pixels()).save(folder.root / other / "0.png")
        folder.refused = True
    elif (folder.tops["val"] / "dév").is_dir() and not folder.kinds.count("normalised"):
        old, new = folder.tops["val"] / "dév", folder.tops["val"] / other
        old.rename(new)
        for item in folder.items:
            if item.path.parent == old:
                item.path = new / item.path.name
        folder.notes.append("different Unicode normalisations: 1")


def headers(folder: Folder) -> None:
    """A PNG that states more pixels than anybody has memory for."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 10**5, 10**5, 8, 2, 0, 0, 0)
    folder.write("bomb.png", b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + bytes(4))
    folder.refused = True


ODDITIES: tuple[Callable[[Folder], None], ...] = (
    renamed, renamed, other_files, other_files, other_formats, damaged, nested, turned, turned, clear, clear,
    other_modes, other_modes, animated, deep, repeated, beside, beside, missing_class, normalised, headers,
)  # fmt: skip


def odd(root: Path, seed: int) -> Folder:
    """A folder with one to three oddities, the same for the same seed."""
    draw = np.random.default_rng(seed)
    folder = sound(root, draw)
    for _ in range(draw.integers(1, 4)):
        kind = ODDITIES[draw.integers(len(ODDITIES))]
        if kind is normalised and folder.kinds:
            continue  # what lies there already would have to move along
        kind(folder)
        folder.kinds.append(kind.__name__)
        if kind is normalised:
            break
    return folder
