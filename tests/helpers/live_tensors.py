"""What torch really keeps of a network's tensors: the peak of a forward pass, and what the backward pass needs."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scalesearch.design.architecture import Architecture
from scalesearch.nets.convnet import ConvNet


class Peak(TorchDispatchMode):
    """Counts the elements of all storages that are alive, operator by operator."""

    def __init__(self, known: set[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.known = known
        self.live = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        self.peak = max(self.peak, self.live)
        return out

    def _add(self, storage: Any) -> None:
        if storage._cdata not in self.known:
            self.known.add(storage._cdata)
            self.live += storage.nbytes() // 4
            weakref.finalize(storage, self._free, storage._cdata, storage.nbytes() // 4)

    def _free(self, key: int, elements: int) -> None:
        self.live -= elements
        self.known.discard(key)


def measured(network: Architecture, batch: int) -> int:
    built = ConvNet(network).eval()
    images = torch.zeros(batch, *network.image_shape)
    weights = {one.untyped_storage()._cdata for one in (*built.parameters(), *built.buffers())}
    with torch.no_grad(), Peak(weights) as counted:
        built(images)
    return int(counted.peak + images.numel())


def saved_elements(net: nn.Module, images_NCHW: Tensor) -> int:
    """Elements that autograd keeps for the backward pass, each storage once, without weights and buffers."""
    own = {one.untyped_storage().data_ptr() for one in [*net.parameters(), *net.buffers()]}
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        pointer = tensor.untyped_storage().data_ptr()
        if pointer not in own:
            kept[pointer] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = net(images_NCHW).sum()
    assert loss.requires_grad
    return sum(tensor.untyped_storage().nbytes() // tensor.element_size() for tensor in kept.values())
