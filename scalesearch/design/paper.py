"""What the EfficientNet paper prints: Tan & Le 2019 (arXiv 1905.11946), Tables 1, 2, 3, 4 and 7, as text.

Figures are kept as they are printed (millions of parameters, billions of multiply-adds, per cent), so that
what a printed digit can mean is not lost: `1.0` is not `1`.
"""

from __future__ import annotations

from typing import NamedTuple


class Row1(NamedTuple):
    """Table 1: a stage of EfficientNet-B0."""

    operator: str
    px: int
    """Side of the stage's input."""
    channels: int
    layers: int


class Row2(NamedTuple):
    """Table 2: a network on ImageNet."""

    name: str
    top1: str
    top5: str
    params_m: str
    flops_b: str | None
    """None: not printed."""
    beside: str
    """The EfficientNet whose group it stands in; its own name for an EfficientNet."""


class Row37(NamedTuple):
    """Tables 3 and 7: a baseline scaled by one dimension or by all."""

    table: int
    baseline: str
    variant: str
    multipliers: tuple[str, str, str] | None
    """Depth, width, resolution; None: the paper does not print them."""
    flops_b: str
    top1: str


TABLE_1 = (
    Row1("Conv 3×3", 224, 32, 1),
    Row1("MBConv1, 3×3", 112, 16, 1),
    Row1("MBConv6, 3×3", 112, 24, 2),
    Row1("MBConv6, 5×5", 56, 40, 2),
    Row1("MBConv6, 3×3", 28, 80, 3),
    Row1("MBConv6, 5×5", 14, 112, 3),
    Row1("MBConv6, 5×5", 14, 192, 4),
    Row1("MBConv6, 3×3", 7, 320, 1),
    Row1("Conv 1×1, pool, FC", 7, 1280, 1),
)

TABLE_2 = (
    Row2("b0", "77.1", "93.3", "5.3", "0.39", "b0"),
    Row2("ResNet-50", "76.0", "93.0", "26", "4.1", "b0"),
    Row2("DenseNet-169", "76.2", "93.2", "14", "3.5", "b0"),
    Row2("b1", "79.1", "94.4", "7.8", "0.70", "b1"),
    Row2("ResNet-152", "77.8", "93.8", "60", "11", "b1"),
    Row2("DenseNet-264", "77.9", "93.9", "34", "6.0", "b1"),
    Row2("Inception-v3", "78.8", "94.4", "24", "5.7", "b1"),
    Row2("Xception", "79.0", "94.5", "23", "8.4", "b1"),
    Row2("b2", "80.1", "94.9", "9.2", "1.0", "b2"),
    Row2("Inception-v4", "80.0", "95.0", "48", "13", "b2"),
    Row2("Inception-ResNet-v2", "80.1", "95.1", "56", "13", "b2"),
    Row2("b3", "81.6", "95.7", "12", "1.8", "b3"),
    Row2("ResNeXt-101", "80.9", "95.6", "84", "32", "b3"),
    Row2("PolyNet", "81.3", "95.8", "92", "35", "b3"),
    Row2("b4", "82.9", "96.4", "19", "4.2", "b4"),
    Row2("SENet", "82.7", "96.2", "146", "42", "b4"),
    Row2("NASNet-A", "82.7", "96.2", "89", "24", "b4"),
    Row2("AmoebaNet-A", "82.8", "96.1", "87", "23", "b4"),
    Row2("PNASNet", "82.9", "96.2", "86", "23", "b4"),
    Row2("b5", "83.6", "96.7", "30", "9.9", "b5"),
    Row2("AmoebaNet-C", "83.5", "96.5", "155", "41", "b5"),
    Row2("b6", "84.0", "96.8", "43", "19", "b6"),
    Row2("b7", "84.3", "97.0", "66", "37", "b7"),
    Row2("GPipe", "84.3", "97.0", "557", None, "b7"),
)

TABLES_3_AND_7 = (
    Row37(3, "mobilenet_v1", "baseline", ("1", "1", "1"), "0.6", "70.6"),
    Row37(3, "mobilenet_v1", "width", ("1", "2", "1"), "2.2", "74.2"),
    Row37(3, "mobilenet_v1", "resolution", ("1", "1", "2"), "2.2", "72.7"),
    Row37(3, "mobilenet_v1", "compound", ("1.4", "1.2", "1.3"), "2.3", "75.6"),
    Row37(3, "mobilenet_v2", "baseline", ("1", "1", "1"), "0.3", "72.0"),
    Row37(3, "mobilenet_v2", "depth", ("4", "1", "1"), "1.2", "76.8"),
    Row37(3, "mobilenet_v2", "width", ("1", "2", "1"), "1.1", "76.4"),
    Row37(3, "mobilenet_v2", "resolution", ("1", "1", "2"), "1.2", "74.8"),
    Row37(3, "mobilenet_v2", "compound", None, "1.3", "77.4"),
    Row37(3, "resnet50", "baseline", ("1", "1", "1"), "4.1", "76.0"),
    Row37(3, "resnet50", "depth", ("4", "1", "1"), "16.2", "78.1"),
    Row37(3, "resnet50", "width", ("1", "2", "1"), "14.7", "77.7"),
    Row37(3, "resnet50", "resolution", ("1", "1", "2"), "16.4", "77.5"),
    Row37(3, "resnet50", "compound", None, "16.7", "78.8"),
    Row37(7, "b0", "baseline", ("1", "1", "1"), "0.4", "77.3"),
    Row37(7, "b0", "depth", ("4", "1", "1"), "1.8", "79.0"),
    Row37(7, "b0", "width", ("1", "2", "1"), "1.8", "78.9"),
    Row37(7, "b0", "resolution", ("1", "1", "2"), "1.9", "79.1"),
    Row37(7, "b0", "compound", ("1.4", "1.2", "1.3"), "1.8", "81.1"),
)

COMPOUND = ("1.4", "1.2", "1.3")
"""The multipliers of Table 7's compound row, taken where Table 3 prints none."""

PEERS = {"ResNet-50": "resnet50", "ResNet-152": "resnet152"}
"""Those of Table 2's other networks that are baselines here, and so can be counted."""

TABLE_4 = {
    ("ResNet-152", "b1"): ("0.554", "0.098", "5.7x"),
    ("GPipe", "b7"): ("19.0", "3.1", "6.1x"),
}
"""Seconds for one image on one core of an Intel Xeon E5-2690, and the speed-up, for the two pairs of the table."""
