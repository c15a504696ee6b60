"""Compute class activation maps: the places of an image that speak for a class.

A network that ends in global average pooling and a linear layer has exact maps (Zhou et al. 2016, eq. 2): M_c(y, x)
= Σ_k w_kc · f_k(y, x), with f the map that is pooled and w the linear layer's weights. Grad-CAM (Selvaraju et al.
2017, eq. 1 and 2) weights f by the pooled gradients of the logit, which here are w / (H·W). So M / (H·W) is
Grad-CAM before its ReLU, and needs no backward pass. The network of a user's function gets Grad-CAM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from scalesearch.errors import InputError
from scalesearch.nets.blocks.ends import Classifier
from scalesearch.nets.convnet import ConvNet


def pooled_layer(network: ConvNet) -> nn.Module:
    """Return the block whose output is pooled: the head, or the last stage's last block where there is no head."""
    return list(network)[-2]


@torch.no_grad()
def class_maps(network: nn.Module, images_NCHW: Tensor, classes_N: Tensor) -> Tensor:
    """Return what each place adds to the logit of a class.

    Args:
        network: the network, in eval.
        images_NCHW: normalised, at the network's own side.
        classes_N: int64, the class of each image's map.

    Returns:
        Maps (N, h, w) at the side of the map that is pooled. A map's sum and the class's bias are its logit, so
            negative places speak against the class. Where the head normalises, the shift of the normalisation times
            the weights is part of that bias, and the map is no longer Grad-CAM's, which also differentiates the
            deviation. Where the head has a hidden layer, the logit is no sum over places, and the map is
            Grad-CAM's.
    """
    if not isinstance(network, ConvNet):
        return _last_feature_maps(network, images_NCHW, classes_N)
    *feature_blocks, classifier = network
    assert isinstance(classifier, Classifier)
    features_NCHW = images_NCHW
    for block in feature_blocks:
        features_NCHW = block(features_NCHW)
    height, width = features_NCHW.shape[2:]
    if not isinstance(classifier.hidden, nn.Identity):
        weights_NC = _gradients(classifier, features_NCHW.mean((2, 3)), classes_N)
        return torch.einsum("nchw,nc->nhw", features_NCHW, weights_NC) / (height * width)
    weights_NC = classifier.linear.weight[classes_N]
    if isinstance(classifier.norm, nn.LayerNorm):
        weights_NC = _through_norm(weights_NC, classifier.norm, features_NCHW.mean((2, 3)))
    return torch.einsum("nchw,nc->nhw", features_NCHW, weights_NC) / (height * width)


def _last_feature_maps(network: nn.Module, images_NCHW: Tensor, classes_N: Tensor) -> Tensor:
    """Return the Grad-CAM, before its ReLU, of the last feature map that a function's network computes.

    A feature map is a result (N, C, h, w) of more than one place, with the sides of a convolution's or a pooling's
    output. Where it is averaged and goes into a linear layer, the map is the same as for a network of stages.
    """
    with torch.enable_grad(), _FeatureMaps() as recorder:
        logits_NK = network(images_NCHW)
    if recorder.last is None or not recorder.last.requires_grad:
        raise InputError("has no feature map of a convolution that its logits depend on; cam needs one")
    with torch.enable_grad():
        logits_N = logits_NK.gather(1, classes_N[:, None])
        (gradients_NCHW,) = torch.autograd.grad(logits_N.sum(), recorder.last, allow_unused=True)
    if gradients_NCHW is None:
        raise InputError("has a last feature map that its logits do not depend on; cam needs one that they do")
    return torch.einsum("nchw,nc->nhw", recorder.last, gradients_NCHW.mean((2, 3))).detach()


class _FeatureMaps(TorchFunctionMode):
    """Keeps the last feature map while a network runs."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Tensor | None = None
        self._sides: set[torch.Size] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.dim() == _MAP_DIMENSIONS and result.shape[2:].numel() > 1:
            if re.search("conv|pool", getattr(func, "__name__", "")):
                self._sides.add(result.shape[2:])
            if result.shape[2:] in self._sides and result.is_floating_point():
                self.last = result
        return result


_MAP_DIMENSIONS = 4


def _gradients(classifier: Classifier, pooled_NC: Tensor, classes_N: Tensor) -> Tensor:
    """Return the gradients of each image's logit with respect to its pooled features."""
    with torch.enable_grad():
        pooled_NC = pooled_NC.requires_grad_()
        logits_N = classifier.logits_of(pooled_NC).gather(1, classes_N[:, None])
        (gradients_NC,) = torch.autograd.grad(logits_N.sum(), pooled_NC)
    return gradients_NC


def _through_norm(weights_NC: Tensor, norm: nn.LayerNorm, pooled_NC: Tensor) -> Tensor:
    """Return the weights that give the logit, except for a constant, from pooled features before normalisation.

    For an image's features m of mean μ and deviation σ, Σ w (γ (m − μ) / σ + β) = Σ (wγ − mean(wγ)) / σ · m + Σ wβ.
    The part that does not depend on the place, Σ wβ, joins the class's bias.
    """
    scaled_NC = weights_NC * norm.weight
    variance_N1 = pooled_NC.var(1, correction=0, keepdim=True)
    return (scaled_NC - scaled_NC.mean(1, keepdim=True)) / (variance_N1 + norm.eps).sqrt()
