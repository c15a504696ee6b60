"""Train a U-Net on any backbone to segment the fractal in a scene: `python docs/examples/unet.py [NETWORK]`.

NETWORK is the name of a baseline or member, a baseline file, or weights that scalesearch has written.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from scalesearch.design.networks import load_network
from scalesearch.nets.backbone import Backbone
from scalesearch.nets.convnet import ConvNet
from scalesearch.nets.weights import read_weights
from scalesearch.proxy.augment import normalise
from scalesearch.proxy.scenes import masked_scenes
from scalesearch.search.scenes import SceneRecipe

SCENES = SceneRecipe(classes=10, train=300, val=100, distractors=0, noise=128)
PX = 40
STEPS, BATCH = 150, 16


class EfficientUNet(nn.Module):
    """The U-Net maps images (N, 3, H, W) to a logit for each pixel (N, classes, H, W).

    The decoder follows Ronneberger et al. 2015 (arXiv 1505.04597). From the coarsest map on, it enlarges each map
    to the side of the next finer one, concatenates both, and convolves twice. The finest map is the image itself.
    """

    def __init__(self, backbone: Backbone, classes: int = 1) -> None:
        super().__init__()
        self.backbone = backbone
        *finer, inputs = 3, *backbone.channels
        self.steps = nn.ModuleList()
        for skip in reversed(finer):
            width = max(8, skip)
            self.steps.append(nn.Sequential(_conv(inputs + skip, width), _conv(width, width)))
            inputs = width
        self.classify = nn.Conv2d(inputs, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits at the resolution of the images."""
        *finer, features = images, *self.backbone(images)
        for step, skip in zip(self.steps, reversed(finer), strict=True):
            features = step(torch.cat((_enlarge(features, skip), skip), 1))
        return self.classify(features)


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.SiLU())


def _enlarge(features: Tensor, target: Tensor) -> Tensor:
    return F.interpolate(features, size=target.shape[2:], mode="bilinear", align_corners=False)


def scenes(val: bool) -> tuple[Tensor, Tensor]:
    """Return normalised images (N, 3, PX, PX), and masks (N, 1, PX, PX) that are 1.0 on the labelled fractal."""
    images, masks = masked_scenes(SCENES, PX, val)
    return normalise(torch.from_numpy(images).permute(0, 3, 1, 2)), torch.from_numpy(masks).float()[:, None]


def trained(network: EfficientUNet, steps: int = STEPS) -> EfficientUNet:
    """Train the network on the masks by binary cross-entropy, with AdamW and one learning-rate cycle."""
    images, masks = scenes(val=False)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    generator = torch.Generator().manual_seed(0)
    network.train()
    for _ in range(steps):
        batch = torch.randint(len(images), (BATCH,), generator=generator)
        loss = F.binary_cross_entropy_with_logits(network(images[batch]), masks[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
    return network.eval()


@torch.no_grad()
def overlap(predicted: Tensor, masks: Tensor) -> float:
    """Return the intersection over union of all pixels."""
    target = masks.bool()
    return float((predicted & target).sum() / (predicted | target).sum())


def main(name: str = "tiny", steps: int = STEPS) -> float:
    """Train a U-Net on the network, and print its intersection over union on unseen scenes."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if Path(name).suffix == ".safetensors":
        backbone = read_weights(Path(name)).network().features_only()
    else:
        backbone = ConvNet(load_network(name).architecture).features_only()
    print(f"{name}: strides {backbone.strides}, channels {backbone.channels}")
    network = trained(EfficientUNet(backbone), steps)
    images, masks = scenes(val=True)
    with torch.no_grad():
        score = overlap(network(images) > 0, masks)
    bright = overlap(images.mean(1, keepdim=True) > images.mean(), masks)
    print(f"intersection over union {score:.3f}; whatever is brighter than the mean {bright:.3f}")
    return score


if __name__ == "__main__":
    main(*sys.argv[1:])
