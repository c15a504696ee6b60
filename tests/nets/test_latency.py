"""Measuring a forward pass: no figure is tested, only that it is one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from scalesearch.design.baselines import load_baseline
from scalesearch.nets.latency import describe_device, devices, latencies, latency, relative_latencies


def test_every_network_has_a_time_and_no_thread_count_is_left_behind() -> None:
    before = torch.get_num_threads()
    networks = [replace(load_baseline(name).architecture, resolution=33) for name in ("tiny", "resnet18", "b0")]
    heard: list[tuple[int, int]] = []
    base, found = relative_latencies(
        networks[0], networks[1:], runs=3, on_progress=lambda *turn: heard.append(turn)
    )
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert len(found) == 2
    for one in (base, *(beside.latency for beside in found)):
        assert one.seconds > 0
        assert one.spread >= 0
    assert all(one.ratio > 1 for one in found), "both have hundreds of times the multiply-adds"
    assert latency(networks[0]) > 0
    assert torch.get_num_threads() == before
    assert describe_device()


def test_a_batch_takes_longer_than_an_image() -> None:
    network = replace(load_baseline("tiny").architecture, resolution=65)
    one = relative_latencies(network, [], runs=5, device="cpu")[0]
    many = relative_latencies(network, [], runs=5, batch=16, device="cpu")[0]
    assert many.seconds > 2 * one.seconds
    assert devices()[0] == "cpu"


@pytest.mark.slow
def test_memory_that_a_pass_frees_is_kept_for_the_next() -> None:
    """Else the kernel's page faults are timed, and a few px more cost twice the time."""
    program = (
        "import resource, sys\n"
        "from dataclasses import replace\n"
        "import scalesearch.nets.latency as clock\n"
        "from scalesearch.design.baselines import load_baseline\n"
        "if sys.argv[1] == 'default': clock.disable_malloc_trim = lambda: False\n"
        "network = replace(load_baseline('tiny').architecture, resolution=256)\n"
        "def faults(turn, turns): seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)\n"
        "seen = []\n"
        "clock.relative_latencies(network, [network], runs=6, device='cpu', on_progress=faults)\n"
        "print(seen[-1] - seen[0])\n"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("the allocator is told on Linux alone")

    def faults(word: str) -> int:
        return int(subprocess.run([sys.executable, "-c", program, word], capture_output=True, check=True).stdout)

    assert faults("kept") < faults("default") / 4


def test_images_have_the_networks_channels() -> None:
    networks = [replace(load_baseline("tiny").architecture, in_channels=channels) for channels in (1, 4)]
    assert all(seconds > 0 for seconds in latencies(networks))
