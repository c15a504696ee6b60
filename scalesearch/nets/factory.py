"""Build a user's own network from a Python function, and count what the function builds."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.nn.parameter import is_lazy

from scalesearch.design.decimals import format_decimal
from scalesearch.design.factory import FactoryNetwork
from scalesearch.design.images import LARGEST_IN_CHANNELS
from scalesearch.errors import CountError, InputError, printable
from scalesearch.nets.fvcore_witness import fvcore_macs
from scalesearch.nets.imported_source import source_fingerprint
from scalesearch.nets.multiply_adds import MultiplyAddCounter, count_forward
from scalesearch.nets.threads import single_threaded
from scalesearch.user_code import describe_error

_ARGUMENTS = ("depth", "width", "resolution")
_LOGITS = 2


@dataclass(frozen=True, slots=True)
class Factory:
    """Describes an imported function `build(depth, width, resolution) -> nn.Module`."""

    name: str
    """`package.module:function`."""
    build: Callable[..., nn.Module]
    resolution: int
    """The side (px) of the unscaled network: the default of the function's own argument."""
    fingerprint: str
    """The SHA-256 (hex) of the source of its module and of all that this imports from the user's project."""
    in_channels: int = 3
    """The channels of the images: the default of the function's argument of that name, where it has one."""


@lru_cache
def load_factory(name: str) -> Factory:
    """Import the function; modules in the working folder are found too.

    Raises:
        InputError: there is no such module or function, or it does not take depth, width and resolution.
    """
    module_name, _, function = name.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
        build = getattr(module, function)
        parameters = inspect.signature(build).parameters
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise InputError(
            f"baseline {name!r}: cannot be imported ({printable(describe_error(error, 260))}){_advice(name, error)}"
        ) from error
    missing = [argument for argument in _ARGUMENTS if argument not in parameters]
    if missing:
        raise InputError(
            f"baseline {name!r}: {function} does not take {', '.join(missing)}; it must be a function of "
            "depth=1.0, width=1.0, resolution=224 that returns a torch module"
        )
    px = parameters["resolution"].default
    if type(px) is not int or not 1 <= px <= 16384:
        raise InputError(
            f"baseline {name!r}: the argument resolution has no whole number of px as its default; give the "
            "unscaled network's, as in resolution=224"
        )
    channels = parameters["in_channels"].default if "in_channels" in parameters else 3
    if type(channels) is not int or not 1 <= channels <= LARGEST_IN_CHANNELS:
        raise InputError(
            f"baseline {name!r}: the argument in_channels has the default {printable(repr(channels))}, but images "
            f"have 1 … {LARGEST_IN_CHANNELS} channels; give a whole number such as 3 (RGB)"
        )
    try:
        fingerprint = source_fingerprint(module_name, Path.cwd())
    except InputError as error:
        raise InputError(f"baseline {name!r}: {error}") from error
    return Factory(name, build, px, fingerprint, channels)


def check_source(name: str, fingerprint: str) -> None:
    """Check that a function's source is still the one that was counted.

    Args:
        name: the function, as `module:function`.
        fingerprint: the SHA-256 (hex) of the source that was counted.

    Raises:
        InputError: it has changed since, or is another one on this node of a cluster.
    """
    if load_factory(name).fingerprint != fingerprint:
        raise InputError(
            f"baseline {name}: its source here is not the one that was counted; let every node have the same "
            "files, and leave them alone until the work is done"
        )


def _advice(name: str, error: BaseException) -> str:
    """Return what to do where the name itself is wrong; empty where the user's own code fails."""
    module_name, _, function = name.partition(":")
    if isinstance(error, ModuleNotFoundError) and module_name.endswith(".py"):
        return f"; write a module's name, as in {Path(module_name).stem}:{function}"
    if isinstance(error, ModuleNotFoundError) and error.name == module_name.partition(".")[0]:
        return f"; {error.name} must be installed, or lie in this folder as {error.name}.py"
    if isinstance(error, AttributeError) and (module := sys.modules.get(module_name)) is not None:
        functions = [name for name, value in vars(module).items() if _is_own_function(value, module_name)]
        if function not in functions:
            return f"; its functions are {', '.join(functions) or 'none'}"
    return ""


def _is_own_function(value: object, module_name: str) -> bool:
    return inspect.isfunction(value) and value.__module__ == module_name


def build_factory(network: FactoryNetwork) -> nn.Module:
    """Return the module that the function builds for the network's multipliers.

    Lazy layers get their shapes from one image, so that every parameter can be trained and stored.

    Raises:
        InputError: the function or a lazy layer fails, or the function returns no torch module.
    """
    module = _build(load_factory(network.factory), network.depth, network.width, network.resolution)
    if any(map(is_lazy, (*module.parameters(), *module.buffers()))):
        px = network.resolution
        with torch.no_grad(), report_failures(call_of(network), px):
            module.eval()(torch.zeros(1, network.in_channels, px, px))
        module.train()
    return module


def call_of(network: FactoryNetwork) -> str:
    """Return the call that builds the network, for messages: `m:f(depth=1, width=1.5, resolution=32)`."""
    return _call(network.factory, network.depth, network.width, network.resolution)


def _call(name: str, depth: Decimal, width: Decimal, px: int) -> str:
    return f"{name}(depth={format_decimal(depth)}, width={format_decimal(width)}, resolution={px})"


