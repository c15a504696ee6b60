"""Is an exported network the same network? Parameters, multiply-adds and outputs, each against our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from scalesearch.design.architecture import Architecture
from scalesearch.design.cost import cost
from scalesearch.errors import CountError
from scalesearch.nets.backbone import child_name
from scalesearch.nets.blocks.plain_parts import LayerScale, ResponseNorm
from scalesearch.nets.convnet import ConvNet

TOLERANCE = 1e-5
"""Largest difference of two logits, as a share of the largest logit where that is above 1."""
_CALIBRATION_PX = 64
_CALIBRATION_IMAGES = 8
_SCALES = (0.4, 0.35, 0.3, 0.25, 0.2)


@dataclass(frozen=True, slots=True)
class Proof:
    """What an export was found to share with the network that it was made from."""

    params: int
    macs: int
    difference: float
    """Of the logits, as a share of the largest one where that is above 1."""

    @property
    def words(self) -> str:
        """One clause for the terminal."""
        counts = f"{self.params:,} parameters, {self.macs:,} multiply-adds"
        logits = f"logits within {self.difference:.0e}" if self.difference else "equal logits"
        return f"{counts}, {logits} on random weights and statistics"


def seeded(architecture: Architecture, seed: int) -> ConvNet:
    """The network with torch's initial weights of that seed, in eval."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ConvNet(architecture).eval()


def scrambled(architecture: Architecture, seed: int = 0) -> ConvNet:
    """The network with random weights, scales, shifts and statistics, so that a swapped tensor changes the logits.

    Scales are the largest of `_SCALES` at which rounding errors do not grow over its layers: at .4 the float32 and
    float64 logits of a hundred layers can differ by a hundredth, and the export's would differ as much.
    """
    for largest in _SCALES:
        net = _scrambled(architecture, seed, largest)
        if _rounding_error(net, architecture) <= TOLERANCE / 4:
            break
    return net


