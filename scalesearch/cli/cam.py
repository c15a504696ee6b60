"""`scalesearch cam`: where trained networks see a class, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options
from scalesearch.cli.network_label import network_label
from scalesearch.errors import InputError, printable

if TYPE_CHECKING:
    from scalesearch.nets.weights import Weights
    from scalesearch.proxy.image_grid import Tile
    from scalesearch.proxy.sample_images import Shown


def cam(
    networks: Annotated[
        list[str],
        typer.Argument(metavar="FILE|NAME=FILE…", help="Weights of trained networks, .safetensors; a column each."),
    ],
    images: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="A picture, a folder of them, or a data set as grid's --data; the budget's by default.",
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="NAME", help="Map this class; default: the image's, or the first's choice."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=64, help="At most so many images; a row each.")] = 4,
    budget: Annotated[str, typer.Option(help="The budget whose drawn images are shown.")] = "quick",
    out: Annotated[Path, typer.Option(metavar="FILE.png", help="Write the picture here.")] = Path("cam.png"),
) -> None:
    """Draw class activation maps of several networks on the same images.

    Example: scalesearch cam results/reference/cam/baseline.safetensors results/reference/cam/compound.safetensors
    """
    from scalesearch.cli.cache import cache_folder
    from scalesearch.cli.counter_progress import print_notes
    from scalesearch.nets.weights import same_classes
    from scalesearch.proxy.sample_images import shown_images
    from scalesearch.search.budget_file import load_budget
    from scalesearch.study.files import make_folder, replace_atomically

    if out.suffix != ".png":
        raise InputError(f"--out {printable(str(out))}: must end in .png")
    found = _networks(networks)
    classes = same_classes([(name, one.classes) for name, one in found.items()])
    if of is not None and of not in classes:
        raise InputError(f"--class {of!r}: is none of the networks' classes, {', '.join(classes[:20])}")
    px = max(one.definition.architecture.resolution for one in found.values())
    spent, cache = load_budget(budget), cache_folder()
    scenes, spec = spent.scenes, spent.data if images is None else images
    taken = {one.definition.architecture.in_channels for one in found.values()}
    seen = {channels: shown_images(spec, px, count, scenes, cache, channels) for channels in {3, *taken}}
    shown = seen[3]
    print_notes(shown.notes, options.console())
    if shown.classes is not None:
        same_classes([(next(iter(found)), classes), (f"--images {printable(spec)}", shown.classes)])
    drawn = _drawn(found, classes, seen, None if of is None else classes.index(of))
    make_folder(out.parent)
    replace_atomically(out, drawn)
    print(f"{out}: {len(shown.names)} images, {len(found)} networks")
    print(
        "Class activation maps (Zhou et al. 2016) of the layer that is pooled, each in shares of its largest value."
    )
    print("Below a map: the class that the network names, and its probability.")


def _networks(words: Sequence[str]) -> dict[str, Weights]:
    from scalesearch.nets.weights import read_weights

    found: dict[str, Weights] = {}
    for word in words:
        name, equals, path = word.partition("=")
        name, path = (name, path) if equals else (network_label(Path(word), Path(word).stem), word)
        if name in found:
            raise InputError(f"{printable(word)}: a second network named {name!r}; give NAME=FILE")
        found[name] = read_weights(Path(path))
    return found


def _drawn(weights: dict[str, Weights], classes: Sequence[str], seen: dict[int, Shown], of: int | None) -> bytes:
    """The picture as a PNG file; `seen` has the images by their channels, and the coloured ones are drawn."""
    from io import BytesIO

    from PIL import Image

    from scalesearch.proxy.image_grid import plain, strip

    shown = seen[3]
    mapped = list(shown.labels) if of is None and shown.labels else [of] * len(shown.names)
    columns = []
    for one in weights.values():
        tiles, mapped = _column(one, seen, mapped)
        columns.append(tiles)
    words = [
        classes[label] if shown.labels else f"{name}: {classes[label]}"
        for name, label in zip(shown.names, mapped, strict=True)
        if label is not None
    ]
    images = [(plain(image), word) for image, word in zip(shown.images_NHWC, words, strict=True)]
    picture, file = strip(["image", *weights], list(zip(images, *columns, strict=True))), BytesIO()
    # A palette makes the file a third as large: it is full of the images' noise.
    picture.quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def _column(
    weights: Weights, seen: dict[int, Shown], mapped: Sequence[int | None]
) -> tuple[list[Tile], list[int | None]]:
    """One network's maps, below each the class that it names and how sure it is, and the classes that were mapped.

    A class that is not known (None) is the one that this network names.
    """
    import torch

    from scalesearch.nets.cam import class_maps
    from scalesearch.proxy.augment import normalise
    from scalesearch.proxy.image_grid import overlaid
    from scalesearch.proxy.tensors import resize

    network, net = weights.network(), weights.definition.architecture
    pixels_NCHW = torch.from_numpy(seen[net.in_channels].images_NHWC).permute(0, 3, 1, 2)
    images_NCHW = normalise(resize(pixels_NCHW, net.resolution))
    with torch.no_grad():
        shares_NK = network(images_NCHW).softmax(1)
    named = shares_NK.argmax(1).tolist()
    chosen = [name if label is None else label for name, label in zip(named, mapped, strict=True)]
    maps_NHW = class_maps(network, images_NCHW, torch.tensor(chosen)).numpy()
    words = [
        f"{weights.classes[name]}: {float(share[name]):.2f}" for name, share in zip(named, shares_NK, strict=True)
    ]
    tiles = [overlaid(*pair) for pair in zip(seen[3].images_NHWC, maps_NHW, strict=True)]
    return list(zip(tiles, words, strict=True)), [*chosen]
