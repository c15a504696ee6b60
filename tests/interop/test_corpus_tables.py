"""The tables of timm's registered networks in the docs are those of the installed timm."""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from scripts import page, script


def test_the_tables_are_what_the_command_prints() -> None:
    corpus = script("timm_corpus")
    found = list(corpus.readings(Path(timm.__file__).parent, corpus.read_counts()))
    by_family, _, by_reason = "\n".join(corpus.table(found)).partition("\n\n")
    assert by_family in page("export")
    assert by_reason in page("export")


def test_the_counts_are_timms() -> None:
    counts = script("timm_corpus").read_counts()
    for name in (
        "efficientnet_l2",
        "regnetx_016",
        "convnextv2_tiny",
        "repvgg_b2",
        "ghostnet_130",
        "resnext50_32x4d",
    ):
        with torch.device("meta"):
            network = timm.create_model(name)
        assert sum(one.numel() for one in network.parameters()) == counts[name]