def _rounding_error(net: ConvNet, architecture: Architecture) -> float:
    """Of the float32 logits, in shares as `TOLERANCE`; at a side other than that of the statistics."""
    side = min(architecture.resolution, _CALIBRATION_PX + 3)
    images_NCHW = torch.randn(2, architecture.in_channels, side, side, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        logits_NK, exact_NK = net(images_NCHW), deepcopy(net).double()(images_NCHW.double())
    return difference_of(exact_NK, logits_NK)


def _scrambled(architecture: Architecture, seed: int, largest: float) -> ConvNet:
    """Each batch norm takes statistics near those of what it sees, so that no signal fades.

    For the same reason a block without a normalisation gets weights that give its output a variance of one, layer
    by layer (LSUV: Mishkin & Matas 2016, arXiv 1511.06422).
    """
    net = seeded(architecture, seed)
    _restart_small_layers(net, seed)
    generator = torch.Generator().manual_seed(seed)

    def measure(norm: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        variance += 0.1 * mean**2 + 0.1 * variance.mean()  # a channel may be the same everywhere
        shifts, factors = torch.rand(2, norm.num_features, generator=generator)
        norm.running_mean = mean + 0.2 * variance.sqrt() * (shifts - 0.5)
        norm.running_var = variance * (0.75 + 0.5 * factors)

    def level(convolution: nn.Conv2d, _: tuple[Tensor, ...], output: Tensor) -> Tensor:
        assert convolution.bias is not None
        deviation = output.std(correction=0) + 1e-6
        convolution.weight /= deviation
        convolution.bias /= deviation
        return output / deviation

    side = min(architecture.resolution, _CALIBRATION_PX)
    hooks = []
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d | nn.LayerNorm | LayerScale | ResponseNorm):
                module.weight.uniform_(largest / 2, largest, generator=generator)
            if isinstance(module, nn.BatchNorm2d | nn.LayerNorm | ResponseNorm):
                module.bias.uniform_(-1, 1, generator=generator)
            if isinstance(module, nn.BatchNorm2d):
                hooks.append(module.register_forward_pre_hook(measure))
        for name in _without_norms(architecture):
            convolutions = [one for one in net.get_submodule(name).modules() if isinstance(one, nn.Conv2d)]
            hooks.extend(one.register_forward_hook(level) for one in convolutions)
        net(torch.randn(_CALIBRATION_IMAGES, architecture.in_channels, side, side, generator=generator))
    for hook in hooks:
        hook.remove()
    return net


def _without_norms(architecture: Architecture) -> Iterator[str]:
    """The names of the blocks of convolutions in which nothing is normalised."""
    for block in architecture.walk():
        if (
            block.kind != "classifier"
            and block.layers
            and not any(list(layer.normalised) for layer in block.layers)
        ):
            yield child_name(block.name)


def _restart_small_layers(net: nn.Module, seed: int) -> None:
    """Torch's initial weights where a block starts with biases of zero, whose order would not show."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None and not module.bias.any():
                module.reset_parameters()


def copied(ours: nn.Module, theirs: nn.Module) -> dict[str, Tensor]:
    """Our tensors under their names: layer by layer in order, every shape checked.

    A linear layer may be a 1×1 convolution there, as in timm's MobileNetV3.

    Raises:
        CountError: another number of tensors, or a tensor of another shape.
    """
    mine, yours = ours.state_dict(), theirs.state_dict()
    if len(mine) != len(yours):
        raise CountError(f"the exported network has {len(yours)} tensors, but ours {len(mine)}; please report it")
    for (name, tensor), (other, place) in zip(mine.items(), yours.items(), strict=True):
        if tensor.shape != place.shape and (*tensor.shape, 1, 1) != tuple(place.shape):
            raise CountError(
                f"the exported network's {other} is {tuple(place.shape)}, but our {name} is {tuple(tensor.shape)}; "
                "please report it"
            )
    return {name: tensor.reshape(yours[name].shape) for name, tensor in zip(yours, mine.values(), strict=True)}


def images_of(architecture: Architecture, count: int = 1) -> Tensor:
    """Random images (N, channels, px, px) at the network's own resolution."""
    channels, side = architecture.in_channels, architecture.resolution
    return torch.randn(count, channels, side, side, generator=torch.Generator().manual_seed(1))


def proven(architecture: Architecture, theirs: nn.Module, what: str) -> Proof:
    """Check a torch network that was built from an export.

    It gets the scrambled weights and statistics of ours, and both see one image at full resolution.

    Raises:
        CountError: another number of parameters or multiply-adds, or other logits.
    """
    ours = scrambled(architecture)
    theirs.load_state_dict(copied(ours, theirs))
    theirs.eval()
    images_NCHW = images_of(architecture)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        got = theirs(images_NCHW)
    params = sum(weights.numel() for weights in theirs.parameters())
    macs, odd = divmod(counter.get_total_flops(), 2)
    return agreed(architecture, ours, Found(params, macs + odd, lambda _: got), images_NCHW, what)


@dataclass(frozen=True, slots=True)
class Found:
    """What was counted in an exported network, and how to run it."""

    params: int
    macs: int
    run: Callable[[Tensor], Tensor]


def agreed(architecture: Architecture, ours: ConvNet, found: Found, images_NCHW: Tensor, what: str) -> Proof:
    """Compare an exported network that holds the weights of `ours` with it and with the closed form.

    Raises:
        CountError: they differ; the line says in what.
    """
    expected = cost(architecture)
    for name, wanted, got in (
        ("parameters", expected.params, found.params),
        ("multiply-adds", expected.macs, found.macs),
    ):
        if wanted != got:
            raise CountError(
                f"{what}: the export has {got} {name}, but the closed form counts {wanted}; please report it"
            )
    return Proof(found.params, found.macs, same_logits(ours, found.run, images_NCHW, what))


def same_logits(ours: nn.Module, run: Callable[[Tensor], Tensor], images_NCHW: Tensor, what: str) -> float:
    """The largest difference of two networks' logits, as a share of the largest one where that is above 1.

    Raises:
        CountError: it is above `TOLERANCE`.
    """
    with torch.no_grad():
        logits_NK, other_NK = ours(images_NCHW), run(images_NCHW)
    difference = difference_of(logits_NK, other_NK)
    if not difference <= TOLERANCE:  # also where it is not a number
        raise CountError(
            f"{what}: the exported network's logits differ by {difference:.1e} of the largest, above {TOLERANCE}; "
            "please report it"
        )
    return difference


def difference_of(logits_NK: Tensor, other_NK: Tensor) -> float:
    """The largest difference, as a share of the largest of `logits_NK` where that is above 1."""
    return float((logits_NK - other_NK).abs().max()) / max(1.0, float(logits_NK.abs().max()))


def same_features(ours: ConvNet, theirs: nn.Module, architecture: Architecture, what: str) -> None:
    """Check that two networks of equal weights give a decoder the same maps.

    Raises:
        CountError: other strides, channels or maps.
    """
    mine, yours = ours.features_only(), theirs.features_only()  # type: ignore[operator]  # a module's attribute
    side = min(architecture.resolution, _CALIBRATION_PX + 3)
    images_NCHW = torch.randn(2, architecture.in_channels, side, side, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        maps, others = mine(images_NCHW), yours(images_NCHW)
    same = (mine.strides, mine.channels) == (yours.strides, yours.channels)
    same = same and [one.shape for one in maps] == [other.shape for other in others]
    if not same or not all(difference_of(*pair) <= TOLERANCE for pair in zip(maps, others, strict=True)):
        raise CountError(f"{what}: the exported network's feature maps are others; please report it")
