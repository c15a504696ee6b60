"""Activations are defined once: each has a class of torch, and every name of a library leads to one."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from scalesearch.design.activations import ACTIVATIONS, ActivationName, activation_named, torch_class

FORMULAS = {
    "silu": lambda x: x / (1 + torch.exp(-x)),
    "relu": lambda x: x * (x > 0),
    "relu6": lambda x: (x * (x > 0)).clamp(max=6),
    "hard_swish": lambda x: x * (x + 3).clamp(0, 6) / 6,  # Howard et al. 2019, section 5.2
    "gelu": lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2,  # Hendrycks and Gimpel 2016, section 2
}


def test_every_name_that_a_file_may_state_is_defined() -> None:
    assert set(ACTIVATIONS) == set(get_args(ActivationName)) == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_torchs_class_is_the_function(name: str) -> None:
    x = torch.linspace(-8, 8, 33, dtype=torch.float64)
    module: nn.Module = getattr(nn, torch_class(name))()
    torch.testing.assert_close(module(x), FORMULAS[name](x))


@pytest.mark.parametrize(
    ("text", "name"), [("swish", "silu"), ("nn.SiLU", None), ("Hardswish", "hard_swish"), ("mish", None)]
)
def test_names_of_libraries(text: str, name: str | None) -> None:
    assert activation_named(text) == name
