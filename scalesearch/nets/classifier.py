"""Find the classifier of a Python function's network: the layer whose output is the logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scalesearch.design.factory import FactoryNetwork
from scalesearch.errors import InputError
from scalesearch.nets.factory import build_factory, call_of, report_failures
from scalesearch.nets.threads import single_threaded


@torch.no_grad()
def classifier_name(network: FactoryNetwork) -> str:
    """Return the name, in the module that the function builds, of the layer whose output is the logits.

    One random image goes through the network in eval.

    Raises:
        InputError: the function or the network fails, or the logits are not the output of a linear layer or
            convolution.
    """
    module, px = build_factory(network).eval(), network.resolution
    outputs: dict[str, Tensor] = {}
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.register_forward_hook(lambda _layer, _images, output, name=name: outputs.update({name: output}))
    image = torch.rand(1, network.in_channels, px, px, generator=torch.Generator().manual_seed(0))
    with single_threaded(), report_failures(call_of(network), px):
        logits = module(image)
    names = [name for name, output in outputs.items() if torch.equal(output.flatten(1), logits)]
    if not names:
        raise InputError(
            f"{network.factory}: its logits are not the output of an nn.Linear or nn.Conv2d, so no classifier is "
            "known that could be made anew; end the network in one"
        )
    return names[-1]
