"""A user's own network: a Python function that builds it, and what fvcore counts of what it builds."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import torch
from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis
from torch import nn

from scalesearch.design.architecture import IN_CHANNELS
from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import InputError, printable
from scalesearch.nets.threads import one_thread

MULTIPLY_ADDS = ("conv", "linear", "addmm", "matmul", "bmm", "baddbmm", "einsum")
"""fvcore's operators that consist of multiply-adds."""

_ARGUMENTS = ("depth", "width", "resolution")
_LOGITS = 2


@dataclass(frozen=True, slots=True)
class Factory:
    """A function `build(depth, width, resolution) -> nn.Module` that was found."""

    name: str
    """`package.module:function`."""
    build: Callable[..., nn.Module]
    resolution: int
    """Side (px) of the unscaled network: the default of the function's own argument."""
    fingerprint: str
    """SHA-256 (hex) of the source of its module."""
    in_channels: int = 3
    """Of the images: the default of the function's argument of that name, where it has one."""


@lru_cache
def load_factory(name: str) -> Factory:
    """Import the function; modules in the working folder are found too.

    Raises:
        InputError: no such module or function, or it does not take depth, width and resolution.
    """
    module_name, _, function = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
        build = getattr(module, function)
        known = inspect.signature(build).parameters
    except (Exception, SystemExit) as error:  # a user's module raises what it likes
        raise InputError(f"baseline {name!r}: cannot be imported ({_reason(error)})") from error
    missing = [one for one in _ARGUMENTS if one not in known]
    if missing:
        raise InputError(
            f"baseline {name!r}: {function} does not take {', '.join(missing)}; it must be a function of "
            "depth=1.0, width=1.0, resolution=224 that returns a torch module"
        )
    px = known["resolution"].default
    if type(px) is not int or not 1 <= px <= 16384:
        raise InputError(
            f"baseline {name!r}: the argument resolution has no whole number of px as its default; give the "
            "unscaled network's, as in resolution=224"
        )
    channels = known["in_channels"].default if "in_channels" in known else 3
    if channels not in IN_CHANNELS:
        raise InputError(
            f"baseline {name!r}: the argument in_channels has the default {printable(repr(channels))}, but images "
            "have 1 (grey), 3 (RGB) or 4 (RGBA); give one of these"
        )
    source = getattr(module, "__file__", None)
    content = Path(source).read_bytes() if source else name.encode()
    return Factory(name, build, px, hashlib.sha256(content).hexdigest(), channels)


def build_factory(network: FactoryNetwork) -> nn.Module:
    """The module that the function builds for the network's multipliers.

    Raises:
        InputError: the function fails, or gives no torch module.
    """
    return _build(load_factory(network.factory), network.depth, network.width, network.resolution)


def _build(factory: Factory, depth: Decimal, width: Decimal, px: int) -> nn.Module:
    call = f"{factory.name}(depth={depth:f}, width={width:f}, resolution={px})"
    try:
        module = factory.build(depth=float(depth), width=float(width), resolution=px)
    except (Exception, SystemExit) as error:  # a user's function raises what it likes
        raise InputError(f"baseline {call}: fails ({_reason(error)})") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"baseline {call}: gives a {type(module).__name__}, but must give a torch module")
    return module


def count_factory(factory: Factory, depth: Decimal, width: Decimal, px: int) -> FactoryNetwork:
    """Build and count one network: fvcore at batch 1 on the CPU, in eval, without gradients.

    Multiply-adds are those of convolutions, linear layers and matrix products.

    Raises:
        InputError: the function fails, or its network does not turn images (N, in_channels, px, px) into logits.
    """
    module = _build(factory, depth, width, px).eval()
    image = torch.zeros(1, factory.in_channels, px, px)
    call = f"{factory.name}(depth={depth:f}, width={width:f}, resolution={px})"
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    with torch.no_grad(), one_thread():
        try:
            logits = module(image)
            operations = FlopCountAnalysis(module, image).by_operator()
            activations = ActivationCountAnalysis(module, image).total()
        except (Exception, SystemExit) as error:  # a user's network raises what it likes
            raise InputError(f"baseline {call}: fails on an image of {px} px ({_reason(error)})") from error
    if not isinstance(logits, torch.Tensor) or logits.dim() != _LOGITS:
        raise InputError(
            f"baseline {call}: must turn images (N, {factory.in_channels}, {px}, {px}) into logits (N, classes)"
        )
    macs = sum(int(operations[name]) for name in MULTIPLY_ADDS)
    if macs == 0:
        raise InputError(
            f"baseline {call}: has no convolution, linear layer or matrix product, so nothing to scale"
        )
    params = sum(weights.numel() for weights in module.parameters() if weights.requires_grad)
    counted = logits.shape[1], macs, params, int(activations)
    return FactoryNetwork(factory.name, depth, width, px, *counted, factory.in_channels)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    return printable(f"{type(error).__name__}: {text}" if text else type(error).__name__)
