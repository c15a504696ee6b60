"""Image folders: what is read, how it is split, and what is refused."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalesearch.errors import InputError
from scalesearch.proxy import duplicates
from scalesearch.proxy.cache import SplitArrays, fingerprint
from scalesearch.proxy.decoding import ImageForm, resize_square
from scalesearch.proxy.image_folder import list_folder, listing_key, read_folder


def _pixels(seed: int, height: int = 11, width: int = 14) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _save(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_pixels(seed)).save(path)
    return path


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    for label, count in (("ant", 10), ("bee", 7), ("cow", 2)):
        for index in range(count):
            _save(tmp_path / "pets" / label / f"{index}.png", seed=100 * len(label) + ord(label[0]) * 50 + index)
    return tmp_path / "pets"


@pytest.fixture
def parted(tmp_path: Path) -> Path:
    for number, (split, label) in enumerate((s, c) for s in ("train", "val") for c in ("ant", "bee")):
        for index in range(3 if split == "train" else 2):
            _save(tmp_path / "pets" / split / label / f"{index}.png", seed=10 * number + index)
    return tmp_path / "pets"


def _read(root: Path, px: int = 8) -> SplitArrays:
    return read_folder(list_folder(root), ImageForm(px))


def _refusal(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        _read(root)
    return str(caught.value)


def _assert_one_line(message: str, *parts: str) -> None:
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_flat_folder_is_split_by_content_class_by_class(flat: Path) -> None:
    arrays = _read(flat)
    assert arrays.classes == ("ant", "bee", "cow")
    assert np.bincount(arrays.val_labels_N).tolist() == [2, 1, 1]
    assert np.bincount(arrays.train_labels_N).tolist() == [8, 6, 1]
    assert arrays.train_images_NHWC.shape == (15, 8, 8, 3)


def test_neither_names_nor_times_decide_the_split_or_the_fingerprint(flat: Path) -> None:
    before, key = fingerprint(_read(flat)), listing_key(list_folder(flat), ImageForm(8))
    for index, path in enumerate(sorted((flat / "ant").iterdir(), reverse=True)):
        os.utime(path, (index, index))
        path.rename(path.with_name(f"renamed{index}.png"))
    assert fingerprint(_read(flat)) == before
    assert listing_key(list_folder(flat), ImageForm(8)) != key


def test_the_cache_key_follows_content_and_size(flat: Path) -> None:
    keys = {listing_key(list_folder(flat), ImageForm(px)) for px in (8, 8, 9)}
    assert len(keys) == 2
    with (flat / "bee" / "3.png").open("ab") as file:
        file.write(b"x")
    assert listing_key(list_folder(flat), ImageForm(8)) not in keys


def test_copies_of_a_picture_stay_on_one_side(flat: Path) -> None:
    for path in list((flat / "ant").iterdir()):
        for copy in range(3):
            (flat / "ant" / f"{path.stem}-copy{copy}.png").write_bytes(path.read_bytes())
    arrays = _read(flat)
    train = {image.tobytes() for image in arrays.train_images_NHWC}
    assert np.bincount(arrays.val_labels_N)[0] == 8
    assert not train & {image.tobytes() for image in arrays.val_images_NHWC}


def test_train_and_val_folders_are_taken_as_they_are(parted: Path) -> None:
    arrays = _read(parted)
    assert np.bincount(arrays.train_labels_N).tolist() == [3, 3]
    assert np.bincount(arrays.val_labels_N).tolist() == [2, 2]
    expected = {resize_square(Image.fromarray(_pixels(seed)), 8).tobytes() for seed in (20, 21)}
    assert {image.tobytes() for image in arrays.val_images_NHWC[:2]} == expected


def test_hidden_and_other_files_are_ignored(flat: Path) -> None:
    before = fingerprint(_read(flat))
    (flat / "README.txt").write_text("hello")
    (flat / "ant" / "notes.txt").write_text("hello")
    (flat / "ant" / ".thumb.png").write_bytes(b"not an image")
    (flat / ".cache").mkdir()
    assert fingerprint(_read(flat)) == before


@pytest.mark.parametrize("odd", ["x.bmp", "x.TIFF", "x.gif", "x.heic", "inner"])
def test_what_would_be_left_out_is_refused(odd: str, flat: Path) -> None:
    if odd == "inner":
        (flat / "bee" / "inner").mkdir()
        (flat / "cow" / "deeper").symlink_to(flat)
    else:
        Image.fromarray(_pixels(3)).save(flat / "bee" / odd, format="BMP")
    assert f"'bee/{odd}' would be left out: a class's folder holds its pictures themselves" in _refusal(flat)


def test_links_that_loop_do_not_hang(flat: Path) -> None:
    (flat / "loop").symlink_to(flat / "loop")
    before = _read(flat)
    (flat / "ant" / "loop.png").symlink_to(flat / "ant" / "loop.png")
    (flat / "ant" / "gone.png").symlink_to(flat / "nowhere.png")
    assert len(before.train_labels_N) == 15
    message = _refusal(flat)
    assert message.count(": 2 of 21 images cannot") == 1
    assert "'ant/gone.png': not a file" in message


def _broken_files(folder: Path) -> None:
    whole = _save(folder / "whole.jpg", 1).read_bytes()
    (folder / "whole.jpg").unlink()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    png = _save(folder / "cut.png", 2).read_bytes()
    (folder / "cut.png").write_bytes(png[: len(png) // 2])
    (folder / "empty.webp").write_bytes(b"")
    (folder / "text.jpeg").write_text("not an image")
    Image.fromarray(_pixels(3)).save(folder / "gif.png", format="GIF")
    (folder / "folder.png").mkdir()


def test_every_unreadable_image_is_listed_in_one_error(flat: Path) -> None:
    _broken_files(flat / "bee")
    lines = _refusal(flat).splitlines()
    assert lines[0].count(": 6 of 25 images cannot") == 1
    assert lines[0].endswith("cannot be read: repair or remove them")
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        f"'bee/{name}'" for name in ("cut.jpg", "cut.png", "empty.webp", "folder.png", "gif.png", "text.jpeg")
    ]
    assert all("truncated" in line.lower() for line in lines[1:3])


def test_a_long_list_is_cut(flat: Path) -> None:
    for index in range(duplicates.MAX_LISTED + 3):
        (flat / "bee" / f"bad{index:02}.png").write_bytes(b"bad")
    lines = _refusal(flat).splitlines()
    assert len(lines) == duplicates.MAX_LISTED + 2
    assert lines[-1].strip() == "and 3 more"


def _header(path: Path, width: int, height: int) -> None:
    """A PNG that ends behind its header (PNG specification, section 5.2)."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = struct.pack(">I", 0) + b"IDAT"
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_huge_images_are_refused_by_their_header(flat: Path) -> None:
    _header(flat / "ant" / "huge.png", 14200, 14200)
    _header(flat / "ant" / "bomb.png", 200_000, 200_000)
    _header(flat / "ant" / "photo.png", 8688, 5792)
    lines = _refusal(flat).splitlines()
    assert lines[1:3] == [
        "  'ant/bomb.png': 200000 x 200000 px, more than 200 megapixels",
        "  'ant/huge.png': 14200 x 14200 px, more than 200 megapixels",
    ]
    assert "megapixels" not in lines[3]  # it is decoded, and ends too early


