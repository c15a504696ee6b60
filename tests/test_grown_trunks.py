"""`benchmarks/grown_trunks.py`: a network that is grown from a trunk computes what the trunk computes."""

from __future__ import annotations

import pytest
import torch
from scripts import script
from torch import nn

from scalesearch.nets.convnet import ConvNet
from scalesearch.proxy.objective import initial_network
from scalesearch.search.budget_file import load_budget


@pytest.mark.parametrize("baseline", ["b0", "mobilenet_v2", "resnet18"])
def test_a_grown_network_computes_what_its_trunk_does(baseline: str) -> None:
    """Also where branches and statistics are no longer those of the start, at a side of neither network.

    A wider resnet18 has a projection in its first stage, where the trunk has the identity.
    """
    grown_trunks = script("grown_trunks", "benchmarks")
    options = {**grown_trunks._DEFAULTS, "baseline": baseline, "networks": "6", "trunks": "1"}
    (jobs,) = grown_trunks.jobs(options, load_budget("quick")).values()
    trunk = initial_network(jobs[0].base, 0)
    generator = torch.Generator().manual_seed(5)
    for module in trunk.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, centre in ((module.weight.data, 1.0), (module.bias.data, 0.0)):
                tensor.normal_(centre, 0.3, generator=generator)
    assert isinstance(trunk, ConvNet)
    trunk.set_dropout(0)
    images = torch.randn(5, 3, 44, 44, generator=generator)
    trunk.train()
    with torch.no_grad():
        expected = trunk(images)
    assert expected.std() > 0.05
    if baseline == "resnet18":
        jobs = [job for job in jobs if job.proxy.widths == job.base.widths]
    assert len({job.proxy.depths for job in jobs}) > 1
    for job in jobs:
        network = initial_network(job.proxy, 1)
        assert isinstance(network, ConvNet)
        network.set_dropout(0)
        grown_trunks.grow(trunk.state_dict(), network)
        network.train()
        with torch.no_grad():
            torch.testing.assert_close(network(images), expected, atol=1e-4, rtol=1e-4)
