"""Compute class activation maps: the places of an image that speak for a class.

A network that ends in global average pooling and a linear layer has exact maps (Zhou et al. 2016, eq. 2): M_c(y, x)
= Σ_k w_kc · f_k(y, x), with f the map that is pooled and w the linear layer's weights. Grad-CAM (Selvaraju et al.
2017, eq. 1 and 2) weights f by the pooled gradients of the logit, which here are w / (H·W). So M / (H·W) is
Grad-CAM before its ReLU, and needs no backward pass.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scalesearch.nets.blocks.ends import Classifier
from scalesearch.nets.convnet import ConvNet


def pooled_layer(network: ConvNet) -> nn.Module:
    """Return the block whose output is pooled: the head, or the last stage's last block where there is no head."""
    return list(network)[-2]


@torch.no_grad()
def class_maps(network: ConvNet, images_NCHW: Tensor, classes_N: Tensor) -> Tensor:
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