def test_hostile_names_are_escaped(flat: Path) -> None:
    (flat / "ant" / "a\nb\x1b[31m.png").write_bytes(b"bad")
    (flat / "ant" / os.fsdecode(b"\xff.png")).write_bytes(b"bad")
    lines = _refusal(flat).splitlines()
    assert len(lines) == 3
    assert "'ant/a\\nb\\x1b[31m.png'" in lines[1]
    assert "\\udcff.png" in lines[2]
    (flat / "evil\nclass").mkdir()
    _assert_one_line(_refusal(flat), "evil\\nclass")


def test_a_picture_in_both_splits_is_refused(parted: Path) -> None:
    # Another file format, the same pixels.
    Image.open(parted / "train" / "ant" / "1.png").save(parted / "val" / "ant" / "x.webp", lossless=True)
    _assert_one_line(
        _refusal(parted), "pictures in both train and val: 1,", "'val/ant/x.webp'", "'train/ant/1.png'"
    )


def test_folders_that_cannot_be_data_sets_are_refused(tmp_path: Path, parted: Path) -> None:
    _assert_one_line(_refusal(tmp_path / "nowhere"), "does not exist")
    _assert_one_line(_refusal(_save(tmp_path / "a.png", 1)), "is a file")
    (tmp_path / "empty").mkdir()
    _assert_one_line(_refusal(tmp_path / "empty"), "no images")
    _save(tmp_path / "one" / "ant" / "1.png", 1)
    _assert_one_line(_refusal(tmp_path / "one"), "only one class, 'ant'")
    (tmp_path / "one" / "bee").mkdir()
    (tmp_path / "one" / "bee" / "notes.txt").write_text("no image")
    _assert_one_line(_refusal(tmp_path / "one"), "class 'bee' has no images")
    _save(tmp_path / "one" / "bee" / "1.png", 2)
    _assert_one_line(_refusal(tmp_path / "one"), "class 'ant' has fewer than 2 different images")


