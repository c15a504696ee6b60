"""Hold the tables of the EfficientNet paper as text: Tan & Le 2019 (arXiv 1905.11946), Tables 1, 2, 3, 4 and 7.

Figures are kept as printed (millions of parameters, billions of multiply-adds, per cent), since the number of
digits tells how precise they are: `1.0` is not `1`.
"""

from __future__ import annotations

from typing import NamedTuple


class PaperStage(NamedTuple):
    """A row of Table 1 is a stage of EfficientNet-B0."""

    operator: str
    px: int
    """The side of the stage's input."""
    channels: int
    layers: int


class PaperNetwork(NamedTuple):
    """A row of Table 2 is a network, with its accuracy on ImageNet."""

    name: str
    top1: str
    top5: str
    params_m: str
    """The parameters, in millions."""
    flops_b: str | None
    """The multiply-adds, in billions; None: the paper does not print them."""
    beside: str
    """The EfficientNet that the table compares the network with; for an EfficientNet its own name."""


class PaperVariant(NamedTuple):
    """A row of Tables 3 and 7 is a baseline that is scaled by one dimension or by all three."""

    table: int
    baseline: str
    variant: str
    multipliers: tuple[str, str, str] | None
    """The multipliers of depth, width and resolution; None: the paper does not print them."""
    flops_b: str
    """The multiply-adds, in billions."""
    top1: str


TABLE_1 = (
    PaperStage("Conv 3×3", 224, 32, 1),
    PaperStage("MBConv1, 3×3", 112, 16, 1),
    PaperStage("MBConv6, 3×3", 112, 24, 2),
    PaperStage("MBConv6, 5×5", 56, 40, 2),
    PaperStage("MBConv6, 3×3", 28, 80, 3),
    PaperStage("MBConv6, 5×5", 14, 112, 3),
    PaperStage("MBConv6, 5×5", 14, 192, 4),
    PaperStage("MBConv6, 3×3", 7, 320, 1),
    PaperStage("Conv 1×1, pool, FC", 7, 1280, 1),
)

TABLE_2 = (
    PaperNetwork("b0", "77.1", "93.3", "5.3", "0.39", "b0"),
    PaperNetwork("ResNet-50", "76.0", "93.0", "26", "4.1", "b0"),
    PaperNetwork("DenseNet-169", "76.2", "93.2", "14", "3.5", "b0"),
    PaperNetwork("b1", "79.1", "94.4", "7.8", "0.70", "b1"),
    PaperNetwork("ResNet-152", "77.8", "93.8", "60", "11", "b1"),
    PaperNetwork("DenseNet-264", "77.9", "93.9", "34", "6.0", "b1"),
    PaperNetwork("Inception-v3", "78.8", "94.4", "24", "5.7", "b1"),
    PaperNetwork("Xception", "79.0", "94.5", "23", "8.4", "b1"),
    PaperNetwork("b2", "80.1", "94.9", "9.2", "1.0", "b2"),
    PaperNetwork("Inception-v4", "80.0", "95.0", "48", "13", "b2"),
    PaperNetwork("Inception-ResNet-v2", "80.1", "95.1", "56", "13", "b2"),
    PaperNetwork("b3", "81.6", "95.7", "12", "1.8", "b3"),
    PaperNetwork("ResNeXt-101", "80.9", "95.6", "84", "32", "b3"),
    PaperNetwork("PolyNet", "81.3", "95.8", "92", "35", "b3"),
    PaperNetwork("b4", "82.9", "96.4", "19", "4.2", "b4"),
    PaperNetwork("SENet", "82.7", "96.2", "146", "42", "b4"),
    PaperNetwork("NASNet-A", "82.7", "96.2", "89", "24", "b4"),
    PaperNetwork("AmoebaNet-A", "82.8", "96.1", "87", "23", "b4"),
    PaperNetwork("PNASNet", "82.9", "96.2", "86", "23", "b4"),
    PaperNetwork("b5", "83.6", "96.7", "30", "9.9", "b5"),
    PaperNetwork("AmoebaNet-C", "83.5", "96.5", "155", "41", "b5"),
    PaperNetwork("b6", "84.0", "96.8", "43", "19", "b6"),
    PaperNetwork("b7", "84.3", "97.0", "66", "37", "b7"),
    PaperNetwork("GPipe", "84.3", "97.0", "557", None, "b7"),
)

TABLES_3_AND_7 = (
    PaperVariant(3, "mobilenet_v1", "baseline", ("1", "1", "1"), "0.6", "70.6"),
    PaperVariant(3, "mobilenet_v1", "width", ("1", "2", "1"), "2.2", "74.2"),
    PaperVariant(3, "mobilenet_v1", "resolution", ("1", "1", "2"), "2.2", "72.7"),
    PaperVariant(3, "mobilenet_v1", "compound", ("1.4", "1.2", "1.3"), "2.3", "75.6"),
    PaperVariant(3, "mobilenet_v2", "baseline", ("1", "1", "1"), "0.3", "72.0"),
    PaperVariant(3, "mobilenet_v2", "depth", ("4", "1", "1"), "1.2", "76.8"),
    PaperVariant(3, "mobilenet_v2", "width", ("1", "2", "1"), "1.1", "76.4"),
    PaperVariant(3, "mobilenet_v2", "resolution", ("1", "1", "2"), "1.2", "74.8"),
    PaperVariant(3, "mobilenet_v2", "compound", None, "1.3", "77.4"),
    PaperVariant(3, "resnet50", "baseline", ("1", "1", "1"), "4.1", "76.0"),
    PaperVariant(3, "resnet50", "depth", ("4", "1", "1"), "16.2", "78.1"),
    PaperVariant(3, "resnet50", "width", ("1", "2", "1"), "14.7", "77.7"),
    PaperVariant(3, "resnet50", "resolution", ("1", "1", "2"), "16.4", "77.5"),
    PaperVariant(3, "resnet50", "compound", None, "16.7", "78.8"),
    PaperVariant(7, "b0", "baseline", ("1", "1", "1"), "0.4", "77.3"),
    PaperVariant(7, "b0", "depth", ("4", "1", "1"), "1.8", "79.0"),
    PaperVariant(7, "b0", "width", ("1", "2", "1"), "1.8", "78.9"),
    PaperVariant(7, "b0", "resolution", ("1", "1", "2"), "1.9", "79.1"),
    PaperVariant(7, "b0", "compound", ("1.4", "1.2", "1.3"), "1.8", "81.1"),
)

COMPOUND = ("1.4", "1.2", "1.3")
"""The multipliers of Table 7's compound row, which are used where Table 3 prints none."""

PEERS = {"ResNet-50": "resnet50", "ResNet-152": "resnet152"}
"""The other networks of Table 2 that are baselines here, with the names of these baselines."""

TABLE_4 = {
    ("ResNet-152", "b1"): ("0.554", "0.098", "5.7x"),
    ("GPipe", "b7"): ("19.0", "3.1", "6.1x"),
}
"""Table 4: for two pairs of networks, the seconds per image on one core of an Intel Xeon E5-2690, and the ratio."""
