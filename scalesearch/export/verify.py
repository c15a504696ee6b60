"""Verification that an exported network equals ours: its parameters, multiply-adds and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.errors import CountError
from scalesearch.nets.backbone import child_name
from scalesearch.nets.blocks.plain_parts import LayerScale, ResponseNorm
from scalesearch.nets.build import build
from scalesearch.nets.convnet import ConvNet

TOLERANCE = 1e-5
"""The largest difference of two logits, as a fraction of the largest logit if that is above 1."""
_CALIBRATION_PX = 64
"""The resolution at which statistics of normalisations are measured."""
_CALIBRATION_IMAGES = 8
_SCALES = (0.4, 0.35, 0.3, 0.25, 0.2)
"""Largest scales of normalisations, tried in this order."""


@dataclass(frozen=True, slots=True)
class EquivalenceReport:
    """The parameters, multiply-adds and logits that an export shares with the original network."""

    params: int | None
    macs: int | None
    """None: the counts of the export are not known, only its logits were compared."""
    difference: float
    """The difference of the logits, as a fraction of the largest one if that is above 1."""

    @property
    def words(self) -> str:
        """One clause for the terminal."""
        counts = "" if self.macs is None else f"{self.params:,} parameters, {self.macs:,} multiply-adds, "
        logits = f"logits within {self.difference:.0e}" if self.difference else "equal logits"
        return f"{counts}{logits} on random weights and statistics"


def seeded(network: Network, seed: int) -> nn.Module:
    """Return the network in eval mode, with torch's initial weights of that seed.

    Raises:
        InputError: a user's own function fails.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(network).eval()


def randomized_function(network: FactoryNetwork, seed: int = 0) -> nn.Module:
    """Return a function's network with random weights and statistics: swapped tensors change its logits.

    Its weights are the function's own. Tensors of equal values, such as the scales and shifts of a normalisation,
    get noise, and so do the statistics of batch norm.

    Raises:
        InputError: the function fails.
    """
    module, generator = seeded(network, seed), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in module.parameters():
            if weights.is_floating_point() and weights.numel() and (weights == weights.flatten()[0]).all():
                weights.add_(0.2 * torch.rand(weights.shape, generator=generator) - 0.1)
        for norm in module.modules():
            if isinstance(norm, _BatchNorm) and norm.running_mean is not None and norm.running_var is not None:
                norm.running_mean.add_(0.2 * torch.rand(norm.running_mean.shape, generator=generator) - 0.1)
                norm.running_var.mul_(0.75 + 0.5 * torch.rand(norm.running_var.shape, generator=generator))
    return module


def randomized(architecture: Architecture, seed: int = 0) -> ConvNet:
    """Return the network with random weights, scales, shifts and statistics: swapped tensors change its logits.

    Its scales are the largest of `_SCALES` at which rounding errors do not grow over the layers. With scales of 0.4
    the float32 and float64 logits of a hundred layers can differ by a hundredth, and the logits of the export would
    differ as much.
    """
    for max_scale in _SCALES:
        network = _randomize(architecture, seed, max_scale)
        if _rounding_error(network, architecture) <= TOLERANCE / 4:
            break
    return network


def _rounding_error(network: ConvNet, architecture: Architecture) -> float:
    """Return the error of the float32 logits, as a fraction like `TOLERANCE`.

    The side differs from the one at which the statistics were measured.
    """
    images_NCHW = _small_images(architecture, 2, _CALIBRATION_PX + 3, torch.Generator().manual_seed(2))
    with torch.no_grad():
        logits_NK, exact_NK = network(images_NCHW), deepcopy(network).double()(images_NCHW.double())
    return difference_of(exact_NK, logits_NK)


def _small_images(architecture: Architecture, count: int, px: int, generator: torch.Generator) -> Tensor:
    """Return random images (N, channels, height, width) of the network's size, but with sides of at most `px`."""
    channels, *sides = architecture.image_shape
    return torch.randn(count, channels, *(min(side, px) for side in sides), generator=generator)


