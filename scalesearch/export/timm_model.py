"""Load one of timm's registered models, `timm:NAME`, as a baseline: its sources are parsed, and not imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from scalesearch.design.baselines import timm_model_name
from scalesearch.design.rounding import Rounding
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, did_you_mean, printable
from scalesearch.export.import_definition import read_network
from scalesearch.export.timm_source import FAMILIES, Made, NotFollowedError, Source, text_of

_REGISTERED = re.compile(r"^@register_model\s+def (\w+)\(", re.MULTILINE)
_CLASSES = 1000
"""The classes of a model whose default has no classifier."""
_FROM_CONFIG = ("num_classes", "global_pool")
"""The arguments that timm takes from a model's default settings (`models/_builder.py`)."""
_INSTALL = "pip install 'scalesearch[timm]'"


def load_timm(name: str) -> Baseline:
    """Return the network of a model that the installed timm registers, at the side of its default settings.

    The sources of timm are read as `import_definition.read_network` reads a file, so timm is not imported. The
    baseline gets the rounding rule `paper`, as every imported network does. A model whose default has no classifier
    gets one of 1000 classes.

    Args:
        name: `timm:NAME`, such as `timm:resnet50d`, or with a tag, `timm:resnet50d.a1_in1k`. A tag names pretrained
            weights, which are not read, so it is ignored.

    Raises:
        InputError: timm is not installed, or has no such model; or the model has something that is no part of the
            networks here, which the message names.
    """
    models = _models_folder(name)
    model = timm_model_name(name)
    family = _family_of(name, model, models)
    try:
        text = definition_text(models, family, model)
    except (NotFollowedError, OSError, SyntaxError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            f"{name}: timm's {family}.py is not understood ({printable(str(error))}); write the call of its class "
            "in a file, and give that to scalesearch import"
        ) from error
    try:
        network = read_network(text, name)
    except InputError as error:
        # The text is no file of the user's, so its lines say nothing.
        raise InputError(re.sub(rf"^{re.escape(name)}:\d+: ", f"{name}: ", str(error))) from error
    # Without timm's version: a study is of the same baseline where another version has the same model.
    return Baseline(baseline_name(name), f"timm, models/{family}.py, {model}", network, Rounding("paper"))


def baseline_name(name: str) -> str:
    """Return the name of the baseline that `timm:NAME` becomes: `timm-NAME`, without a tag."""
    return f"timm-{timm_model_name(name).lower()}"[:64]


def is_installed() -> bool:
    """Return whether timm is installed; it is not imported."""
    try:
        spec = find_spec("timm")
    except ValueError:  # a module that another program has put in its place
        return False
    return spec is not None and spec.origin is not None


def definition_text(models: Path, family: str, model: str) -> str:
    """Return the definition of a model, with the side and the classes of its default settings.

    Args:
        models: timm's folder `models`.
        family: the name of a file in it, one of `FAMILIES`.
        model: the name of a function that the file registers.

    Raises:
        NotFollowedError: the file has something that is not evaluated.
        OSError: it cannot be read.
    """
    source = Source(models, family)
    function = next((one for one in source.registered if one.name == model), None)
    if function is None:
        raise NotFollowedError(f"no function {model}")
    call, config = source.network(function), source.default_config(model)
    arguments = {key: config[key] for key in _FROM_CONFIG if key in config}
    arguments["num_classes"] = arguments.get("num_classes") or _CLASSES
    size = config.get("input_size", (3, 224, 224))
    if size[0] != 3:
        arguments["in_chans"] = size[0]
    network = Made(call.name, call.arguments, arguments | call.keywords)
    return f"input_size = {text_of(tuple(size))}\nnetwork = {text_of(network)}\n"


def _models_folder(name: str) -> Path:
    """Return timm's folder `models`."""
    if not is_installed():
        raise InputError(f"{name}: timm is not installed; {_INSTALL}")
    spec = find_spec("timm")
    assert spec is not None
    models = Path(str(spec.origin)).parent / "models"
    if not models.is_dir():
        raise InputError(f"{name}: timm at {printable(str(models.parent))} has no sources in models/; {_INSTALL}")
    return models


def _family_of(name: str, model: str, models: Path) -> str:
    """Return the file that registers a model, one of `FAMILIES`."""
    files = registered_models(models)
    if model not in files:
        raise InputError(f"{name}: timm {_version()} has no such model{did_you_mean(model, files)}")
    if files[model] not in FAMILIES:
        raise InputError(
            f"{name}: is of timm's {files[model]}.py, which is not read; the models of "
            f"{', '.join(f'{family}.py' for family in FAMILIES)} are"
        )
    return files[model]


def registered_models(models: Path) -> Mapping[str, str]:
    """Return the file, without its suffix, of every model that timm's folder `models` registers."""
    return {
        model: path.stem
        for path in sorted(models.glob("*.py"))
        for model in _REGISTERED.findall(path.read_text(encoding="utf-8", errors="replace"))
    }


def _version() -> str:
    try:
        return metadata.version("timm")
    except metadata.PackageNotFoundError:
        return "of unknown version"
