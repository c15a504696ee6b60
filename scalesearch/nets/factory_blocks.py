"""Count the blocks of a Python function's network: the submodules of its module, as the forward pass calls them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scalesearch.design.explain import StageContribution
from scalesearch.design.factory import FactoryNetwork
from scalesearch.nets.factory import build_factory, call_of, report_failures
from scalesearch.nets.multiply_adds import MultiplyAddCounter, count_forward
from scalesearch.nets.threads import single_threaded

OUTSIDE = "(outside)"
"""The name of what a network multiplies outside of its submodules, such as by `functional.linear`."""


@dataclass(slots=True)
class BlockCount:
    """A block count is what one submodule of a network multiplies, and the sizes that it sees."""

    name: str
    """The name of the submodule, such as `stages.0`."""
    kind: str
    """The class of the submodule; empty outside of the submodules."""
    layers: int = 0
    """The convolutions and linear layers in it."""
    channels: int = 0
    """The size of dimension 1 of its output, (N, channels, …)."""
    px: int = 0
    """The last dimension of its input (N, channels, h, w); 1 for (N, channels)."""
    macs: int = 0


def count_blocks(network: FactoryNetwork) -> dict[str, BlockCount]:
    """Return the blocks by name, in the order in which the forward pass first calls them.

    A block is a submodule of the network's module. Lists of modules, and a submodule that is the only one, are
    replaced by what they hold. A list of modules is never called itself, so its items are the blocks.

    Raises:
        InputError: the function or its network fails.
    """
    module, px = build_factory(network).eval(), network.resolution
    called: dict[str, BlockCount] = {}
    with MultiplyAddCounter() as counter:
        for name, block in _blocks(module):
            _watch(name, block, counter, called)
        image = torch.rand(1, network.in_channels, px, px, generator=torch.Generator().manual_seed(0))
        with single_threaded(), report_failures(call_of(network), px):
            count_forward(module, image)
    inside = sum(block.macs for block in called.values())
    if inside != counter.macs:
        called[OUTSIDE] = BlockCount(OUTSIDE, "", macs=counter.macs - inside)
    return {name: block for name, block in called.items() if block.layers or block.macs}


def _blocks(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    children = list(module.named_children())
    for name, child in children:
        is_list = isinstance(child, nn.ModuleList | nn.ModuleDict)
        if is_list or (len(children) == 1 and list(child.children())):
            yield from _blocks(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child


def _watch(name: str, block: nn.Module, counter: MultiplyAddCounter, called: dict[str, BlockCount]) -> None:
    """Record, at every call of the block, its sizes and the multiply-adds that it adds to the counter."""
    layers = sum(isinstance(layer, nn.Linear | nn.modules.conv._ConvNd) for layer in block.modules())
    before: list[int] = []

    def begin(_block: nn.Module, inputs: tuple[object, ...]) -> None:
        before.append(counter.macs)
        count = called.setdefault(name, BlockCount(name, type(block).__name__, layers))
        if inputs and isinstance(inputs[0], Tensor):
            count.px = inputs[0].shape[-1] if inputs[0].ndim > _FLAT else 1

    def end(_block: nn.Module, _inputs: tuple[object, ...], output: object) -> None:
        called[name].macs += counter.macs - before.pop()
        if isinstance(output, Tensor) and output.ndim >= _FLAT:
            called[name].channels = output.shape[1]

    block.register_forward_pre_hook(begin)
    block.register_forward_hook(end)


_FLAT = 2
"""The number of dimensions of features without places, (N, channels)."""


def contributions(steps: tuple[FactoryNetwork, ...]) -> tuple[StageContribution, ...]:
    """Return what depth, width and resolution add to each block, in this order.

    Args:
        steps: the baseline, with the member's depth, with its width too, and the member.

    Raises:
        InputError: the function or one of the networks fails.
    """
    counts = [count_blocks(step) for step in steps]
    before, after = counts[0], counts[-1]
    names = list(after) + [name for name in before if name not in after]
    rows = []
    for name in names:
        old, new = before.get(name, BlockCount(name, "")), after.get(name, BlockCount(name, ""))
        macs = [count[name].macs if name in count else 0 for count in counts]
        rows.append(
            StageContribution(
                name,
                new.kind or old.kind,
                (old.layers, new.layers),
                (old.channels, new.channels),
                (old.px, new.px),
                macs[0],
                *(macs[i + 1] - macs[i] for i in range(3)),
            )
        )
    return tuple(rows)
