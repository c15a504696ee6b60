"""The networks that authors published as a family, where no multipliers of the smallest give the others.

Radosavovic et al. 2020 (arXiv 2003.13678) found each RegNet by a search of its own, so its depths, widths and group
width are its own. The authors of ConvNeXt and MobileNetV4 chose depths and widths by stage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from scalesearch.design.architecture import Stage
from scalesearch.design.baselines import load_baseline
from scalesearch.design.family import has_published, published
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError


@dataclass(frozen=True, slots=True)
class PublishedSizes:
    """The sizes of a published network by stage; all else is as in the baseline of its family."""

    name: str
    depths: tuple[int, ...]
    widths: tuple[int, ...]
    group_width: int | None = None


_SHIPPED = {"efficientnet_v2_s": ("efficientnet_v2_m", "efficientnet_v2_l")}
"""Families whose larger networks are baselines too."""
_V4_SMALL, _V4_MEDIUM, _V4_LARGE = (f"mobilenet_v4_conv_{size}" for size in ("small", "medium", "large"))

# MNv4-Conv-L: Qin et al. 2024 (arXiv 2404.10518), timm `_gen_mobilenet_v4`. Each row of universal inverted
# bottlenecks has the kernel before the expansion, the one after it (1: none), stride, width and layers.
_V4_LARGE_ROWS = (
    (3, 5, 2, 96, 1),
    (3, 3, 1, 96, 1),
    (3, 5, 2, 192, 1),
    (3, 3, 1, 192, 3),
    (3, 5, 1, 192, 1),
    (5, 3, 1, 192, 5),
    (3, 1, 1, 192, 1),
    (5, 5, 2, 512, 4),
    (5, 1, 1, 512, 1),
    (5, 3, 1, 512, 1),
    (5, 1, 1, 512, 2),
    (5, 3, 1, 512, 1),
    (5, 5, 1, 512, 1),
    (5, 1, 1, 512, 3),
)
_V4_LARGE_STEM, _V4_LARGE_PX, _V4_LARGE_EXPANSION = 24, 384, 4

# RegNets: the paper's Figures 15 and 16, pycls `configs/dds_baselines`. pycls rounds a width to the nearest whole
# groups; torchvision drops at most 10 %, so that its widths, and those of `regnety_8gf`, are partly a group larger.
# ConvNeXt: Liu et al. 2022 (arXiv 2201.03545), section 3; ConvNeXt V2: Woo et al. 2023 (arXiv 2301.00808),
# section A.1; femto to nano of the first are timm's (`convnext.py`).
_SIZES = {
    "regnetx_400mf": (
        PublishedSizes("regnetx_600mf", (1, 3, 5, 7), (48, 96, 240, 528), 24),
        PublishedSizes("regnetx_800mf", (1, 3, 7, 5), (64, 128, 288, 672), 16),
        PublishedSizes("regnetx_1.6gf", (2, 4, 10, 2), (72, 168, 408, 912), 24),
        PublishedSizes("regnetx_3.2gf", (2, 6, 15, 2), (96, 192, 432, 1008), 48),
        PublishedSizes("regnetx_4.0gf", (2, 5, 14, 2), (80, 240, 560, 1360), 40),
        PublishedSizes("regnetx_6.4gf", (2, 4, 10, 1), (168, 392, 784, 1624), 56),
        PublishedSizes("regnetx_8.0gf", (2, 5, 15, 1), (80, 240, 720, 1920), 120),
        PublishedSizes("regnetx_12gf", (2, 5, 11, 1), (224, 448, 896, 2240), 112),
        PublishedSizes("regnetx_16gf", (2, 6, 13, 1), (256, 512, 896, 2048), 128),
        PublishedSizes("regnetx_32gf", (2, 7, 13, 1), (336, 672, 1344, 2520), 168),
    ),
    "regnety_400mf": (
        PublishedSizes("regnety_600mf", (1, 3, 7, 4), (48, 112, 256, 608), 16),
        PublishedSizes("regnety_800mf", (1, 3, 8, 2), (64, 128, 320, 768), 16),
        PublishedSizes("regnety_1.6gf", (2, 6, 17, 2), (48, 120, 336, 888), 24),
        PublishedSizes("regnety_3.2gf", (2, 5, 13, 1), (72, 216, 576, 1512), 24),
        PublishedSizes("regnety_4.0gf", (2, 6, 12, 2), (128, 192, 512, 1088), 64),
        PublishedSizes("regnety_6.4gf", (2, 7, 14, 2), (144, 288, 576, 1296), 72),
        PublishedSizes("regnety_8.0gf", (2, 4, 10, 1), (168, 448, 896, 2016), 56),
        PublishedSizes("regnety_12gf", (2, 5, 11, 1), (224, 448, 896, 2240), 112),
        PublishedSizes("regnety_16gf", (2, 4, 11, 1), (224, 448, 1232, 3024), 112),
        PublishedSizes("regnety_32gf", (2, 5, 12, 1), (232, 696, 1392, 3712), 232),
    ),
    "convnext_atto": (
        PublishedSizes("convnext_femto", (2, 2, 6, 2), (48, 96, 192, 384)),
        PublishedSizes("convnext_pico", (2, 2, 6, 2), (64, 128, 256, 512)),
        PublishedSizes("convnext_nano", (2, 2, 8, 2), (80, 160, 320, 640)),
    ),
    "convnext_tiny": (
        PublishedSizes("convnext_small", (3, 3, 27, 3), (96, 192, 384, 768)),
        PublishedSizes("convnext_base", (3, 3, 27, 3), (128, 256, 512, 1024)),
        PublishedSizes("convnext_large", (3, 3, 27, 3), (192, 384, 768, 1536)),
        PublishedSizes("convnext_xlarge", (3, 3, 27, 3), (256, 512, 1024, 2048)),
    ),
    "convnextv2_atto": (
        PublishedSizes("convnextv2_femto", (2, 2, 6, 2), (48, 96, 192, 384)),
        PublishedSizes("convnextv2_pico", (2, 2, 6, 2), (64, 128, 256, 512)),
        PublishedSizes("convnextv2_nano", (2, 2, 8, 2), (80, 160, 320, 640)),
        PublishedSizes("convnextv2_tiny", (3, 3, 9, 3), (96, 192, 384, 768)),
        PublishedSizes("convnextv2_base", (3, 3, 27, 3), (128, 256, 512, 1024)),
        PublishedSizes("convnextv2_large", (3, 3, 27, 3), (192, 384, 768, 1536)),
        PublishedSizes("convnextv2_huge", (3, 3, 27, 3), (352, 704, 1408, 2816)),
    ),
}


def larger_published(baseline: Baseline) -> list[Baseline]:
    """Return the larger networks of the family that the authors of this baseline published, by cost.

    Raises:
        InputError: no family of this baseline is known, or it is another network than the shipped one of its name.
    """
    if baseline.name in (*_SHIPPED, _V4_SMALL, *_SIZES):
        _check_shipped(baseline)
    if has_published(baseline):
        return [member.baseline for member in published(baseline)[1:]]
    if baseline.name in _SHIPPED:
        return [load_baseline(name) for name in _SHIPPED[baseline.name]]
    if baseline.name == _V4_SMALL:
        return [medium := load_baseline(_V4_MEDIUM), _v4_large(medium)]
    if baseline.name in _SIZES:
        return [_sized(baseline, sizes) for sizes in _SIZES[baseline.name]]
    raise InputError(
        f"baseline {baseline.name!r}: no published family of it is known; give --coefficients α β γ alone"
    )


def _check_shipped(baseline: Baseline) -> None:
    if baseline.architecture != load_baseline(baseline.name).architecture:
        raise InputError(
            f"baseline {baseline.name!r}: is not the shipped network of that name, whose family was published; "
            "give --coefficients α β γ alone"
        )


def _sized(baseline: Baseline, sizes: PublishedSizes) -> Baseline:
    """Return the baseline's network with these sizes; a stem is as wide as the first stage unless it is fixed."""
    network = baseline.architecture
    stem = network.stem.width if network.stem.fixed else sizes.widths[0]
    ungrouped = replace(network, stages=tuple(replace(stage, group_width=None) for stage in network.stages))
    resized = ungrouped.resized((stem, *sizes.widths), sizes.depths, network.resolution)
    stages = tuple(replace(stage, group_width=sizes.group_width) for stage in resized.stages)
    return replace(baseline, name=sizes.name, architecture=replace(resized, stages=stages))


def _v4_large(medium: Baseline) -> Baseline:
    """Return MNv4-Conv-L, which has the head and the first stage of MNv4-Conv-M."""
    network = medium.architecture
    stages = [
        Stage("uib", kernel, stride, _V4_LARGE_EXPANSION, width, depth, start_kernel=start_kernel)
        for start_kernel, kernel, stride, width, depth in _V4_LARGE_ROWS
    ]
    large = replace(
        network,
        resolution=_V4_LARGE_PX,
        stem=replace(network.stem, width=_V4_LARGE_STEM),
        stages=(network.stages[0], *stages),
    )
    return replace(medium, name=_V4_LARGE, architecture=large)
