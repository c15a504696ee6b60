"""Activations are defined once: each has a class of torch, and every name of a library leads to one."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from scalesearch.design.activations import ACTIVATIONS, ActivationName, activation_named, torch_class, torch_text
from scalesearch.design.layers import Layer
from scalesearch.nets.blocks.parts import make_activation

FORMULAS = {
    "silu": lambda x: x / (1 + torch.exp(-x)),
    "relu": lambda x: x * (x > 0),
    "relu6": lambda x: (x * (x > 0)).clamp(max=6),
    "hard_swish": lambda x: x * (x + 3).clamp(0, 6) / 6,  # Howard et al. 2019, section 5.2
    "gelu": lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2,  # Hendrycks and Gimpel 2016, section 2
    "gelu_tanh": lambda x: x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2,
}


def test_every_name_that_a_file_may_state_is_defined() -> None:
    assert set(ACTIVATIONS) == set(get_args(ActivationName)) == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_torchs_class_is_the_function(name: str) -> None:
    x = torch.linspace(-8, 8, 33, dtype=torch.float64)
    module = make_activation(Layer("conv", 3, 3, 1, 1, activation=name))
    assert type(module).__name__ == torch_class(name)
    assert torch_text(name) == ("GELUTanh" if name == "gelu_tanh" else f"nn.{torch_class(name)}")
    torch.testing.assert_close(module(x), FORMULAS[name](x))


@pytest.mark.parametrize(
    ("text", "name"),
    [("swish", "silu"), ("nn.SiLU", None), ("Hardswish", "hard_swish"), ("GELUTanh", "gelu_tanh"), ("mish", None)],
)
def test_names_of_libraries(text: str, name: str | None) -> None:
    assert activation_named(text) == name
