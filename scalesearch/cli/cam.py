"""The `scalesearch cam` command: class activation maps of several trained networks, side by side."""

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
    from scalesearch.proxy.sample_images import SampleImages
    from scalesearch.search.scenes import SceneRecipe


def cam(
    networks: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|NAME=FILE…", help="Weights of trained networks, .safetensors, one column each."
        ),
    ],
    images: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="A picture, a folder of them, or a data set as grid's --data; default: the budget's.",
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="NAME", help="Class to map; default: the image's, or the first network's prediction."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=64, help="Maximum number of images, one row each.")] = 4,
    budget: Annotated[str, typer.Option(help="Budget whose synthetic images are shown.")] = "quick",
    out: Annotated[Path, typer.Option(metavar="FILE.png", help="File of the picture.")] = Path("cam.png"),
) -> None:
    """Draw class activation maps of several networks on the same images.

    Example: scalesearch cam results/reference/cam/baseline.safetensors results/reference/cam/compound.safetensors
    """
    from scalesearch.cli.cache import cache_folder
    from scalesearch.cli.counter_progress import print_notes
    from scalesearch.nets.weights import same_classes
    from scalesearch.proxy.sample_images import sample_images
    from scalesearch.search.budget_file import load_budget
    from scalesearch.study.files import make_folder, replace_atomically

    if out.suffix != ".png":
        raise InputError(f"--out {printable(str(out))}: must end in .png")
    weights = _load_weights(networks)
    classes = same_classes([(name, loaded.classes) for name, loaded in weights.items()])
    if of is not None and of not in classes:
        raise InputError(f"--class {of!r}: is none of the networks' classes, {', '.join(classes[:20])}")
    resolution = max(loaded.definition.architecture.side for loaded in weights.values())
    budget_config, cache = load_budget(budget), cache_folder()
    spec = budget_config.data if images is None else images
    scenes = _scenes_of_classes(budget_config.scenes, spec, classes)
    channel_counts = {loaded.definition.architecture.in_channels for loaded in weights.values()}
    samples = {
        channels: sample_images(spec, resolution, count, scenes, cache, channels)
        for channels in {3, *channel_counts}
    }
    rgb_samples = samples[3]
    print_notes(rgb_samples.notes, options.console())
    if rgb_samples.classes is not None:
        same_classes([(next(iter(weights)), classes), (f"--images {printable(spec)}", rgb_samples.classes)])
    png = _render_png(weights, classes, samples, None if of is None else classes.index(of))
    make_folder(out.parent)
    replace_atomically(out, png)
    print(f"{out}: {len(rgb_samples.names)} images, {len(weights)} networks")
    print(
        "Class activation maps (Zhou et al. 2016) of the layer that is pooled, each in shares of its largest value."
    )
    print("Below a map: the class that the network names, and its probability.")


def _scenes_of_classes(scenes: SceneRecipe, spec: str, classes: Sequence[str]) -> SceneRecipe:
    """Return the recipe with as many classes as the networks have, if these are the classes that are drawn."""
    from dataclasses import replace

    from scalesearch.errors import SpaceError
    from scalesearch.proxy.drawn import DRAWN

    try:
        fitted = replace(scenes, classes=len(classes))
    except SpaceError:
        return scenes
    drawn = DRAWN.get(spec)
    return fitted if drawn is not None and drawn.class_names(fitted) == tuple(classes) else scenes


def _load_weights(arguments: Sequence[str]) -> dict[str, Weights]:
    """Return the weights of each network by its name: the one that was given, else a label."""
    from scalesearch.nets.weights import read_weights

    weights: dict[str, Weights] = {}
    for argument in arguments:
        name, equals, path = argument.partition("=")
        name, path = (name, path) if equals else (network_label(Path(argument), Path(argument).stem), argument)
        if name in weights:
            raise InputError(f"{printable(argument)}: a second network named {name!r}; give NAME=FILE")
        weights[name] = read_weights(Path(path))
    return weights


def _render_png(
    weights: dict[str, Weights], classes: Sequence[str], samples: dict[int, SampleImages], class_index: int | None
) -> bytes:
    """Return the grid of images and maps as a PNG file.

    `samples` has the images by their number of channels; those with three are drawn.
    """
    from io import BytesIO

    from PIL import Image

    from scalesearch.proxy.image_grid import render_grid, resize_to_tile

    rgb_samples = samples[3]
    class_indices = (
        list(rgb_samples.labels)
        if class_index is None and rgb_samples.labels
        else [class_index] * len(rgb_samples.names)
    )
    columns = []
    for network_weights in weights.values():
        tiles, class_indices = _render_column(network_weights, samples, class_indices)
        columns.append(tiles)
    captions = [
        classes[label] if rgb_samples.labels else f"{name}: {classes[label]}"
        for name, label in zip(rgb_samples.names, class_indices, strict=True)
        if label is not None
    ]
    images = [
        (resize_to_tile(image), caption) for image, caption in zip(rgb_samples.images_NHWC, captions, strict=True)
    ]
    grid, buffer = render_grid(["image", *weights], list(zip(images, *columns, strict=True))), BytesIO()
    # A palette makes the file a third as large: noise in the images compresses badly.
    grid.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _render_column(
    weights: Weights, samples: dict[int, SampleImages], class_indices: Sequence[int | None]
) -> tuple[list[Tile], list[int | None]]:
    """Return one network's maps, each with a caption, and the indices of the mapped classes.

    The caption is the class that the network predicts, with its probability. Where the class to map is not known
    (None), the predicted class is mapped.
    """
    import torch

    from scalesearch.nets.cam import class_maps
    from scalesearch.proxy.augment import normalise
    from scalesearch.proxy.image_grid import overlay_heatmap
    from scalesearch.proxy.tensors import resize

    network, architecture = weights.network(), weights.definition.architecture
    pixels_NCHW = torch.from_numpy(samples[architecture.in_channels].images_NHWC).permute(0, 3, 1, 2)
    images_NCHW = normalise(resize(pixels_NCHW, architecture.side))
    with torch.no_grad():
        probabilities_NK = network(images_NCHW)[:, : len(weights.classes)].softmax(1)
    predictions = probabilities_NK.argmax(1).tolist()
    mapped = [
        prediction if label is None else label for prediction, label in zip(predictions, class_indices, strict=True)
    ]
    try:
        maps_NHW = class_maps(network, images_NCHW, torch.tensor(mapped)).numpy()
    except InputError as error:
        raise InputError(f"{weights.definition.name}: {error}") from error
    captions = [
        f"{weights.classes[prediction]}: {float(probabilities[prediction]):.2f}"
        for prediction, probabilities in zip(predictions, probabilities_NK, strict=True)
    ]
    tiles = [overlay_heatmap(*pair) for pair in zip(samples[3].images_NHWC, maps_NHW, strict=True)]
    return list(zip(tiles, captions, strict=True)), [*mapped]
