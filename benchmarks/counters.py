"""Count B0 with every installed FLOP counter, explain each count, and print Markdown.

python benchmarks/counters.py

fvcore and torch are dependencies; for the others: pip install --no-deps ptflops thop torchinfo
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

from scalesearch.design.architecture import Architecture
from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost_breakdown import counter_totals, layer_costs
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.flops import fvcore_breakdown, torch_flops


class Counter(NamedTuple):
    """A counter has the count that it must report by the closed form, and what explains it."""

    package: str
    name: str
    expected: int
    words: str
    count: Callable[[Architecture], int]


def main() -> None:
    network = load_baseline("b0").architecture
    print("\n".join(HEAD))
    for counter in counters(network):
        if importlib.util.find_spec(counter.package) is None:
            print(f"{counter.name}: not installed")
            continue
        with contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            figure = counter.count(network)
        if figure != counter.expected:
            raise SystemExit(f"{counter.name} shows {figure}, but the sum is {counter.expected}")
        print(row(counter))
    packages = sorted({counter.package for counter in counters(network)})
    print(", ".join(f"{name} {version(name)}" for name in packages if importlib.util.find_spec(name)))


HEAD = ["| counter | figure | which is |", "|---|---|---|"]


def row(counter: Counter) -> str:
    """Return a line of the table."""
    return f"| {counter.name} | {counter.expected:,} | {counter.words} |"


def counters(network: Architecture) -> list[Counter]:
    """Return every counter with the sum that explains its count exactly."""
    costs = layer_costs(network)
    total, macs = counter_totals(costs), counter_totals(costs).macs
    layers = [layer for block in network.walk() for layer in block.layers]
    normalised = total.norms["batch_norm"] // 2
    biases = sum(layer.outputs for layer in layers if layer.bias)
    scales = sum(2 * layer.out_width for layer in layers if layer.norm)
    # The gates end in a sigmoid that is called as a function, which a counter of modules misses.
    activations = sum(
        layer.outputs for layer in layers if layer.activation and layer.role not in ("excite", "project")
    )
    seen = sum(layer.macs for layer in costs if layer.kind in ("conv", "linear"))
    return [
        Counter("torch", "the paper, scalesearch", macs, "multiply-adds", lambda net: torch_flops(net) // 2),
        Counter("torch", "torch `FlopCounterMode`", total.flops, "2 × multiply-adds", torch_flops),
        Counter("fvcore", "fvcore, eval", macs + 2 * normalised, f"+ 2 × {normalised:,} batch norm", _fvcore),
        Counter("fvcore", "fvcore, train", macs + 5 * normalised, "+ 5 × batch norm", _fvcore_train),
        Counter(
            "torchinfo", "torchinfo", macs + biases + scales, f"+ {biases + scales:,} biases, scales", _torchinfo
        ),
        Counter("ptflops", "ptflops, aten", macs + biases, f"+ {biases:,} biases", _aten),
        Counter(
            "ptflops",
            "ptflops, pytorch",
            macs + 2 * normalised + biases + activations,
            f"+ 2 × batch norm + biases + {activations:,} activations",
            lambda net: _ptflops(_with_plain_convs(net), net, "pytorch"),
        ),
        Counter(
            "thop",
            "thop",
            macs + 4 * normalised,
            "+ 4 × batch norm",
            lambda net: _thop(_with_plain_convs(net), net),
        ),
        Counter(
            "thop",
            "thop, our classes",
            seen + 4 * normalised,
            "the same, blind to 80 convolutions of a class of their own",
            lambda net: _thop(_built(net), net),
        ),
    ]


def _fvcore(network: Architecture) -> int:
    return fvcore_breakdown(network).total


def _fvcore_train(network: Architecture) -> int:
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    # fvcore counts batch norm by whether the traced operator trains; two images, as one cannot be normalised.
    analysis = FlopCountAnalysis(ConvNet(network).train(), _image(network, 2))
    return int(analysis.unsupported_ops_warnings(False).total()) // 2


def _image(network: Architecture, count: int = 1) -> torch.Tensor:
    return torch.zeros(count, 3, network.side, network.side)


def _built(network: Architecture) -> nn.Module:
    return ConvNet(network).eval()


def _with_plain_convs(network: Architecture) -> nn.Module:
    """Return the network with torch's convolution class in place of this package's faster ones."""
    built = _built(network)
    for module in built.modules():
        if isinstance(module, nn.Conv2d):
            module.__class__ = nn.Conv2d
    return built


def _aten(network: Architecture) -> int:
    return _ptflops(_built(network), network, "aten")


def _ptflops(built: nn.Module, network: Architecture, backend: str) -> int:
    from ptflops import get_model_complexity_info

    px, options = network.resolution, {"as_strings": False, "print_per_layer_stat": False, "backend": backend}
    complexity: Any = get_model_complexity_info(built, (3, px, px), **options)
    return int(complexity[0])


def _thop(built: nn.Module, network: Architecture) -> int:
    from thop import profile

    return int(profile(built, inputs=(_image(network),), verbose=False)[0])


def _torchinfo(network: Architecture) -> int:
    from torchinfo import summary

    return int(summary(_built(network), input_data=_image(network), verbose=0).total_mult_adds)


if __name__ == "__main__":
    main()