def test_splits_that_do_not_match_are_refused(parted: Path) -> None:
    (parted / "val" / "cow").mkdir()
    _assert_one_line(_refusal(parted), "class 'cow' is in only one of train/ and val/")
    (parted / "train" / "cow").mkdir()
    _assert_one_line(_refusal(parted), "class 'train/cow' has no images")
    (parted / "val").rename(parted / "other")
    _assert_one_line(_refusal(parted), "has train/ but no val/")
    (parted / "train").rename(parted / "dev")
    _assert_one_line(_refusal(parted), "has dev/ but no train/")


@pytest.mark.parametrize(
    ("train", "val"), [("train", "valid"), ("Training", "validation"), ("train_2", "dev"), ("train", "test")]
)
def test_splits_may_have_their_other_names(train: str, val: str, parted: Path) -> None:
    wanted = fingerprint(_read(parted))
    (parted / "train").rename(parted / "x")
    (parted / "val").rename(parted / val)
    (parted / "x").rename(parted / train)
    listing = list_folder(parted)
    assert fingerprint(read_folder(listing, ImageForm(8))) == wanted
    assert listing.notes == (("there is no val: test is the validation set",) if val == "test" else ())


def test_what_lies_beside_the_splits_is_said(parted: Path) -> None:
    wanted = fingerprint(_read(parted))
    for index in range(4):
        _save(parted / "test" / "cow" / f"{index}.png", 900 + index)
    _save(parted / "unlabelled" / "0.png", 1000)
    listing = list_folder(parted)
    assert fingerprint(read_folder(listing, ImageForm(8))) == wanted
    assert listing.notes == ("test (4 images) is not used", "folders beside the splits are not used: unlabelled")
    (parted / "validation" / "ant").mkdir(parents=True)
    _assert_one_line(_refusal(parted), "val/ and validation/ are both val: put them into one folder")


def test_classes_may_be_called_as_splits_are(flat: Path) -> None:
    (flat / "ant").rename(flat / "train")
    (flat / "bee").rename(flat / "dev")
    assert list_folder(flat).classes == ("cow", "dev", "train")
    assert len(_read(flat).train_labels_N) == 15


@pytest.mark.parametrize(
    "name", ["photo.JPG.1", "photo", "photo.JPEG", "photo.jfif", "photo.jpe", "photo.txt", "é"]
)
def test_the_first_bytes_say_what_a_file_is(name: str, flat: Path) -> None:
    for form in ("JPEG", "PNG", "WEBP"):
        Image.fromarray(_pixels(77)).save(flat / "bee" / name, form)
        listing = list_folder(flat)
        assert listing.notes == ()
        assert len(listing.files) == 20
        arrays = read_folder(listing, ImageForm(8))
        assert len(arrays.train_labels_N) + len(arrays.val_labels_N) == 20


def test_another_format_without_its_suffix_is_refused(flat: Path) -> None:
    Image.fromarray(_pixels(3)).save(flat / "bee" / "scan", format="TIFF")
    _assert_one_line(_refusal(flat), "'bee/scan' would be left out")


def test_files_that_are_not_used_are_counted(flat: Path) -> None:
    assert list_folder(flat).notes == ()
    (flat / "labels.csv").write_text("a,b")
    (flat / "ant" / "notes.txt").write_text("hello")
    (flat / "cow" / "empty").write_bytes(b"")
    (flat / "cow" / ".hidden.png").write_bytes(b"x")
    (flat / "cow" / ".DS_Store").write_bytes(b"x")
    assert list_folder(flat).notes == ("files that are not used: 4, such as 'ant/notes.txt'",)


def test_names_of_classes_that_differ_in_normalisation_only(parted: Path) -> None:
    for split in ("train", "val"):
        (parted / split / "ant").rename(parted / split / "caf\u00e9")
    wanted = fingerprint(_read(parted))
    (parted / "val" / "caf\u00e9").rename(parted / "val" / "cafe\u0301")
    listing = list_folder(parted)
    assert fingerprint(read_folder(listing, ImageForm(8))) == wanted
    assert listing.notes == ("classes whose names the splits write in different Unicode normalisations: 1",)
    (parted / "train" / "cafe\u0301").mkdir()
    _assert_one_line(_refusal(parted), "two classes are called", "in different Unicode normalisations")
