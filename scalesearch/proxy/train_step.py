"""Take one optimiser step on a batch: op by op, or replayed as one CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy.augment import CropFlip, crop_flip, normalise
from scalesearch.proxy.tensors import TrainingData
from scalesearch.search.task import Recipe

WARM_UPS = 3
"""The number of steps taken op by op before one is captured: they create momenta and the workspaces of cuDNN and
cuBLAS."""
Step = Callable[..., Tensor]
"""A function of tensors on the device that takes a step and returns the loss."""


class TrainStep:
    """Takes optimiser steps on augmented batches of `data`, all of one size.

    A proxy's kernels are so small that a GPU waits for Python. On CUDA the steps of built-in networks are therefore
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

    def __call__(self, index_B: Tensor, crop_flips: CropFlip, rate: float) -> Tensor:
        """Take one step on the images `index_B` at learning rate `rate`.

        Return the loss before the step, still on the device.
        """
        if self._graph is None:
            self._set_rate(rate)
            return self._step(index_B, crop_flips)
        self._set_rate(self._graph.rate.fill_(rate))
        return self._graph.step(self._step_on_tensors, index_B, crop_flips.flip_N, crop_flips.shift_N2)

    def _set_rate(self, rate: float | Tensor) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def _step_on_tensors(self, index_B: Tensor, flip_B: Tensor, shift_B2: Tensor) -> Tensor:
        return self._step(index_B, CropFlip(flip_B, shift_B2))

    def _step(self, index_B: Tensor, crop_flips: CropFlip) -> Tensor:
        images_BCHW = normalise(crop_flip(self._data.train_images_NCHW, index_B, crop_flips, self._recipe.crop))
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
    """Captures a step as a CUDA graph after its warm-up, and replays it."""

    def __init__(self, device: torch.device) -> None:
        self.rate = torch.zeros((), device=device)
        """The learning rate, in the memory that the graph reads."""
        self._stream = _capture_stream(device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._num_warm_ups = 0

    def step(self, step: Step, *inputs: Tensor) -> Tensor:
        """Take one step, eagerly or by replaying the graph; the inputs have the same shapes each time."""
        if self._num_warm_ups < WARM_UPS:
            self._num_warm_ups += 1
            return self._run_eagerly(step, inputs)
        if self._graph is None:
            self._capture(step, inputs)
        assert self._graph is not None, "captured"
        for static, value in zip(self._inputs, inputs, strict=True):
            static.copy_(value)
        self._graph.replay()
        return self._loss.clone()

    def _run_eagerly(self, step: Step, inputs: tuple[Tensor, ...]) -> Tensor:
        """Run the step on the stream of the capture, where autograd's nodes must be created."""
        main = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(main)
        with torch.cuda.stream(self._stream):
            loss = step(*inputs)
        main.wait_stream(self._stream)
        return loss

    def _capture(self, step: Step, inputs: tuple[Tensor, ...]) -> None:
        """Capture a step without taking it."""
        self._inputs = [tensor.clone() for tensor in inputs]
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=self._stream):
            self._loss = step(*self._inputs)


@cache
def _capture_stream(device: torch.device) -> torch.cuda.Stream:
    """Return one stream for all trainings of a process: cuBLAS keeps a workspace for every stream that it has used.

    The workspace takes 65 MiB on an H100.
    """
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def precision(device: torch.device) -> torch.autocast:
    """Return bfloat16 autocast on CUDA, float32 elsewhere (without AMX, bfloat16 on a CPU is 8x slower)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