def _build(factory: Factory, depth: Decimal, width: Decimal, px: int) -> nn.Module:
    call = _call(factory.name, depth, width, px)
    try:
        module = factory.build(depth=float(depth), width=float(width), resolution=px)
    except (Exception, SystemExit) as error:  # a user's function may raise anything
        raise InputError(f"baseline {call}: fails ({printable(describe_error(error, 260))})") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"baseline {call}: gives a {type(module).__name__}, but must give a torch module")
    return module


def count_factory(factory: Factory, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
    """Build, count and check one network: one random image on the CPU, without gradients.

    Multiply-adds are those of every convolution, linear layer and matrix product that torch executes in eval,
    including fused operators such as attention and recurrent layers. Where fvcore can count the network, its count
    is an independent check.

    Raises:
        InputError: the function fails; its network does not turn images (N, in_channels, px, px) into logits, in
            eval and in training; or it executes an operator whose multiply-adds are not known.
        CountError: fvcore counts other multiply-adds.
    """
    forward = _Forward.of(factory, depth, width, px)
    network, call = forward.network, call_of(forward.network)
    with single_threaded(), report_failures(call, px):
        fvcore = fvcore_macs(forward.module, forward.image)
    if fvcore is not None and not fvcore.agrees(forward.counter):
        raise CountError(
            f"baseline {call}: executes {network.macs} multiply-adds, but fvcore traces {fvcore.macs}; the network "
            "must compute the same for every image"
        )
    images = forward.image.expand(2, -1, -1, -1)
    with single_threaded(), torch.no_grad(), report_failures(call, px, "in training "):
        in_training = forward.module.train()(images)
    _check_logits(call, images.shape, in_training, "in training", network.classes)
    return network


def measure_factory(factory: Factory, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
    """Count one network as `count_factory` does, but without fvcore and without a pass in training.

    Searches compare many networks by their cost, and only the one that is taken needs these checks.

    Raises:
        InputError: as in `count_factory`, but for training.
    """
    return _Forward.of(factory, depth, width, px).network


@dataclass(frozen=True, slots=True)
class _Forward:
    """Holds a network that was built and counted in one forward pass in eval."""

    module: nn.Module
    image: torch.Tensor
    counter: MultiplyAddCounter
    network: FactoryNetwork

    @classmethod
    def of(cls, factory: Factory, depth: Decimal, width: Decimal, px: int) -> _Forward:
        """Build the network and run it.

        Raises:
            InputError: the function or the pass fails, or what it executes cannot be counted.
        """
        module = _build(factory, depth, width, px)
        call = _call(factory.name, depth, width, px)
        image = torch.rand(1, factory.in_channels, px, px, generator=torch.Generator().manual_seed(0))
        with single_threaded(), report_failures(call, px):
            counter, logits = count_forward(module.eval(), image)
        _check_logits(call, image.shape, logits, "in eval")
        _check_countable(call, counter)
        params = sum(weights.numel() for weights in module.parameters() if weights.requires_grad)
        counted = logits.shape[1], counter.macs, params, counter.activations
        return cls(
            module, image, counter, FactoryNetwork(factory.name, depth, width, px, *counted, factory.in_channels)
        )


def _check_countable(call: str, counter: MultiplyAddCounter) -> None:
    """Raise `InputError` where the multiply-adds are not known, or there are none."""
    if counter.unknown:
        raise InputError(
            f"baseline {call}: executes {', '.join(sorted(counter.unknown))}, whose multiply-adds are not known; "
            "write it with torch's convolutions, linear layers and matrix products"
        )
    if counter.macs == 0:
        raise InputError(
            f"baseline {call}: has no convolution, linear layer or matrix product, so nothing to scale"
        )


def check_training_step(network: FactoryNetwork, side: int | None = None) -> None:
    """Run one forward and backward pass, of which every training of the network will run thousands.

    Args:
        network: the network.
        side: the side of the images, in px; None: the network's own.

    Raises:
        InputError: the function or the passes fail, or no gradient reaches a weight.
    """
    px = side or network.resolution
    call = call_of(network)
    module = build_factory(network).train()
    images = torch.rand(2, network.in_channels, px, px, generator=torch.Generator().manual_seed(0))
    with single_threaded(), report_failures(call, px, "in a training step "):
        logits = module(images)
        if not logits.requires_grad:
            raise InputError("has no weight that its logits depend on; training could change nothing")
        loss = functional.cross_entropy(logits, torch.tensor([0, network.classes - 1]))
        loss.backward()  # type: ignore[no-untyped-call]


@contextmanager
def report_failures(call: str, px: int, mode: str = "") -> Iterator[None]:
    """Report whatever a user's network raises as one `InputError` with its reason and place.

    Args:
        call: the call of the function, for the message.
        px: the side of the images.
        mode: when it failed, such as `in training `; empty: in eval.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"baseline {call}: {error}") from error
    except (Exception, SystemExit) as error:  # a user's network may raise anything
        reason = printable(describe_error(error, 260))
        raise InputError(f"baseline {call}: fails {mode}on an image of {px} px ({reason})") from error


def _check_logits(call: str, images: torch.Size, logits: object, mode: str, classes: int | None = None) -> None:
    """Raise `InputError` unless `logits` is a tensor (N, classes) for images of that shape."""
    count, channels, px, _ = images
    shape = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    is_right = isinstance(shape, tuple) and len(shape) == _LOGITS and shape == (count, classes or shape[1])
    if not is_right:
        raise InputError(
            f"baseline {call}: must turn images (N, {channels}, {px}, {px}) into logits (N, classes), "
            f"but {mode} it gives {shape}"
        )