def _randomize(architecture: Architecture, seed: int, max_scale: float) -> ConvNet:
    """Return the network with statistics of batch norm close to those of its inputs, so that no signal fades.

    For the same reason a block without a normalisation gets weights that give its outputs a variance of one, layer
    by layer (LSUV: Mishkin & Matas 2016, arXiv 1511.06422).
    """
    network = seeded(architecture, seed)
    assert isinstance(network, ConvNet)
    _restart_zero_biases(network, seed)
    generator = torch.Generator().manual_seed(seed)

    def set_statistics(norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        variance += 0.1 * mean**2 + 0.1 * variance.mean()  # a channel may be constant
        shifts, factors = torch.rand(2, norm.num_features, generator=generator)
        norm.running_mean = mean + 0.2 * variance.sqrt() * (shifts - 0.5)
        norm.running_var = variance * (0.75 + 0.5 * factors)

    def normalise(convolution: nn.Conv2d, _: tuple[Tensor, ...], output: Tensor) -> Tensor:
        assert convolution.bias is not None
        deviation = output.std(correction=0) + 1e-6
        convolution.weight /= deviation
        convolution.bias /= deviation
        return output / deviation

    hooks = []
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d | nn.LayerNorm | LayerScale | ResponseNorm):
                module.weight.uniform_(max_scale / 2, max_scale, generator=generator)
            if isinstance(module, nn.BatchNorm2d | nn.LayerNorm | ResponseNorm):
                module.bias.uniform_(-1, 1, generator=generator)
            if isinstance(module, nn.BatchNorm2d):
                hooks.append(module.register_forward_pre_hook(set_statistics))
        for name in _without_norms(architecture):
            convolutions = [
                module for module in network.get_submodule(name).modules() if isinstance(module, nn.Conv2d)
            ]
            hooks.extend(convolution.register_forward_hook(normalise) for convolution in convolutions)
        network(_small_images(architecture, _CALIBRATION_IMAGES, _CALIBRATION_PX, generator))
    for hook in hooks:
        hook.remove()
    return network


def _without_norms(architecture: Architecture) -> Iterator[str]:
    """Yield the names of the blocks of convolutions that have no normalisation."""
    for block in architecture.walk():
        if (
            block.kind != "classifier"
            and block.layers
            and not any(list(layer.normalised) for layer in block.layers)
        ):
            yield child_name(block.name)


def _restart_zero_biases(network: nn.Module, seed: int) -> None:
    """Give torch's initial weights to layers whose biases are all zero, because equal biases hide a swap."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None and not module.bias.any():
                module.reset_parameters()


def transfer_weights(original: nn.Module, exported: nn.Module) -> dict[str, Tensor]:
    """Return our tensors under the names of the exported network: in order, with every shape checked.

    A linear layer may be a 1×1 convolution there, as in timm's MobileNetV3.

    Raises:
        CountError: the number of tensors differs, or the shape of a tensor.
    """
    tensors, targets = original.state_dict(), exported.state_dict()
    if len(tensors) != len(targets):
        raise CountError(
            f"the exported network has {len(targets)} tensors, but ours {len(tensors)}; please report it"
        )
    for (name, tensor), (target_name, target) in zip(tensors.items(), targets.items(), strict=True):
        if tensor.shape != target.shape and (*tensor.shape, 1, 1) != tuple(target.shape):
            raise CountError(
                f"the exported network's {target_name} is {tuple(target.shape)}, "
                f"but our {name} is {tuple(tensor.shape)}; please report it"
            )
    return {
        name: tensor.reshape(targets[name].shape) for name, tensor in zip(targets, tensors.values(), strict=True)
    }


def images_of(network: Network, count: int = 1) -> Tensor:
    """Return random images (N, channels, height, width) at the network's own resolution."""
    return torch.randn(count, *network.image_shape, generator=torch.Generator().manual_seed(1))


