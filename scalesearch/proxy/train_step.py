"""One step of descent on a batch: op by op, or replayed as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy.augment import CropFlip, normalise, take
from scalesearch.proxy.tensors import TrainingData
from scalesearch.search.task import Recipe

WARM_UPS = 3
"""Steps taken op by op before one is captured: momenta come to be, and cuDNN and cuBLAS get their workspaces."""
Step = Callable[..., Tensor]
"""Tensors on the device → the loss."""


class TrainStep:
    """Steps on batches of `data`, augmented, all of one size.

    A proxy's kernels are so small that a GPU waits for Python. On CUDA the steps of our own networks are therefore
    captured, from the gather of the images to the update of the weights, and replayed (`torch.cuda.CUDAGraph`): the
    same kernels on the same memory. A user's own network may branch or wait for the GPU, so it runs op by op.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        data: TrainingData,
        recipe: Recipe,
        device: torch.device,
    ) -> None:
        self._model, self._optimizer, self._data, self._recipe, self._device = (
            model,
            optimizer,
            data,
            recipe,
            device,
        )
        self._graph = StepGraph(device) if device.type == "cuda" and isinstance(model, ConvNet) else None

    def __call__(self, index_B: Tensor, moves: CropFlip, rate: float) -> Tensor:
        """One step on the images `index_B` at learning rate `rate`; the loss before it, still on the device."""
        if self._graph is None:
            self._set_rate(rate)
            return self._step(index_B, moves)
        self._set_rate(self._graph.rate.fill_(rate))
        return self._graph.step(self._moved_step, index_B, moves.flip_N, moves.shift_N2)

    def _set_rate(self, rate: float | Tensor) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def _moved_step(self, index_B: Tensor, flip_B: Tensor, shift_B2: Tensor) -> Tensor:
        return self._step(index_B, CropFlip(flip_B, shift_B2))

    def _step(self, index_B: Tensor, moves: CropFlip) -> Tensor:
        images_BCHW = normalise(take(self._data.train_images_NCHW, index_B, moves, self._recipe.crop))
        labels_B = self._data.train_labels_N[index_B]
        self._optimizer.zero_grad(set_to_none=True)
        with precision(self._device):
            logits_BK = self._model(images_BCHW)
            smoothing = float(self._recipe.label_smoothing)
            loss = F.cross_entropy(logits_BK, labels_B, label_smoothing=smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return loss.detach()


class StepGraph:
    """A step that is captured once it is warm."""

    def __init__(self, device: torch.device) -> None:
        self.rate = torch.zeros((), device=device)
        """The learning rate, where the graph reads it."""
        self._stream = _stream(device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._warm = 0

    def step(self, step: Step, *inputs: Tensor) -> Tensor:
        """One step, whichever way; the inputs have the same shapes each time."""
        if self._warm < WARM_UPS:
            self._warm += 1
            return self._beside(step, inputs)
        if self._graph is None:
            self._capture(step, inputs)
        assert self._graph is not None, "captured"
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        self._graph.replay()
        return self._loss.clone()

    def _beside(self, step: Step, inputs: tuple[Tensor, ...]) -> Tensor:
        """On the stream of the capture, where autograd's nodes must live."""
        main = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(main)
        with torch.cuda.stream(self._stream):
            loss = step(*inputs)
        main.wait_stream(self._stream)
        return loss

    def _capture(self, step: Step, inputs: tuple[Tensor, ...]) -> None:
        """Record a step without taking it."""
        self._inputs = [one.clone() for one in inputs]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=self._stream):
            self._loss = step(*self._inputs)


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """One for all trainings of a process: cuBLAS keeps a workspace (65 MiB on an H100) for every stream it met."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def precision(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA; float32 elsewhere (without AMX, bfloat16 on a CPU is 8x slower)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