def check_equivalent(architecture: Architecture, exported: nn.Module, label: str) -> EquivalenceReport:
    """Verify a torch network that was built from an export.

    It gets the randomized weights and statistics of our network. Both process one image at full resolution.

    Args:
        architecture: the original network.
        exported: the network that was built from the export.
        label: the name of the network, for messages.

    Raises:
        CountError: the parameters, the multiply-adds or the logits differ.
    """
    original = randomized(architecture)
    exported.load_state_dict(transfer_weights(original, exported))
    exported.eval()
    images_NCHW = images_of(architecture)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        logits_NK = exported(images_NCHW)
    params = sum(weights.numel() for weights in exported.parameters())
    macs, remainder = divmod(counter.get_total_flops(), 2)
    return compare_counts_and_logits(
        architecture, original, CountedModel(params, macs + remainder, lambda _: logits_NK), images_NCHW, label
    )


@dataclass(frozen=True, slots=True)
class CountedModel:
    """The counts of an exported network, and how to run it."""

    params: int
    macs: int
    run: Callable[[Tensor], Tensor]


def compare_counts_and_logits(
    network: Network, original: nn.Module, exported: CountedModel, images_NCHW: Tensor, label: str
) -> EquivalenceReport:
    """Compare an exported network with `original`, whose weights it has, and with the network's own counts.

    Raises:
        CountError: the counts or the logits differ; the message says which.
    """
    costs = cost(network)
    source = "the function's network has" if isinstance(network, FactoryNetwork) else "the closed form counts"
    for name, expected, count in (
        ("parameters", costs.params, exported.params),
        ("multiply-adds", costs.macs, exported.macs),
    ):
        if expected != count:
            raise CountError(f"{label}: the export has {count} {name}, but {source} {expected}; please report it")
    return EquivalenceReport(
        exported.params, exported.macs, compare_logits(original, exported.run, images_NCHW, label)
    )


def compare_logits(original: nn.Module, run: Callable[[Tensor], Tensor], images_NCHW: Tensor, label: str) -> float:
    """Return the largest difference of two networks' logits, as a fraction of the largest one if that is above 1.

    Raises:
        CountError: the difference is above `TOLERANCE`.
    """
    with torch.no_grad():
        logits_NK, other_NK = original(images_NCHW), run(images_NCHW)
    difference = difference_of(logits_NK, other_NK)
    if not difference <= TOLERANCE:  # also if it is NaN
        raise CountError(
            f"{label}: the exported network's logits differ by {difference:.1e} of the largest, above {TOLERANCE}; "
            "please report it"
        )
    return difference


def difference_of(logits_NK: Tensor, other_NK: Tensor) -> float:
    """Return the largest difference, as a fraction of the largest of `logits_NK` if that is above 1."""
    return float((logits_NK - other_NK).abs().max()) / max(1.0, float(logits_NK.abs().max()))


def same_features(original: ConvNet, exported: nn.Module, architecture: Architecture, label: str) -> None:
    """Check that two networks with equal weights return the same feature maps.

    Raises:
        CountError: the strides, channels or maps differ.
    """
    backbone, exported_backbone = original.features_only(), exported.features_only()  # type: ignore[operator]  # a module's attribute
    images_NCHW = _small_images(architecture, 2, _CALIBRATION_PX + 3, torch.Generator().manual_seed(3))
    with torch.no_grad():
        maps, exported_maps = backbone(images_NCHW), exported_backbone(images_NCHW)
    equal = (backbone.strides, backbone.channels) == (exported_backbone.strides, exported_backbone.channels)
    equal = equal and [map_.shape for map_ in maps] == [other.shape for other in exported_maps]
    if not equal or not all(difference_of(*pair) <= TOLERANCE for pair in zip(maps, exported_maps, strict=True)):
        raise CountError(f"{label}: the exported network's feature maps are others; please report it")
